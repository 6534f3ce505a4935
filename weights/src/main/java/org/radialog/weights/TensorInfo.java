package org.radialog.weights;

import java.util.Arrays;

/**
 * What a checkpoint says of a tensor.
 *
 * @param name its name in the file
 * @param dtype the type of its elements
 * @param shape row-major, outermost first as in PyTorch (GGUF files store the innermost first);
 *     empty for a scalar; at least 0 each
 */
@SuppressWarnings("ArrayRecordComponent") // copied on the way in and out, compared by content
public record TensorInfo(String name, DType dtype, long[] shape) {
  /** Copies the shape. */
  public TensorInfo {
    shape = shape.clone();
    for (long dimension : shape) {
      if (dimension < 0) {
        throw new IllegalArgumentException(name + " has a shape of " + Arrays.toString(shape));
      }
    }
  }

  @Override
  public long[] shape() {
    return shape.clone();
  }

  /** The number of elements; 1 for a scalar. */
  public long elements() {
    long elements = 1;
    for (long dimension : shape) {
      elements = Math.multiplyExact(elements, dimension);
    }
    return elements;
  }

  /** The number of bytes when row-major and without gaps. */
  public long bytes() {
    return Math.multiplyExact(elements() / dtype.blockElements(), (long) dtype.blockBytes());
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof TensorInfo(String n, DType d, long[] s)
        && name.equals(n)
        && dtype == d
        && Arrays.equals(shape, s);
  }

  @Override
  public int hashCode() {
    return 31 * (31 * name.hashCode() + dtype.hashCode()) + Arrays.hashCode(shape);
  }

  @Override
  public String toString() {
    return name + " " + dtype + Arrays.toString(shape);
  }
}
