package org.radialog.eval;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import org.junit.jupiter.api.Test;
import org.radialog.base.Progress;
import org.radialog.clinical.Labels;
import org.radialog.clinical.RuleLabeler;
import org.radialog.metrics.Bootstrap;
import org.radialog.metrics.ClinicalMetric;
import org.radialog.metrics.PairedTest;
import org.radialog.metrics.ReferenceLabels;
import org.radialog.metrics.Sums;
import org.radialog.metrics.TextMetric;
import org.radialog.metrics.TokenizedPairs;
import org.radialog.metrics.WordTokenizer;

/**
 * Metrics defined outside the main code can be used in an evaluation together with the built-in
 * ones.
 */
class ToyMetricTest {
  /** The fraction of pairs whose texts have the same length. */
  private static final class EqualLength implements TextMetric {
    @Override
    public String name() {
      return "equal length";
    }

    @Override
    public SequencedMap<String, Object> settings() {
      SequencedMap<String, Object> settings = new LinkedHashMap<>();
      settings.put("equal_length_of", "words");
      return settings;
    }

    @Override
    public TextMetric.Scored over(TokenizedPairs pairs, Progress progress) {
      double[] equal = new double[pairs.size()];
      for (int i = 0; i < equal.length; i++) {
        equal[i] = pairs.hypothesis(i).size() == pairs.references(i).getFirst().size() ? 1 : 0;
      }
      return TextMetric.Scored.of(Sums.mean(name(), equal));
    }
  }

  /** The number of findings stated as present in a report. */
  private static final class FindingsSaid implements ClinicalMetric {
    @Override
    public String name() {
      return "findings said";
    }

    @Override
    public ClinicalMetric.Scored over(List<ReferenceLabels> references, List<Labels> hypotheses) {
      double[] said = hypotheses.stream().mapToDouble(l -> l.present().size()).toArray();
      return () -> Sums.mean(name(), said);
    }
  }

  private static Sample sample(String id, String reference) {
    return new Sample(
        id,
        id,
        Optional.empty(),
        new LinkedHashMap<>(),
        Samples.states(new RuleLabeler().label(reference)),
        List.of(reference),
        List.of());
  }

  @Test
  void aMetricIsOneClassInTheListsThatAnEvaluationTakes() {
    List<TextMetric> words = new ArrayList<>(TextMetric.standard(TextMetric.Data.NONE));
    words.add(new EqualLength());
    words.add(TextMetric.lacking("dream", "its network has yet to be dreamt of"));
    List<ClinicalMetric> clinical = new ArrayList<>(ClinicalMetric.standard());
    clinical.add(new FindingsSaid());
    SequencedMap<String, Object> described = new LinkedHashMap<>();
    words.forEach(metric -> described.putAll(metric.settings()));
    Scoring scoring =
        new Scoring(
            WordTokenizer.NLTK,
            words,
            clinical,
            texts -> texts.stream().map(new RuleLabeler()::label).toList(),
            new PairedTest(new Bootstrap(20, 1), 20),
            described,
            Progress.NONE);
    Evaluation evaluation =
        new EvaluationRun(
                List.of(
                    sample("a", "There is pulmonary edema."), sample("b", "The lungs are clear.")),
                EnumSet.of(Task.GENERATION),
                List.of(
                    EvaluatedSystem.reports(
                        "one", Map.of("a", "There is pulmonary edema.", "b", "Clear.")),
                    EvaluatedSystem.reports("other", Map.of("a", "Edema.", "b", "Clear."))),
                new EvaluationRun.Settings("toys", false, new LinkedHashMap<>(), line -> {}))
            .run(scoring);
    SystemScores one = evaluation.systems().getFirst();
    assertThat(one.metrics()).containsKeys("BLEU-4", "ROUGE-L", "CIDEr");
    assertThat(one.metrics())
        .hasEntrySatisfying("equal length", s -> assertThat(s.value()).isEqualTo(0.5))
        .hasEntrySatisfying("findings said", s -> assertThat(s.value()).isPositive());
    assertThat(one.clinical()).containsKeys("uncertain=negative", "uncertain=positive");
    assertThat(one.leftOut()).containsOnlyKeys("METEOR", "BERTScore", "dream");
    assertThat(evaluation.settings()).containsEntry("equal_length_of", "words");
    assertThat(evaluation.comparisons().getFirst().differences())
        .extracting(PairedTest.Difference::metric)
        .contains("BLEU-1", "equal length", "findings said", "uncertain=negative/macro_f1_14");
    assertThat(ResultFolder.markdown(evaluation))
        .contains("| equal length | 0.500")
        .contains("dream: its network has yet to be dreamt of");
  }
}
