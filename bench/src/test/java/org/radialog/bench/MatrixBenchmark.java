package org.radialog.bench;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.radialog.kernels.PackedMatrix;
import org.radialog.kernels.QuantisedRows;
import org.radialog.kernels.QuantisedVectors;
import org.radialog.kernels.WeightFormat;

/**
 * A quantised matrix times 1 to 8 vectors on one core, at the shapes of the layers of SmolLM2-135M
 * and of a 7B Llama.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class MatrixBenchmark {
  /** How the weights are stored. */
  @Param({"INT4", "INT8"})
  private WeightFormat format = WeightFormat.INT8;

  /** Rows x columns. */
  @Param({"1536x576", "576x1536", "11008x4096"})
  private String shape = "1536x576";

  /** How many vectors share one pass over the weights. */
  @Param({"1", "2", "3", "4", "8"})
  private int vectors = 1;

  private final Arena arena = Arena.ofConfined();
  private float[][] y = new float[0][];
  private QuantisedVectors x = new QuantisedVectors(1, WeightFormat.GROUP);
  private PackedMatrix matrix =
      new PackedMatrix(
          arena.allocate(
              PackedMatrix.bytes(WeightFormat.INT8, 1, WeightFormat.GROUP),
              PackedMatrix.VECTOR_BYTES),
          WeightFormat.INT8,
          1,
          WeightFormat.GROUP);

  /** Random weights and vectors, always the same. */
  @Setup
  public void draw() {
    int cut = shape.indexOf('x');
    int rows = Integer.parseInt(shape.substring(0, cut));
    int columns = Integer.parseInt(shape.substring(cut + 1));
    RandomGenerator random = new SplittableRandom(1);
    QuantisedRows.Rows floats = row -> drawn(random, columns);
    QuantisedRows source =
        switch (format) {
          case INT8 -> QuantisedRows.int8(floats, rows, columns);
          case INT4 -> QuantisedRows.int4(floats, rows, columns);
          case INT4_OFFSET -> throw new IllegalArgumentException("floats have no offset");
        };
    MemorySegment bytes =
        arena.allocate(PackedMatrix.bytes(format, rows, columns), PackedMatrix.VECTOR_BYTES);
    PackedMatrix.pack(source, bytes);
    matrix = new PackedMatrix(bytes, format, rows, columns);
    x = new QuantisedVectors(vectors, columns);
    for (int m = 0; m < vectors; m++) {
      x.set(m, drawn(random, columns));
    }
    y = new float[vectors][rows];
  }

  /** Frees the weights. */
  @TearDown
  public void free() {
    arena.close();
  }

  /** All rows: y = W x for each vector. */
  @Benchmark
  public float[][] multiply() {
    matrix.multiply(x, vectors, 0, matrix.blocks(), y);
    return y;
  }

  private static float[] drawn(RandomGenerator random, int count) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = random.nextFloat() - 0.5f;
    }
    return values;
  }
}
