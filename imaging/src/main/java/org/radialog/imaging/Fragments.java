package org.radialog.imaging;

import static org.radialog.codecs.ImageRefused.Reason.CORRUPT;
import static org.radialog.codecs.ImageRefused.Reason.TRUNCATED;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.radialog.codecs.ImageRefused;

/** Encapsulated pixel data: PS3.5, annex A.4. */
final class Fragments {
  private static final int ITEM = 0xFFFE_E000;
  private static final int SEQUENCE_END = 0xFFFE_E0DD;

  private Fragments() {}

  /**
   * The only frame, joined from its fragments, which begin at {@code start}. The first item is the
   * basic offset table. It carries no information for one frame, so an empty or wrong table is
   * harmless.
   */
  static byte[] join(String image, byte[] file, int start) {
    byte[] frame = new byte[walk(image, file, start, new byte[0])];
    if (frame.length == 0) {
      throw new ImageRefused(CORRUPT, image, "the encapsulated pixel data contain no fragment");
    }
    walk(image, file, start, frame);
    return frame;
  }

  /**
   * The number of bytes of all fragments, which are copied to {@code frame} as far as it reaches.
   */
  private static int walk(String image, byte[] file, int start, byte[] frame) {
    ByteBuffer in = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).position(start);
    int size = 0;
    for (int item = 0; ; item++) {
      if (in.remaining() < 8) {
        throw truncated(image, file, "the end of the pixel data (FFFE,E0DD)");
      }
      int at = in.position();
      int tag = in.getShort() << 16 | (in.getShort() & 0xFFFF);
      long length = in.getInt() & 0xFFFF_FFFFL;
      if (tag == SEQUENCE_END) {
        return size;
      }
      if (tag != ITEM) {
        throw new ImageRefused(
            CORRUPT,
            image,
            ("the encapsulated pixel data contain %s at byte %d, expected an item" + " (FFFE,E000)")
                .formatted(DicomDataSet.show(tag), at));
      }
      if (length > in.remaining()) {
        throw truncated(image, file, "%d bytes of a fragment at byte %d".formatted(length, at));
      }
      if (item > 0) {
        if (frame.length > 0) {
          in.get(in.position(), frame, size, (int) length);
        }
        size += (int) length;
      }
      in.position(in.position() + (int) length);
    }
  }

  private static ImageRefused truncated(String image, byte[] file, String what) {
    return new ImageRefused(
        TRUNCATED,
        image,
        "the DICOM file ends at byte %d, before %s: copy the file again"
            .formatted(file.length, what));
  }
}
