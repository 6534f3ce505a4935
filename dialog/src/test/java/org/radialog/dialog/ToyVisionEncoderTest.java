package org.radialog.dialog;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.radialog.base.RadialogException;
import org.radialog.clinical.Finding;
import org.radialog.published.ModelConfig;
import org.radialog.published.ModelFolder;
import org.radialog.testmodel.TinyModel;
import org.radialog.vision.InputSpec;

/** An image encoder that main code does not know, brought in as a service of the class path. */
class ToyVisionEncoderTest {
  /** Three channels of pixels that were standardised, as encoders of photographs have them. */
  private static final InputSpec COLOURS =
      new InputSpec(List.of(0.485, 0.456, 0.406), List.of(0.229, 0.224, 0.225));

  private static final ToyVisionEncoder.Config TOY =
      new ToyVisionEncoder.Config(16, 12, 10, COLOURS);

  @TempDir Path folder;

  @BeforeEach
  void writeModel() {
    TinyModel.write(
        folder,
        TOY,
        p -> {
          TOY.squares(p);
          TOY.projector(p);
        });
  }

  @Test
  void aReportIsWrittenByAModelWhoseEncoderOnlyTheClassPathKnows() throws IOException {
    assertThat(Files.readString(folder.resolve(ModelConfig.FILE)))
        .contains("\"type\" : \"toy-squares\"");
    assertThat(ModelFolder.open(folder).config().film().vision()).isEqualTo(TOY);

    try (RaDialog model = RaDialog.load(folder);
        Dialog one = model.open(Study.of(TinyModel.film(1)).forced());
        Dialog other = model.open(Study.of(TinyModel.film(2)).forced())) {
      assertThat(one.report(Decoding.greedy(4), text -> {}).usage().completionTokens())
          .isPositive();
      assertThat(one.findings().of(Finding.EDEMA).probability())
          .isPresent()
          .isNotEqualTo(other.findings().of(Finding.EDEMA).probability());
      // A film of 96 pixels in squares of 16.
      HeatMap map = one.attribution(Finding.EDEMA);
      assertThat(List.of(map.height(), map.width())).containsExactly(6, 6);
    }
  }

  @Test
  void thePixelsAreThoseThatTheFolderStates() throws IOException {
    double stated = edema();
    Path config = folder.resolve(ModelConfig.FILE);
    String text = Files.readString(config);
    assertThat(text).contains("0.485");
    Files.writeString(config, text.replace("0.485", "0.085"));

    assertThat(edema()).isNotEqualTo(stated);
  }

  @Test
  void anEncoderThatComparesNoFilmsRefusesAPrior() {
    Study study = Study.of(TinyModel.film(1)).after(TinyModel.film(2)).forced();
    try (RaDialog model = RaDialog.load(folder);
        Dialog dialog = model.open(study)) {
      assertThatThrownBy(dialog::findings)
          .isInstanceOf(RadialogException.class)
          .hasMessageContaining("cannot compare a film with a prior film");
    }
  }

  private double edema() {
    try (RaDialog model = RaDialog.load(folder);
        Dialog dialog = model.open(Study.of(TinyModel.film(1)).forced())) {
      return dialog.findings().of(Finding.EDEMA).probability().orElseThrow();
    }
  }
}
