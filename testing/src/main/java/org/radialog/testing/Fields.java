package org.radialog.testing;

import java.io.ByteArrayOutputStream;

/** A buffer of consecutive little-endian fields. */
final class Fields {
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

  Fields u8(int value) {
    return number(value, 1);
  }

  Fields u16(int value) {
    return number(value, Short.BYTES);
  }

  Fields u32(long value) {
    return number(value, Integer.BYTES);
  }

  Fields u64(long value) {
    return number(value, Long.BYTES);
  }

  /** Appends the lowest {@code width} bytes of {@code value}. */
  Fields number(long value, int width) {
    for (int i = 0; i < width; i++) {
      bytes.write((int) (value >>> (8 * i)));
    }
    return this;
  }

  Fields raw(byte[] raw) {
    bytes.writeBytes(raw);
    return this;
  }

  int size() {
    return bytes.size();
  }

  byte[] toArray() {
    return bytes.toByteArray();
  }
}
