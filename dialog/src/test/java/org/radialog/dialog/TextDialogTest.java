package org.radialog.dialog;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.radialog.testmodel.TinyModel;

class TextDialogTest {
  private static final Decoding SHORT = Decoding.greedy(5);

  @Test
  void aTurnCostsItsOwnTokensAndAResumedDialogAnswersAlike() {
    try (RaDialog model = RaDialog.load(TinyModel.folder());
        TextDialog dialog = model.openWithoutFilm(List.of())) {
      List<String> pieces = new ArrayList<>();
      Engine.Completion first = dialog.ask("What is an effusion?", SHORT, pieces::add);
      assertThat(String.join("", pieces)).isEqualTo(first.text());
      assertThat(first.usage().cachedTokens()).isZero();
      Engine.Completion second = dialog.ask("And an edema?", SHORT, _ -> {});
      assertThat(second.usage().cachedTokens())
          .isGreaterThanOrEqualTo(first.usage().promptTokens());
      assertThat(second.usage().promptTokens()).isGreaterThan(second.usage().cachedTokens());

      var said = List.of(new TextDialog.Exchange("What is an effusion?", first.text()));
      try (TextDialog resumed = model.openWithoutFilm(said)) {
        Engine.Completion again = resumed.ask("And an edema?", SHORT, _ -> {});
        assertThat(again.usage().cachedTokens()).isZero();
        assertThat(again.usage().promptTokens()).isPositive();
      }
    }
  }

  @Test
  void aSecondCallerAndAClosedDialogAreRefused() {
    TextDialog left;
    try (RaDialog model = RaDialog.load(TinyModel.folder())) {
      left = model.openWithoutFilm(List.of());
      left.ask(
          "a",
          SHORT,
          _ ->
              assertThatThrownBy(() -> left.ask("b", SHORT, _ -> {}))
                  .isInstanceOf(IllegalStateException.class)
                  .hasMessageContaining("another caller"));
    } // closes the dialog too
    assertThatThrownBy(() -> left.ask("c", SHORT, _ -> {}))
        .isInstanceOf(IllegalStateException.class);
  }
}
