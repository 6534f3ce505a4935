package org.radialog.published;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.base.Sha256;
import org.radialog.base.WholeFile;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * A model on disk: a self-describing folder.
 *
 * @param path the folder
 * @param config the content of its {@code config.json}
 */
public record ModelFolder(Path path, ModelConfig config) {
  private static final long MAX_BYTES = 1 << 20;

  /**
   * Reads {@code config.json} and checks the sizes of the files that it lists.
   *
   * @throws RadialogException if it is missing or damaged, has a newer format or an unknown field,
   *     or if a file is missing or has another size
   */
  public static ModelFolder open(Path path) {
    Path file = path.resolve(ModelConfig.FILE);
    byte[] content;
    try {
      long size = Files.size(file);
      if (size > MAX_BYTES) {
        throw new RadialogException(
            Kind.REFUSED_WEIGHTS,
            file
                + ": "
                + size
                + " bytes, expected at most "
                + MAX_BYTES
                + "; not the config of a model");
      }
      content = Files.readAllBytes(file);
    } catch (IOException e) {
      throw new RadialogException(
          Kind.REFUSED_WEIGHTS, path + " is not a model folder: cannot read " + file + ": " + e, e);
    }
    JsonNode tree = inThisFormat(file, StrictJson.tree(file, content, Kind.REFUSED_WEIGHTS));
    ModelFolder folder =
        new ModelFolder(
            path, StrictJson.read(file.toString(), tree, ModelConfig.class, Kind.REFUSED_WEIGHTS));
    folder.requireSizes(file);
    return folder;
  }

  /** Writes the {@code config.json} of a folder whose other files exist. */
  public static void write(Path path, ModelConfig config) {
    WholeFile.write(path.resolve(ModelConfig.FILE), StrictJson.text(config));
  }

  /** The files whose content has changed, each as one line. */
  public List<String> damaged() {
    return config.files().stream().flatMap(file -> damage(file).stream()).toList();
  }

  private Optional<String> damage(ModelConfig.FileEntry entry) {
    Path file = path.resolve(entry.path());
    try {
      String found = Sha256.of(file);
      return found.equals(entry.sha256())
          ? Optional.empty()
          : Optional.of(file + ": sha256 is " + found + ", expected " + entry.sha256());
    } catch (RadialogException e) {
      return Optional.of(e.getMessage());
    }
  }

  private void requireSizes(Path config) {
    for (ModelConfig.FileEntry entry : this.config.files()) {
      Path listed = path.resolve(entry.path());
      long bytes;
      try {
        bytes = Files.size(listed);
      } catch (IOException e) {
        throw new RadialogException(
            Kind.REFUSED_WEIGHTS,
            listed + " is missing, though " + config + " lists it; copy the whole model folder",
            e);
      }
      if (bytes != entry.bytes()) {
        throw new RadialogException(
            Kind.REFUSED_WEIGHTS,
            listed
                + " has "
                + bytes
                + " bytes, expected "
                + entry.bytes()
                + " as "
                + ModelConfig.FILE
                + " says; copy the model folder again");
      }
    }
  }

  private static JsonNode inThisFormat(Path file, JsonNode tree) {
    JsonNode format = tree.path("format");
    if (!format.isInt() || format.intValue() < 1) {
      throw new RadialogException(
          Kind.REFUSED_WEIGHTS,
          file
              + ": format is "
              + format
              + ", expected a whole number from 1 to "
              + ModelConfig.FORMAT);
    }
    if (format.intValue() > ModelConfig.FORMAT) {
      JsonNode by = tree.path("read_by");
      throw new RadialogException(
          Kind.REFUSED_WEIGHTS,
          file
              + ": format "
              + format
              + " is read by RaDialog "
              + (by.isString() ? by.stringValue() : "(not named)")
              + " or later; this version reads formats up to "
              + ModelConfig.FORMAT);
    }
    if (format.intValue() == 1 && tree instanceof ObjectNode object) {
      return FormatOne.upgraded(file, object);
    }
    if (tree.path("classifier") instanceof ObjectNode classifier) {
      FormatOne.LATE.stream().filter(name -> !classifier.has(name)).forEach(classifier::putNull);
    }
    return tree;
  }
}
