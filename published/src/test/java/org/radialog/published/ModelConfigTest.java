package org.radialog.published;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.radialog.base.RadialogException;
import org.radialog.clinical.SmolLm2Format;
import org.radialog.imaging.DicomRecipe;
import org.radialog.imaging.Preprocessing;
import org.radialog.language.LlamaLinear;
import org.radialog.language.LoraConfig;
import org.radialog.vision.Alignment;
import org.radialog.vision.BioViLT;
import org.radialog.vision.FindingsClassifier;
import org.radialog.vision.MlpProjector;
import org.radialog.vision.QFormer;
import org.radialog.vision.TokenOrder;
import org.radialog.vision.VisionEncoder;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

class ModelConfigTest {
  @TempDir Path folder;

  @BeforeEach
  void weights() throws IOException {
    Files.writeString(folder.resolve("base.gguf"), "weights");
    Files.writeString(folder.resolve("radialog.safetensors"), "trained");
  }

  @Test
  void whatIsWrittenIsReadBack() {
    ModelFolder.write(folder, config(queries()));
    assertThat(ModelFolder.open(folder).config()).isEqualTo(config(queries()));
    var mlp = new MlpProjector.Config(4096, VisionEncoder.Source.PROJECTED, TokenOrder.SCRAMBLED);
    ModelFolder.write(folder, config(mlp));
    assertThat(ModelFolder.open(folder).config().film().alignment()).isEqualTo(mlp);
  }

  @Test
  void fieldsStandInSnakeCaseAndTheAlignmentNamesItsType() throws IOException {
    ModelFolder.write(folder, config(mlp()));
    assertThat(Files.readString(folder.resolve("config.json")))
        .contains("\"batch_norm\" : \"running\"")
        .contains("\"type\" : \"mlp\"")
        .contains("\"token_order\" : \"patches\"")
        .contains("\"adapter\" : {")
        .startsWith("{\n  \"format\" : 2,\n  \"read_by\" : \"0.1.0\",\n  \"id\"");
  }

  /** The fields of {@code models/mini/config.json}. */
  private static final String FORMAT_ONE =
      """
      {
        "format": 1, "read_by": "0.1.0", "id": "a-model", "version": "0.1.1", "license": "Apache-2.0",
        "preprocessing": {"resize": 320, "crops": {"classifier": 320, "alignment": 320}, "dicom": "voi"},
        "vision": {"backbone": "efficientnet-lite0", "batch_norm": "running", "patch_dim": 256,
          "joint_dim": 128, "prior": false},
        "alignment": {"type": "qformer", "queries": 32, "layers": 4, "hidden": 256, "heads": 4,
          "mlp": 1024, "cross_attention_every": 2, "source": "patches", "token_order": "patches"},
        "classifier": {"encoder": "shared", "pooling": {"type": "adaptive", "cells": 1}, "hidden": 128,
          "labels": ["Edema"], "thresholds": [0.6], "evidence": ["trained"]},
        "language": {"weights": "base.gguf", "network": null, "tokenizer": null, "precision": null,
          "adapter": {"r": 16, "alpha": 32.0, "targets": ["q_proj", "v_proj"]},
          "prompt": "smollm2", "compat": []},
        "self_test": {"probabilities": [0.5], "logits": [12.5], "tokens": [7]},
        "files": [
          {"path": "base.gguf", "bytes": 7, "sha256": "%1$s"},
          {"path": "radialog.safetensors", "bytes": 7, "sha256": "%1$s"}],
        "sources": []
      }
      """
          .formatted("0".repeat(64));

  @Test
  void aFolderOfFormatOneLoadsWithWhatThatFormatDidNotSayYet() throws IOException {
    Files.writeString(folder.resolve("config.json"), FORMAT_ONE);
    ModelConfig config = ModelFolder.open(folder).config();
    assertThat(config.film().classifier().thresholds()).containsExactly(0.6);
    assertThat(config.film().classifier().possible()).isEmpty();
    assertThat(config.limits()).isEmpty();
    assertThat(config.sections())
        .containsExactly(ModelConfig.Section.FINDINGS, ModelConfig.Section.IMPRESSION);
    assertThat(config.film().vision())
        .isEqualTo(BioViLT.Config.of(BioViLT.Backbone.EFFICIENTNET_LITE0, 256, 128));
    ModelFolder.write(folder, config);
    assertThat(ModelFolder.open(folder).config()).isEqualTo(config);
  }

  @Test
  void theEmbeddedModelOfFormatOneHasTheLimitsThatWereStatedForIt() throws IOException {
    Files.writeString(
        folder.resolve("config.json"), FORMAT_ONE.replace("a-model", "radialog-mini"));
    assertThat(ModelFolder.open(folder).config().limitsLine())
        .isEqualTo(
            "The embedded model says nothing about side, size, devices, fractures or change since"
                + " an earlier film.");
  }

  @Test
  void aFieldOfFormatTwoInAFileOfFormatOneIsRefused() throws IOException {
    Files.writeString(
        folder.resolve("config.json"),
        FORMAT_ONE.replace("\"thresholds\"", "\"possible\": [0.1], \"thresholds\""));
    refused("unknown field 'classifier.possible': format 1 has none, format 2 does");
  }

  @Test
  void anEncoderThatNoRegistryKnowsIsRefusedWithTheKnownOnes() throws IOException {
    edited("\"type\" : \"biovil-t\"", "\"type\" : \"java.lang.Runtime\"");
    refused("vision: expected an object whose type is biovil-t");
  }

  @Test
  void aSecondOperatingPointAboveTheFirstIsRefused() throws IOException {
    edited("\"possible\" : [ 0.125, 0.5 ]", "\"possible\" : [ 0.375, 0.5 ]");
    refused("classifier.possible has 0.375 at 0, expected 0 to its threshold, 0.25");
    edited("\"possible\" : [ 0.375, 0.5 ]", "\"possible\" : [ 0.125 ]");
    refused("classifier.possible has 1 values, expected one per label, 2");
  }

  @Test
  void aFolderWithoutPerformanceLoadsWithoutAny() throws IOException {
    ModelFolder.write(folder, config(mlp()));
    Path file = folder.resolve("config.json");
    JsonNode config = JsonMapper.shared().readTree(file.toFile());
    ((ObjectNode) config.required("classifier")).remove("performance");
    Files.writeString(file, config.toString());
    ModelConfig.Classifier read = ModelFolder.open(folder).config().film().classifier();
    assertThat(read.performance()).isEmpty();
    assertThat(read.performance("Edema")).isEmpty();
  }

  @Test
  void performanceThatCannotBeIsRefused() throws IOException {
    edited("\"low\" : 0.6875", "\"low\" : 0.8125");
    refused("classifier.performance", "0.75 with low 0.8125 and high 0.8125");
    edited("\"low\" : 0.8125", "\"low\" : 0.6875");
    edited("\"positives\" : 20", "\"positives\" : 80");
    refused("classifier.performance of Edema has 80 positives of 80 films");
    edited("\"positives\" : 80", "\"positives\" : 20");
    edited("\"label\" : \"Edema\"", "\"label\" : \"Fracture\"");
    refused("classifier.performance has Fracture, which is no label with the evidence trained");
  }

  @Test
  void aLabelOfWhichTheClassifierTellsTooLittleIsWeak() throws IOException {
    edited("\"untrained\"", "\"weak\"");
    ModelConfig.Classifier read = ModelFolder.open(folder).config().film().classifier();
    assertThat(read.evidence("Fracture")).isEqualTo(ModelConfig.Evidence.WEAK);
    assertThat(read.evidence("Edema")).isEqualTo(ModelConfig.Evidence.TRAINED);
    assertThat(read.evidence("Hernia")).isEqualTo(ModelConfig.Evidence.UNTRAINED);
  }

  @Test
  void higherFormatIsRefusedByNamingTheVersionThatReadsIt() throws IOException {
    edited("\"format\" : 2", "\"format\" : 3, \"later\" : {}");
    edited("\"read_by\" : \"0.1.0\"", "\"read_by\" : \"0.7.0\"");
    refused("format 3 is read by RaDialog 0.7.0 or later; this version reads formats up to 2");
  }

  @Test
  void unknownFieldIsRefusedByItsName() throws IOException {
    edited("\"patch_dim\"", "\"patchdim\" : 1, \"patch_dim\"");
    refused("unknown field 'vision.patchdim'", "patch_dim");
  }

  @Test
  void missingFieldIsNamed() throws IOException {
    edited("\"license\" : \"Apache-2.0\",", "");
    refused("license");
  }

  @Test
  void badValueIsNamedWithWhereItStands() throws IOException {
    edited("\"resize\" : 512", "\"resize\" : 100");
    refused("preprocessing", "100", "448");
  }

  @Test
  void unknownWordIsRefusedWithTheKnownOnes() throws IOException {
    edited("\"efficientnet-lite0\"", "\"vgg\"");
    refused("vision.backbone", "vgg", "resnet50");
  }

  @Test
  void pathOutOfTheFolderIsRefused() throws IOException {
    edited("\"path\" : \"base.gguf\"", "\"path\" : \"../base.gguf\"");
    refused("../base.gguf");
  }

  @Test
  void fieldTwiceIsRefused() throws IOException {
    edited("\"id\" :", "\"id\" : \"a\", \"id\" :");
    refused("id");
  }

  @Test
  void missingFileAndOtherSizeAreRefused() throws IOException {
    ModelFolder.write(folder, config(mlp()));
    Files.writeString(folder.resolve("base.gguf"), "weight");
    refused("base.gguf has 6 bytes, expected 7");
    Files.delete(folder.resolve("base.gguf"));
    refused("base.gguf is missing");
  }

  @Test
  void changedContentIsFoundByItsDigestOnly() throws IOException {
    ModelFolder.write(folder, config(mlp()));
    assertThat(ModelFolder.open(folder).damaged()).isEmpty();
    Files.writeString(folder.resolve("base.gguf"), "Weights");
    assertThat(ModelFolder.open(folder).damaged())
        .singleElement()
        .asString()
        .contains("base.gguf: sha256 is");
  }

  @Test
  void folderWithoutConfigIsNoModelFolder() {
    refused("is not a model folder");
  }

  /** Every field of the file, also those of objects in lists, with every kind of wrong value. */
  @Test
  void aWrongValueOfAnyFieldIsOneLineThatNamesTheField() throws IOException {
    ModelFolder.write(folder, config(queries()));
    Path file = folder.resolve("config.json");
    JsonMapper json = JsonMapper.shared();
    JsonNode whole = json.readTree(file.toFile());
    List<String> pointers = new ArrayList<>();
    pointers(whole, "", pointers);
    assertThat(pointers).hasSizeGreaterThan(50);
    int refused = 0;
    for (String pointer : pointers) {
      String parent = pointer.substring(0, pointer.lastIndexOf('/'));
      String name = pointer.substring(pointer.lastIndexOf('/') + 1);
      for (String value :
          List.of(
              "null",
              "\"x\"",
              "\"\"",
              "[]",
              "[null]",
              "{}",
              "-1",
              "0",
              "1e300",
              "0.5",
              "true",
              "99999999999",
              "123456789012345678901234567890")) {
        JsonNode changed = whole.deepCopy();
        JsonNode at = changed.at(parent);
        JsonNode wrong = json.readTree(value);
        if (at instanceof ObjectNode object) {
          object.set(name, wrong);
        } else {
          ((ArrayNode) at).set(Integer.parseInt(name), wrong);
        }
        Files.writeString(file, changed.toString());
        // The field, the list it stands in, or the one that it has to agree with.
        List<String> names =
            Stream.of(pointer.split("/")).filter(part -> part.matches("[a-z_]{2,}|r")).toList();
        try {
          ModelFolder.open(folder);
        } catch (RadialogException e) {
          refused++;
          assertThat(e.getMessage())
              .as(pointer + " = " + value)
              .containsAnyOf(names.toArray(String[]::new))
              .doesNotContain("\n", "org.radialog", "java.");
          assertThat(e.getMessage().length()).as(e.getMessage()).isLessThan(700);
        }
      }
      // What may be null is null where the file says so, and nothing else.
      if (!List.of(
              "network",
              "tokenizer",
              "precision",
              "adapter",
              "possible",
              "performance",
              "denied",
              "ppv",
              "npv")
          .contains(name)) {
        JsonNode changed = whole.deepCopy();
        if (changed.at(parent) instanceof ObjectNode object) {
          object.putNull(name);
        } else {
          ((ArrayNode) changed.at(parent)).setNull(Integer.parseInt(name));
        }
        Files.writeString(file, changed.toString());
        assertThatThrownBy(() -> ModelFolder.open(folder))
            .as(pointer)
            .isInstanceOf(RadialogException.class);
      }
    }
    assertThat(refused).isGreaterThan(pointers.size() * 8);
  }

  private static void pointers(JsonNode node, String at, List<String> to) {
    if (node.isObject()) {
      node.properties()
          .forEach(field -> {
            to.add(at + "/" + field.getKey());
            pointers(field.getValue(), at + "/" + field.getKey(), to);
          });
    } else if (node.isArray()) {
      for (int i = 0; i < node.size(); i++) {
        to.add(at + "/" + i);
        pointers(node.get(i), at + "/" + i, to);
      }
    }
  }

  @Test
  void aWrongValueIsToldWithWhatWasExpectedAndFound() throws IOException {
    edited("\"encoder\" : \"shared\"", "\"encoder\" : null");
    refused("config.json: classifier.encoder: expected", "shared or own", "found null");
    edited("\"encoder\" : null", "\"encoder\" : \"shared\"");
    edited("\"patch_dim\" : 256", "\"patch_dim\" : \"256\"");
    refused("vision.patch_dim: expected a whole number of 32 bits, found \"256\"");
    edited("\"patch_dim\" : \"256\"", "\"patch_dim\" : 256.0");
    refused("vision.patch_dim: expected a whole number of 32 bits, found 256.0");
    edited("\"patch_dim\" : 256.0", "\"patch_dim\" : 99999999999");
    refused("vision.patch_dim: expected a whole number of 32 bits, found 99999999999");
    edited("\"patch_dim\" : 99999999999", "\"patch_dim\" : 256");
    edited("\"type\" : \"mlp\"", "\"type\" : \"mlb\"");
    refused("alignment: expected an object whose type is qformer or mlp or precomputed");
  }

  private static QFormer.Config queries() {
    return new QFormer.Config(
        32, 4, 256, 8, 1024, 2, VisionEncoder.Source.PATCHES, TokenOrder.PATCHES);
  }

  private static MlpProjector.Config mlp() {
    return new MlpProjector.Config(512, VisionEncoder.Source.PATCHES, TokenOrder.PATCHES);
  }

  private ModelConfig config(Alignment.Config alignment) {
    return new ModelConfig(
        ModelConfig.FORMAT,
        ModelConfig.FORMAT_READ_BY,
        "radialog-mini",
        "0.1.0",
        "Apache-2.0",
        List.of("It has never seen a film."),
        List.of(ModelConfig.Section.FINDINGS, ModelConfig.Section.IMPRESSION),
        Optional.of(
            new Preprocessing.Branches(512, new Preprocessing.Crops(448, 448), DicomRecipe.VOI)),
        Optional.of(BioViLT.Config.of(BioViLT.Backbone.EFFICIENTNET_LITE0, 256, 128)),
        Optional.of(alignment),
        Optional.of(
            new ModelConfig.Classifier(
                ModelConfig.Encoder.SHARED,
                new FindingsClassifier.Pooling.Window(4, 4),
                512,
                List.of("Edema", "Fracture"),
                List.of(0.25, 0.5),
                Optional.of(List.of(0.125, 0.5)),
                List.of(ModelConfig.Evidence.TRAINED, ModelConfig.Evidence.UNTRAINED),
                Optional.of(
                    List.of(
                        new Performance(
                            "Edema",
                            80,
                            20,
                            new Performance.Figure(0.75, 0.6875, 0.8125),
                            new Performance.Figure(0.5, 0.375, 0.625),
                            new Performance.Figure(0.7, 0.6, 0.8),
                            new Performance.Figure(0.96875, 0.9375, 1),
                            Optional.of(new Performance.Figure(0.4375, 0.25, 0.65625)),
                            Optional.empty(),
                            0.15625))),
                Optional.of(List.of("Edema")))),
        ModelConfig.Language.gguf(
            "base.gguf",
            LoraConfig.trained(8, 16, Set.of(LlamaLinear.Q_PROJ, LlamaLinear.V_PROJ)),
            SmolLm2Format.FORMAT),
        new ModelConfig.SelfTest(List.of(0.5, 0.25), List.of(12.5), List.of(7)),
        List.of(
            ModelConfig.FileEntry.of(folder, "base.gguf"),
            ModelConfig.FileEntry.of(folder, ModelConfig.TRAINED)),
        List.of());
  }

  private void edited(String from, String to) throws IOException {
    Path file = folder.resolve("config.json");
    if (!Files.exists(file)) {
      ModelFolder.write(folder, config(mlp()));
    }
    String text = Files.readString(file);
    assertThat(text).contains(from);
    Files.writeString(file, text.replace(from, to));
  }

  private void refused(String... says) {
    assertThatThrownBy(() -> ModelFolder.open(folder))
        .isInstanceOf(RadialogException.class)
        .message()
        .contains(says);
  }
}
