package org.radialog.eval;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.function.Function;
import org.radialog.base.Progress;
import org.radialog.clinical.Labels;
import org.radialog.metrics.BertScore;
import org.radialog.metrics.Bleu;
import org.radialog.metrics.Bootstrap;
import org.radialog.metrics.Cider;
import org.radialog.metrics.ClinicalEfficacy;
import org.radialog.metrics.Groups;
import org.radialog.metrics.Interval;
import org.radialog.metrics.Meteor;
import org.radialog.metrics.MetricScores;
import org.radialog.metrics.PairedTest;
import org.radialog.metrics.Resampled;
import org.radialog.metrics.RougeL;
import org.radialog.metrics.TextPair;
import org.radialog.metrics.TokenizedPairs;
import org.radialog.metrics.UncertainMapping;
import org.radialog.metrics.WordTokenizer;

/**
 * The scores of reports beside references: words (BLEU, ROUGE-L, CIDEr, METEOR, BERTScore) and
 * clinical efficacy, each with its interval, kept so that two systems can be compared pair by pair.
 */
public final class ReportScores {
  /**
   * How reports are scored.
   *
   * @param meteor empty without the user's METEOR data
   * @param bertScore empty without a network
   * @param labeler reads labels out of reports, in their order
   */
  public record Settings(
      WordTokenizer tokenizer,
      Optional<Meteor> meteor,
      Optional<BertScore> bertScore,
      Function<List<String>, List<Labels>> labeler,
      Bootstrap bootstrap,
      Progress progress) {}

  /** How a mark begins that warns of what is scored. */
  public static final String EMPTY = "empty reports";

  /** How a mark begins that warns of how it is scored. */
  public static final String CUT = "METEOR cut";

  private final String name;
  private final List<String> marks;
  private final List<Resampled> words;
  private final ClinicalEfficacy efficacy;
  private final Groups groups;
  private final Settings settings;

  private ReportScores(
      String name,
      List<String> marks,
      List<Resampled> words,
      ClinicalEfficacy efficacy,
      Groups groups,
      Settings settings) {
    this.name = name;
    this.marks = List.copyOf(marks);
    this.words = words;
    this.efficacy = efficacy;
    this.groups = groups;
    this.settings = settings;
  }

  /**
   * Scores a system.
   *
   * @param name of the system
   * @param references labels of the first reference of each pair, or of the data set, in their
   *     order
   * @param groups of pairs that are resampled together
   */
  public static ReportScores of(
      String name,
      List<TextPair> pairs,
      List<Labels> references,
      Groups groups,
      Settings settings) {
    List<Resampled> words = new ArrayList<>();
    TokenizedPairs tokenized = TokenizedPairs.of(pairs, settings.tokenizer());
    words.add(Bleu.resampled(tokenized));
    words.add(mean(RougeL.of(tokenized)));
    words.add(mean(Cider.of(tokenized)));
    List<String> marks = empty(pairs.stream().map(TextPair::hypothesis).toList());
    settings
        .meteor()
        .map(meteor -> meteor.scored(tokenized))
        .ifPresent(meteor -> {
          words.add(meteor.scores());
          if (meteor.cut() > 0) {
            marks.add(
                CUT
                    + ": of %d of %d pairs only the first words count, a text of theirs is too long"
                        .formatted(meteor.cut(), pairs.size()));
          }
        });
    settings
        .bertScore()
        .ifPresent(
            bert -> bert.of(pairs, settings.progress()).forEach(scores -> words.add(mean(scores))));
    List<Labels> hypotheses =
        settings.labeler().apply(pairs.stream().map(TextPair::hypothesis).toList());
    return new ReportScores(name, marks, words, efficacy(references, hypotheses), groups, settings);
  }

  /** The clinical part alone, where there are labels and no reports to compare words with. */
  public static ReportScores clinical(
      String name,
      List<String> hypotheses,
      List<Labels> references,
      Groups groups,
      Settings settings) {
    return new ReportScores(
        name,
        empty(hypotheses),
        List.of(),
        efficacy(references, settings.labeler().apply(hypotheses)),
        groups,
        settings);
  }

  private static List<String> empty(List<String> reports) {
    long empty =
        reports.stream().filter(r -> r.chars().noneMatch(Character::isLetterOrDigit)).count();
    List<String> marks = new ArrayList<>();
    if (empty > 0) {
      marks.add(
          EMPTY
              + ": %d of %d have no word; they score nothing and say no finding"
                  .formatted(empty, reports.size()));
    }
    return marks;
  }

  private static ClinicalEfficacy efficacy(List<Labels> references, List<Labels> hypotheses) {
    ClinicalEfficacy.Builder rows = new ClinicalEfficacy.Builder();
    for (int i = 0; i < references.size(); i++) {
      rows.add(references.get(i), hypotheses.get(i));
    }
    return rows.build();
  }

  private static Resampled mean(MetricScores scores) {
    return Resampled.mean(scores.name(), scores.pairs());
  }

  /** The scores with their intervals. */
  public SystemScores scores() {
    SequencedMap<String, Interval> metrics = new LinkedHashMap<>();
    words.forEach(metric -> metrics.putAll(settings.bootstrap().intervals(metric, groups)));
    SystemScores scores =
        SystemScores.of(name, efficacy.items())
            .with(metrics)
            .withClinical(efficacy.scores(settings.bootstrap(), groups));
    for (String mark : marks) {
      scores = scores.marked(mark);
    }
    if (!words.isEmpty() && settings.meteor().isEmpty()) {
      scores = scores.without("METEOR", Meteor.HOW_TO_GET_DATA);
    }
    if (!words.isEmpty() && settings.bertScore().isEmpty()) {
      scores =
          scores.without(
              "BERTScore",
              "it needs a network: name the folder of a BERT or RoBERTa with --bert DIR");
    }
    return scores;
  }

  /** The clinical part of a subgroup. */
  public SystemScores.Subgroup of(Stratum stratum) {
    return stratum.scored(efficacy.under(UncertainMapping.NEGATIVE), settings.bootstrap(), groups);
  }

  /** This beside another system on the same pairs: differences, intervals and p. */
  public Evaluation.Comparison against(ReportScores other, PairedTest test) {
    List<PairedTest.Difference> differences = new ArrayList<>();
    for (int i = 0; i < words.size(); i++) {
      differences.addAll(test.of(words.get(i), other.words.get(i), groups));
    }
    differences.addAll(test.of(efficacy, other.efficacy, groups));
    return new Evaluation.Comparison(name, other.name, differences);
  }
}
