package org.radialog.codecs;

import static org.radialog.codecs.ImageRefused.Reason.CORRUPT;
import static org.radialog.codecs.ImageRefused.Reason.TRUNCATED;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * JPEG-LS, lossless and near-lossless, 2 to 16 bits, one component: ITU-T T.87 (ISO/IEC 14495-1).
 * Variables have the names used there.
 */
final class JpegLs {
  /** Annex A.2.1, parameters of table A.1; 0 means the default (C.2.4.1.1). */
  record Parameters(int maxval, int t1, int t2, int t3, int reset) {}

  record Scan(int near, @Nullable Parameters parameters) {}

  /** {@code end} is the position of the marker after the scan. */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  record Coded(short[] samples, boolean exact, int end) {}

  // Code segment A.17: the order of run lengths.
  private static final int[] J = {
    0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 9, 10, 11, 12, 13,
    14, 15
  };
  private static final int CONTEXTS = 365; // of regular mode; two of run interruption follow

  private final String image;
  private final int near;
  private final int step; // 2·NEAR + 1
  private final int maxval;
  private final int t1;
  private final int t2;
  private final int t3;
  private final int reset;
  private final int range;
  private final int qbpp;
  private final int limit;

  private final long[] a = new long[CONTEXTS + 2];
  private final int[] b = new int[CONTEXTS];
  private final int[] c = new int[CONTEXTS];
  private final int[] n = new int[CONTEXTS + 2];
  private final int[] nn = new int[2];
  private int runIndex;

  // Entropy-coded data: after FF a byte has 7 bits (A.1, last paragraph).
  private final byte[] data;
  private int at;
  private long bits; // the low `held` bits have not been read yet
  private int held;
  private boolean afterFf;

  private JpegLs(String image, byte[] data, int at, int precision, Scan scan) {
    this.image = image;
    this.data = data;
    this.at = at;
    Parameters given =
        scan.parameters() != null ? scan.parameters() : new Parameters(0, 0, 0, 0, 0);
    near = scan.near();
    step = 2 * near + 1;
    int most = (1 << precision) - 1;
    maxval = given.maxval() == 0 ? most : given.maxval();
    if (maxval > most || near > Math.min(255, maxval / 2)) {
      throw new ImageRefused(
          CORRUPT,
          image,
          "the JPEG-LS frame of %d bits has MAXVAL %d and NEAR %d"
              .formatted(precision, maxval, near));
    }
    // C.2.4.1.1.1
    int d1;
    int d2;
    int d3;
    if (maxval >= 128) {
      int factor = (Math.min(maxval, 4095) + 128) / 256;
      d1 = factor + 2 + 3 * near;
      d2 = 4 * factor + 3 + 5 * near;
      d3 = 17 * factor + 4 + 7 * near;
    } else {
      int factor = 256 / (maxval + 1);
      d1 = Math.max(2, 3 / factor + 3 * near);
      d2 = Math.max(3, 7 / factor + 5 * near);
      d3 = Math.max(4, 21 / factor + 7 * near);
    }
    t1 = given.t1() == 0 ? threshold(d1, near + 1) : given.t1();
    t2 = given.t2() == 0 ? threshold(d2, t1) : given.t2();
    t3 = given.t3() == 0 ? threshold(d3, t2) : given.t3();
    reset = given.reset() == 0 ? 64 : given.reset();
    if (t1 <= near || t2 < t1 || t3 < t2 || t3 > maxval || reset < 3) {
      throw new ImageRefused(
          CORRUPT,
          image,
          "the JPEG-LS frame has thresholds %d, %d, %d and RESET %d".formatted(t1, t2, t3, reset));
    }
    range = (maxval + 2 * near) / step + 1;
    qbpp = ceilLog2(range);
    int bpp = Math.max(2, ceilLog2(maxval + 1));
    limit = 2 * (bpp + Math.max(8, bpp));
    Arrays.fill(a, Math.max(2, (range + 32) / 64));
    Arrays.fill(n, 1);
  }

  private int threshold(int value, int least) {
    return value > maxval || value < least ? least : value;
  }

  private static int ceilLog2(int value) {
    return 32 - Integer.numberOfLeadingZeros(value - 1);
  }

  /** Decodes the only scan, whose data begin at {@code start}. */
  static Coded decode(
      String image, byte[] data, int start, int columns, int rows, int precision, Scan scan) {
    return new JpegLs(image, data, start, precision, scan).decode(columns, rows);
  }

  private Coded decode(int columns, int rows) {
    short[] samples = new short[columns * rows];
    // A row with one column before its first and one after its last: A.2.1.
    int[] above = new int[columns + 2];
    int[] here = new int[columns + 2];
    for (int y = 0; y < rows; y++) {
      above[columns + 1] = above[columns];
      here[0] = above[1];
      row(above, here, columns);
      for (int x = 0; x < columns; x++) {
        samples[y * columns + x] = (short) here[x + 1];
      }
      int[] free = above;
      above = here;
      here = free;
    }
    return new Coded(samples, near == 0, marker());
  }

  private void row(int[] above, int[] here, int columns) {
    int x = 1;
    while (x <= columns) {
      int ra = here[x - 1];
      int rb = above[x];
      int rc = above[x - 1];
      int rd = above[x + 1];
      int q1 = quantised(rd - rb);
      int q2 = quantised(rb - rc);
      int q3 = quantised(rc - ra);
      if (q1 == 0 && q2 == 0 && q3 == 0) {
        x = run(above, here, x, columns);
        continue;
      }
      int q = 81 * q1 + 9 * q2 + q3;
      int sign = q < 0 ? -1 : 1; // that of the first which is not 0
      q *= sign;
      int px;
      if (rc >= Math.max(ra, rb)) {
        px = Math.min(ra, rb);
      } else if (rc <= Math.min(ra, rb)) {
        px = Math.max(ra, rb);
      } else {
        px = ra + rb - rc;
      }
      px = Math.clamp(px + sign * c[q], 0, maxval);
      here[x++] = reconstructed(px, sign * regularError(q));
    }
  }

  /** A.3.3: the region of a gradient. */
  private int quantised(int d) {
    if (d < 0) {
      return -d <= near ? 0 : -d < t1 ? -1 : -d < t2 ? -2 : -d < t3 ? -3 : -4;
    }
    return d <= near ? 0 : d < t1 ? 1 : d < t2 ? 2 : d < t3 ? 3 : 4;
  }

  /** A.5 and A.6: the prediction error in a context, which is updated. */
  private int regularError(int q) {
    int k = golombOrder(n[q], a[q]);
    int mapped = golomb(k, limit);
    int error = (mapped & 1) == 0 ? mapped >> 1 : -((mapped + 1) >> 1);
    if (near == 0 && k == 0 && 2 * b[q] <= -n[q]) {
      error = -error - 1; // A.5.2: the other mapping
    }
    b[q] += error * step;
    a[q] += Math.abs(error);
    if (n[q] == reset) {
      a[q] >>= 1;
      b[q] >>= 1;
      n[q] >>= 1;
    }
    n[q]++;
    if (b[q] <= -n[q]) {
      b[q] = Math.max(b[q] + n[q], 1 - n[q]);
      c[q] = Math.max(c[q] - 1, -128);
    } else if (b[q] > 0) {
      b[q] = Math.min(b[q] - n[q], 0);
      c[q] = Math.min(c[q] + 1, 127);
    }
    return error;
  }

  /** A.7: a run that starts at {@code x} and the sample that ends it; returns the next column. */
  private int run(int[] above, int[] here, int start, int columns) {
    int ra = here[start - 1];
    int x = start;
    while (read(1) == 1) {
      int length = 1 << J[runIndex];
      int left = columns + 1 - x;
      int count = Math.min(length, left);
      Arrays.fill(here, x, x + count, ra);
      x += count;
      if (count == length && runIndex < 31) {
        runIndex++;
      }
      if (x > columns) {
        return x;
      }
    }
    int count = read(J[runIndex]);
    if (count > columns - x) {
      throw new ImageRefused(
          CORRUPT, image, "a run of the JPEG-LS frame passes the end of its row");
    }
    Arrays.fill(here, x, x + count, ra);
    x += count;
    int rb = above[x];
    int type = Math.abs(ra - rb) <= near ? 1 : 0;
    int error = interruptionError(type);
    here[x] = type == 1 ? reconstructed(ra, error) : reconstructed(rb, ra > rb ? -error : error);
    if (runIndex > 0) {
      runIndex--;
    }
    return x + 1;
  }

  /** A.7.2. */
  private int interruptionError(int type) {
    int q = CONTEXTS + type;
    int k = golombOrder(n[q], type == 0 ? a[q] : a[q] + (n[q] >> 1));
    int mapped = golomb(k, limit - J[runIndex] - 1);
    int map = (mapped + type) & 1;
    int magnitude = (mapped + type + map) >> 1;
    boolean negative = (k != 0 || 2 * nn[type] >= n[q]) == (map == 1);
    int error = negative ? -magnitude : magnitude;
    if (error < 0) {
      nn[type]++;
    }
    a[q] += (mapped + 1 - type) >> 1;
    if (n[q] == reset) {
      a[q] >>= 1;
      n[q] >>= 1;
      nn[type] >>= 1;
    }
    n[q]++;
    return error;
  }

  /** A.4.5 and A.8: the value for a quantised error, modulo the range. */
  private int reconstructed(int px, int error) {
    int value = px + error * step;
    if (value < -near) {
      value += range * step;
    } else if (value > maxval + near) {
      value -= range * step;
    }
    return Math.clamp(value, 0, maxval);
  }

  /** A.5.1. */
  private static int golombOrder(int n, long a) {
    int k = 0;
    while ((long) n << k < a) {
      k++;
    }
    return k;
  }

  /** A.5.3: a Golomb code of order {@code k}, limited to {@code most} bits. */
  private int golomb(int k, int most) {
    int zeros = 0;
    int longest = most - qbpp - 1;
    while (read(1) == 0) {
      if (++zeros > longest) {
        throw new ImageRefused(CORRUPT, image, "the JPEG-LS frame holds a code that is too long");
      }
    }
    long value = zeros < longest ? ((long) zeros << k) + read(k) : read(qbpp) + 1L;
    if (value > 2L * range) {
      throw new ImageRefused(
          CORRUPT, image, "the JPEG-LS frame holds an error beyond its range of samples");
    }
    return (int) value;
  }

  /** {@code count} ≤ 32 bits. */
  private int read(int count) {
    while (held < count) {
      if (at >= data.length
          || (data[at] == -1 && (at + 1 == data.length || data[at + 1] < 0))) { // a marker
        throw new ImageRefused(TRUNCATED, image, "the JPEG-LS data end before their picture does");
      }
      int next = data[at++] & 0xFF;
      bits = afterFf ? bits << 7 | next : bits << 8 | next;
      held += afterFf ? 7 : 8;
      afterFf = next == 0xFF;
    }
    held -= count;
    return (int) (bits >>> held & (1L << count) - 1);
  }

  /** The position of the FF of the next marker. */
  private int marker() {
    for (; at + 1 < data.length; at++) {
      if (data[at] == -1 && data[at + 1] < 0) {
        return at;
      }
    }
    throw new ImageRefused(TRUNCATED, image, "the JPEG-LS frame ends without its end marker");
  }
}
