package org.radialog.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.radialog.clinical.Consistency;
import org.radialog.clinical.Finding;
import org.radialog.dialog.Correction;
import org.radialog.dialog.Decoding;
import org.radialog.dialog.Dialog;
import org.radialog.dialog.FindingsEdit;
import org.radialog.dialog.Guidance;
import org.radialog.dialog.Options;
import org.radialog.dialog.RaDialog;
import org.radialog.dialog.Reply;
import org.radialog.dialog.Report;
import org.radialog.dialog.Study;
import org.radialog.eval.Control;
import org.radialog.imaging.Radiograph;

/** The embedded model with lists of findings that were drawn at random. */
class GuidanceTest {
  private static final Path MODEL = CommandLineRun.ROOT.resolve("models/mini");
  private static final int LISTS = 3;
  private static final List<String> QUESTIONS =
      List.of(
          "Is there %s?",
          "Does the patient have %s?", "Do you see any sign of %s?", "Can %s be excluded?");

  /**
   * What was counted.
   *
   * @param texts reports and answers
   * @param wrong texts that contradict the findings, the report or themselves
   * @param steps texts in which guidance stepped in
   */
  private record Count(int texts, List<String> wrong, int steps) {}

  private static Count count(Control control, Guidance.Wanted wanted, int lists) {
    Radiograph film = Radiograph.read(CommandLineRun.ROOT.resolve("samples/effusion.jpg"));
    Random random = new Random(5);
    Decoding how = Decoding.greedy(120).with(wanted);
    List<String> wrong = new ArrayList<>();
    int texts = 0;
    int steps = 0;
    try (RaDialog model = RaDialog.load(MODEL, Options.DEFAULT.with(control))) {
      for (int i = 0; i < lists; i++) {
        try (Dialog dialog = model.open(Study.of(film))) {
          dialog.edit(new FindingsEdit.Changed(drawn(random)));
          Report report = dialog.report(how, _ -> {});
          texts++;
          steps += report.guidance().steppedIn() ? 1 : 0;
          report.consistency().warnings().stream()
              .filter(GuidanceTest::contradicts)
              .findFirst()
              .ifPresent(warning -> wrong.add(warning.kind() + ": " + report.text()));
          List<Finding> asked = new ArrayList<>(Finding.NIH_MAPPED);
          Collections.shuffle(asked, random);
          for (String question : QUESTIONS) {
            Finding finding = asked.removeFirst();
            Reply reply =
                dialog.ask(
                    question.formatted(finding.label().toLowerCase(Locale.ROOT)), how, _ -> {});
            texts++;
            steps += reply.guidance().steppedIn() ? 1 : 0;
            reply.consistency().warnings().stream()
                .findFirst()
                .ifPresent(w -> wrong.add(reply.question() + " " + reply.text()));
            dialog.takeBack();
          }
        }
      }
    }
    return new Count(texts, wrong, steps);
  }

  // Each finding is present, absent or left to the model.
  private static Correction drawn(Random random) {
    Set<Finding> added = EnumSet.noneOf(Finding.class);
    Set<Finding> removed = EnumSet.noneOf(Finding.class);
    for (Finding finding : Finding.NIH_MAPPED) {
      if (finding.parent().isEmpty() || finding == Finding.CARDIOMEGALY) {
        (random.nextInt(3) == 0 ? added : removed).add(finding);
      }
    }
    return new Correction(added, removed, Set.of());
  }

  private static boolean contradicts(Consistency.Warning warning) {
    return warning.kind() != Consistency.Kind.LISTED_AND_UNSTATED
        && warning.kind() != Consistency.Kind.UNCERTAIN_AND_UNMENTIONED;
  }

  @Test
  void aGuidedTextContradictsNothing() {
    Count guided = count(Control.NONE, Guidance.Wanted.AS_MODEL, LISTS);
    assertThat(guided.wrong).isEmpty();
    assertThat(guided.texts).isEqualTo(LISTS * (1 + QUESTIONS.size()));
    Count free = count(Control.NONE, Guidance.Wanted.OFF, LISTS);
    assertThat(free.wrong).isNotEmpty(); // or this test would show nothing
    assertThat(free.steps).isZero();
    assertThat(guided.steps).isPositive();
  }

  @Test
  void guidanceHoldsForAModelThatKnowsNothing() {
    assertThat(count(Control.RANDOM_ADAPTER, Guidance.Wanted.AS_MODEL, 1).wrong).isEmpty();
  }
}
