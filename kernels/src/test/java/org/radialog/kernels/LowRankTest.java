package org.radialog.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

class LowRankTest {
  @Property(tries = 100)
  void addsTheProductOfTheOracle(
      @ForAll @IntRange(min = 1, max = 40) int rank,
      @ForAll @IntRange(min = 1, max = 100) int rows,
      @ForAll @IntRange(min = 1, max = 4) int groups,
      @ForAll @IntRange(min = 0, max = 4) int cut,
      @ForAll long seed) {
    int columns = 32 * groups;
    Random random = new Random(seed);
    float[] a = floats(random, rank * columns);
    float[] b = floats(random, rows * rank);
    float[] x = floats(random, columns);
    float[] before = floats(random, rows);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment bytes = arena.allocate(LowRank.bytes(rank, rows, columns), 64);
      LowRank.pack(a, b, 2, rank, rows, columns, bytes);
      LowRank pair = new LowRank(bytes, rank, rows, columns);
      float[] hidden = new float[3 + pair.width()];
      pair.down(x, hidden, 3);
      float[] y = before.clone();
      int blocks = (rows + PackedMatrix.LANES - 1) / PackedMatrix.LANES;
      pair.up(hidden, 3, Math.min(cut, blocks), blocks, y);
      pair.up(hidden, 3, 0, Math.min(cut, blocks), y);
      for (int r = 0; r < rows; r++) {
        double expected = before[r] + pair.oracle(x, r);
        assertThat((double) y[r]).isCloseTo(expected, within(1e-4 * (1 + rank) * columns / 32));
      }
      double byHand = before[0];
      for (int j = 0; j < rank; j++) {
        for (int c = 0; c < columns; c++) {
          byHand += 2.0 * b[j] * a[j * columns + c] * x[c];
        }
      }
      assertThat((double) y[0]).isCloseTo(byHand, within(1e-4 * (1 + rank) * columns / 32));
    }
  }

  private static float[] floats(Random random, int n) {
    float[] values = new float[n];
    for (int i = 0; i < n; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return Arrays.copyOf(values, n);
  }
}
