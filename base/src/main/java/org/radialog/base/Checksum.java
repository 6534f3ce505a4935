package org.radialog.base;

import java.lang.foreign.MemorySegment;
import java.util.zip.CRC32C;

/**
 * CRC-32C, which detects a damaged file at memory speed. It does not protect against deliberate
 * forgery.
 */
public final class Checksum {
  private static final long PIECE = 1 << 24; // a buffer has at most Integer.MAX_VALUE bytes

  private Checksum() {}

  public static int of(MemorySegment bytes) {
    CRC32C checksum = new CRC32C();
    for (long at = 0; at < bytes.byteSize(); at += PIECE) {
      checksum.update(bytes.asSlice(at, Math.min(PIECE, bytes.byteSize() - at)).asByteBuffer());
    }
    return (int) checksum.getValue();
  }
}
