package org.radialog.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Random;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.radialog.base.RadialogException;

/** The fast kernels against oracles of a few lines, bit for bit. */
class PackedMatrixTest {
  /** How values are drawn: spread out, at one end of the range, or at both. */
  enum Values {
    SPREAD,
    LEAST,
    GREATEST,
    ENDS
  }

  /** A matrix drawn at random, before packing. */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Drawn(WeightFormat format, int rows, int columns, byte[][] q, int[][] scales)
      implements QuantisedRows {
    static Drawn of(WeightFormat format, int rows, int columns, Values values, long seed) {
      Random random = new Random(seed);
      byte[][] q = new byte[rows][columns];
      int[][] scales = new int[rows][columns / WeightFormat.GROUP];
      for (int r = 0; r < rows; r++) {
        for (int c = 0; c < columns; c++) {
          q[r][c] =
              (byte)
                  switch (values) {
                    case SPREAD -> random.nextInt(format.least(), format.greatest() + 1);
                    case LEAST -> format.least();
                    case GREATEST -> format.greatest();
                    case ENDS -> random.nextBoolean() ? format.least() : format.greatest();
                  };
        }
        Arrays.setAll(scales[r], g -> half(random) | (format.offset() ? (half(random) << 16) : 0));
      }
      return new Drawn(format, rows, columns, q, scales);
    }

    // any finite f16, subnormal ones and zeros of both signs included
    private static int half(Random random) {
      int bits = random.nextInt(1 << 16);
      return (bits & 0x7c00) == 0x7c00 ? bits & 0x83ff : bits;
    }

    @Override
    public int read(int row, int group, byte[] to) {
      System.arraycopy(q[row], group * WeightFormat.GROUP, to, 0, WeightFormat.GROUP);
      return scales[row][group];
    }

    PackedMatrix packed(Arena arena) {
      MemorySegment bytes =
          arena.allocate(PackedMatrix.bytes(format, rows, columns), PackedMatrix.VECTOR_BYTES);
      PackedMatrix.pack(this, bytes);
      return new PackedMatrix(bytes, format, rows, columns);
    }
  }

  @Property(tries = 60)
  void blocksBecomeTheBfloat16NearestToTheirValues(
      @ForAll WeightFormat format,
      @ForAll Values values,
      @ForAll @IntRange(min = 1, max = 70) int rows,
      @ForAll @IntRange(min = 1, max = 4) int groups,
      @ForAll long seed) {
    int columns = groups * WeightFormat.GROUP;
    int lanes = PackedMatrix.LANES;
    try (Arena arena = Arena.ofConfined()) {
      PackedMatrix matrix = Drawn.of(format, rows, columns, values, seed).packed(arena);
      long stride = 2L * lanes * matrix.blocks() + 6;
      MemorySegment panel = arena.allocate(stride * columns, 64);
      for (int block = 0; block < matrix.blocks(); block++) {
        matrix.bfloat16(block, panel, 2L * lanes * block, stride);
      }
      for (int row = 0; row < matrix.blocks() * lanes; row++) {
        float[] exact = row < rows ? matrix.dequantised(row) : new float[columns];
        int place = row / lanes * lanes + PackedMatrix.lane(row % lanes, lanes);
        for (int c = 0; c < columns; c++) {
          short found = panel.get(ValueLayout.JAVA_SHORT_UNALIGNED, c * stride + 2L * place);
          assertThat(Float.intBitsToFloat(found << 16))
              .describedAs("row %d column %d", row, c)
              .isEqualTo(nearestBfloat16(exact[c]));
        }
      }
    }
  }

  private static float nearestBfloat16(float value) {
    int bits = Float.floatToRawIntBits(value);
    float below = Float.intBitsToFloat(bits & 0xffff0000);
    float above = Float.intBitsToFloat((bits & 0xffff0000) + 0x10000);
    double toBelow = Math.abs((double) value - below);
    double toAbove = Math.abs((double) value - above);
    boolean even = (bits >>> 16 & 1) == 0;
    return toBelow < toAbove || (toBelow == toAbove && even) ? below : above;
  }

  private static QuantisedVectors vectors(int count, int columns, boolean extreme, long seed) {
    Random random = new Random(seed);
    QuantisedVectors vectors = new QuantisedVectors(count, columns);
    for (int m = 0; m < count; m++) {
      float[] x = new float[columns];
      float size = (float) Math.exp(random.nextGaussian() * 4);
      for (int c = 0; c < columns; c++) {
        x[c] =
            extreme ? (random.nextBoolean() ? size : -size) : size * (float) random.nextGaussian();
      }
      vectors.set(m, x);
    }
    return vectors;
  }

  @Property(tries = 300)
  void rowsHaveTheBitsOfTheOracleAloneAndInABatch(
      @ForAll WeightFormat format,
      @ForAll @IntRange(min = 1, max = 100) int rows,
      @ForAll @IntRange(min = 1, max = 6) int groups,
      @ForAll @IntRange(min = 1, max = 9) int count,
      @ForAll Values values,
      @ForAll boolean extreme,
      @ForAll long seed) {
    int columns = groups * WeightFormat.GROUP;
    QuantisedVectors x = vectors(count, columns, extreme, seed);
    try (Arena arena = Arena.ofConfined()) {
      PackedMatrix w = Drawn.of(format, rows, columns, values, seed).packed(arena);
      float[][] y = new float[count][rows];
      w.multiply(x, count, 0, w.blocks(), y);
      for (int m = 0; m < count; m++) {
        for (int r = 0; r < rows; r++) {
          float expected =
              format == WeightFormat.INT8
                  ? Int8.oracle(w.bytes(), r, x, m, PackedMatrix.LANES)
                  : Int4.oracle(w.bytes(), r, format.offset(), x, m, PackedMatrix.LANES);
          assertThat(Float.floatToRawIntBits(y[m][r]))
              .describedAs("vector %d, row %d: %s, oracle %s", m, r, y[m][r], expected)
              .isEqualTo(Float.floatToRawIntBits(expected));
        }
      }
    }
  }

  @Property(tries = 50)
  void aShareOfTheBlocksWritesItsRowsAndNoOther(
      @ForAll WeightFormat format,
      @ForAll @IntRange(min = 1, max = 300) int rows,
      @ForAll @IntRange(min = 0, max = 20) int cut,
      @ForAll long seed) {
    QuantisedVectors x = vectors(1, 64, false, seed);
    try (Arena arena = Arena.ofConfined()) {
      PackedMatrix w = Drawn.of(format, rows, 64, Values.SPREAD, seed).packed(arena);
      float[][] whole = new float[1][rows];
      w.multiply(x, 1, 0, w.blocks(), whole);
      float[][] shared = new float[1][rows + 5];
      Arrays.fill(shared[0], Float.NaN);
      int middle = Math.min(cut, w.blocks());
      w.multiply(x, 1, middle, w.blocks(), shared);
      for (int r = 0; r < Math.min(rows, middle * PackedMatrix.LANES); r++) {
        assertThat(shared[0][r]).isNaN();
      }
      w.multiply(x, 1, 0, middle, shared);
      assertThat(Arrays.copyOf(shared[0], rows)).isEqualTo(whole[0]);
      assertThat(Arrays.copyOfRange(shared[0], rows, rows + 5)).containsOnly(Float.NaN);
    }
  }

  @Provide
  Arbitrary<Integer> lanes() {
    return Arbitraries.of(8, 16, 32, 64);
  }

  @Property(tries = 100)
  void packingLosesNothingAtAnyVectorWidth(
      @ForAll WeightFormat format,
      @ForAll("lanes") int lanes,
      @ForAll @IntRange(min = 1, max = 70) int rows,
      @ForAll @IntRange(min = 1, max = 4) int groups,
      @ForAll Values values,
      @ForAll long seed) {
    int columns = groups * WeightFormat.GROUP;
    Drawn drawn = Drawn.of(format, rows, columns, values, seed);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment bytes = arena.allocate(PackedMatrix.bytes(format, rows, columns, lanes));
      PackedMatrix.pack(drawn, bytes, lanes);
      byte[] group = new byte[WeightFormat.GROUP];
      for (int r = 0; r < rows; r++) {
        for (int g = 0; g < groups; g++) {
          int scales = PackedMatrix.read(bytes, format, columns, r, g, lanes, group);
          assertThat(scales).isEqualTo(drawn.scales[r][g]);
          int from = g * WeightFormat.GROUP;
          assertThat(group)
              .isEqualTo(Arrays.copyOfRange(drawn.q[r], from, from + WeightFormat.GROUP));
        }
      }
    }
  }

  @Property(tries = 100)
  void theProductIsNearTheOneOfTheFloats(
      @ForAll WeightFormat format,
      @ForAll @IntRange(min = 1, max = 40) int rows,
      @ForAll @IntRange(min = 1, max = 8) int groups,
      @ForAll long seed) {
    int columns = groups * WeightFormat.GROUP;
    Random random = new Random(seed);
    float[] x = new float[columns];
    for (int c = 0; c < columns; c++) {
      x[c] = (float) random.nextGaussian();
    }
    QuantisedVectors vectors = new QuantisedVectors(1, columns);
    vectors.set(0, x);
    try (Arena arena = Arena.ofConfined()) {
      PackedMatrix w = Drawn.of(format, rows, columns, Values.SPREAD, seed).packed(arena);
      float[][] y = new float[1][rows];
      w.multiply(vectors, 1, 0, w.blocks(), y);
      for (int r = 0; r < rows; r++) {
        float[] row = w.dequantised(r);
        double exact = 0;
        double bound = 0;
        for (int c = 0; c < columns; c++) {
          exact += (double) row[c] * x[c];
          // an activation is off by half a step at most; 5 standard deviations over 127
          bound += Math.abs(row[c]) * 5 / 254 + Math.abs(row[c] * x[c]) * 1e-5;
        }
        assertThat(Math.abs(y[0][r] - exact)).isLessThanOrEqualTo(bound + 1e-30);
      }
    }
  }

  @Property(tries = 50)
  void roundingVectorsHasTheBitsOfTheOracle(
      @ForAll @IntRange(min = 1, max = 8) int groups, @ForAll boolean tiny, @ForAll long seed) {
    int columns = groups * WeightFormat.GROUP;
    Random random = new Random(seed);
    float[] x = new float[columns];
    for (int c = 0; c < columns; c++) {
      x[c] = (float) (random.nextGaussian() * (tiny && c < 40 ? 1e-38 : 1e3));
    }
    QuantisedVectors fast = new QuantisedVectors(2, columns);
    QuantisedVectors slow = new QuantisedVectors(2, columns);
    fast.set(1, x);
    slow.setScalar(1, x);
    assertThat(fast.values).isEqualTo(slow.values);
    assertThat(fast.floats).isEqualTo(slow.floats);
    assertThat(fast.scales).isEqualTo(slow.scales);
    assertThat(fast.sums).isEqualTo(slow.sums);
    assertThat(fast.biases).isEqualTo(slow.biases);
  }

  @Property(tries = 50)
  void floatsAreRoundedToTheNearestStep(
      @ForAll boolean eight, @ForAll @IntRange(min = 1, max = 5) int rows, @ForAll long seed) {
    Random random = new Random(seed);
    float[][] values = new float[rows][64];
    for (float[] row : values) {
      for (int c = 0; c < 64; c++) {
        row[c] = (float) random.nextGaussian();
      }
    }
    QuantisedRows rounded =
        eight
            ? QuantisedRows.int8(r -> values[r], rows, 64)
            : QuantisedRows.int4(r -> values[r], rows, 64);
    byte[] q = new byte[WeightFormat.GROUP];
    for (int r = 0; r < rows; r++) {
      for (int g = 0; g < 2; g++) {
        float scale = Float.float16ToFloat((short) rounded.read(r, g, q));
        for (int c = 0; c < WeightFormat.GROUP; c++) {
          float error = Math.abs(q[c] * scale - values[r][g * WeightFormat.GROUP + c]);
          // at 4 bits the end opposite to the extreme has one step less, and f16 rounds the scale
          float steps = !eight && q[c] == 7 ? 1.01f : 0.57f;
          assertThat(error).isLessThanOrEqualTo(steps * Math.abs(scale));
        }
      }
    }
  }

  @Test
  void ggufBlocksAreReadAsTheyLie() {
    MemorySegment q41 = MemorySegment.ofArray(new byte[40]);
    q41.set(ValueLayout.JAVA_SHORT_UNALIGNED, 20, Float.floatToFloat16(0.5f));
    q41.set(ValueLayout.JAVA_SHORT_UNALIGNED, 22, Float.floatToFloat16(-3));
    q41.set(ValueLayout.JAVA_BYTE, 24, (byte) 0xf2); // columns 0 and 16
    byte[] q = new byte[WeightFormat.GROUP];
    int scales = QuantisedRows.q4_1(q41, 1, 64).read(0, 1, q);
    assertThat(q[0]).isEqualTo((byte) 2);
    assertThat(q[16]).isEqualTo((byte) 15);
    assertThat(Float.float16ToFloat((short) scales)).isEqualTo(0.5f);
    assertThat(Float.float16ToFloat((short) (scales >> 16))).isEqualTo(-3);

    MemorySegment q80 = MemorySegment.ofArray(new byte[34]);
    q80.set(ValueLayout.JAVA_SHORT_UNALIGNED, 0, Float.floatToFloat16(2));
    q80.set(ValueLayout.JAVA_BYTE, 33, (byte) -128);
    assertThat(QuantisedRows.q8_0(q80, 1, 32).read(0, 0, q)).isEqualTo(0x4000);
    assertThat(q[31]).isEqualTo((byte) -128);
  }

  @Test
  void wrongSizesAndInfiniteScalesAreRefusedWithTheNumbers() {
    assertThatThrownBy(
            () -> new PackedMatrix(MemorySegment.ofArray(new byte[10]), WeightFormat.INT8, 8, 32))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining("8 x 32")
        .hasMessageContaining("found 10");
    assertThatThrownBy(() -> QuantisedRows.q4_1(MemorySegment.ofArray(new byte[40]), 1, 33))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining("found 33");
    MemorySegment infinite = MemorySegment.ofArray(new byte[34]);
    infinite.set(ValueLayout.JAVA_SHORT_UNALIGNED, 0, (short) 0x7c00);
    MemorySegment to =
        MemorySegment.ofArray(new byte[(int) PackedMatrix.bytes(WeightFormat.INT8, 1, 32)]);
    assertThatThrownBy(() -> PackedMatrix.pack(QuantisedRows.q8_0(infinite, 1, 32), to))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining("row 0, group 0");
    assertThatThrownBy(() ->
            QuantisedRows.int8(r -> new float[] {Float.NaN}, 1, 32)
                .read(0, 0, new byte[WeightFormat.GROUP]))
        .isInstanceOfAny(RadialogException.class, IndexOutOfBoundsException.class);
  }
}
