package org.radialog.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.radialog.base.RadialogException;

class ModelConfigTest {
  @TempDir Path folder;

  @BeforeEach
  void weights() throws IOException {
    Files.writeString(folder.resolve("base.gguf"), "weights");
    Files.writeString(folder.resolve("radialog.safetensors"), "trained");
  }

  @Test
  void whatIsWrittenIsReadBack() {
    config(
            new ModelConfig.QFormer(
                32, 4, 256, 8, 1024, 2, ModelConfig.Source.PATCHES, ModelConfig.TokenOrder.PATCHES))
        .write(folder);
    assertThat(ModelConfig.read(folder))
        .isEqualTo(
            config(
                new ModelConfig.QFormer(
                    32,
                    4,
                    256,
                    8,
                    1024,
                    2,
                    ModelConfig.Source.PATCHES,
                    ModelConfig.TokenOrder.PATCHES)));
    var mlp =
        new ModelConfig.Mlp(4096, ModelConfig.Source.PROJECTED, ModelConfig.TokenOrder.SCRAMBLED);
    config(mlp).write(folder);
    assertThat(ModelConfig.read(folder).film().alignment()).isEqualTo(mlp);
  }

  @Test
  void fieldsStandInSnakeCaseAndTheAlignmentNamesItsType() throws IOException {
    config(mlp()).write(folder);
    assertThat(Files.readString(folder.resolve("config.json")))
        .contains("\"batch_norm\" : \"running\"")
        .contains("\"type\" : \"mlp\"")
        .contains("\"token_order\" : \"patches\"")
        .contains("\"adapter\" : {")
        .startsWith("{\n  \"format\" : 1,\n  \"read_by\" : \"0.1.0\",\n  \"id\"");
  }

  @Test
  void higherFormatIsRefusedByNamingTheVersionThatReadsIt() throws IOException {
    edited("\"format\" : 1", "\"format\" : 2, \"later\" : {}");
    edited("\"read_by\" : \"0.1.0\"", "\"read_by\" : \"0.7.0\"");
    refused("format 2 is read by RaDialog 0.7.0 or later; this one reads formats up to 1");
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
    config(mlp()).write(folder);
    Files.writeString(folder.resolve("base.gguf"), "weight");
    refused("base.gguf has 6 bytes, expected 7");
    Files.delete(folder.resolve("base.gguf"));
    refused("base.gguf is missing");
  }

  @Test
  void changedContentIsFoundByItsDigestOnly() throws IOException {
    config(mlp()).write(folder);
    assertThat(ModelConfig.read(folder).damaged(folder)).isEmpty();
    Files.writeString(folder.resolve("base.gguf"), "Weights");
    assertThat(ModelConfig.read(folder).damaged(folder))
        .singleElement()
        .asString()
        .contains("base.gguf: sha256 is");
  }

  @Test
  void folderWithoutConfigIsNoModelFolder() {
    refused("is not a model folder");
  }

  private static ModelConfig.Mlp mlp() {
    return new ModelConfig.Mlp(512, ModelConfig.Source.PATCHES, ModelConfig.TokenOrder.PATCHES);
  }

  private ModelConfig config(ModelConfig.Alignment alignment) {
    return new ModelConfig(
        ModelConfig.FORMAT,
        ModelConfig.FORMAT_READ_BY,
        "radialog-mini",
        "0.1.0",
        "Apache-2.0",
        Optional.of(
            new ModelConfig.Preprocessing(
                512, new ModelConfig.Crops(448, 448), ModelConfig.Dicom.VOI)),
        Optional.of(
            new ModelConfig.Vision(
                ModelConfig.Backbone.EFFICIENTNET_LITE0,
                ModelConfig.BatchNorm.RUNNING,
                256,
                128,
                false)),
        Optional.of(alignment),
        Optional.of(
            new ModelConfig.Classifier(
                ModelConfig.Encoder.SHARED,
                new ModelConfig.Window(4, 4),
                512,
                List.of("Edema", "Fracture"),
                List.of(0.25, 0.5),
                List.of(ModelConfig.Evidence.TRAINED, ModelConfig.Evidence.UNTRAINED))),
        ModelConfig.Language.gguf(
            "base.gguf",
            new ModelConfig.Adapter(8, 16, List.of("q_proj", "v_proj")),
            ModelConfig.Prompt.SMOLLM2),
        new ModelConfig.SelfTest(List.of(0.5, 0.25), List.of(12.5), List.of(7)),
        List.of(
            ModelConfig.FileEntry.of(folder, "base.gguf"),
            ModelConfig.FileEntry.of(folder, ModelConfig.TRAINED)),
        List.of());
  }

  private void edited(String from, String to) throws IOException {
    Path file = folder.resolve("config.json");
    if (!Files.exists(file)) {
      config(mlp()).write(folder);
    }
    String text = Files.readString(file);
    assertThat(text).contains(from);
    Files.writeString(file, text.replace(from, to));
  }

  private void refused(String... says) {
    assertThatThrownBy(() -> ModelConfig.read(folder))
        .isInstanceOf(RadialogException.class)
        .message()
        .contains(says);
  }
}
