package org.radialog.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.radialog.testing.PublishedLayout.Family;
import org.radialog.weights.Checkpoint;
import org.radialog.weights.DType;
import org.radialog.weights.TensorInfo;
import tools.jackson.databind.JsonNode;

/** Reads each written file and checks its names, shapes, types and values. */
class PublishedLayoutTest {
  private static final String SALT = "published:";
  private static final PublishedLayout LAYOUT = new PublishedLayout(SALT);
  private static final String MODEL = "base_model.model.model.";

  @TempDir private Path folder = Path.of("");

  @Test
  void theStateDictsAreThoseOfTheReference() {
    assertSameKeys(StateDicts.imageModel(128), Golden.keys("biovilt"));
    assertSameKeys(StateDicts.qFormer(QFormerSize.FULL), Golden.keys("qformer"));
    GoldenCase qFormer = Golden.theCase("qformer-tiny");
    assertSameKeys(StateDicts.qFormer(QFormerSize.of(qFormer)), qFormer.keys());
    GoldenCase chexbert = Golden.theCase("chexbert-tiny");
    assertSameKeys(StateDicts.chexbert(BertSize.of(chexbert)), chexbert.keys());
    for (GoldenCase llama : Golden.cases("llama")) {
      LlamaSize size = LlamaSize.of(llama);
      assertSameKeys(
          StateDicts.llama(size),
          llama.keys().stream()
              .filter(key -> !size.tied() || !key.name().equals("lm_head.weight"))
              .toList());
    }
    for (String name : List.of("lora-qv", "lora-all")) {
      GoldenCase lora = Golden.theCase(name);
      assertSameKeys(
          StateDicts.lora(LlamaSize.of(lora), LoraSize.of(lora)),
          GoldenCase.keys(lora.values().required("adapter_keys")));
    }
    for (GoldenCase projector : Golden.cases("projector")) {
      JsonNode config = projector.config();
      assertSameKeys(
          StateDicts.multimodalProjector(
              config.required("features").get(1).intValue(), config.required("hidden").intValue()),
          projector.keys());
    }
  }

  @Test
  void theImageModel() {
    Path file = folder.resolve("biovil_t_image_model_proj_size_128.pt");
    LAYOUT.imageModel(file);
    try (Checkpoint c = Checkpoint.open(file)) {
      assertHolds(c, "", Golden.keys("biovilt"), DType.F32);
      assertThat(c.tensors()).hasSameSizeAs(Golden.keys("biovilt"));
      assertThat(c.longs("encoder.encoder.bn1.num_batches_tracked")).containsExactly(0);
    }
  }

  @Test
  void theClassifierWithWhatLightningKeepsBesideIt() {
    Path file = folder.resolve("ChexpertClassifier.ckpt");
    LAYOUT.classifier(file);
    try (Checkpoint c = Checkpoint.open(file)) {
      assertHolds(c, "", Golden.keys("classifier"), DType.F32);
      assertThat(c.metadata())
          .containsEntry("epoch", 6L)
          .containsEntry("global_step", 16_534L)
          .containsKeys("optimizer_states", "lr_schedulers");
      assertThat(c.metadata())
          .asString()
          .contains(
              "class pytorch_lightning.callbacks.model_checkpoint.ModelCheckpoint",
              "__class__=argparse.Namespace",
              "run=chexpert_train");
      assertThat(c.tensor("optimizer_states.0.state.0.exp_avg").shape())
          .containsExactly(1, 256, 1, 1);
    }
  }

  @Test
  void theQFormerWithTiedWordsAndTheBuffersOfItsImageModel() {
    QFormerSize size = QFormerSize.of(Golden.theCase("qformer-tiny"));
    Path file = folder.resolve("checkpoint_4.pth");
    LAYOUT.qFormer(file, size);
    try (Checkpoint c = Checkpoint.open(file)) {
      String decoder = "Qformer.cls.predictions.decoder.";
      assertHolds(
          c,
          "",
          StateDicts.qFormer(size).stream().filter(k -> !k.name().startsWith(decoder)).toList(),
          DType.F32);
      assertThat(c.bytes(decoder + "weight").address())
          .isEqualTo(c.bytes("Qformer.bert.embeddings.word_embeddings.weight").address());
      assertThat(c.bytes(decoder + "bias").address())
          .isEqualTo(c.bytes("Qformer.cls.predictions.bias").address());
      List<GoldenCase.Key> buffers =
          StateDicts.imageModel(size.encoderWidth()).stream().filter(StateDicts::isBuffer).toList();
      assertThat(buffers).hasSizeGreaterThan(150);
      assertHolds(c, "visual_encoder.", buffers, DType.F32);
      assertThat(c.tensors().keySet().stream().filter(n -> n.startsWith("visual_encoder.")))
          .hasSameSizeAs(buffers);
      assertThat(c.metadata()).containsEntry("epoch", 4L).containsKeys("config", "scaler");
    }
  }

  @Test
  void theFirstVersionsAdapterAndEmbeddings() throws IOException {
    LlamaSize llama = LlamaSize.of(Golden.theCase("lora-qv"));
    LoraSize lora = LoraSize.of(Golden.theCase("lora-qv"));
    LAYOUT.v1Adapter(folder, llama, lora, 64);
    try (Checkpoint c = Checkpoint.open(folder.resolve("pytorch_model.bin"))) {
      assertHolds(c, "", StateDicts.lora(llama, lora), DType.F32);
      assertHolds(c, MODEL, StateDicts.imageProjection(llama.hidden(), 64), DType.F32);
      assertThat(c.tensors()).hasSize(llama.layers() * 4 + 2);
    }
    JsonNode config = json("adapter_config.json");
    assertThat(config.required("r").intValue()).isEqualTo(lora.r());
    assertThat(config.required("target_modules").toString()).isEqualTo("[\"q_proj\",\"v_proj\"]");

    Path embeddings = folder.resolve("embeddings.pkl");
    LAYOUT.embeddings(embeddings, List.of("2a-0b", "1c-9d"), 8, 64);
    try (Checkpoint c = Checkpoint.open(embeddings)) {
      assertThat(c.tensors().keySet()).containsExactly("2a-0b", "1c-9d");
      assertThat(c.floats("1c-9d")).isEqualTo(GoldenWeights.fill(SALT, "embedding/1c-9d", 8, 64));
    }
  }

  @Test
  void theSecondVersionsRepository() throws IOException {
    LlamaSize llama = LlamaSize.of(Golden.theCase("lora-all"));
    LoraSize lora = LoraSize.of(Golden.theCase("lora-all"));
    LAYOUT.v2Hub(folder, llama, lora, DType.BF16);
    try (Checkpoint c = Checkpoint.open(folder.resolve("adapter_model.bin"))) {
      assertHolds(c, "", StateDicts.lora(llama, lora), DType.BF16);
      assertThat(c.tensors()).hasSize(llama.layers() * 14);
    }
    try (Checkpoint c = Checkpoint.open(folder.resolve("non_lora_trainables.bin"))) {
      assertHolds(c, MODEL, StateDicts.multimodalProjector(512, llama.hidden()), DType.BF16);
      assertHolds(c, MODEL + "vision_tower.", StateDicts.imageModel(128), DType.BF16);
      assertThat(c.floats(MODEL + "layers.0.self_attn.rotary_emb.inv_freq"))
          .hasSize(llama.headDim() / 2)
          .startsWith(1);
    }
    JsonNode config = json("config.json");
    assertThat(config.required("model_type").stringValue()).isEqualTo("llava");
    assertThat(config.required("mm_hidden_size").intValue()).isEqualTo(512);
    assertThat(config.required("mm_projector_type").stringValue()).isEqualTo("mlp2x_gelu");
    try (Checkpoint c = Checkpoint.open(folder.resolve(PublishedLayout.CLASSIFIER))) {
      assertThat(c.tensors()).containsKey("model.fc2.weight");
    }
  }

  @Test
  void aLanguageModelInShards() throws IOException {
    LlamaSize size = LlamaSize.of(Golden.theCase("llama-mha"));
    for (Family family : Family.values()) {
      Path model = folder.resolve(family.name());
      byte[] tokenizer = "tokenizer".getBytes(StandardCharsets.UTF_8);
      LAYOUT.llama(model, family, size, DType.F16, 3, Map.of("tokenizer.model", tokenizer));
      assertThat(Files.readAllBytes(model.resolve("tokenizer.model"))).isEqualTo(tokenizer);
      assertThat(model.resolve("generation_config.json")).exists();
      assertThat(json(family + "/config.json").required("hidden_size").intValue())
          .isEqualTo(size.hidden());
      String shards =
          family == Family.VICUNA || family == Family.LLAVA
              ? "pytorch_model-0000.-of-00003.bin"
              : "model-0000.-of-00003.safetensors";
      try (Stream<Path> files = Files.list(model)) {
        assertThat(files.filter(f -> f.getFileName().toString().matches(shards))).hasSize(3);
      }
      try (Checkpoint c = Checkpoint.open(model)) {
        assertThat(c.format()).endsWith(", sharded");
        assertHolds(c, "", StateDicts.llama(size), DType.F16);
        if (family == Family.LLAVA) {
          assertThat(c.tensor("model.mm_projector.0.weight").shape())
              .containsExactly(size.hidden(), 1024);
          assertThat(c.tensors()).containsKey("model.layers.2.self_attn.rotary_emb.inv_freq");
        } else {
          assertThat(c.tensors()).hasSameSizeAs(StateDicts.llama(size));
        }
      }
    }
  }

  @Test
  void aLanguageModelInOneFile() {
    LlamaSize size = LlamaSize.of(Golden.theCase("llama-gqa"));
    LAYOUT.llama(folder, Family.LLAMA, size, DType.BF16, 1, Map.of());
    assertThat(folder.resolve("model.safetensors")).exists();
    try (Checkpoint c = Checkpoint.open(folder)) {
      assertThat(c.format()).isEqualTo("safetensors");
      assertHolds(c, "", StateDicts.llama(size), DType.BF16);
      assertThat(c.tensors()).doesNotContainKey("lm_head.weight");
    }
  }

  @Test
  void aLanguageModelAsGguf() {
    LlamaSize size = LlamaSize.of(Golden.theCase("llama-mha"));
    for (DType dtype : List.of(DType.F32, DType.F16)) {
      Path file = folder.resolve(dtype + ".gguf");
      LAYOUT.gguf(file, size, dtype, Map.of("tokenizer.ggml.model", "llama"));
      try (Checkpoint c = Checkpoint.open(file)) {
        assertThat(c.metadata())
            .containsEntry("llama.block_count", (long) size.layers())
            .containsEntry("tokenizer.ggml.model", "llama");
        assertThat(c.tensors()).hasSameSizeAs(StateDicts.llama(size));
        assertThat(c.tensor("blk.2.ffn_down.weight").dtype()).isEqualTo(dtype);
        assertThat(c.tensor("blk.2.ffn_norm.weight").dtype()).isEqualTo(DType.F32);
        // Row (head, half, i) of the published layout becomes row (head, i, half).
        String name = "model.layers.1.self_attn.k_proj.weight";
        float[] published =
            rounded(GoldenWeights.fill(SALT, name, size.hidden(), size.hidden()), dtype);
        int half = size.headDim() / 2;
        for (int row = 0; row < size.hidden(); row++) {
          int head = row / size.headDim();
          int inHead = row % size.headDim();
          int stored = head * size.headDim() + inHead % half * 2 + inHead / half;
          float[] expected = new float[size.hidden()];
          System.arraycopy(published, row * size.hidden(), expected, 0, size.hidden());
          assertThat(c.floats("blk.1.attn_k.weight", (long) stored * size.hidden(), size.hidden()))
              .isEqualTo(expected);
        }
      }
    }
  }

  @Test
  void aQuantisedLanguageModel() {
    LlamaSize size = LlamaSize.of(Golden.theCase("llama-mha"));
    for (DType dtype : List.of(DType.Q8_0, DType.Q4_0)) {
      Path file = folder.resolve(dtype + ".gguf");
      LAYOUT.gguf(file, size, dtype, Map.of());
      try (Checkpoint c = Checkpoint.open(file)) {
        for (TensorInfo info : c.tensors().values()) {
          boolean matrix = info.shape().length == 2;
          boolean blocks = matrix && info.shape()[1] % 32 == 0;
          assertThat(info.dtype())
              .as(info.toString())
              .isEqualTo(blocks ? dtype : matrix ? DType.F16 : DType.F32);
        }
        assertThat(c.tensor("token_embd.weight").dtype()).isEqualTo(dtype);
      }
    }
  }

  @Test
  void chexbert() {
    BertSize size = BertSize.of(Golden.theCase("chexbert-tiny"));
    Path file = folder.resolve("chexbert.pth");
    LAYOUT.chexbert(file, size);
    try (Checkpoint c = Checkpoint.open(file)) {
      assertHolds(c, "", StateDicts.chexbert(size), DType.F32);
      assertThat(c.tensors()).hasSameSizeAs(StateDicts.chexbert(size));
    }
  }

  /** The golden file and the written file with the same sizes have bit-identical tensors. */
  @Test
  void chexbertEqualsTheGoldenFile() {
    GoldenCase golden = Golden.theCase("chexbert-tiny");
    Path file = folder.resolve("chexbert.pth");
    new PublishedLayout(golden.weightSalt()).chexbert(file, BertSize.of(golden));
    try (Checkpoint ours = Checkpoint.open(file);
        Checkpoint theirs = Checkpoint.open(golden.file("chexbert-tiny/chexbert.pth"))) {
      assertThat(ours.tensors()).isEqualTo(theirs.tensors());
      for (String name : theirs.tensors().keySet()) {
        assertThat(ours.doubles(name)).as(name).isEqualTo(theirs.doubles(name));
      }
    }
  }

  @Test
  void theAdapterEqualsTheGoldenFile() {
    GoldenCase golden = Golden.theCase("lora-all");
    new PublishedLayout(golden.weightSalt())
        .v2Hub(folder, LlamaSize.of(golden), LoraSize.of(golden), DType.F32);
    try (Checkpoint ours = Checkpoint.open(folder.resolve("adapter_model.bin"));
        Checkpoint theirs = Checkpoint.open(golden.file("lora-all/adapter_model.bin"))) {
      assertThat(ours.tensors()).containsExactlyInAnyOrderEntriesOf(theirs.tensors());
      for (String name : theirs.tensors().keySet()) {
        assertThat(ours.floats(name)).as(name).isEqualTo(theirs.floats(name));
      }
    }
  }

  private JsonNode json(String name) throws IOException {
    return Golden.JSON.readTree(Files.readString(folder.resolve(name)));
  }

  private static void assertSameKeys(List<GoldenCase.Key> actual, List<GoldenCase.Key> expected) {
    assertThat(actual)
        .usingRecursiveFieldByFieldElementComparator()
        .containsExactlyElementsOf(expected);
  }

  /** Checks shapes and types of all tensors, and the first values of each against the formula. */
  private static void assertHolds(
      Checkpoint c, String prefix, List<GoldenCase.Key> keys, DType dtype) {
    for (GoldenCase.Key key : keys) {
      String name = prefix + key.name();
      assertThat(c.tensors()).containsKey(name);
      assertThat(c.tensor(name).shape()).as(name).isEqualTo(key.shape());
      if (key.dtype().equals("int64")) {
        assertThat(c.tensor(name).dtype()).as(name).isEqualTo(DType.I64);
        continue;
      }
      assertThat(c.tensor(name).dtype()).as(name).isEqualTo(dtype);
      int count = (int) Math.min(5, c.tensor(name).elements());
      float[] first = new float[count];
      GoldenWeights.fill(SALT, key.name(), key.shape(), 0, first, count);
      assertThat(c.floats(name, 0, count)).as(name).isEqualTo(rounded(first, dtype));
    }
  }

  private static float[] rounded(float[] values, DType dtype) {
    float[] rounded = values.clone();
    for (int i = 0; i < rounded.length; i++) {
      if (dtype == DType.F16) {
        rounded[i] = Float.float16ToFloat(Float.floatToFloat16(values[i]));
      } else if (dtype == DType.BF16) {
        // The nearest of the two neighbouring values; ties do not occur among these values.
        float below = Float.intBitsToFloat(Float.floatToRawIntBits(values[i]) & 0xffff0000);
        float above =
            Float.intBitsToFloat((Float.floatToRawIntBits(values[i]) & 0xffff0000) + 0x10000);
        rounded[i] =
            Math.abs((double) values[i] - below) < Math.abs((double) above - values[i])
                ? below
                : above;
      }
    }
    return rounded;
  }
}
