package org.radialog.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
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
      Files.copy(Golden.folder().resolve("checkpoints").resolve(name), folder.resolve(name));
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

  private static String golden(String name) {
    return Golden.folder().resolve(name).toString();
  }
}
