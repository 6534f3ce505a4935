package org.radialog.dialog;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.radialog.base.RadialogException;
import org.radialog.clinical.Finding;
import org.radialog.clinical.FindingsList;
import org.radialog.clinical.PromptFormat;
import org.radialog.clinical.PromptFormats;
import org.radialog.clinical.PromptPart;
import org.radialog.clinical.Turn;
import org.radialog.published.ModelConfig;
import org.radialog.testmodel.TinyModel;

/** A prompt format that main code does not know, brought in through the registry. */
class ToyPromptFormatTest {
  /** Says as little as a format can. */
  private record Toy(String id) implements PromptFormat {
    @Override
    public List<PromptPart> open(Optional<FindingsList> findings, Turn turn) {
      return List.of(
          new PromptPart.Image(),
          new PromptPart.Template(
              findings.map(list -> "!".repeat(list.present().size())).orElse("")),
          new PromptPart.Text(request(turn)));
    }

    @Override
    public List<PromptPart> next(Turn turn) {
      return List.of(new PromptPart.Template(endToken()), new PromptPart.Text(request(turn)));
    }

    @Override
    public PromptPart answer(String text) {
      return new PromptPart.Text(text);
    }

    @Override
    public String endToken() {
      return "<|endoftext|>";
    }

    @Override
    public String request(Turn turn) {
      return switch (turn) {
        case Turn.Report() -> "r";
        case Turn.Impression() -> "i";
        case Turn.Summary() -> "s";
        case Turn.Correction _ -> "c";
        case Turn.Question(String text) -> text;
      };
    }

    @Override
    public boolean correctsAnew() {
      return false;
    }

    @Override
    public boolean namesLabels() {
      return false;
    }
  }

  @Test
  void aReportIsWrittenInAFormatThatOnlyTheRegistryKnows(@TempDir Path folder) throws IOException {
    TinyModel.write(folder);
    Path config = folder.resolve(ModelConfig.FILE);
    String stated = Files.readString(config);
    assertThat(stated).contains("\"smollm2\"");
    Files.writeString(config, stated.replace("\"smollm2\"", "\"toy\""));
    assertThatThrownBy(() -> RaDialog.load(folder))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining("unknown prompt format \"toy\"")
        .hasMessageContaining("smollm2");

    PromptFormats.register(new Toy("toy"));
    try (RaDialog model = RaDialog.load(folder);
        Dialog dialog = model.open(Study.of(TinyModel.film(1)).forced())) {
      dialog.edit(new FindingsEdit.Changed(Correction.add(Finding.EDEMA, Finding.PNEUMOTHORAX)));
      int present = dialog.report(Decoding.greedy(4), text -> {}).usage().promptTokens();
      dialog.edit(new FindingsEdit.Hidden());
      // The image's tokens and the "r".
      assertThat(dialog.report(Decoding.greedy(4), text -> {}).usage().promptTokens())
          .isEqualTo(16 + 1);
      assertThat(present).isGreaterThan(16 + 1);
      assertThat(dialog.ask("?", Decoding.greedy(4), text -> {}).usage().completionTokens())
          .isPositive();
    }
  }

  @Test
  void aNameBelongsToOneFormat() {
    assertThatThrownBy(() -> PromptFormats.register(new Toy("smollm2")))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining("two prompt formats have the name \"smollm2\"");
    assertThat(Set.copyOf(PromptFormats.all())).hasSameSizeAs(PromptFormats.all());
  }
}
