package org.radialog.train;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.radialog.base.Printable;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.published.StrictJson;
import org.radialog.weights.Checkpoint;

/**
 * An input file of a training, as named in the model card and the notice. The description comes
 * from {@code sources.json} if the digest is listed there, otherwise from the metadata of the file.
 *
 * @param sha256 digest of the file
 * @param name name in the model card
 * @param license SPDX expression
 * @param notice lines of the notice
 */
record SourceFile(String sha256, String name, String license, List<String> notice) {
  /** The licence of a file that is neither listed nor states a licence. */
  static final String UNKNOWN = "LicenseRef-unknown";

  SourceFile {
    notice = List.copyOf(notice);
  }

  /** A file of tensors, which may have been deleted, by its name and recorded digest. */
  static SourceFile of(Path file, String sha256) {
    String name = String.valueOf(file.getFileName());
    return known()
        .filter(source -> source.sha256.equals(sha256))
        .findFirst()
        .orElseGet(() ->
            new SourceFile(
                sha256,
                "`%s`, SHA-256 `%s`".formatted(Printable.of(name), sha256),
                UNKNOWN,
                List.of(
                    "Starts from %s,".formatted(Printable.of(name)),
                    "SHA-256 %s,".formatted(sha256),
                    "whose licence is not known to the program that wrote this notice.")));
  }

  /** A language model, GGUF. */
  static SourceFile ofGguf(Path file, String sha256) {
    SourceFile source = of(file, sha256);
    if (!source.license.equals(UNKNOWN)) {
      return source;
    }
    try (Checkpoint gguf = Checkpoint.open(file)) {
      Object name =
          gguf.metadata().getOrDefault("general.name", String.valueOf(file.getFileName()));
      Object license = gguf.metadata().getOrDefault("general.license", UNKNOWN);
      return new SourceFile(
          sha256,
          "%s, SHA-256 `%s`".formatted(Printable.of(name), sha256),
          Printable.of(license),
          List.of(
              Printable.of(name) + ", unmodified,",
              "SHA-256 %s.".formatted(sha256),
              license.equals(UNKNOWN)
                  ? "The file does not state its licence."
                  : "Its licence, as stated in the file: %s.".formatted(Printable.of(license))));
    }
  }

  /** The name and the licence, for a table cell. */
  String cell() {
    return name + " (" + (license.equals(UNKNOWN) ? "licence not known" : license) + ")";
  }

  private static Stream<SourceFile> known() {
    try (InputStream in = SourceFile.class.getResourceAsStream("sources.json")) {
      if (in == null) {
        throw new IllegalStateException("sources.json is missing from the class path");
      }
      return Stream.of(
          StrictJson.read(
              "sources.json",
              StrictJson.tree(Path.of("sources.json"), in.readAllBytes(), Kind.FAILED),
              SourceFile[].class,
              Kind.FAILED));
    } catch (IOException e) {
      throw new RadialogException("cannot read sources.json: " + e, e);
    }
  }
}
