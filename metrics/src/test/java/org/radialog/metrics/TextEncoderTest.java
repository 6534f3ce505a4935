package org.radialog.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.SequencedMap;
import org.bytedeco.pytorch.NoGradGuard;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.radialog.base.RadialogException;
import org.radialog.language.Bert;
import org.radialog.testing.SafetensorsFile;
import org.radialog.testing.Weight;
import org.radialog.torch.Parameters;
import org.radialog.torch.Scope;
import org.radialog.torch.Torch;
import org.radialog.weights.Checkpoint;
import org.radialog.weights.DType;

/** Folders of a BERT and of a RoBERTa, small ones with weights by formula. */
class TextEncoderTest {
  private static final int WIDTH = 8;

  @TempDir private Path folder;

  private static String config(String type, int segments, String epsilon, int vocab) {
    return """
    {"model_type": "%s", "hidden_act": "gelu", "type_vocab_size": %d, "layer_norm_eps": %s,
     "vocab_size": %d, "hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2,
     "intermediate_size": 16, "max_position_embeddings": 12}\
    """
        .formatted(type, segments, epsilon, vocab);
  }

  private void write(String prefix, int segments, int vocab, String gain, String shift)
      throws Exception {
    SequencedMap<String, Weight> weights = new LinkedHashMap<>();
    put(weights, prefix + "embeddings.word_embeddings.weight", vocab, WIDTH);
    put(weights, prefix + "embeddings.position_embeddings.weight", 12, WIDTH);
    put(weights, prefix + "embeddings.token_type_embeddings.weight", segments, WIDTH);
    norm(weights, prefix + "embeddings.LayerNorm.", gain, shift);
    for (int i = 0; i < 2; i++) {
      String layer = prefix + "encoder.layer." + i + ".";
      for (String name : List.of("self.query", "self.key", "self.value", "output.dense")) {
        put(weights, layer + "attention." + name + ".weight", WIDTH, WIDTH);
        put(weights, layer + "attention." + name + ".bias", WIDTH);
      }
      norm(weights, layer + "attention.output.LayerNorm.", gain, shift);
      put(weights, layer + "intermediate.dense.weight", 16, WIDTH);
      put(weights, layer + "intermediate.dense.bias", 16);
      put(weights, layer + "output.dense.weight", WIDTH, 16);
      put(weights, layer + "output.dense.bias", WIDTH);
      norm(weights, layer + "output.LayerNorm.", gain, shift);
    }
    SafetensorsFile.write(folder.resolve("model.safetensors"), weights);
  }

  private static void norm(
      SequencedMap<String, Weight> weights, String name, String gain, String shift) {
    weights.put(name + gain, Weight.formula("", name + "weight", DType.F32, WIDTH));
    weights.put(name + shift, Weight.formula("", name + "bias", DType.F32, WIDTH));
  }

  private static void put(SequencedMap<String, Weight> weights, String name, long... shape) {
    weights.put(name, Weight.formula("", name, DType.F32, shape));
  }

  private void bert() throws Exception {
    Files.writeString(folder.resolve("config.json"), config("bert", 2, "1e-12", 9));
    Files.write(
        folder.resolve("vocab.txt"),
        List.of("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "lungs", "clear", "are", "."));
    write("bert.", 2, 9, "gamma", "beta");
  }

  private void roberta() throws Exception {
    Files.writeString(folder.resolve("config.json"), config("roberta", 1, "1e-5", 12));
    // Ġ is a space in the letters of byte-level BPE
    Files.writeString(
        folder.resolve("vocab.json"),
        """
        {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3, "Ġ": 4, "l": 5, "u": 6, "n": 7, "g": 8,
         "Ġl": 9, "un": 10, "Ġlun": 11}\
        """);
    Files.writeString(folder.resolve("merges.txt"), "#version: 0.2\nĠ l\nu n\nĠl un\n");
    write("roberta.", 1, 12, "weight", "bias");
  }

  @Test
  void bertReadsLowerCaseBetweenItsMarksAndCutsOffTheEnd() throws Exception {
    bert();
    try (TextEncoder encoder = TextEncoder.open(folder, 2)) {
      assertThat(encoder.ids("  Lungs are CLEAR. ")).containsExactly(2, 5, 7, 6, 8, 3);
      assertThat(encoder.ids("")).containsExactly(2, 3);
      assertThat(encoder.ids("clear ".repeat(40))).hasSize(12).startsWith(2).endsWith(3);
    }
  }

  @Test
  void robertaReadsTheFirstWordLikeAnyOtherAndKeepsTwoPositionsBack() throws Exception {
    roberta();
    try (TextEncoder encoder = TextEncoder.open(folder, 2)) {
      assertThat(encoder.ids("lung lung")).containsExactly(0, 11, 8, 11, 8, 2);
      assertThat(encoder.ids("lung ".repeat(20))).hasSize(10);
    }
  }

  @Test
  void robertaTakesPositionsFromTheThirdOn() throws Exception {
    roberta();
    int[] row = {0, 11, 8, 2};
    try (TextEncoder encoder = TextEncoder.open(folder, 1)) {
      float[] before = encoder.vectors(List.of(row)).getFirst();
      // The same network as a BERT whose position table lacks the two rows of padding.
      float[] other = asBertWithoutPadding(row);
      assertThat(before).hasSameSizeAs(other);
      for (int i = 0; i < before.length; i++) {
        assertThat(before[i]).isCloseTo(other[i], within(1e-4f)); // the two epsilons differ
      }
    }
  }

  private float[] asBertWithoutPadding(int[] row) throws Exception {
    try (Checkpoint file = Checkpoint.open(folder.resolve("model.safetensors"));
        Parameters p =
            Parameters.of((name, shape) -> {
              float[] values = file.floats("roberta." + name.replace("bert.", ""));
              if (name.endsWith("position_embeddings.weight")) {
                values = Arrays.copyOfRange(values, 2 * WIDTH, values.length);
              }
              if (name.endsWith("token_type_embeddings.weight")) {
                values = Arrays.copyOf(values, 2 * WIDTH); // the second is not used
              }
              return Optional.of(values);
            });
        Scope _ = new Scope();
        NoGradGuard _ = new NoGradGuard()) {
      Bert.Config config = new Bert.Config(Bert.Family.BERT, 12, WIDTH, 1, 2, 16, 10);
      return Torch.floats(Bert.of(p, config).forward(List.of(row)));
    }
  }

  @Test
  void aRowsVectorsDoNotDependOnItsNeighbours() throws Exception {
    bert();
    try (TextEncoder encoder = TextEncoder.open(folder, 2)) {
      int[] shorter = encoder.ids("lungs");
      List<float[]> together =
          encoder.vectors(List.of(shorter, encoder.ids("lungs are clear. clear.")));
      float[] alone = encoder.vectors(List.of(shorter)).getFirst();
      assertThat(together.getFirst()).hasSize(3 * WIDTH);
      for (int i = 0; i < alone.length; i++) {
        assertThat(together.getFirst()[i]).isCloseTo(alone[i], within(1e-5f));
      }
    }
  }

  @Test
  void otherNetworksAndLayersAreRefused() throws Exception {
    bert();
    assertThatThrownBy(() -> TextEncoder.open(folder, 3))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining("1 to 2");
    for (String type : List.of("distilbert", "llama")) {
      Files.writeString(folder.resolve("config.json"), config(type, 2, "1e-12", 9));
      assertThatThrownBy(() -> TextEncoder.open(folder, 1))
          .isInstanceOf(RadialogException.class)
          .hasMessageContaining(type)
          .hasMessageContaining("bert or roberta");
    }
    Files.delete(folder.resolve("config.json"));
    assertThatThrownBy(() -> TextEncoder.open(folder, 1))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining("config.json");
  }
}
