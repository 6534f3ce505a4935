package org.radialog.weights;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** Reads little-endian fields one after the other from a mapped file, never beyond its end. */
final class Bytes {
  static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  static final ValueLayout.OfDouble DOUBLE =
      ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final Path file;
  private final MemorySegment bytes;
  private long position;

  Bytes(Path file, MemorySegment bytes) {
    this.file = file;
    this.bytes = bytes;
  }

  long position() {
    return position;
  }

  long left() {
    return bytes.byteSize() - position;
  }

  WeightsRefused refused(String reason) {
    return new WeightsRefused(file, reason + " (at byte " + position + ")");
  }

  int u8() {
    return bytes.get(ValueLayout.JAVA_BYTE, advance(1)) & 0xff;
  }

  byte i8() {
    return bytes.get(ValueLayout.JAVA_BYTE, advance(1));
  }

  short i16() {
    return bytes.get(SHORT, advance(2));
  }

  int u16() {
    return i16() & 0xffff;
  }

  int i32() {
    return bytes.get(INT, advance(4));
  }

  long u32() {
    return i32() & 0xffffffffL;
  }

  long i64() {
    return bytes.get(LONG, advance(8));
  }

  float f32() {
    return bytes.get(FLOAT, advance(4));
  }

  double f64() {
    return bytes.get(DOUBLE, advance(8));
  }

  /** The next {@code length} bytes as a view. */
  MemorySegment take(long length) {
    return bytes.asSlice(advance(length), length);
  }

  /** The next {@code length} bytes, copied. */
  byte[] copy(long length) {
    if (length > Integer.MAX_VALUE - 8) {
      throw refused("a field of " + Long.toUnsignedString(length) + " bytes is too long");
    }
    return take(length).toArray(ValueLayout.JAVA_BYTE);
  }

  String ascii(long length) {
    return new String(copy(length), StandardCharsets.ISO_8859_1);
  }

  /** The next {@code length} bytes, which must be UTF-8. */
  String utf8(long length) {
    byte[] raw = copy(length);
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(raw)).toString();
    } catch (CharacterCodingException e) {
      throw refused("a text of " + length + " bytes is not UTF-8");
    }
  }

  private long advance(long length) {
    if (length < 0 || length > left()) {
      throw refused(
          "a field of "
              + Long.toUnsignedString(length)
              + " bytes, but "
              + left()
              + " bytes are left of "
              + bytes.byteSize());
    }
    long at = position;
    position += length;
    return at;
  }
}
