package org.radialog.bench;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.kernels.QuantisedRows;
import org.radialog.kernels.WeightFormat;
import org.radialog.language.LlamaConfig;
import org.radialog.language.LlamaWeights;
import org.radialog.weights.DType;
import org.radialog.weights.TensorInfo;

/**
 * Shapes of known models, with weights at random: speed and memory depend on the shape alone, so
 * that they can be measured without the model's files.
 */
public enum LlamaShape {
  /** Llama 2 and Vicuna of 7B. */
  LLAMA_7B(
      new LlamaConfig(
          32_000, 4096, 32, 32, 32, 128, 11_008, 1e-5, 10_000, Optional.empty(), false, 4096)),
  /** SmolLM2 of 135M, the language model of {@code models/mini}. */
  SMOLLM2_135M(
      new LlamaConfig(
          49_152, 576, 30, 9, 3, 64, 1536, 1e-5, 100_000, Optional.empty(), true, 8192));

  @SuppressWarnings("ImmutableEnumChecker") // a record of numbers
  private final LlamaConfig config;

  LlamaShape(LlamaConfig config) {
    this.config = config;
  }

  /** The name on the command line: {@code llama-7b}. */
  public String label() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /**
   * The shape with that label, in any case.
   *
   * @throws RadialogException if there is none
   */
  public static LlamaShape of(String label) {
    return Arrays.stream(values())
        .filter(shape -> shape.label().equalsIgnoreCase(label))
        .findFirst()
        .orElseThrow(() ->
            new RadialogException(
                Kind.REFUSED_WEIGHTS,
                "shape: expected one of "
                    + Stream.of(values()).map(LlamaShape::label).collect(Collectors.joining(", "))
                    + ", found \""
                    + label
                    + "\""));
  }

  /** The sizes. */
  public LlamaConfig config() {
    return config;
  }

  /** Weights of this shape that mean nothing, the same at every call. */
  public LlamaWeights weights() {
    return new RandomWeights(config);
  }

  /** Matrices of 4 bits, the head of 8, norms of one; values as large as trained ones. */
  private record RandomWeights(LlamaConfig config) implements LlamaWeights {
    @Override
    public TensorInfo info(String name) {
      long[] shape = shapes().get(name);
      if (shape == null) {
        throw new RadialogException(Kind.REFUSED_WEIGHTS, "there is no tensor " + name);
      }
      return new TensorInfo(name, DType.F32, shape);
    }

    @Override
    public MemorySegment bytes(String name) {
      return MemorySegment.ofArray(floats(name, 0, Math.toIntExact(info(name).shape()[0])));
    }

    @Override
    public Optional<QuantisedRows> quantised(String name) {
      long[] shape = info(name).shape();
      return shape.length == 1
          ? Optional.empty()
          : Optional.of(
              new RandomRows(
                  name.equals(head()) ? WeightFormat.INT8 : WeightFormat.INT4,
                  name.hashCode(),
                  Math.toIntExact(shape[0]),
                  Math.toIntExact(shape[1])));
    }

    @Override
    public float[] floats(String name, int firstRow, int rows) {
      Optional<QuantisedRows> quantised = quantised(name);
      if (quantised.isEmpty()) {
        float[] ones = new float[rows];
        Arrays.fill(ones, 1);
        return ones;
      }
      int columns = quantised.get().columns();
      float[] values = new float[Math.multiplyExact(rows, columns)];
      for (int r = 0; r < rows; r++) {
        quantised.get().row(firstRow + r, values, r * columns);
      }
      return values;
    }
  }

  /** Uniform values of the format's range, one scale for all. */
  private record RandomRows(WeightFormat format, int seed, int rows, int columns)
      implements QuantisedRows {
    @Override
    public int read(int row, int group, byte[] to) {
      long state = ((long) seed << 32) ^ ((long) row * columns + group);
      int bits = format == WeightFormat.INT8 ? 8 : 4;
      int least = -(1 << (bits - 1));
      for (int i = 0; i < WeightFormat.GROUP; i += 8) {
        state += 0x9E3779B97F4A7C15L;
        long z = (state ^ (state >>> 30)) * 0xBF58476D1CE4E5B9L;
        z ^= z >>> 27;
        for (int j = 0; j < 8; j++) {
          int value = (int) (z >>> (8 * j)) & ((1 << bits) - 1);
          to[i + j] = (byte) Math.max(value + least, bits == 8 ? -127 : -8);
        }
      }
      double range = bits == 8 ? 73 : 4.6; // standard deviation of the integers
      return Float.floatToFloat16((float) (1 / (range * Math.sqrt(columns)))) & 0xffff;
    }
  }
}
