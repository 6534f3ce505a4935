package org.radialog.codecs;

import static org.radialog.codecs.ImageRefused.Reason.CORRUPT;
import static org.radialog.codecs.ImageRefused.Reason.TRUNCATED;

/**
 * The bits of the entropy-coded data of a JPEG scan (T.81, B.1.1.5 and F.2.2.5): a zero byte after
 * FF is dropped, and a marker ends the segment.
 */
final class JpegBits {
  private final String image;
  private final byte[] data;
  private int at;
  private long bits; // the low `held` bits have not been read yet
  private int held;

  JpegBits(String image, byte[] data, int at) {
    this.image = image;
    this.data = data;
    this.at = at;
  }

  private void fill() {
    while (held <= 48 && at < data.length) {
      int next = data[at] & 0xFF;
      if (next == 0xFF) {
        if (at + 1 >= data.length || data[at + 1] != 0) {
          return; // a marker, or fill bytes before one
        }
        at++;
      }
      at++;
      bits = bits << 8 | next;
      held += 8;
    }
  }

  /** The next {@code n} ≤ 16 bits without consuming them; zeros beyond the end. */
  int peek(int n) {
    if (held < n) {
      fill();
      if (held < n) {
        return (int) (bits << (n - held)) & ((1 << n) - 1);
      }
    }
    return (int) (bits >>> (held - n)) & ((1 << n) - 1);
  }

  void skip(int n) {
    if (held < n) {
      throw new ImageRefused(
          TRUNCATED, image, "the JPEG's entropy-coded data end before its picture does");
    }
    held -= n;
  }

  int read(int n) {
    int value = peek(n);
    skip(n);
    return value;
  }

  /** F.2.2.1, EXTEND: {@code n} ≤ 16 bits as a difference of that magnitude category. */
  int difference(int n) {
    if (n == 0) {
      return 0;
    }
    int value = read(n);
    return value < 1 << (n - 1) ? value - (1 << n) + 1 : value;
  }

  /** Skips the restart marker {@code RSTm}, which must be at this position. */
  void restart(int m) {
    int marker = align();
    if (marker != 0xD0 + m) {
      throw new ImageRefused(
          CORRUPT,
          image,
          "the JPEG has marker FF%02X at byte %d, expected restart marker FF%02X"
              .formatted(marker, at, 0xD0 + m));
    }
    at += 2;
  }

  /** Drops the rest of a segment and returns the marker whose FF is at {@link #position}. */
  int align() {
    bits = 0;
    held = 0;
    // Fill bytes (B.1.1.2) and stuffed data after the last unit are skipped.
    for (; at + 1 < data.length; at++) {
      if (data[at] == -1 && data[at + 1] != 0 && data[at + 1] != -1) {
        return data[at + 1] & 0xFF;
      }
    }
    throw new ImageRefused(TRUNCATED, image, "the JPEG ends without its end-of-image marker");
  }

  int position() {
    return at;
  }
}
