package org.radialog.imaging;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Writes small DICOM files, element by element, in the order of the calls. */
final class DicomBytes {
  static final String IMPLICIT = "1.2.840.10008.1.2";
  static final String EXPLICIT = "1.2.840.10008.1.2.1";
  static final String BIG_ENDIAN = "1.2.840.10008.1.2.2";

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final boolean explicit;
  private final ByteOrder order;

  private DicomBytes(boolean explicit, ByteOrder order) {
    this.explicit = explicit;
    this.order = order;
  }

  /** With preamble, prefix and file meta information. */
  static DicomBytes part10(String syntax) {
    var meta = new DicomBytes(true, ByteOrder.LITTLE_ENDIAN);
    meta.out.writeBytes(new byte[128]);
    meta.out.writeBytes("DICM".getBytes(StandardCharsets.US_ASCII));
    meta.element(0x0002_0002, "UI", "1.2.840.10008.5.1.4.1.1.1");
    meta.element(0x0002_0010, "UI", syntax);
    var set =
        new DicomBytes(
            !syntax.equals(IMPLICIT),
            syntax.equals(BIG_ENDIAN) ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN);
    set.out.writeBytes(meta.bytes());
    return set.element(0x0008_0060, "CS", "DX");
  }

  /** A data set alone, as files before Part 10 were. */
  static DicomBytes bare(boolean explicit) {
    return bare(explicit, "CR");
  }

  static DicomBytes bare(boolean explicit, String modality) {
    return new DicomBytes(explicit, ByteOrder.LITTLE_ENDIAN).element(0x0008_0060, "CS", modality);
  }

  /** The picture's shape, MONOCHROME2. */
  DicomBytes shape(int rows, int columns, int allocated, int stored, boolean signed) {
    return shape("MONOCHROME2", rows, columns, allocated, stored, stored - 1, signed);
  }

  DicomBytes shape(
      String photometric,
      int rows,
      int columns,
      int allocated,
      int stored,
      int highBit,
      boolean signed) {
    return words(0x0028_0002, "US", 1)
        .element(0x0028_0004, "CS", photometric)
        .words(0x0028_0010, "US", rows)
        .words(0x0028_0011, "US", columns)
        .words(0x0028_0100, "US", allocated)
        .words(0x0028_0101, "US", stored)
        .words(0x0028_0102, "US", highBit)
        .words(0x0028_0103, "US", signed ? 1 : 0);
  }

  DicomBytes window(String center, String width) {
    return element(0x0028_1050, "DS", center).element(0x0028_1051, "DS", width);
  }

  DicomBytes element(int tag, String vr, String text) {
    byte[] value = text.getBytes(StandardCharsets.ISO_8859_1);
    byte[] even = Arrays.copyOf(value, value.length + (value.length & 1));
    if (even.length > value.length) {
      even[value.length] = (byte) (vr.equals("UI") ? 0 : ' ');
    }
    return element(tag, vr, even);
  }

  DicomBytes words(int tag, String vr, int... words) {
    ByteBuffer value = ByteBuffer.allocate(2 * words.length).order(order);
    for (int word : words) {
      value.putShort((short) word);
    }
    return element(tag, vr, value.array());
  }

  DicomBytes element(int tag, String vr, byte[] value) {
    return header(tag, vr, value.length).raw(value);
  }

  /** An element's header alone; length -1 is undefined. */
  DicomBytes header(int tag, String vr, int length) {
    ByteBuffer header = ByteBuffer.allocate(12).order(order);
    header.putShort((short) (tag >>> 16)).putShort((short) tag);
    if (!explicit || tag >>> 16 == 0xFFFE) {
      header.putInt(length);
    } else {
      header.put(vr.getBytes(StandardCharsets.US_ASCII));
      switch (vr) {
        case "OB", "OW", "SQ", "UN", "UT" -> header.putShort((short) 0).putInt(length);
        default -> header.putShort((short) length);
      }
    }
    return raw(Arrays.copyOf(header.array(), header.position()));
  }

  /** One sequence with one item. */
  DicomBytes sequence(int tag, boolean undefined, DicomBytes item) {
    byte[] content = item.bytes();
    if (undefined) {
      return header(tag, "SQ", -1)
          .header(0xFFFE_E000, "", -1)
          .raw(content)
          .header(0xFFFE_E00D, "", 0)
          .header(0xFFFE_E0DD, "", 0);
    }
    return header(tag, "SQ", content.length + 8)
        .header(0xFFFE_E000, "", content.length)
        .raw(content);
  }

  /** The content of an item, in the encoding of this data set. */
  DicomBytes item() {
    return new DicomBytes(explicit, order);
  }

  /** 16-bit pixel data. */
  DicomBytes pixels(int... cells) {
    return words(0x7FE0_0010, "OW", cells);
  }

  /** Encapsulated pixel data with an empty offset table. */
  DicomBytes fragments(byte[]... fragments) {
    header(0x7FE0_0010, "OB", -1).header(0xFFFE_E000, "", 0);
    for (byte[] fragment : fragments) {
      byte[] even = Arrays.copyOf(fragment, fragment.length + (fragment.length & 1));
      header(0xFFFE_E000, "", even.length).raw(even);
    }
    return header(0xFFFE_E0DD, "", 0);
  }

  DicomBytes raw(byte[] bytes) {
    out.writeBytes(bytes);
    return this;
  }

  byte[] bytes() {
    return out.toByteArray();
  }

  Radiograph read() {
    return Radiograph.decode("made.dcm", bytes(), Limits.DEFAULT);
  }
}
