package org.radialog.eval;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SequencedMap;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import org.radialog.clinical.Finding;
import org.radialog.clinical.FindingState;
import org.radialog.metrics.FindingsScores;
import org.radialog.metrics.Groups;
import org.radialog.metrics.Interval;
import org.radialog.metrics.MultiLabel;
import org.radialog.metrics.ReferenceLabels;
import org.radialog.metrics.Resampled;
import org.radialog.metrics.Sums;
import org.radialog.metrics.TextPair;

/**
 * Scores a model's answers about images with the protocols of the paper (docs/specification.md),
 * without the model.
 */
final class PredictionScores {
  private final List<Sample> samples;
  private final Groups groups;
  private final Scoring scoring;
  private final List<SystemScores> systems = new ArrayList<>();
  private final List<ReportScores> reports = new ArrayList<>();
  private List<Prediction> predictions = List.of(); // of the model being scored

  /**
   * Scores without any system yet.
   *
   * @param samples one or more
   */
  PredictionScores(List<Sample> samples, Scoring scoring) {
    this.samples = List.copyOf(samples);
    this.groups = Groups.by(samples.stream().map(Sample::group).toList());
    this.scoring = scoring;
  }

  /** The scores of the systems added so far, in order. */
  List<SystemScores> systems() {
    return List.copyOf(systems);
  }

  /**
   * Comparisons of the reports of the first system with those of each other system on the same
   * images.
   */
  List<Evaluation.Comparison> comparisons() {
    List<Evaluation.Comparison> comparisons = new ArrayList<>();
    for (int i = 1; i < reports.size(); i++) {
      comparisons.add(reports.getFirst().against(reports.get(i)));
    }
    return comparisons;
  }

  /**
   * Adds all answers of a model: reports, corrections, answers to questions, and probabilities.
   *
   * @param model name of the model in tables
   * @param said one per sample, in the order of the samples
   */
  void predicted(String model, List<Prediction> said) {
    predictions = said;
    SystemScores scores = SystemScores.of(model, predictions.size());
    if (all(p -> p.report().isPresent())) {
      ReportScores own =
          reports(model, predictions.stream().map(p -> p.report().orElse("")).toList());
      scores = own.scores();
      List<SystemScores.Subgroup> parts = new ArrayList<>();
      for (Stratum part : strata()) {
        parts.add(own.of(part));
      }
      scores = scores.withSubgroups(parts);
    }
    scores = withAnswers(scores);
    if (all(p -> !p.probabilities().isEmpty())) {
      scores =
          scores.withFindings(
              FindingsScores.of(
                  predictions.stream().map(PredictionScores::item).toList(),
                  scoring.bootstrap().seed()));
    }
    systems.add(scores);
    if (all(p -> p.answers().containsKey(PaperProtocol.CORRECTED))) {
      ReportScores corrected =
          reports(
              model + ", corrected",
              predictions.stream()
                  .map(p -> p.answers().getOrDefault(PaperProtocol.CORRECTED, ""))
                  .toList());
      systems.add(corrected.scores().marked("oracle: told what its report had wrong"));
    }
    List<Prediction> concluded =
        predictions.stream()
            .filter(p ->
                p.answers().containsKey(PaperProtocol.IMPRESSION)
                    && !p.sample().impressions().isEmpty())
            .toList();
    if (!concluded.isEmpty()) {
      systems.add(impressions(model, concluded));
    }
  }

  /** Adds a system that has only reports. */
  void reports(EvaluatedSystem.Said.Reports said) {
    SystemScores scores = reports(said.name(), said.texts()).scores();
    for (String mark : said.marks()) {
      scores = scores.marked(mark);
    }
    systems.add(scores);
  }

  private boolean all(Predicate<Prediction> has) {
    return predictions.stream().allMatch(has);
  }

  // Scores against human reference reports if available, and against known labels.
  private ReportScores reports(String name, List<String> texts) {
    List<ReferenceLabels> truth =
        samples.stream().map(sample -> ReferenceLabels.of(sample.truth())).toList();
    ReportScores scores =
        samples.stream().noneMatch(sample -> sample.references().isEmpty())
            ? ReportScores.of(name, pairs(texts), truth, groups, scoring)
            : ReportScores.clinical(name, texts, truth, groups, scoring);
    reports.add(scores);
    return scores;
  }

  private List<TextPair> pairs(List<String> texts) {
    return IntStream.range(0, samples.size())
        .mapToObj(i -> new TextPair(samples.get(i).id(), samples.get(i).references(), texts.get(i)))
        .toList();
  }

  private SystemScores impressions(String model, List<Prediction> concluded) {
    List<String> references =
        concluded.stream().map(p -> p.sample().impressions().getFirst()).toList();
    return ReportScores.of(
            model + ", impression",
            concluded.stream()
                .map(p ->
                    new TextPair(
                        p.id(),
                        p.sample().impressions(),
                        p.answers().getOrDefault(PaperProtocol.IMPRESSION, "")))
                .toList(),
            scoring.labeler().apply(references).stream().map(ReferenceLabels::of).toList(),
            Groups.by(concluded.stream().map(p -> p.sample().group()).toList()),
            scoring)
        .scores();
  }

  private static FindingsScores.Item item(Prediction p) {
    Map<Finding, Boolean> truth = new EnumMap<>(Finding.class);
    p.sample()
        .truth()
        .forEach((finding, state) -> {
          switch (state) {
            case PRESENT -> truth.put(finding, true);
            case ABSENT, NOT_MENTIONED -> truth.put(finding, false);
            case UNCERTAIN -> {
              // uncertain labels are not scored
            }
          }
        });
    double[] row = new double[Finding.COUNT];
    p.probabilities().forEach((finding, value) -> row[finding.column()] = value);
    return new FindingsScores.Item(p.id(), p.sample().group(), 0, truth, row);
  }

  private List<Stratum> strata() {
    List<Stratum> strata = new ArrayList<>();
    for (String attribute : List.of("sex", "age", "view")) {
      if (all(p -> p.sample().subgroup().containsKey(attribute))) {
        strata.addAll(Stratum.by(attribute, predictions, p -> value(p, attribute)));
      }
    }
    return strata;
  }

  private static String value(Prediction p, String attribute) {
    String value = p.sample().subgroup().getOrDefault(attribute, "");
    return attribute.equals("age") ? Stratum.ageBand(Integer.parseInt(value)) : value;
  }

  private SystemScores withAnswers(SystemScores before) {
    SystemScores scores = before;
    if (all(p -> p.answers().containsKey(PaperProtocol.binary(Finding.NO_FINDING)))) {
      scores = scores.withLabels("yes-or-no answers", labels(PredictionScores::saidYes));
    }
    if (all(p -> p.answers().containsKey(PaperProtocol.LIST))) {
      scores =
          scores.withLabels(
              "listed findings",
              labels(p -> PaperProtocol.listed(p.answers().getOrDefault(PaperProtocol.LIST, ""))));
    }
    if (all(
        p ->
            p.answers().containsKey(PaperProtocol.VIEW)
                && p.sample().subgroup().containsKey("view"))) {
      scores = scores.with(view());
    }
    return scores;
  }

  private MultiLabel.Scores labels(Function<Prediction, Set<Finding>> said) {
    MultiLabel.Builder rows = new MultiLabel.Builder();
    for (Prediction p : predictions) {
      Set<Finding> there = EnumSet.noneOf(Finding.class);
      p.sample()
          .truth()
          .forEach((finding, state) -> {
            if (state == FindingState.PRESENT) {
              there.add(finding);
            }
          });
      rows.add(p.sample().truth().keySet(), there, said.apply(p));
    }
    return rows.build().scores(scoring.bootstrap(), groups);
  }

  // No Finding is derived from the other answers, including Support Devices (docs/specification.md,
  // evaluation protocol 3).
  private static Set<Finding> saidYes(Prediction p) {
    Set<Finding> said = EnumSet.noneOf(Finding.class);
    for (Finding finding : Finding.ALL) {
      if (finding != Finding.NO_FINDING
          && PaperProtocol.yes(p.answers().getOrDefault(PaperProtocol.binary(finding), ""))) {
        said.add(finding);
      }
    }
    return said.isEmpty() ? EnumSet.of(Finding.NO_FINDING) : said;
  }

  // Accuracy, and the mean F1 over all views that occur in the truth or in the answers
  // (docs/specification.md,
  // evaluation protocol 5). Each item counts for its true view and for the view in its answer.
  private SequencedMap<String, Interval> view() {
    Set<String> views = new TreeSet<>();
    List<String> truth = new ArrayList<>();
    List<String> said = new ArrayList<>();
    for (Prediction p : predictions) {
      truth.add(p.sample().subgroup().getOrDefault("view", "").toUpperCase(Locale.ROOT));
      said.add(Protocols.named(p.answers().getOrDefault(PaperProtocol.VIEW, "")).name());
    }
    views.addAll(truth);
    views.addAll(said);
    List<String> names = List.copyOf(views);
    double[][] rows = new double[predictions.size()][3 * names.size()];
    for (int i = 0; i < rows.length; i++) {
      int is = names.indexOf(truth.get(i));
      int answered = names.indexOf(said.get(i));
      rows[i][3 * is] = 1;
      rows[i][3 * answered + 1] = 1;
      rows[i][3 * is + 2] = is == answered ? 1 : 0;
    }
    Resampled scores =
        new Sums(
            List.of("view_accuracy", "view_macro_f1"),
            rows,
            (sums, items) -> {
              double right = 0;
              double f1 = 0;
              for (int v = 0; v < names.size(); v++) {
                double both = sums[3 * v] + sums[3 * v + 1];
                right += sums[3 * v + 2];
                f1 += both == 0 ? 0 : 2 * sums[3 * v + 2] / both;
              }
              return new double[] {right / items, f1 / names.size()};
            });
    return scoring.bootstrap().intervals(scores, groups);
  }
}
