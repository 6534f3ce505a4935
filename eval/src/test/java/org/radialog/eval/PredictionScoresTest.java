package org.radialog.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SequencedMap;
import org.junit.jupiter.api.Test;
import org.radialog.base.Progress;
import org.radialog.clinical.Finding;
import org.radialog.clinical.FindingState;
import org.radialog.clinical.RuleLabeler;
import org.radialog.metrics.Bootstrap;
import org.radialog.metrics.PairedTest;
import org.radialog.metrics.WordTokenizer;

/** The protocols of the paper on answers of which the scores are known by hand. */
class PredictionScoresTest {
  private static final ReportScores.Settings SETTINGS =
      new ReportScores.Settings(
          WordTokenizer.NLTK,
          Optional.empty(),
          Optional.empty(),
          texts -> texts.stream().map(new RuleLabeler()::label).toList(),
          new Bootstrap(20, 1),
          Progress.NONE);

  private static Prediction prediction(
      String id, String view, Finding truth, String report, Map<String, String> answers) {
    SequencedMap<String, String> subgroup = new LinkedHashMap<>();
    subgroup.put("view", view);
    return new Prediction(
        id,
        id,
        subgroup,
        Map.of(truth, FindingState.PRESENT),
        List.of(),
        List.of(),
        Map.of(),
        Optional.of(report),
        new LinkedHashMap<>(answers));
  }

  private static SystemScores only(List<Prediction> predictions) {
    return new PredictionScores("model", predictions, SETTINGS).all(List.of()).systems().getFirst();
  }

  @Test
  void reportsAreScoredBesideTheLabelsOfTheDataSetAndCorrectionsBesideThem() {
    List<Prediction> said =
        List.of(
            prediction(
                "a",
                "PA",
                Finding.EDEMA,
                "There is pulmonary edema.",
                Map.of(PaperProtocol.CORRECTED, "There is pulmonary edema.")),
            prediction(
                "b",
                "PA",
                Finding.PNEUMOTHORAX,
                "There is pulmonary edema.",
                Map.of(PaperProtocol.CORRECTED, "There is a pneumothorax.")));
    PredictionScores scores = new PredictionScores("model", said, SETTINGS).all(List.of());
    List<SystemScores> systems = scores.systems();
    assertThat(systems).extracting(SystemScores::name).containsExactly("model", "model, corrected");
    assertThat(micro(systems.get(0), "uncertain=negative")).isCloseTo(0.5, within(1e-12));
    assertThat(micro(systems.get(1), "uncertain=negative")).isCloseTo(1, within(1e-12));
    assertThat(systems.get(1).marks().getFirst()).startsWith("oracle");
    assertThat(scores.comparisons(new PairedTest(new Bootstrap(20, 1), 20))).hasSize(1);
  }

  private static double micro(SystemScores scores, String what) {
    return Objects.requireNonNull(
            Objects.requireNonNull(scores.clinical().get(what)).averages().get("micro_f1_14"))
        .value();
  }

  @Test
  void aYesIsAnAnswerThatContainsItAndNoFindingFollowsFromTheOthers() {
    SequencedMap<String, String> answers = new LinkedHashMap<>();
    for (Finding finding : Finding.ALL) {
      answers.put(PaperProtocol.binary(finding), "No.");
    }
    answers.put(PaperProtocol.binary(Finding.NO_FINDING), "Yes.");
    SequencedMap<String, String> edema = new LinkedHashMap<>(answers);
    edema.put(PaperProtocol.binary(Finding.EDEMA), "Yes, there is.");
    SystemScores scores =
        only(
            List.of(
                prediction("a", "PA", Finding.NO_FINDING, "Clear.", answers),
                prediction("b", "PA", Finding.EDEMA, "Edema.", edema)));
    assertThat(micro(scores, "yes-or-no answers")).isCloseTo(1, within(1e-12));
  }

  @Test
  void aListNamesAFindingInAnyCase() {
    assertThat(PaperProtocol.listed("pleural effusion, EDEMA and lung lesions"))
        .containsExactly(Finding.LUNG_LESION, Finding.EDEMA, Finding.PLEURAL_EFFUSION);
    assertThat(PaperProtocol.listed("None.")).isEmpty();
  }

  @Test
  void viewsAreScoredByAccuracyAndByF1OfEveryViewThatOccurs() {
    SystemScores scores =
        only(
            List.of(
                prediction("a", "PA", Finding.EDEMA, "E.", Map.of(PaperProtocol.VIEW, "PA view.")),
                prediction("b", "PA", Finding.EDEMA, "E.", Map.of(PaperProtocol.VIEW, "It is AP.")),
                prediction("c", "AP", Finding.EDEMA, "E.", Map.of(PaperProtocol.VIEW, "AP.")),
                prediction("d", "AP", Finding.EDEMA, "E.", Map.of(PaperProtocol.VIEW, "Unsure."))));
    // PA: 2·1/(2+1), AP: 2·1/(2+2), UNKNOWN: 0
    assertThat(Objects.requireNonNull(scores.metrics().get("view_accuracy")).value())
        .isCloseTo(0.5, within(1e-12));
    assertThat(Objects.requireNonNull(scores.metrics().get("view_macro_f1")).value())
        .isCloseTo((2.0 / 3 + 0.5) / 3, within(1e-12));
  }
}
