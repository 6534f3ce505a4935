package org.radialog.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.EnumMap;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SequencedMap;
import org.junit.jupiter.api.Test;
import org.radialog.base.Progress;
import org.radialog.charts.Drawing;
import org.radialog.clinical.Finding;
import org.radialog.clinical.FindingState;
import org.radialog.clinical.RuleLabeler;
import org.radialog.metrics.Bootstrap;
import org.radialog.metrics.ClinicalMetric;
import org.radialog.metrics.MultiLabel;
import org.radialog.metrics.PairedTest;
import org.radialog.metrics.TextMetric;
import org.radialog.metrics.WordTokenizer;
import tools.jackson.databind.JsonNode;

/** The protocols of the paper with answers whose scores are computed by hand. */
class PredictionScoresTest {
  private static final Scoring SCORING =
      new Scoring(
          WordTokenizer.NLTK,
          TextMetric.standard(TextMetric.Data.NONE),
          ClinicalMetric.standard(),
          texts -> texts.stream().map(new RuleLabeler()::label).toList(),
          new PairedTest(new Bootstrap(20, 1), 20),
          new LinkedHashMap<>(),
          Progress.NONE);

  private static Prediction prediction(
      String id, String view, Finding truth, String report, Map<String, String> answers) {
    Map<Finding, FindingState> states = new EnumMap<>(Finding.class);
    Finding.ALL.forEach(finding -> states.put(finding, FindingState.ABSENT));
    states.put(truth, FindingState.PRESENT);
    return prediction(id, view, states, report, answers);
  }

  private static Prediction prediction(
      String id,
      String view,
      Map<Finding, FindingState> truth,
      String report,
      Map<String, String> answers) {
    SequencedMap<String, String> subgroup = new LinkedHashMap<>();
    subgroup.put("view", view);
    return new Prediction(
        new Sample(id, id, Optional.empty(), subgroup, truth, List.of(), List.of()),
        Map.of(),
        Optional.of(report),
        new LinkedHashMap<>(answers));
  }

  private static Evaluation evaluation(List<Prediction> predictions) {
    return new EvaluationRun(
            predictions.stream().map(Prediction::sample).toList(),
            EnumSet.allOf(Task.class),
            List.of(EvaluatedSystem.predicted("model", predictions)),
            new EvaluationRun.Settings("model", false, new LinkedHashMap<>(), line -> {}))
        .run(SCORING);
  }

  private static SystemScores only(List<Prediction> predictions) {
    return evaluation(predictions).systems().getFirst();
  }

  @Test
  void aLabelThatNobodyKnowsIsScoredByNeitherSideAndInNoAverage() {
    Map<Finding, FindingState> truth = new EnumMap<>(Finding.class);
    truth.put(Finding.EDEMA, FindingState.PRESENT);
    truth.put(Finding.PNEUMOTHORAX, FindingState.ABSENT);
    Evaluation evaluation =
        evaluation(
            List.of(
                prediction(
                    "a",
                    "PA",
                    truth,
                    "There is pulmonary edema. There is a rib fracture.",
                    Map.of()),
                prediction("b", "PA", truth, "There is pulmonary edema.", Map.of())));
    SystemScores scores = evaluation.systems().getFirst();
    // One of the two known labels is correct, the other is not mentioned; the fracture is not
    // scored.
    assertThat(micro(scores, "uncertain=negative")).isCloseTo(1, within(1e-12));
    MultiLabel.Scores labels = Objects.requireNonNull(scores.clinical().get("uncertain=negative"));
    assertThat(Objects.requireNonNull(labels.averages().get("macro_f1_14")).value())
        .isCloseTo(0.5, within(1e-12));
    assertThat(Objects.requireNonNull(labels.averages().get("label_accuracy_14")).value())
        .isCloseTo(1, within(1e-12));
    MultiLabel.Row fracture = labels.labels().get(Finding.FRACTURE.column());
    assertThat(fracture.known()).isZero();
    assertThat(fracture.said()).isZero();
    assertThat(fracture.f1().value()).isNaN();
    assertThat(ResultFolder.markdown(evaluation))
        .contains("| Fracture | not known | – |")
        .contains("| Edema | 2 | 1.000");
    assertThat(ResultPage.html(evaluation))
        .contains("<th scope=\"row\">Fracture</th><td>not known");
    JsonNode json = ResultFolder.json(evaluation);
    JsonNode row = json.at("/scores/clinical/uncertain=negative/per_label/Fracture");
    assertThat(row.path("f1").isNull()).isTrue();
    assertThat(row.path("known").intValue()).isZero();
    assertThat(json.at("/settings/labels_not_known").toString())
        .contains("Fracture", "Support Devices")
        .doesNotContain("Edema");
    assertThat(Plots.of(evaluation).get("f1-uncertain-negative"))
        .isNotNull()
        .extracting(Drawing::svg)
        .asString()
        .contains("not known");
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
    Evaluation evaluation = evaluation(said);
    List<SystemScores> systems = evaluation.systems();
    assertThat(systems).extracting(SystemScores::name).containsExactly("model", "model, corrected");
    assertThat(micro(systems.get(0), "uncertain=negative")).isCloseTo(0.5, within(1e-12));
    assertThat(micro(systems.get(1), "uncertain=negative")).isCloseTo(1, within(1e-12));
    assertThat(systems.get(1).marks().getFirst()).startsWith("oracle");
    assertThat(evaluation.comparisons()).hasSize(1);
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
