package org.radialog.codecs;

import static org.radialog.codecs.ImageRefused.Reason.CORRUPT;

/** A Huffman table of T.81, annex C: codes of 1 to 16 bits. */
final class JpegHuffman {
  private static final int FAST = 9;

  private final String image;
  private final byte[] symbols;
  // Indexed by the next 9 bits: length << 8 | symbol, 0 if the code is longer.
  private final short[] fast = new short[1 << FAST];
  // For each length: the code after the last one, shifted to 16 bits, and the number to add to a
  // code.
  private final int[] limit = new int[17];
  private final int[] offset = new int[17];

  /** {@code counts[length - 1]} codes per length, and their {@code symbols} in order. */
  JpegHuffman(String image, int[] counts, byte[] symbols) {
    this.image = image;
    this.symbols = symbols;
    int code = 0;
    int index = 0;
    for (int length = 1; length <= 16; length++) {
      offset[length] = index - code;
      for (int i = 0; i < counts[length - 1]; i++, code++, index++) {
        if (code >= 1 << length) {
          throw new ImageRefused(
              CORRUPT,
              image,
              "a Huffman table of the JPEG has too many codes of " + length + " bits");
        }
        if (length <= FAST) {
          int first = code << (FAST - length);
          for (int j = 0; j < 1 << (FAST - length); j++) {
            fast[first + j] = (short) (length << 8 | (symbols[index] & 0xFF));
          }
        }
      }
      limit[length] = code << (16 - length);
      code <<= 1;
    }
  }

  int decode(JpegBits in) {
    int next = in.peek(16);
    int entry = fast[next >>> (16 - FAST)];
    if (entry != 0) {
      in.skip(entry >> 8);
      return entry & 0xFF;
    }
    for (int length = FAST + 1; length <= 16; length++) {
      if (next < limit[length]) {
        in.skip(length);
        return symbols[offset[length] + (next >>> (16 - length))] & 0xFF;
      }
    }
    in.skip(16); // throws if the data have ended
    throw new ImageRefused(CORRUPT, image, "the JPEG's entropy-coded data hold an unknown code");
  }
}
