package org.radialog.text;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;

/** Decodes characters from bytes that arrive in parts; invalid UTF-8 becomes U+FFFD. */
final class Utf8Stream {
  private final CharsetDecoder utf8 =
      StandardCharsets.UTF_8
          .newDecoder()
          .onMalformedInput(CodingErrorAction.REPLACE)
          .onUnmappableCharacter(CodingErrorAction.REPLACE);
  private ByteBuffer pending = ByteBuffer.allocate(0);

  /** The characters that {@code more} completes. */
  String next(byte[] more) {
    ByteBuffer bytes = ByteBuffer.allocate(pending.remaining() + more.length);
    bytes.put(pending).put(more).flip();
    return decode(bytes, false);
  }

  /** The remaining characters. */
  String end() {
    String rest = decode(pending, true);
    utf8.reset();
    return rest;
  }

  private String decode(ByteBuffer bytes, boolean end) {
    CharBuffer text = CharBuffer.allocate(bytes.remaining() + 1); // no byte gives two chars
    utf8.decode(bytes, text, end);
    if (end) {
      utf8.flush(text);
    }
    pending = bytes;
    return text.flip().toString();
  }
}
