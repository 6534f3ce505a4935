package org.radialog.data;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.Reader;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.Charset;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.Objects;
import java.util.zip.GZIPInputStream;

/**
 * Opens a user's text file: plain or gzipped, in UTF-8, UTF-16 or UTF-32 (used by some Windows
 * programs). UTF-16 is recognised with or without a byte order mark. The mark is not part of the
 * text.
 *
 * <p>A byte that is invalid in the encoding is not silently replaced by a question mark. It becomes
 * a lone surrogate, which does not occur in valid text and which {@link #damage} detects. In this
 * way a damaged line can be reported while the other lines are read.
 */
public final class TextFile {
  private static final int BLOCK = 1 << 16;
  private static final int SNIFFED = 1 << 12;
  private static final Charset UTF_32BE = Charset.forName("UTF-32BE");
  private static final Charset UTF_32LE = Charset.forName("UTF-32LE");
  private static final Charset WINDOWS = Charset.forName("windows-1252");

  /** Invalid bytes become this code plus the byte. */
  private static final char DAMAGED = 0xDC00;

  private TextFile() {}

  /**
   * Opens a file. It is decompressed if its name ends in {@code .gz} or if it begins with the gzip
   * signature.
   *
   * @return its characters; reading throws an {@link IOException} if the gzip data are damaged
   * @throws IOException if it cannot be read, or if its first bytes show that it is not text (a
   *     workbook, an archive, a PDF)
   */
  public static Reader open(Path file) throws IOException {
    InputStream bytes = new BufferedInputStream(Files.newInputStream(file), BLOCK);
    try {
      if (isGzip(file, bytes)) {
        bytes = new GZIPInputStream(bytes, BLOCK);
      }
      return new Decoded(bytes);
    } catch (IOException | RuntimeException e) {
      bytes.close();
      throw e;
    }
  }

  private static boolean isGzip(Path file, InputStream bytes) throws IOException {
    bytes.mark(2);
    boolean magic = bytes.read() == 0x1F && bytes.read() == 0x8B;
    bytes.reset();
    return magic || String.valueOf(file.getFileName()).toLowerCase(Locale.ROOT).endsWith(".gz");
  }

  /**
   * Describes the damage in a text from {@link #open}: an invalid byte or a NUL character. Empty if
   * there is none.
   */
  public static String damage(CharSequence text) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == 0) {
        return "there is a NUL character, which is not allowed in text, at character " + (i + 1);
      }
      if (Character.isHighSurrogate(c)
          && i + 1 < text.length()
          && Character.isLowSurrogate(text.charAt(i + 1))) {
        i++;
      } else if (Character.isSurrogate(c)) {
        int code = c - DAMAGED;
        if (code < 0 || code > 0xFF) {
          return "there is half of a surrogate pair at character " + (i + 1);
        }
        return "the byte %02X at character %d is not part of any character: expected UTF-8%s"
            .formatted(code, i + 1, inWindows(code));
      }
    }
    return "";
  }

  private static String inWindows(int code) {
    String there = new String(new byte[] {(byte) code}, WINDOWS);
    return Character.isLetterOrDigit(there.charAt(0)) && code >= 0x80
        ? " (in Windows-1252 it is \"%s\": save the file as UTF-8)".formatted(there)
        : "";
  }

  /** The encoding detected from the first bytes of a file. */
  private record Encoding(Charset charset, int mark) {
    static Encoding of(byte[] first) {
      if (begins(first, 0xEF, 0xBB, 0xBF)) {
        return new Encoding(StandardCharsets.UTF_8, 3);
      }
      if (begins(first, 0xFF, 0xFE, 0, 0)) {
        return new Encoding(UTF_32LE, 4);
      }
      if (begins(first, 0, 0, 0xFE, 0xFF)) {
        return new Encoding(UTF_32BE, 4);
      }
      if (begins(first, 0xFF, 0xFE)) {
        return new Encoding(StandardCharsets.UTF_16LE, 2);
      }
      if (begins(first, 0xFE, 0xFF)) {
        return new Encoding(StandardCharsets.UTF_16BE, 2);
      }
      // Without a mark: in UTF-16, every second byte of Latin text is zero; in UTF-32, three of
      // four are.
      int[] zeros = new int[4];
      for (int i = 0; i < first.length; i++) {
        zeros[i & 3] += first[i] == 0 ? 1 : 0;
      }
      int many = first.length / 16; // a fourth of the bytes at one of the four positions
      boolean[] often = new boolean[4];
      for (int k = 0; k < often.length; k++) {
        often[k] = first.length >= 4 && zeros[k] > many;
      }
      if (often[1] && often[3] && !often[0]) {
        return new Encoding(often[2] ? UTF_32LE : StandardCharsets.UTF_16LE, 0);
      }
      if (often[0] && often[2] && !often[3]) {
        return new Encoding(often[1] ? UTF_32BE : StandardCharsets.UTF_16BE, 0);
      }
      return new Encoding(StandardCharsets.UTF_8, 0);
    }
  }

  private static boolean begins(byte[] bytes, int... with) {
    if (bytes.length < with.length) {
      return false;
    }
    for (int i = 0; i < with.length; i++) {
      if ((bytes[i] & 0xFF) != with[i]) {
        return false;
      }
    }
    return true;
  }

  private static void requireText(byte[] first) throws IOException {
    String found = "";
    if (begins(first, 'P', 'K', 3, 4)) {
      found = "a ZIP archive, or a workbook or document of an office program";
    } else if (begins(first, 0xD0, 0xCF, 0x11, 0xE0)) {
      found = "a workbook or document of an old office program";
    } else if (begins(first, '%', 'P', 'D', 'F', '-')) {
      found = "a PDF";
    } else if (begins(first, 'P', 'A', 'R', '1')) {
      found = "a Parquet file";
    } else if (begins(first, 'B', 'Z', 'h')
        || begins(first, 0xFD, '7', 'z', 'X', 'Z')
        || begins(first, 0x28, 0xB5, 0x2F, 0xFD)
        || begins(first, '7', 'z', 0xBC, 0xAF)) {
      found = "compressed with another method than gzip";
    }
    if (!found.isEmpty()) {
      throw new IOException(
          "its first bytes are those of " + found + ": expected text, save it as CSV in UTF-8");
    }
  }

  /** Decodes bytes to characters. */
  private static final class Decoded extends Reader {
    private final InputStream in;
    private final CharsetDecoder decoder;
    private final ByteBuffer bytes = ByteBuffer.allocate(BLOCK);
    private final CharBuffer chars = CharBuffer.allocate(BLOCK);
    private boolean ended;

    Decoded(InputStream in) throws IOException {
      this.in = in;
      byte[] first = in.readNBytes(SNIFFED);
      requireText(first);
      Encoding encoding = Encoding.of(first);
      decoder = encoding.charset.newDecoder();
      bytes.put(Arrays.copyOfRange(first, encoding.mark, first.length)).flip();
      chars.flip();
    }

    @Override
    public int read(char[] into, int from, int length) throws IOException {
      Objects.checkFromIndexSize(from, length, into.length);
      if (length == 0) {
        return 0;
      }
      if (!chars.hasRemaining() && !fill()) {
        return -1;
      }
      int count = Math.min(length, chars.remaining());
      chars.get(into, from, count);
      return count;
    }

    // Whether there is another character.
    private boolean fill() throws IOException {
      chars.clear();
      while (true) {
        CoderResult result = decoder.decode(bytes, chars, ended);
        if (result.isError() && chars.remaining() >= result.length()) {
          for (int i = 0; i < result.length(); i++) {
            chars.put((char) (DAMAGED + (bytes.get() & 0xFF)));
          }
          decoder.reset();
          continue;
        }
        // Available characters are returned before more bytes are read, because reading may fail.
        if (chars.position() > 0 || (ended && !bytes.hasRemaining())) {
          chars.flip();
          return chars.hasRemaining();
        }
        bytes.compact();
        int count = in.read(bytes.array(), bytes.position(), bytes.remaining());
        ended = count < 0;
        bytes.position(bytes.position() + Math.max(0, count)).flip();
      }
    }

    @Override
    public void close() throws IOException {
      in.close();
    }
  }
}
