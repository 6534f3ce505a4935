package org.radialog.dialog;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.radialog.testmodel.TinyModel;
import org.radialog.text.TextTokenizer;
import org.radialog.weights.Checkpoint;

class AnswerTextTest {
  private static final int END = 0;

  private static TextTokenizer tokenizer;

  @BeforeAll
  static void load() {
    try (Checkpoint base = Checkpoint.open(TinyModel.folder().resolve("base.gguf"))) {
      tokenizer = TextTokenizer.of(base);
    }
  }

  @AfterAll
  static void free() {
    tokenizer.close();
  }

  private static List<Integer> ids(String text) {
    return Arrays.stream(tokenizer.encode(text, false)).boxed().toList();
  }

  private static String text(List<Integer> ids) {
    return tokenizer.decode(ids.stream().mapToInt(id -> id).toArray());
  }

  /** What is shown for each token, and at the end. */
  private static List<String> shown(AnswerText answer, String text) {
    List<String> shown = new ArrayList<>();
    ids(text).forEach(id -> shown.add(answer.add(id)));
    shown.add(answer.end());
    return shown.stream().filter(piece -> !piece.isEmpty()).toList();
  }

  private static AnswerText guided(AnswerText.Guide guide) {
    return new AnswerText(tokenizer, List.of(), Optional.of(guide));
  }

  @Test
  void guidedTextIsShownSentenceBySentence() {
    assertThat(shown(guided(text -> true), "The heart is 3.5 cm wide. No effusion! Lungs clear"))
        .containsExactly("The heart is 3.5 cm wide.", " No effusion!", " Lungs clear");
  }

  @Test
  void textWithoutAGuideIsShownAtOnce() {
    AnswerText plain = new AnswerText(tokenizer, List.of(), Optional.empty());
    assertThat(shown(plain, "No effusion. Lungs clear.").size()).isGreaterThan(3);
    assertThat(plain.guidance().steppedIn()).isFalse();
  }

  @Test
  void theGuideSeesTheWholeTextUpToTheEndOfEachSentence() {
    List<String> seen = new ArrayList<>();
    AnswerText answer = guided(text -> seen.add(text));
    shown(answer, "One. Two.");
    assertThat(seen).containsExactly("One.", "One. Two.");
  }

  @Test
  void aRefusedSentenceIsNotShownAndGoesBackToItsDecidingToken() {
    AnswerText answer = guided(text -> !text.contains("effusion"));
    StringBuilder shown = new StringBuilder();
    List<Integer> ids = ids("Lungs clear. No effusion is seen. ");
    for (int id : ids) {
      shown.append(answer.add(id));
      if (answer.refused()) {
        break;
      }
    }
    assertThat(answer.refused()).isTrue();
    assertThat(shown.toString()).isEqualTo("Lungs clear.");

    AnswerText.Retry way = answer.retry(Set.of(END)).orElseThrow();
    String kept = text(answer.ids());
    assertThat(way.kept()).isEqualTo(answer.ids().size());
    assertThat(way.barred()).containsExactly(ids.get(way.kept()));
    assertThat("Lungs clear. No effusion is seen.").startsWith(kept);
    assertThat(kept).startsWith("Lungs clear.").doesNotContain("effusion");
    assertThat(text(ids.subList(0, way.kept() + 1))).contains("effusion");
  }

  @Test
  void whereTheDecidingTokenDoesNotHelpTheSentenceBeginsInAnotherWay() {
    AnswerText answer = guided(text -> text.length() <= "Clear.".length());
    List<Integer> ids = ids("Clear. No edema.");
    ids.forEach(answer::add);
    assertThat(answer.end()).isEmpty();
    assertThat(answer.refused()).isTrue();
    AnswerText.Retry way = answer.retry(Set.of(END)).orElseThrow();
    assertThat(text(answer.ids())).isEqualTo("Clear.");
    assertThat(way.barred()).containsExactly(ids.get(way.kept()));
  }

  @Test
  void anAnswerDoesNotBecomeEmptyBecauseItsFirstSentenceIsTakenBack() {
    AnswerText answer = guided(text -> false);
    ids("Yes.").forEach(answer::add);
    answer.end();
    AnswerText.Retry way = answer.retry(Set.of(END)).orElseThrow();
    assertThat(way.kept()).isZero();
    assertThat(way.barred()).contains(END, ids("Yes.").getFirst());
  }

  @Test
  void afterThreeWaysASentenceIsLeftOutAndAfterThreeOfThemTheAnswerEnds() {
    AnswerText answer = guided(text -> false);
    int ways = 0;
    while (true) {
      ids("Yes.").forEach(answer::add);
      answer.end();
      if (answer.retry(Set.of(END)).isEmpty()) {
        break;
      }
      ways++;
    }
    answer.drop();
    assertThat(ways).isLessThanOrEqualTo(9);
    assertThat(answer.text()).isEmpty();
    assertThat(answer.guidance().leftOut()).hasSize(3).containsOnly("Yes.");
  }

  @Test
  void aStopTextEndsAGuidedAnswerToo() {
    AnswerText answer = new AnswerText(tokenizer, List.of("###"), Optional.of(text -> true));
    StringBuilder shown = new StringBuilder();
    for (int id : ids("No edema. Clear.### More.")) {
      shown.append(answer.add(id));
      if (answer.stopped()) {
        break;
      }
    }
    shown.append(answer.end());
    assertThat(shown.toString()).isEqualTo("No edema. Clear.");
  }
}
