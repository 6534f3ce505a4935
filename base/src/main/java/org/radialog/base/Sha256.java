package org.radialog.base;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;

/** SHA-256 digests in lower-case hexadecimal. */
public final class Sha256 {
  private Sha256() {}

  /** Of bytes. */
  public static String of(byte[] bytes) {
    return hex(digest().digest(bytes));
  }

  /** The digest of a text in UTF-8. */
  public static String of(String text) {
    return of(text.getBytes(StandardCharsets.UTF_8));
  }

  /**
   * The digest of a file or a folder. For a file, it is the digest of its bytes, as {@code
   * sha256sum} prints it. For a folder, it covers for each file below it, in the order of names:
   * the relative name with slashes, a zero byte, and the 32-byte digest of the file.
   *
   * @throws RadialogException if it cannot be read
   */
  public static String of(Path path) {
    try {
      return hex(Files.isDirectory(path) ? folder(path) : file(path));
    } catch (IOException e) {
      throw new RadialogException("cannot read " + path + " for its digest: " + e, e);
    }
  }

  /** A digest that can be updated piece by piece; {@link #hex} writes its result. */
  public static MessageDigest digest() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every JDK has SHA-256", e);
    }
  }

  /** Bytes in lower-case hexadecimal. */
  public static String hex(byte[] digest) {
    return HexFormat.of().formatHex(digest);
  }

  private static byte[] folder(Path folder) throws IOException {
    MessageDigest sha = digest();
    List<String> names;
    try (Stream<Path> files = Files.walk(folder)) {
      names =
          files
              .filter(Files::isRegularFile)
              .map(file -> folder.relativize(file).toString().replace('\\', '/'))
              .sorted()
              .toList();
    }
    for (String name : names) {
      sha.update(name.getBytes(StandardCharsets.UTF_8));
      sha.update((byte) 0);
      sha.update(file(folder.resolve(name)));
    }
    return sha.digest();
  }

  private static byte[] file(Path file) throws IOException {
    MessageDigest sha = digest();
    try (InputStream in = new DigestInputStream(Files.newInputStream(file), sha)) {
      in.transferTo(OutputStream.nullOutputStream());
    }
    return sha.digest();
  }
}
