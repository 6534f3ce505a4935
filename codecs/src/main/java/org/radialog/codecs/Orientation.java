package org.radialog.codecs;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** The orientation in EXIF data: tag 274 of the first directory of a TIFF structure. */
final class Orientation {
  private static final int TAG = 0x0112;
  private static final int TYPE_SHORT = 3;

  private Orientation() {}

  /**
   * The orientation, 1 to 8. It is 1 if the data has none or is damaged, as in image viewers,
   * because the pixels do not depend on it.
   */
  static int of(ByteBuffer exif) {
    ByteBuffer tiff = exif.slice();
    if (tiff.remaining() < 8) {
      return 1;
    }
    int mark = tiff.getShort(0) & 0xFFFF;
    if (mark == 0x4949) {
      tiff.order(ByteOrder.LITTLE_ENDIAN);
    } else if (mark != 0x4D4D) {
      return 1;
    }
    long directory = tiff.getInt(4) & 0xFFFF_FFFFL;
    if (tiff.getShort(2) != 42 || directory + 2 > tiff.limit()) {
      return 1;
    }
    int entries = tiff.getShort((int) directory) & 0xFFFF;
    for (int i = 0; i < entries; i++) {
      long entry = directory + 2 + 12L * i;
      if (entry + 12 > tiff.limit()) {
        return 1;
      }
      int at = (int) entry;
      if ((tiff.getShort(at) & 0xFFFF) == TAG && tiff.getShort(at + 2) == TYPE_SHORT) {
        int orientation = tiff.getShort(at + 8);
        return orientation >= 1 && orientation <= 8 ? orientation : 1;
      }
    }
    return 1;
  }
}
