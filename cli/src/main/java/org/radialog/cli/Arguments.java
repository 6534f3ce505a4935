package org.radialog.cli;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * The arguments of the command line as bytes. A file name may contain any bytes except NUL and
 * slash, but the JVM decodes it as UTF-8, so that an invalid byte would be lost. Here such a byte
 * becomes a lone surrogate from U+DC80 on, and a {@link Path} made from the text has the byte
 * again.
 */
final class Arguments {
  private static final char REPLACEMENT = '\uFFFD';
  private static final int ESCAPED = 0xDC00;
  private static final Path COMMAND_LINE = Path.of("/proc/self/cmdline");

  private Arguments() {}

  /**
   * {@code arguments} with all their bytes. They are read from the system again only if one of them
   * is not UTF-8; on a system that does not provide them, they are unchanged.
   */
  static String[] whole(String[] arguments) {
    if (String.join("", arguments).indexOf(REPLACEMENT) < 0 || !Files.isReadable(COMMAND_LINE)) {
      return arguments;
    }
    List<byte[]> words = new ArrayList<>();
    try {
      ByteArrayOutputStream word = new ByteArrayOutputStream();
      for (byte b : Files.readAllBytes(COMMAND_LINE)) {
        if (b == 0) {
          words.add(word.toByteArray());
          word.reset();
        } else {
          word.write(b);
        }
      }
    } catch (IOException e) {
      return arguments; // the arguments decoded by the JVM are correct for every name that is UTF-8
    }
    String[] whole = arguments.clone();
    int first = words.size() - arguments.length; // the flags of the JVM come before them
    for (int i = 0; i < arguments.length && first >= 0; i++) {
      byte[] bytes = words.get(first + i);
      if (new String(bytes, StandardCharsets.UTF_8).equals(arguments[i])) {
        whole[i] = escaped(bytes);
      }
    }
    return whole;
  }

  /** UTF-8 as text, with each invalid byte as the lone surrogate U+DC00 + byte. */
  static String escaped(byte[] bytes) {
    CharsetDecoder decoder =
        StandardCharsets.UTF_8
            .newDecoder()
            .onMalformedInput(CodingErrorAction.REPORT)
            .onUnmappableCharacter(CodingErrorAction.REPORT);
    ByteBuffer in = ByteBuffer.wrap(bytes);
    CharBuffer out = CharBuffer.allocate(bytes.length);
    while (true) {
      CoderResult result = decoder.decode(in, out, true);
      if (result.isUnderflow()) {
        return out.flip().toString();
      }
      for (int i = 0; i < result.length(); i++) {
        out.put((char) (ESCAPED + (in.get() & 0xFF)));
      }
      decoder.reset();
    }
  }

  /** The file of an argument. */
  static Path path(String argument) {
    if (argument.chars().noneMatch(Arguments::isEscaped)) {
      return Path.of(argument);
    }
    // The only way to a path with given bytes is a URI that encodes them.
    Path folder = Path.of("").toAbsolutePath();
    boolean absolute = argument.startsWith("/");
    StringBuilder uri = new StringBuilder(absolute ? "file://" : folder.toUri().toString());
    if (!absolute && uri.charAt(uri.length() - 1) != '/') {
      uri.append('/'); // the path of a deleted folder is unknown
    }
    for (int i = 0; i < argument.length(); i++) {
      char c = argument.charAt(i);
      if (isEscaped(c)) {
        uri.append(String.format(Locale.ROOT, "%%%02X", c - ESCAPED));
      } else if (c == '/') {
        uri.append(c);
      } else {
        int point = argument.codePointAt(i);
        for (byte b : Character.toString(point).getBytes(StandardCharsets.UTF_8)) {
          uri.append(String.format(Locale.ROOT, "%%%02X", b & 0xFF));
        }
        i += Character.charCount(point) - 1;
      }
    }
    Path path = Path.of(URI.create(uri.toString()));
    return absolute ? path : folder.relativize(path);
  }

  /** An argument that is not a file name: an invalid byte is displayed as such. */
  static String text(String argument) {
    StringBuilder text = new StringBuilder(argument);
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (isEscaped(c) && (i == 0 || !Character.isHighSurrogate(text.charAt(i - 1)))) {
        text.setCharAt(i, REPLACEMENT);
      }
    }
    return text.toString();
  }

  private static boolean isEscaped(int c) {
    return c >= ESCAPED + 0x80 && c <= ESCAPED + 0xFF;
  }
}
