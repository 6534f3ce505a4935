package org.radialog.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.radialog.published.ModelConfig;
import org.radialog.published.ModelFolder;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** The embedded model with another {@code classifier} in its {@code config.json}. */
final class ChangedModel {
  private static final JsonMapper JSON = JsonMapper.builder().build();

  private ChangedModel() {}

  /** Writes a folder with links to the weights of the embedded model. */
  static void write(Path folder, Consumer<ObjectNode> classifier) throws IOException {
    Path mini = CommandLineRun.ROOT.resolve("models/mini").toAbsolutePath();
    ModelFolder.write(folder, ModelFolder.open(mini).config());
    Path file = folder.resolve(ModelConfig.FILE);
    ObjectNode config = (ObjectNode) JSON.readTree(Files.readAllBytes(file));
    classifier.accept((ObjectNode) config.required("classifier"));
    Files.write(file, JSON.writeValueAsBytes(config));
    try (Stream<Path> files = Files.list(mini)) {
      for (Path each : files.toList()) {
        if (!each.getFileName().toString().equals(ModelConfig.FILE)) {
          Files.createSymbolicLink(folder.resolve(each.getFileName()), each);
        }
      }
    }
  }

  /** Removes the links, so that the folder can be deleted without what they point to. */
  static void removeLinks(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      for (Path link : files.filter(Files::isSymbolicLink).toList()) {
        Files.delete(link);
      }
    }
  }
}
