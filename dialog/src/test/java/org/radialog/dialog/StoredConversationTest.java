package org.radialog.dialog;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.radialog.clinical.Finding.EDEMA;
import static org.radialog.clinical.Finding.FRACTURE;

import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.clinical.Turn;
import org.radialog.language.Precision;
import org.radialog.testmodel.TinyModel;

/** A dialog that is opened from what was stored of it goes on as if it had never been closed. */
@Timeout(120)
class StoredConversationTest {
  private static final Decoding SHORT = Decoding.greedy(24);
  private static final Decoding DRAWN = SHORT.sampled(1, 0.95, 3);

  private static RaDialog model;

  @BeforeAll
  static void load() {
    model = load(Options.DEFAULT);
  }

  private static RaDialog load(Options options) {
    return RaDialog.load(TinyModel.folder(), options.with(Precision.INT8));
  }

  @AfterAll
  static void close() {
    model.close();
  }

  private static Study study() {
    return Study.of(TinyModel.film(1));
  }

  private static void unheard(String text) {}

  private static Conversation stored(Dialog dialog) {
    dialog.edit(new FindingsEdit.Changed(Correction.add(EDEMA)));
    dialog.report(DRAWN, StoredConversationTest::unheard);
    dialog.ask("Is there an effusion?", SHORT, StoredConversationTest::unheard);
    dialog.correct(Correction.add(FRACTURE).remove(EDEMA), DRAWN, StoredConversationTest::unheard);
    dialog.ask("Is the heart enlarged?", SHORT, StoredConversationTest::unheard);
    return dialog.conversation();
  }

  // A reply without the times that it took.
  private static List<Object> said(Dialog dialog, Decoding how) {
    Reply reply = dialog.ask("What else is there?", how, StoredConversationTest::unheard);
    return List.of(
        reply.text(),
        reply.consistency(),
        reply.end(),
        reply.usage().promptTokens(),
        dialog.conversation(),
        dialog.findings());
  }

  @Test
  void theNextAnswerAfterARestartIsThatOfTheDialogThatWasNeverClosed() {
    Conversation kept;
    List<Object> greedy;
    List<Object> drawn;
    try (Dialog dialog = model.open(study())) {
      kept = stored(dialog);
      greedy = said(dialog, SHORT);
      dialog.takeBack();
      drawn = said(dialog, DRAWN);
    }
    assertThat(kept.turns()).allMatch(said -> !said.tokens().isEmpty());
    try (RaDialog restarted = load(Options.DEFAULT);
        Dialog dialog = restarted.open(study(), kept)) {
      assertThat(dialog.conversation()).isEqualTo(kept);
      assertThat(said(dialog, SHORT)).isEqualTo(greedy);
      dialog.takeBack();
      assertThat(said(dialog, DRAWN)).isEqualTo(drawn);
    }
  }

  @Test
  void theLastQuestionOfAStoredConversationCanBeTakenBack() {
    try (Dialog dialog = model.open(study())) {
      Conversation kept = stored(dialog);
      dialog.takeBack();
      try (Dialog reopened = model.open(study(), kept)) {
        reopened.takeBack();
        assertThat(reopened.conversation()).isEqualTo(dialog.conversation());
      }
    }
  }

  @Test
  void anAnswerWithoutTokensIsReadAsAReportOfSomebodyElseIs() {
    String report = "There is pulmonary edema. No pneumothorax.";
    try (Dialog adopting = model.open(study());
        Dialog dialog =
            model.open(
                study(),
                new Conversation(
                    FindingsEdit.unchanged(),
                    FindingsEdit.unchanged(),
                    List.of(new Conversation.Said(new Turn.Report(), report, List.of()))))) {
      adopting.adopt(report);
      assertThat(said(dialog, SHORT)).isEqualTo(said(adopting, SHORT));
    }
  }

  @Test
  void aConversationWithoutTurnsBeginsWithItsEdit() {
    var edit = new FindingsEdit.Changed(Correction.add(EDEMA));
    try (Dialog edited = model.open(study());
        Dialog dialog = model.open(study(), new Conversation(edit, edit, List.of()))) {
      edited.edit(edit);
      assertThat(said(dialog, SHORT)).isEqualTo(said(edited, SHORT));
    }
  }

  @Test
  void aTokenOfAnotherModelIsRefused() {
    var said = new Conversation.Said(new Turn.Report(), "Edema.", List.of(5, 1_000_000));
    var foreign =
        new Conversation(FindingsEdit.unchanged(), FindingsEdit.unchanged(), List.of(said));
    assertThatThrownBy(() -> model.open(study(), foreign))
        .isInstanceOfSatisfying(
            RadialogException.class, e -> assertThat(e.kind()).isEqualTo(Kind.BAD_INPUT))
        .hasMessageContaining("a token 1000000, expected 0 to");
  }

  @Test
  void aTurnBeyondTheLimitsIsRefusedAndTheConversationStays() {
    try (RaDialog small = load(Options.DEFAULT.with(new Engine.Limits(1, 0, 1_000_000)));
        Dialog dialog = small.open(study())) {
      dialog.report(Decoding.greedy(4), StoredConversationTest::unheard);
      Conversation before = dialog.conversation();
      assertThatThrownBy(
              () -> dialog.report(Decoding.greedy(1500), StoredConversationTest::unheard))
          .isInstanceOfSatisfying(
              RadialogException.class, e -> assertThat(e.kind()).isEqualTo(Kind.OVERLOADED));
      assertThat(dialog.conversation()).isEqualTo(before);
      dialog.ask("Is there an effusion?", Decoding.greedy(4), StoredConversationTest::unheard);
    }
  }
}
