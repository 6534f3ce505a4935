package org.radialog.eval;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import org.radialog.clinical.Finding;
import org.radialog.data.FilmBoxes.Marked;
import org.radialog.imaging.FilmHeat;
import org.radialog.metrics.Bootstrap;
import org.radialog.metrics.Groups;
import org.radialog.metrics.Interval;
import org.radialog.metrics.Numbers;
import org.radialog.metrics.Sums;

/**
 * Scores of heat maps against boxes, beside those of places that are not taken from the film: by
 * set of films ({@code all}, {@code called}), by finding ({@link #OVERALL} first), and by measure.
 */
record EvidenceScores(
    SequencedMap<String, SequencedMap<String, Map<EvidenceMeasure, Score>>> sets) {
  static final String OVERALL = "Overall";

  /**
   * The heat map of a finding on a film, and the boxes around this finding, at least one.
   *
   * @param called whether the classifier calls the finding present
   */
  record Reading(
      String image,
      String patient,
      Finding finding,
      boolean called,
      FilmHeat heat,
      List<Marked> boxes) {}

  /** What a map is compared with. */
  enum Baseline {
    /** The mean over all cells of the map. */
    RANDOM,
    /** The middle of the film, which is on no side. */
    CENTRE,
    /** The mean of the maps of this finding on the films of other patients. */
    AVERAGE;

    private double of(EvidenceMeasure measure, Item item) {
      FilmHeat on = item.reading.heat;
      List<Marked> boxes = item.reading.boxes;
      return switch (this) {
        case RANDOM ->
            on.cells().stream()
                .mapToDouble(cell -> measure.of(Optional.of(cell), on, boxes))
                .average()
                .orElse(Double.NaN);
        case CENTRE -> measure.of(Optional.of(new FilmHeat.Place(0.5, 0.5, 0.5)), on, boxes);
        case AVERAGE ->
            item.average.map(map -> measure.of(map.place(), on, boxes)).orElse(Double.NaN);
      };
    }
  }

  /**
   * A baseline on the films for which there is one.
   *
   * @param of number of films
   * @param value the share that is right
   * @param more the share of the maps that is right minus that, on the same films, with the
   *     interval of a bootstrap over patients
   */
  record Compared(int of, double value, Interval more) {}

  /** The result for a measure. */
  record Score(EvidenceRule rule, Map<Baseline, Compared> baselines) {}

  private record Item(Reading reading, Optional<FilmHeat> average) {
    static Item of(Reading reading, List<Reading> all) {
      List<FilmHeat> others =
          all.stream()
              .filter(r -> r.finding == reading.finding && !r.patient.equals(reading.patient))
              .map(Reading::heat)
              .toList();
      return new Item(
          reading, others.isEmpty() ? Optional.empty() : Optional.of(reading.heat.mean(others)));
    }

    double of(EvidenceMeasure measure) {
      return measure.of(reading.heat.place(), reading.heat, reading.boxes);
    }
  }

  static EvidenceScores of(List<Reading> readings) {
    List<Item> all = readings.stream().map(reading -> Item.of(reading, readings)).toList();
    var sets = new LinkedHashMap<String, SequencedMap<String, Map<EvidenceMeasure, Score>>>();
    sets.put("all", byFinding(all));
    sets.put("called", byFinding(all.stream().filter(item -> item.reading.called).toList()));
    return new EvidenceScores(sets);
  }

  private static SequencedMap<String, Map<EvidenceMeasure, Score>> byFinding(List<Item> items) {
    var scores = new LinkedHashMap<String, Map<EvidenceMeasure, Score>>();
    scores.put(OVERALL, scores(items, _ -> true));
    for (Finding finding : Finding.ALL) {
      scores.put(finding.label(), scores(items, item -> item.reading.finding == finding));
    }
    scores.values().removeIf(Map::isEmpty);
    return scores;
  }

  private static Map<EvidenceMeasure, Score> scores(List<Item> items, Predicate<Item> in) {
    var scores = new EnumMap<EvidenceMeasure, Score>(EvidenceMeasure.class);
    for (EvidenceMeasure measure : EvidenceMeasure.values()) {
      List<Item> asked =
          items.stream().filter(in).filter(item -> !Double.isNaN(item.of(measure))).toList();
      if (!asked.isEmpty()) {
        double right = asked.stream().mapToDouble(item -> item.of(measure)).sum();
        var baselines = new EnumMap<Baseline, Compared>(Baseline.class);
        for (Baseline baseline : Baseline.values()) {
          compared(asked, measure, baseline).ifPresent(c -> baselines.put(baseline, c));
        }
        scores.put(measure, new Score(new EvidenceRule(right, asked.size()), baselines));
      }
    }
    return scores;
  }

  private static Optional<Compared> compared(
      List<Item> asked, EvidenceMeasure measure, Baseline baseline) {
    List<Item> items =
        asked.stream().filter(item -> !Double.isNaN(baseline.of(measure, item))).toList();
    if (items.isEmpty()) {
      return Optional.empty();
    }
    double[] base = items.stream().mapToDouble(item -> baseline.of(measure, item)).toArray();
    double[] more =
        IntStream.range(0, base.length)
            .mapToDouble(i -> items.get(i).of(measure) - base[i])
            .toArray();
    Groups patients = Groups.by(items.stream().map(item -> item.reading.patient).toList());
    return Optional.of(
        new Compared(
            base.length,
            Arrays.stream(base).average().orElse(Double.NaN),
            Bootstrap.DEFAULT.intervals(Sums.mean("", more), patients).firstEntry().getValue()));
  }

  /** The scores for programs. */
  SequencedMap<String, Object> json() {
    SequencedMap<String, Object> json = new LinkedHashMap<>();
    sets.forEach((set, findings) -> {
      Map<String, Object> ofSet = new LinkedHashMap<>();
      findings.forEach((finding, measures) -> {
        Map<String, Object> ofFinding = new LinkedHashMap<>();
        measures.forEach((measure, score) -> ofFinding.put(measure.key(), json(measure, score)));
        ofSet.put(finding, ofFinding);
      });
      json.put(set, ofSet);
    });
    return json;
  }

  private static Map<String, Object> json(EvidenceMeasure measure, Score score) {
    Interval share = score.rule.share();
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("right", score.rule.right());
    json.put("of", score.rule.of());
    json.put("share", rounded(share.value()));
    json.put("interval", interval(share));
    if (measure.sayable()) {
      json.put("may_be_said", score.rule.mayBeSaid());
    }
    score.baselines.forEach((baseline, c) -> {
      Map<String, Object> compared = new LinkedHashMap<>();
      compared.put("of", c.of);
      compared.put("share", rounded(c.value));
      compared.put("difference", rounded(c.more.value()));
      compared.put("interval", interval(c.more));
      json.put(baseline.name().toLowerCase(Locale.ROOT), compared);
    });
    return json;
  }

  private static List<Double> interval(Interval of) {
    return List.of(rounded(of.low()), rounded(of.high()));
  }

  private static double rounded(double value) {
    return Math.round(1000 * value) / 1000.0;
  }

  /** A set of films as a table in Markdown. */
  String table(String set) {
    List<String> lines = new ArrayList<>();
    lines.add(
        "| finding | question | right | share (95 %) | random cell: share (difference) | centre of"
            + " the film | average map of other patients | may be said |");
    lines.add("|---|---|---:|---:|---:|---:|---:|---|");
    sets.getOrDefault(set, new LinkedHashMap<>())
        .forEach((finding, measures) ->
            measures.forEach((measure, score) -> {
              List<String> row = new ArrayList<>(List.of(finding, measure.words()));
              Interval share = score.rule.share();
              row.add(
                  String.format(Locale.ROOT, "%.0f of %d", score.rule.right(), score.rule.of()));
              row.add(Numbers.three(share.value()) + " (" + Numbers.range(share) + ")");
              for (Baseline baseline : Baseline.values()) {
                Compared c = score.baselines.get(baseline);
                row.add(c == null ? "–" : cell(c, score.rule.of()));
              }
              row.add(!measure.sayable() ? "" : score.rule.mayBeSaid() ? "yes" : "no");
              lines.add("| " + String.join(" | ", row) + " |");
            }));
    return String.join("\n", lines) + "\n";
  }

  private static String cell(Compared c, int films) {
    return "%s (%s: %s)%s"
        .formatted(
            Numbers.three(c.value),
            Numbers.signed(c.more.value()),
            Numbers.signedRange(c.more),
            c.of == films ? "" : " of " + c.of);
  }
}
