package org.radialog.testing;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.function.LongUnaryOperator;
import java.util.stream.IntStream;
import org.radialog.weights.DType;
import org.radialog.weights.TensorInfo;

/**
 * A tensor to be written to a test checkpoint. Its elements are generated during writing, in chunks
 * on two threads, so it may be larger than the heap and than 2^31 bytes.
 */
public final class Weight {
  /** Number of elements that a thread generates at a time; a multiple of every block size. */
  private static final int CHUNK = 1 << 18;

  private static final int THREADS = 2;

  /** Generates the floats of any range of a tensor. */
  @FunctionalInterface
  public interface Floats {
    /**
     * Writes {@code count} elements, starting at the flat index {@code from}, to {@code values}.
     */
    void fill(long from, float[] values, int count);
  }

  /** Generates the little-endian bytes of a range of elements. */
  @FunctionalInterface
  private interface Encoded {
    void put(long from, int count, ByteBuffer out);
  }

  private final DType dtype;
  private final long[] shape;
  private final Encoded encoded;

  private Weight(DType dtype, long[] shape, Encoded encoded) {
    this.dtype = dtype;
    this.shape = shape.clone();
    this.encoded = encoded;
  }

  /**
   * A tensor computed with the golden formula ({@link GoldenWeights}) for {@code key}, rounded to
   * {@code dtype} (F32, F16, BF16, Q8_0 or Q4_0).
   */
  public static Weight formula(String salt, String key, DType dtype, long... shape) {
    long[] size = shape.clone();
    return floats(
        dtype,
        (from, values, count) -> GoldenWeights.fill(salt, key, size, from, values, count),
        shape);
  }

  /** Floats rounded to {@code dtype} (F32, F16, BF16, Q8_0 or Q4_0). */
  public static Weight floats(DType dtype, Floats floats, long... shape) {
    return new Weight(
        dtype,
        shape,
        (from, count, out) -> {
          float[] values = new float[count];
          floats.fill(from, values, count);
          Encoding.put(dtype, values, out);
        });
  }

  /** A tensor of floats from an array, rounded to {@code dtype}. */
  public static Weight floats(DType dtype, float[] values, long... shape) {
    return floats(
        dtype, (from, out, count) -> System.arraycopy(values, (int) from, out, 0, count), shape);
  }

  /** A tensor of 64-bit integers, computed from the flat index. */
  public static Weight longs(LongUnaryOperator values, long... shape) {
    return new Weight(
        DType.I64,
        shape,
        (from, count, out) -> {
          for (int i = 0; i < count; i++) {
            out.putLong(values.applyAsLong(from + i));
          }
        });
  }

  /** The element type. */
  public DType dtype() {
    return dtype;
  }

  /** The dimensions, outermost first. */
  public long[] shape() {
    return shape.clone();
  }

  /** The number of elements. */
  public long elements() {
    return GoldenWeights.elements(shape);
  }

  /** The size in bytes in a file. */
  public long bytes() {
    return new TensorInfo("weight", dtype, shape).bytes();
  }

  /** Writes the elements, little-endian and row-major without gaps. */
  public void writeTo(OutputStream out) throws IOException {
    long elements = elements();
    int chunk = (int) Math.min(CHUNK, elements);
    byte[][] made =
        new byte[elements > CHUNK ? THREADS : 1]
            [chunk / dtype.blockElements() * dtype.blockBytes()];
    int[] lengths = new int[made.length];
    for (long at = 0; at < elements; at += (long) chunk * made.length) {
      long begin = at;
      IntStream.range(0, made.length)
          .parallel()
          .forEach(i -> {
            long from = begin + (long) i * chunk;
            int count = Math.clamp(elements - from, 0, chunk);
            ByteBuffer bytes = ByteBuffer.wrap(made[i]).order(ByteOrder.LITTLE_ENDIAN);
            if (count > 0) {
              encoded.put(from, count, bytes);
            }
            lengths[i] = bytes.position();
          });
      for (int i = 0; i < made.length; i++) {
        out.write(made[i], 0, lengths[i]);
      }
    }
  }
}
