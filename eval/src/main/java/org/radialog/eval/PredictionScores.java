package org.radialog.eval;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SequencedMap;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.function.Predicate;
import org.radialog.clinical.Finding;
import org.radialog.clinical.FindingState;
import org.radialog.clinical.Labels;
import org.radialog.data.Film;
import org.radialog.metrics.Groups;
import org.radialog.metrics.Interval;
import org.radialog.metrics.MultiLabel;
import org.radialog.metrics.PairedTest;
import org.radialog.metrics.Resampled;
import org.radialog.metrics.TextPair;

/**
 * Scores what a model said of images, by the protocols of the paper (specification of the original,
 * §13), without the model.
 */
public final class PredictionScores {
  private final List<Prediction> predictions;
  private final String model;
  private final ReportScores.Settings settings;
  private final List<SystemScores> systems = new ArrayList<>();
  private final List<ReportScores> reports = new ArrayList<>();

  /**
   * Begins.
   *
   * @param model its name in tables
   * @param predictions one or more
   */
  public PredictionScores(
      String model, List<Prediction> predictions, ReportScores.Settings settings) {
    if (predictions.isEmpty()) {
      throw new IllegalArgumentException("no prediction to score");
    }
    this.predictions = List.copyOf(predictions);
    this.model = model;
    this.settings = settings;
  }

  /** The scores of each system so far, the model's first. */
  public List<SystemScores> systems() {
    return List.copyOf(systems);
  }

  /** The model's reports beside each other system's on the same images. */
  public List<Evaluation.Comparison> comparisons(PairedTest test) {
    List<Evaluation.Comparison> comparisons = new ArrayList<>();
    for (int i = 1; i < reports.size(); i++) {
      comparisons.add(reports.getFirst().against(reports.get(i), test));
    }
    return comparisons;
  }

  /**
   * Everything that was asked: reports, their corrections, answers, and probabilities beside the
   * labels of {@code films}.
   *
   * @param films the films of the predictions, in their order
   */
  public PredictionScores all(List<Film> films) {
    SystemScores scores = SystemScores.of(model, predictions.size());
    if (all(p -> p.report().isPresent())) {
      ReportScores own = reports(model, p -> p.report().orElse(""));
      scores = own.scores();
      List<SystemScores.Subgroup> parts = new ArrayList<>();
      for (Stratum part : strata()) {
        parts.add(own.of(part));
      }
      scores = scores.withSubgroups(parts);
    }
    scores = withAnswers(scores);
    if (all(p -> !p.probabilities().isEmpty())) {
      Map<String, double[]> rows = new LinkedHashMap<>();
      predictions.forEach(p -> rows.put(p.id(), row(p)));
      scores =
          scores.withFindings(
              FindingsScores.of(films, rows, film -> 0, settings.bootstrap().seed()));
    }
    systems.add(scores);
    if (all(p -> p.answers().containsKey(PaperProtocol.CORRECTED))) {
      ReportScores corrected =
          reports(
              model + ", corrected", p -> p.answers().getOrDefault(PaperProtocol.CORRECTED, ""));
      systems.add(corrected.scores().marked("oracle: told what its report had wrong"));
    }
    List<Prediction> concluded =
        predictions.stream()
            .filter(p ->
                p.answers().containsKey(PaperProtocol.IMPRESSION) && !p.impressions().isEmpty())
            .toList();
    if (!concluded.isEmpty()) {
      systems.add(impressions(concluded));
    }
    return this;
  }

  /**
   * Adds the reports of another system on the same images.
   *
   * @param mark {@code baseline}, {@code oracle}
   */
  public PredictionScores baseline(String name, List<String> texts, String... mark) {
    Map<String, String> byId = new LinkedHashMap<>();
    for (int i = 0; i < texts.size(); i++) {
      byId.put(predictions.get(i).id(), texts.get(i));
    }
    SystemScores scores = reports(name, p -> byId.getOrDefault(p.id(), "")).scores();
    for (String one : mark) {
      scores = scores.marked(one);
    }
    systems.add(scores);
    return this;
  }

  private boolean all(Predicate<Prediction> has) {
    return predictions.stream().allMatch(has);
  }

  private Groups groups() {
    return Groups.by(predictions.stream().map(Prediction::group).toList());
  }

  // Beside the reports of people where there are, and the labels that the data set has.
  private ReportScores reports(String name, Function<Prediction, String> text) {
    List<Labels> truth = predictions.stream().map(p -> labels(p.truth())).toList();
    ReportScores scores =
        all(p -> !p.references().isEmpty())
            ? ReportScores.of(
                name,
                predictions.stream()
                    .map(p -> new TextPair(p.id(), p.references(), text.apply(p)))
                    .toList(),
                truth,
                groups(),
                settings)
            : ReportScores.clinical(
                name, predictions.stream().map(text).toList(), truth, groups(), settings);
    reports.add(scores);
    return scores;
  }

  private SystemScores impressions(List<Prediction> concluded) {
    List<String> references = concluded.stream().map(p -> p.impressions().getFirst()).toList();
    return ReportScores.of(
            model + ", impression",
            concluded.stream()
                .map(p ->
                    new TextPair(
                        p.id(),
                        p.impressions(),
                        p.answers().getOrDefault(PaperProtocol.IMPRESSION, "")))
                .toList(),
            settings.labeler().apply(references),
            Groups.by(concluded.stream().map(Prediction::group).toList()),
            settings)
        .scores();
  }

  private static Labels labels(Map<Finding, FindingState> truth) {
    Map<Finding, Labels.Entry> entries = new EnumMap<>(Finding.class);
    truth.forEach((finding, state) -> entries.put(finding, new Labels.Entry(state, List.of())));
    return new Labels(entries);
  }

  private static double[] row(Prediction p) {
    double[] row = new double[Finding.COUNT];
    p.probabilities().forEach((finding, value) -> row[finding.column()] = value);
    return row;
  }

  private List<Stratum> strata() {
    List<Stratum> strata = new ArrayList<>();
    for (String attribute : List.of("sex", "age", "view")) {
      if (all(p -> p.subgroup().containsKey(attribute))) {
        strata.addAll(Stratum.by(attribute, predictions, p -> value(p, attribute)));
      }
    }
    return strata;
  }

  private static String value(Prediction p, String attribute) {
    String value = p.subgroup().getOrDefault(attribute, "");
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
    if (all(p -> p.answers().containsKey(PaperProtocol.VIEW) && p.subgroup().containsKey("view"))) {
      scores = scores.with(view());
    }
    return scores;
  }

  private MultiLabel.Scores labels(Function<Prediction, Set<Finding>> said) {
    MultiLabel.Builder rows = new MultiLabel.Builder();
    for (Prediction p : predictions) {
      Set<Finding> there = EnumSet.noneOf(Finding.class);
      p.truth()
          .forEach((finding, state) -> {
            if (state == FindingState.PRESENT) {
              there.add(finding);
            }
          });
      rows.add(there, said.apply(p));
    }
    return rows.build().scores(settings.bootstrap(), groups());
  }

  // No Finding follows from the other answers, Support Devices among them (§13.3).
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

  // Accuracy, and F1 of each view that occurs in truth or answers, averaged (§13.5). Each item
  // counts in the column of its truth and of its answer.
  private SequencedMap<String, Interval> view() {
    Set<String> views = new TreeSet<>();
    List<String> truth = new ArrayList<>();
    List<String> said = new ArrayList<>();
    for (Prediction p : predictions) {
      truth.add(p.subgroup().getOrDefault("view", "").toUpperCase(Locale.ROOT));
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
        Resampled.sums(
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
    return settings.bootstrap().intervals(scores, groups());
  }

  /** What a reader must know of a run before its first score. */
  public static List<String> marks(PredictionLog.Content run) {
    boolean reports = run.predictions().stream().anyMatch(p -> p.report().isPresent());
    return reports && run.settings().containsKey("reference_reports")
        ? List.of("synthetic: the reference reports are written by a grammar")
        : List.of();
  }
}
