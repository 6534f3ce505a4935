package org.radialog.weights;

import java.util.Arrays;
import java.util.Optional;

/**
 * The description of a tensor in a checkpoint.
 *
 * @param name its name in the file
 * @param dtype the type of its elements
 * @param foreign the unsupported type, if {@code dtype} is {@code FOREIGN}
 * @param shape row-major, outermost first as in PyTorch (GGUF files store the innermost first);
 *     empty for a scalar; each size is at least 0
 */
@SuppressWarnings("ArrayRecordComponent") // copied on the way in and out, compared by content
public record TensorInfo(String name, DType dtype, Optional<ForeignType> foreign, long[] shape) {
  /** Copies the shape. */
  public TensorInfo {
    shape = shape.clone();
    for (long dimension : shape) {
      if (dimension < 0) {
        throw new IllegalArgumentException(name + " has a shape of " + Arrays.toString(shape));
      }
    }
    if (foreign.isPresent() != (dtype == DType.FOREIGN)) {
      throw new IllegalArgumentException(name + " is " + dtype + " and " + foreign);
    }
  }

  /** A tensor of a supported type. */
  public TensorInfo(String name, DType dtype, long[] shape) {
    this(name, dtype, Optional.empty(), shape);
  }

  TensorInfo(String name, ForeignType type, long[] shape) {
    this(name, DType.FOREIGN, Optional.of(type), shape);
  }

  /** The same tensor under another name. */
  public TensorInfo named(String other) {
    return new TensorInfo(other, dtype, foreign, shape);
  }

  /** The name of the type, including foreign types. */
  public String type() {
    return foreign.map(ForeignType::name).orElseGet(dtype::name);
  }

  /** Elements of one block; 1 for plain types. */
  int blockElements() {
    return foreign.map(ForeignType::blockElements).orElseGet(dtype::blockElements);
  }

  /** Bytes of one block; of one element for plain types. */
  int blockBytes() {
    return foreign.map(ForeignType::blockBytes).orElseGet(dtype::blockBytes);
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
    return Math.multiplyExact(elements() / blockElements(), (long) blockBytes());
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof TensorInfo(String n, DType d, Optional<ForeignType> f, long[] s)
        && name.equals(n)
        && dtype == d
        && foreign.equals(f)
        && Arrays.equals(shape, s);
  }

  @Override
  public int hashCode() {
    return 31 * (31 * name.hashCode() + type().hashCode()) + Arrays.hashCode(shape);
  }

  @Override
  public String toString() {
    return name + " " + type() + Arrays.toString(shape);
  }
}
