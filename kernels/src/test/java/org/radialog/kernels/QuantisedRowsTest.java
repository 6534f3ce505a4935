package org.radialog.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Optional;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.radialog.base.RadialogException;

class QuantisedRowsTest {
  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  @Property(tries = 50)
  void anOffsetPutsEveryValueWithinHalfAStep(
      @ForAll long seed, @ForAll @IntRange(min = 1, max = 3) int groups) {
    float[] row = row(seed, groups, 3);
    QuantisedRows rounded = QuantisedRows.int4WithOffset(r -> row, 1, row.length);
    byte[] q = new byte[WeightFormat.GROUP];
    float[] values = new float[row.length];
    rounded.row(0, values, 0);
    for (int g = 0; g < groups; g++) {
      int scales = rounded.read(0, g, q);
      float step = Float.float16ToFloat((short) scales);
      for (int i = g * WeightFormat.GROUP; i < (g + 1) * WeightFormat.GROUP; i++) {
        // the f16 of scale and offset are off by 2^-11 of themselves
        assertThat(values[i])
            .isCloseTo(row[i], within(step * 0.52f + Math.abs(row[i]) * 0x1p-10f + step * 0x1p-7f));
      }
    }
  }

  @Property(tries = 50)
  void plainNibblesHoldWhatBlocksHold(@ForAll long seed) {
    // the same values as Q4_0 blocks and as nibbles in the order of columns
    int groups = 3;
    Random random = new Random(seed);
    byte[] blocks = new byte[groups * 18];
    random.nextBytes(blocks);
    MemorySegment q40 = MemorySegment.ofArray(blocks);
    MemorySegment nibbles = MemorySegment.ofArray(new byte[groups * 16]);
    MemorySegment scales = MemorySegment.ofArray(new byte[groups * 2]);
    QuantisedRows gguf = QuantisedRows.q4_0(q40, 1, groups * WeightFormat.GROUP);
    byte[] q = new byte[WeightFormat.GROUP];
    for (int g = 0; g < groups; g++) {
      scales.set(SHORT, 2L * g, (short) gguf.read(0, g, q));
      for (int i = 0; i < 16; i++) {
        nibbles.set(
            ValueLayout.JAVA_BYTE, 16L * g + i, (byte) ((q[2 * i] + 8) | (q[2 * i + 1] + 8) << 4));
      }
    }
    QuantisedRows plain =
        QuantisedRows.nibbles(nibbles, scales, Optional.empty(), 1, groups * WeightFormat.GROUP);
    byte[] again = new byte[WeightFormat.GROUP];
    for (int g = 0; g < groups; g++) {
      assertThat(plain.read(0, g, again)).isEqualTo(gguf.read(0, g, q));
      assertThat(again).isEqualTo(q);
    }
    assertThat(plain.format()).isEqualTo(WeightFormat.INT4);
    float[] expected = new float[groups * WeightFormat.GROUP];
    float[] found = new float[groups * WeightFormat.GROUP];
    gguf.row(0, expected, 0); // value by value
    plain.row(0, found, 0);
    for (int i = 0; i < found.length; i++) {
      if (Float.isFinite(expected[i])) { // random halves may be no numbers
        assertThat(found[i]).isEqualTo(expected[i]);
      }
    }
  }

  @Test
  void aSkewedMatrixTakesAnOffsetAndAnEvenOneNone() {
    QuantisedRows.Rows even = r -> row(r, 4, 0);
    QuantisedRows.Rows skewed = r -> row(r, 4, 4);
    assertThat(QuantisedRows.int4Measured(even, 40, 128).format()).isEqualTo(WeightFormat.INT4);
    assertThat(QuantisedRows.int4Measured(skewed, 40, 128).format())
        .isEqualTo(WeightFormat.INT4_OFFSET);
  }

  @Test
  void piecesOfAnotherSizeAreRefused() {
    MemorySegment small = MemorySegment.ofArray(new byte[16]);
    MemorySegment two = MemorySegment.ofArray(new byte[2]);
    assertThatThrownBy(() -> QuantisedRows.nibbles(small, two, Optional.empty(), 2, 32))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining("expected 32 bytes, found 16");
    assertThatThrownBy(() -> QuantisedRows.bytes(small, two, 1, 32))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining("expected 32 bytes, found 16");
  }

  // normal values around `centre`
  private static float[] row(long seed, int groups, double centre) {
    Random random = new Random(seed);
    float[] row = new float[groups * WeightFormat.GROUP];
    for (int i = 0; i < row.length; i++) {
      row[i] = (float) (random.nextGaussian() + centre);
    }
    return row;
  }
}
