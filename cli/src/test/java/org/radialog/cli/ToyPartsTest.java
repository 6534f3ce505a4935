package org.radialog.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.radialog.cli.toy.ToyGrey;
import org.radialog.cli.toy.ToyLength;
import org.radialog.cli.toy.ToyPrompt;
import org.radialog.clinical.PromptFormats;
import org.radialog.metrics.TextMetric;
import org.radialog.published.ModelConfig;
import org.radialog.published.ModelFolder;
import org.radialog.vision.VisionEncoder;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * A model of parts that main code does not know, the image encoder and the prompt format, writes
 * reports and is evaluated, with a text metric that main code does not know either.
 */
class ToyPartsTest {
  private static final List<String> WEIGHTS = List.of("base.gguf", "radialog.safetensors");

  @TempDir private Path folder;

  @BeforeEach
  void writeModel() throws IOException {
    PromptFormats.register(new ToyPrompt());
    Path mini = CommandLineRun.ROOT.resolve("models/mini");
    for (String weights : WEIGHTS) {
      Files.createSymbolicLink(folder.resolve(weights), mini.resolve(weights));
    }
    ModelConfig config = ModelFolder.open(mini).config();
    ModelFolder.write(folder, config);
    VisionEncoder.Config own = config.film().vision();
    Path file = folder.resolve(ModelConfig.FILE);
    ObjectNode root = (ObjectNode) JsonMapper.shared().readTree(file);
    root.putObject("vision")
        .put("type", "toy-grey")
        .put("patch_channels", own.patchChannels())
        .put("projected_channels", own.projectedChannels());
    root.withObject("/language").put("prompt", "toy");
    Files.writeString(file, root.toString());
    assertThat(ModelFolder.open(folder).config().film().vision())
        .isEqualTo(new ToyGrey.Config(own.patchChannels(), own.projectedChannels()));
  }

  @AfterEach
  void removeLinks() throws IOException {
    for (String weights : WEIGHTS) {
      Files.delete(folder.resolve(weights));
    }
  }

  @Test
  void aReportIsWrittenByAModelOfToys() {
    CommandLineRun run =
        CommandLineRun.of(
            "report",
            "--json",
            "--model",
            folder.toString(),
            "--max-new-tokens",
            "4",
            CommandLineRun.sample("effusion.jpg"));
    assertThat(run.code()).as(run.err()).isZero();
    JsonNode json = run.json().getFirst();
    assertThat(json.at("/findings").size()).isEqualTo(14);
    // The tokens of the image and the "r".
    assertThat(json.at("/usage/prompt_tokens").intValue()).isEqualTo(32 + 1);
    assertThat(json.at("/usage/completion_tokens").intValue()).isPositive();
  }

  @Test
  void anEvaluationOfAModelOfToysHasTheToyMetricInItsTable() throws IOException {
    Path services = Files.createDirectories(folder.resolve("services/META-INF/services"));
    Files.writeString(
        services.resolve(TextMetric.class.getName()), ToyLength.class.getName() + "\n");
    ClassLoader before = Thread.currentThread().getContextClassLoader();
    URL[] path = {folder.resolve("services").toUri().toURL()};
    try (URLClassLoader withMetric = new URLClassLoader(path, before)) {
      Thread.currentThread().setContextClassLoader(withMetric);
      CommandLineRun run =
          CommandLineRun.of(
              "evaluate",
              "--model",
              folder.toString(),
              "--data",
              CommandLineRun.sample("studies.csv"),
              "--split",
              "test",
              "--protocol",
              "generation",
              "--resamples",
              "10",
              "--out",
              folder.resolve("result").toString());
      assertThat(run.code()).as(run.err()).isZero();
      assertThat(run.out()).contains("BLEU-4", "toy length");
    } finally {
      Thread.currentThread().setContextClassLoader(before);
    }
    JsonNode scores = JsonMapper.shared().readTree(folder.resolve("result/scores.json").toFile());
    assertThat(scores.at("/settings/prompt").stringValue()).isEqualTo("toy");
    assertThat(scores.at("/scores/toy length").isMissingNode()).isFalse();
  }
}
