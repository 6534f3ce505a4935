package org.radialog.published;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.SequencedMap;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.radialog.language.LlamaConfig;
import org.radialog.language.LlamaLinear;
import org.radialog.language.LlamaWeights;
import org.radialog.language.LoraAdapter;
import org.radialog.language.LoraConfig;
import org.radialog.published.CheckpointKind.Adapter;
import org.radialog.testing.BaseGguf;
import org.radialog.testing.Golden;
import org.radialog.testing.GoldenCase;
import org.radialog.testing.HollowCheckpoint;
import org.radialog.vision.BioViLT;
import org.radialog.vision.QFormerText;
import org.radialog.weights.Checkpoint;
import org.radialog.weights.WeightsRefused;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class RecognitionTest {
  @TempDir private Path folder;

  @Test
  void thePublishedImageModelIsCompleteWithItsPooler() {
    Recognition r = of(published("biovilt", ""));
    assertThat(r.kind()).isEqualTo(new CheckpointKind.ImageModel(BioViLT.Config.PUBLISHED));
    assertThat(r.complete()).isTrue();
    assertThat(r.unknown()).isEmpty();
    assertThat(r.ignored())
        .contains("encoder.encoder.fc.weight", "encoder.encoder.bn1.num_batches_tracked")
        .doesNotContain("encoder.encoder.conv1.weight");
  }

  @Test
  void thePublishedClassifierIsCompleteWithItsEncoder() {
    Recognition r = of(published("classifier", ""));
    assertThat(r.kind())
        .isEqualTo(
            new CheckpointKind.Classifier(
                Optional.of(new CheckpointKind.ImageModel(BioViLT.Config.PUBLISHED)),
                2048,
                512,
                14));
    assertThat(r.missing()).isEmpty();
    assertThat(r.unknown()).isEmpty();
    assertThat(r.prefix()).isEqualTo("model.");
    assertThat(r.ignored()).contains("criterion.pos_weight");
  }

  @Test
  void aQFormerLacksTheEncoderThatWasFrozenAndNotSaved() {
    SequencedMap<String, long[]> file = published("qformer", "");
    published("biovilt", "visual_encoder.")
        .forEach((name, shape) -> {
          if (name.contains("running_") && !name.contains("projector")) {
            file.put(name, shape); // buffers are no parameters: they were saved
          }
        });
    Recognition r = of(file);
    assertThat(r.kind())
        .isEqualTo(
            new CheckpointKind.QFormerModel(
                32, 12, 768, 3072, 2, 1408, Optional.of(QFormerText.Config.PUBLISHED)));
    assertThat(r.missing())
        .extracting(Recognition.Missing::name)
        .contains(
            "visual_encoder.encoder.encoder.conv1.weight",
            "visual_encoder.projector.model.0.weight")
        .allMatch(name -> name.startsWith("visual_encoder."))
        .noneMatch(name -> name.contains("encoder.encoder.bn1.running_mean"));
    assertThat(r.missing())
        .filteredOn(m -> m.name().endsWith("projector.model.0.weight"))
        .singleElement()
        .isEqualTo(
            new Recognition.Missing(
                "visual_encoder.projector.model.0.weight",
                List.of(1408L, 512L, 1L, 1L),
                Optional.empty()));
    assertThat(r.ignored()).contains("temp", "Qformer.bert.embeddings.position_ids");
    assertThat(r.unknown()).isEmpty();
  }

  @Test
  void theSecondVersionsTrainablesAreAnEncoderAndAProjector() {
    SequencedMap<String, long[]> file = new LinkedHashMap<>();
    String prefix = "base_model.model.model.";
    file.put(prefix + "mm_projector.0.weight", new long[] {4096, 512});
    file.put(prefix + "mm_projector.0.bias", new long[] {4096});
    file.put(prefix + "mm_projector.2.weight", new long[] {4096, 4096});
    file.put(prefix + "mm_projector.2.bias", new long[] {4096});
    file.put(prefix + "layers.0.self_attn.rotary_emb.inv_freq", new long[] {64});
    file.putAll(published("biovilt", prefix + "vision_tower."));
    Recognition r = of(file);
    assertThat(r.kind())
        .isEqualTo(
            new CheckpointKind.VisionAndProjector(
                BioViLT.Config.PUBLISHED, new CheckpointKind.Projector(512, 4096, 4096)));
    assertThat(r.prefix()).isEqualTo(prefix);
    assertThat(r.complete()).isTrue();
    assertThat(r.unknown()).isEmpty();
    assertThat(r.ignored()).contains(prefix + "layers.0.self_attn.rotary_emb.inv_freq");
  }

  @Test
  void aTensorOfAnotherShapeIsMissingWithWhatWasFound() {
    Recognition r = golden("checkpoints/v2-non_lora_trainables.bin");
    assertThat(r.kind()).isInstanceOf(CheckpointKind.VisionAndProjector.class);
    assertThat(r.missing())
        .filteredOn(m ->
            m.name().equals("base_model.model.model.vision_tower.encoder.encoder.bn1.running_mean"))
        .singleElement()
        .satisfies(m -> {
          assertThat(m.expected()).containsExactly(64L);
          assertThat(m.found().orElseThrow()).hasSize(1).isNotEqualTo(m.expected());
        });
    assertThat(r.unknown()).isEmpty();
  }

  @Test
  void adaptersHaveRankTargetsAndLayers() {
    for (String name : List.of("lora-qv", "lora-all")) {
      LoraConfig config =
          LoraConfig.parse(
              JsonMapper.shared().readTree(Golden.file(name + "/adapter_config.json").toFile()));
      for (String file : List.of("/adapter_model.bin", "/adapter_model.safetensors")) {
        Recognition r = golden(name + file);
        assertThat(r.kind())
            .isInstanceOfSatisfying(
                Adapter.class,
                a -> {
                  assertThat(a.rank()).isEqualTo(config.r());
                  assertThat(a.targets()).isEqualTo(config.targets());
                  assertThat(a.layers()).isGreaterThan(1);
                  assertThat(a.imageProjection()).isEmpty();
                });
        assertThat(r.complete()).isTrue();
        assertThat(r.unknown()).isEmpty();
      }
    }
  }

  @Test
  void theFirstVersionsAdapterBringsItsImageProjection() {
    SequencedMap<String, long[]> file = new LinkedHashMap<>();
    for (int layer = 0; layer < 32; layer++) {
      for (LlamaLinear linear : List.of(LlamaLinear.Q_PROJ, LlamaLinear.V_PROJ)) {
        String module = LoraAdapter.PREFIX + linear.module(layer);
        file.put(module + ".lora_A.weight", new long[] {8, 4096});
        file.put(module + ".lora_B.weight", new long[] {4096, 8});
      }
    }
    file.put(LoraAdapter.PREFIX + "model.img_proj_layer.weight", new long[] {4096, 768});
    file.put(LoraAdapter.PREFIX + "model.img_proj_layer.bias", new long[] {4096});
    Recognition r = of(file);
    assertThat(r.kind())
        .isEqualTo(
            new Adapter(
                8,
                Set.of(LlamaLinear.Q_PROJ, LlamaLinear.V_PROJ),
                32,
                Optional.of(new Adapter.ImageProjection(768, 4096))));
    assertThat(r.complete()).isTrue();
    assertThat(r.unknown()).isEmpty();
    assertThat(golden("checkpoints/v1-pytorch_model.bin").kind())
        .isInstanceOfSatisfying(Adapter.class, a -> assertThat(a.imageProjection()).isPresent());
  }

  @Test
  void anAdapterThatLacksAMatrixNamesIt() {
    SequencedMap<String, long[]> file = new LinkedHashMap<>();
    for (int layer : new int[] {0, 1}) {
      String module = LoraAdapter.PREFIX + LlamaLinear.Q_PROJ.module(layer);
      file.put(module + ".lora_A.weight", new long[] {8, 64});
      file.put(module + ".lora_B.weight", new long[] {64, 8});
    }
    file.remove(LoraAdapter.PREFIX + LlamaLinear.Q_PROJ.module(1) + ".lora_B.weight");
    file.put(LoraAdapter.PREFIX + "lm_head.lora_A.weight", new long[] {8, 64});
    Recognition r = of(file);
    assertThat(r.missing())
        .containsExactly(
            new Recognition.Missing(
                LoraAdapter.PREFIX + LlamaLinear.Q_PROJ.module(1) + ".lora_B.weight",
                List.of(64L, 8L),
                Optional.empty()));
    assertThat(r.unknown()).containsExactly(LoraAdapter.PREFIX + "lm_head.lora_A.weight");
  }

  @Test
  void cheXbertIsCompleteAtTheSizesOfItsShapes() {
    Recognition r = golden("chexbert-tiny/chexbert.pth");
    JsonNode c = Golden.theCase("chexbert-tiny").config();
    assertThat(r.kind())
        .isEqualTo(
            new CheckpointKind.Labeler(
                c.required("vocab").intValue(),
                c.required("hidden").intValue(),
                c.required("layers").intValue(),
                c.required("ffn").intValue(),
                c.required("positions").intValue()));
    assertThat(r.complete()).isTrue();
    assertThat(r.unknown()).isEmpty();
  }

  @Test
  void aShardedLlamaIsOneModelAndNamesWhatItLacks() throws IOException {
    LlamaConfig config =
        new LlamaConfig(
            32000, 4096, 32, 32, 32, 128, 11008, 1e-5, 10_000, Optional.empty(), false, 4096);
    SequencedMap<String, long[]> all = LlamaWeights.shapes(config);
    all.remove(LlamaWeights.NORM);
    all.put(LlamaLinear.DOWN_PROJ.weight(31), new long[] {4096, 11000});
    all.put("model.layers.3.self_attn.rotary_emb.inv_freq", new long[] {64});
    SequencedMap<String, long[]> first = new LinkedHashMap<>();
    SequencedMap<String, long[]> second = new LinkedHashMap<>();
    StringBuilder index = new StringBuilder("{\"metadata\": {}, \"weight_map\": {");
    all.forEach((name, shape) -> {
      boolean early = first.size() < 100;
      (early ? first : second).put(name, shape);
      index.append(index.toString().endsWith("{") ? "" : ",");
      index.append("\"%s\": \"m-0000%d-of-00002.safetensors\"".formatted(name, early ? 1 : 2));
    });
    HollowCheckpoint.write(folder.resolve("m-00001-of-00002.safetensors"), first);
    HollowCheckpoint.write(folder.resolve("m-00002-of-00002.safetensors"), second);
    Files.writeString(folder.resolve("m.safetensors.index.json"), index.append("}}"));
    Recognition r = file(folder);
    assertThat(r.kind())
        .isEqualTo(new CheckpointKind.HuggingFaceLlama(32000, 4096, 32, 11008, 4096, 4096, false));
    assertThat(r.missing())
        .containsExactly(
            new Recognition.Missing(
                LlamaLinear.DOWN_PROJ.weight(31),
                List.of(4096L, 11008L),
                Optional.of(List.of(4096L, 11000L))),
            new Recognition.Missing(LlamaWeights.NORM, List.of(4096L), Optional.empty()));
    assertThat(r.ignored()).containsExactly("model.layers.3.self_attn.rotary_emb.inv_freq");
    assertThat(r.unknown()).isEmpty();
  }

  @Test
  void aLlamaWithGroupedKeysAndATiedHeadIsComplete() {
    GoldenCase gqa = Golden.theCase("llama-gqa");
    LlamaConfig config = LlamaConfig.parse(gqa.config());
    Recognition r = of(LlamaWeights.shapes(config));
    assertThat(r.kind())
        .isEqualTo(
            new CheckpointKind.HuggingFaceLlama(
                config.vocab(),
                config.hidden(),
                config.layers(),
                config.mlp(),
                config.queryRows(),
                config.keyRows(),
                config.tied()));
    assertThat(r.complete()).isTrue();
  }

  @Test
  void aGgufFileIsReadByItsMetadata() {
    Recognition r = file(BaseGguf.file());
    assertThat(r.kind())
        .isInstanceOfSatisfying(
            CheckpointKind.LlamaGguf.class,
            gguf -> assertThat(gguf.config().orElseThrow().hidden()).isEqualTo(576));
    assertThat(r.complete()).isTrue();
    assertThat(r.unknown()).isEmpty();
    Recognition small = golden("checkpoints/handmade.gguf");
    assertThat(small.complete()).isFalse();
    assertThat(small.problems()).singleElement().asString().contains("llama.embedding_length");
  }

  @Test
  void ourOwnModelFolderIsItsParts() {
    Recognition r = file(Golden.root().resolve("models/mini/radialog.safetensors"));
    assertThat(r.kind())
        .isInstanceOfSatisfying(
            CheckpointKind.Trained.class,
            t ->
                assertThat(t.parts().sequencedKeySet())
                    .containsExactly("vision", "classifier", "qformer", "projector", "language"));
    assertThat(r.missing()).isEmpty();
    assertThat(r.unknown()).isEmpty();
    assertThat(r.complete()).isTrue();
  }

  @Test
  void embeddingsOfTheFirstVersionAreCounted() {
    for (String name : List.of("embeddings-numpy1.pkl", "embeddings-numpy2.pkl")) {
      assertThat(golden("checkpoints/" + name).kind())
          .isInstanceOfSatisfying(
              CheckpointKind.Embeddings.class,
              e -> {
                assertThat(e.films()).isEqualTo(2);
                assertThat(e.queries()).isEqualTo(32);
              });
    }
  }

  @Test
  void aProjectorAloneAndAClassifierWithoutItsEncoder() {
    SequencedMap<String, long[]> projector = new LinkedHashMap<>();
    projector.put("model.mm_projector.0.weight", new long[] {96, 24});
    projector.put("model.mm_projector.0.bias", new long[] {96});
    projector.put("model.mm_projector.2.weight", new long[] {80, 96});
    projector.put("model.mm_projector.2.bias", new long[] {80});
    Recognition r = of(projector);
    assertThat(r.kind()).isEqualTo(new CheckpointKind.Projector(24, 96, 80));
    assertThat(r.complete()).isTrue();
    Recognition lightning = golden("checkpoints/lightning.ckpt");
    assertThat(lightning.kind()).isInstanceOf(CheckpointKind.Classifier.class);
    assertThat(lightning.missing())
        .extracting(Recognition.Missing::name)
        .contains("model.fc2.bias", "model.biovil_encoder.encoder.backbone_to_vit.weight")
        .doesNotContain("model.fc1.weight");
    assertThat(lightning.ignored()).contains("optimizer_states.0.state.0.exp_avg");
    assertThat(lightning.unknown()).isEmpty();
  }

  @Test
  void anotherNetworkIsUnknown() {
    Recognition r = golden("checkpoints/state-dict.pt");
    assertThat(r.kind()).isInstanceOf(CheckpointKind.Unknown.class);
    assertThat(r.complete()).isFalse();
    assertThat(r.unknown()).contains("0.weight");
  }

  @Test
  void anyFileThatOpensIsRecognisedOrUnknown() throws IOException {
    try (Stream<Path> files = Files.walk(Golden.folder())) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        try (Checkpoint checkpoint = Checkpoint.open(file)) {
          assertThatCode(() -> Recognition.of(checkpoint))
              .as("%s", file)
              .doesNotThrowAnyException();
        } catch (WeightsRefused e) {
          assertThat(e).hasMessageContaining(file.getFileName().toString());
        }
      }
    }
  }

  @Test
  void shapesThatNoNetworkHasAreNeverBuilt() {
    long[] sizes = {0, 1, 3, 768, 1L << 20, 1L << 31};
    Random random = new Random(5);
    for (String keys : List.of("biovilt", "classifier", "qformer")) {
      for (int round = 0; round < 20; round++) {
        SequencedMap<String, long[]> file = published(keys, "");
        for (Map.Entry<String, long[]> tensor : file.entrySet()) {
          if (random.nextInt(4) == 0) {
            long[] shape = new long[random.nextInt(3)];
            Arrays.setAll(shape, _ -> sizes[random.nextInt(sizes.length)]);
            if (Arrays.stream(shape).reduce(1, Math::multiplyHigh) == 0
                && Arrays.stream(shape).reduce(1, (a, b) -> a * b) < 1L << 24) {
              tensor.setValue(shape);
            }
          }
        }
        assertThat(of(file).complete()).isFalse();
      }
    }
  }

  private static SequencedMap<String, long[]> published(String keys, String prefix) {
    SequencedMap<String, long[]> shapes = new LinkedHashMap<>();
    for (GoldenCase.Key key : Golden.keys(keys)) {
      shapes.put(prefix + key.name(), key.shape());
    }
    return shapes;
  }

  private Recognition of(SequencedMap<String, long[]> shapes) {
    return file(HollowCheckpoint.write(folder.resolve("hollow.safetensors"), shapes));
  }

  private static Recognition golden(String name) {
    return file(Golden.file(name));
  }

  private static Recognition file(Path file) {
    try (Checkpoint checkpoint = Checkpoint.open(file)) {
      return Recognition.of(checkpoint);
    }
  }
}
