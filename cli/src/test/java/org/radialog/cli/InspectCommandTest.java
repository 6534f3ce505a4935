package org.radialog.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.radialog.testing.Golden;
import tools.jackson.databind.JsonNode;

class InspectCommandTest {
  @Test
  void theEmbeddedModelIsNamedByItsParts() {
    String file = CommandLineRun.ROOT.resolve("models/mini/radialog.safetensors").toString();
    CommandLineRun run = CommandLineRun.of("inspect", file);
    assertThat(run.code()).isZero();
    assertThat(run.out())
        .contains("looks like: trained weights of a RaDialog model folder", "language.rank 16")
        .doesNotContain("missing:", "unknown:");
    JsonNode json = CommandLineRun.of("inspect", "--json", file).json().getFirst();
    assertThat(json.at("/complete").booleanValue()).isTrue();
    assertThat(json.at("/sizes/language.rank").intValue()).isEqualTo(16);
    assertThat(json.at("/tensors").size()).isGreaterThan(100);
  }

  @Test
  void aTrainingCheckpointTellsWhatIsMissingIgnoredAndNotRead() {
    String file = golden("checkpoints/lightning.ckpt");
    CommandLineRun run = CommandLineRun.of("inspect", file);
    assertThat(run.code()).isZero();
    assertThat(run.out())
        .contains(
            "looks like: findings classifier",
            "missing: model.fc2.bias",
            "more (all of them with --json)",
            "ignored: criterion.pos_weight",
            "classes not read: ",
            "argparse.Namespace",
            "optimizer_states.0.state.0.exp_avg ");
    JsonNode json = CommandLineRun.of("inspect", "--json", file).json().getFirst();
    assertThat(json.at("/kind").stringValue()).isEqualTo("Classifier");
    assertThat(json.at("/complete").booleanValue()).isFalse();
    assertThat(json.at("/missing").size()).isGreaterThan(100);
    assertThat(json.at("/missing/0/name").stringValue()).isEqualTo("model.fc2.bias");
    assertThat(json.at("/opaque_classes").valueStream().map(JsonNode::stringValue))
        .contains("argparse.Namespace");
  }

  @Test
  void aFolderShowsItsSettingsAndEachCheckpoint() {
    String folder = golden("lora-qv");
    CommandLineRun run = CommandLineRun.of("inspect", folder);
    assertThat(run.code()).isZero();
    assertThat(run.out())
        .contains(
            "a folder of 2 checkpoints",
            "adapter_config.json: LoRA of rank",
            "adapter_model.bin: PyTorch zip",
            "adapter_model.safetensors: safetensors",
            "looks like: LoRA adapter (PEFT)");
    List<JsonNode> lines = CommandLineRun.of("inspect", "--json", folder).json();
    assertThat(lines).hasSize(3);
    assertThat(lines.getFirst().at("/adapter_config.json/peft_type").stringValue())
        .isEqualTo("LORA");
    assertThat(lines.get(1).at("/kind").stringValue()).isEqualTo("Adapter");
  }

  @Test
  void theShardsOfAnIndexAreOneCheckpointAndABadFileStopsNoOther(@TempDir Path folder)
      throws IOException {
    for (String name :
        List.of(
            "model.safetensors.index.json",
            "model-00001-of-00002.safetensors",
            "model-00002-of-00002.safetensors",
            "state-dict.pt")) {
      Files.copy(Golden.file("checkpoints/" + name), folder.resolve(name));
    }
    Files.writeString(folder.resolve("bad.safetensors"), "no checkpoint");
    CommandLineRun run = CommandLineRun.of("inspect", folder.toString());
    assertThat(run.code()).isEqualTo(1);
    assertThat(run.errLines()).hasSize(1);
    assertThat(run.err()).contains("bad.safetensors");
    assertThat(run.out())
        .contains("safetensors, sharded", "state-dict.pt: PyTorch zip", "looks like: unknown")
        .doesNotContain("00001-of-00002.safetensors:");
  }

  @Test
  void aTokenizerOfAFolderIsNamed() {
    CommandLineRun run = CommandLineRun.of("inspect", golden("tokenizer-llama"));
    assertThat(run.err()).isEmpty();
    assertThat(run.code()).isZero();
    assertThat(run.out())
        .contains("tokenizer: SentencePiece, ", "spaces as in LEGACY", "model_max_length = 2048");
  }

  @Test
  void aFolderWithoutCheckpointsIsRefused(@TempDir Path folder) {
    CommandLineRun run = CommandLineRun.of("inspect", folder.toString());
    assertThat(run.code()).isEqualTo(1);
    assertThat(run.err()).contains("has no checkpoint");
  }

  @Test
  void noFileIsAUsageError() {
    CommandLineRun run = CommandLineRun.of("inspect");
    assertThat(run.code()).isEqualTo(2);
    assertThat(run.err()).contains("FILE");
    assertThat(CommandLineRun.of("inspect", "--json").code()).isEqualTo(2);
  }

  @ParameterizedTest
  @ValueSource(strings = {"g01_basic.gguf", "s04_metaend.safetensors"})
  void nothingOfAFileSteersTheTerminal(String name) {
    for (String[] options : List.of(new String[0], new String[] {"--json"})) {
      List<String> arguments =
          new ArrayList<>(List.of("inspect", theCase("inspect-escapes/" + name)));
      arguments.addAll(List.of(options));
      CommandLineRun run = CommandLineRun.of(arguments.toArray(String[]::new));
      assertThat(run.code()).isZero();
      assertThat((run.out() + run.err()).chars())
          .noneMatch(c -> (c < 0x20 && c != '\n') || (c >= 0x7f && c < 0xa0) || c == 0x202e);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "g05_IQ4_NL.gguf, IQ4_NL",
    "g05_IQ4_XS.gguf, IQ4_XS",
    "g05_MXFP4.gguf, MXFP4",
    "s07_C64.safetensors, C64",
    "s07_F8_E4M3.safetensors, F8_E4M3",
    "s07_F8_E5M2.safetensors, F8_E5M2"
  })
  void aTypeThatIsNotComputedWithIsListed(String name, String type) {
    String file = theCase("inspect-new-types/" + name);
    CommandLineRun run = CommandLineRun.of("inspect", file);
    assertThat(run.err()).isEmpty();
    assertThat(run.code()).isZero();
    assertThat(run.out().lines().filter(line -> line.contains("cannot compute with " + type)))
        .hasSize(1);
    assertThat(
            run.out()
                .lines()
                .filter(line -> line.contains(" " + type + " ") && line.contains("bytes")))
        .isNotEmpty();
    JsonNode json = CommandLineRun.of("inspect", "--json", file).json().getFirst();
    assertThat(json.at("/not_computable/0").stringValue()).isEqualTo(type);
    assertThat(json.at("/tensors").valueStream().map(t -> t.at("/dtype").stringValue()))
        .contains(type);
  }

  @ParameterizedTest
  @CsvSource({
    "s14_lfs_pointer.safetensors, is a Git LFS pointer",
    "s15_html.safetensors, is a web page"
  })
  void whatADownloadLeftIsCalledByName(String name, String says) {
    CommandLineRun run = CommandLineRun.of("inspect", theCase("inspect-lfs-pointer/" + name));
    assertThat(run.code()).isEqualTo(1);
    assertThat(run.err()).contains(says);
    assertThat(run.errLines()).hasSize(1);
  }

  private static String theCase(String name) {
    try {
      return Path.of(InspectCommandTest.class.getResource("/cases/" + name).toURI()).toString();
    } catch (URISyntaxException e) {
      throw new AssertionError(e);
    }
  }

  private static String golden(String name) {
    return Golden.file(name).toString();
  }
}
