package org.radialog.eval;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.radialog.base.ResearchUse;
import org.radialog.charts.Drawing;
import org.radialog.charts.Drawing.Anchor;
import org.radialog.charts.Drawing.Ink;
import org.radialog.charts.Drawing.Line;
import org.radialog.charts.Drawing.Mark;
import org.radialog.charts.Drawing.Text;
import org.radialog.charts.Drawing.Trace;
import org.radialog.clinical.Finding;
import org.radialog.metrics.BinaryPredictions;
import org.radialog.metrics.FindingsScores;
import org.radialog.metrics.FindingsScores.LabelScore;
import org.radialog.metrics.Interval;
import org.radialog.metrics.MultiLabel;
import org.radialog.metrics.Numbers;

/** The plots of an evaluation. */
final class Plots {
  private static final double WIDTH = 880;
  private static final double LEFT = 215; // space for the names of labels
  private static final double RIGHT = 135; // space for counts and values
  private static final double TOP = 34;
  private static final double HOLLOW = 4.2; // radius of an unfilled mark
  private static final double LEGEND = 24;
  private static final double LETTER = 7.2; // average width of a letter in text of size 13

  private final Evaluation evaluation;
  private final SequencedMap<String, Drawing> drawings = new LinkedHashMap<>();

  private Plots(Evaluation evaluation) {
    this.evaluation = evaluation;
  }

  /** All plots for which the evaluation has data, by file name without extension. */
  static SequencedMap<String, Drawing> of(Evaluation evaluation) {
    var plots = new Plots(evaluation);
    for (String what : Tables.clinical(evaluation)) {
      plots.drawings.put(name(what), plots.f1(what));
    }
    if (evaluation.systems().stream().anyMatch(s -> s.findings().isPresent())) {
      plots.drawings.put("auroc", plots.auroc());
      plots.drawings.put("roc", plots.panels("ROC curves", plots::roc));
      plots.drawings.put("reliability", plots.panels("Reliability", plots::reliability));
    }
    for (int i = 0; i < evaluation.comparisons().size(); i++) {
      String name = "change-" + (i + 1);
      plots.change(evaluation.comparisons().get(i)).ifPresent(d -> plots.drawings.put(name, d));
    }
    return Collections.unmodifiableSequencedMap(plots.drawings);
  }

  /** {@code f1-uncertain-negative}. */
  static String name(String what) {
    return "f1-" + what.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]+", "-");
  }

  // ---------------------------------------------------------------- rows of intervals

  /** A row: its name, the note at its end, and one score per system. */
  private record Row(String name, boolean strong, String note, List<Optional<Interval>> scores) {}

  private Drawing f1(String what) {
    List<Row> rows = new ArrayList<>();
    for (Finding finding : Finding.ALL) {
      List<Optional<MultiLabel.Row>> of =
          each(system ->
              Optional.ofNullable(system.clinical().get(what))
                  .map(scores -> scores.labels().get(finding.column())));
      int support =
          of.stream().flatMap(Optional::stream).findFirst().map(MultiLabel.Row::support).orElse(0);
      boolean unknown = Tables.support(evaluation, of).equals(Tables.UNKNOWN);
      rows.add(
          new Row(
              finding.label(),
              MultiLabel.FIVE.contains(finding),
              unknown ? Tables.UNKNOWN : "n = " + support,
              of.stream()
                  .map(row -> row.filter(r -> r.known() > 0).map(MultiLabel.Row::f1))
                  .toList()));
    }
    return forest("F1 of each label, " + what + " (bold: the five)", rows, 0, 1, 0);
  }

  private Drawing auroc() {
    List<Row> rows = new ArrayList<>();
    for (Finding finding : Finding.ALL) {
      List<Optional<LabelScore>> of = each(system -> label(system, finding));
      of.stream()
          .flatMap(Optional::stream)
          .findFirst()
          .ifPresent(known ->
              rows.add(
                  new Row(
                      finding.label() + (known.few() ? " *" : ""),
                      MultiLabel.FIVE.contains(finding),
                      "n = " + known.positives(),
                      of.stream().map(score -> score.map(LabelScore::auroc)).toList())));
    }
    rows.add(
        new Row(
            "Mean of the ten pathologies",
            true,
            "",
            each(system -> system.findings().map(FindingsScores::meanOfMapped))));
    return forest(
        "AUROC of each finding (* fewer than %d positives)".formatted(FindingsScores.FEW_POSITIVES),
        rows,
        .3,
        1,
        .5);
  }

  private <T> List<Optional<T>> each(Function<SystemScores, Optional<T>> score) {
    return evaluation.systems().stream().map(score).toList();
  }

  private static Optional<LabelScore> label(SystemScores system, Finding finding) {
    return system.findings().stream()
        .flatMap(scores -> scores.labels().stream())
        .filter(label -> label.finding() == finding)
        .findFirst();
  }

  private Drawing forest(String title, List<Row> rows, double from, double to, double reference) {
    int systems = evaluation.systems().size();
    double rowHeight = Math.max(25, 10.0 * systems + 12);
    double legend = legendHeight();
    double top = TOP + legend;
    double bottom = top + rowHeight * rows.size();
    var drawing = new Drawing(title, foot(), WIDTH, bottom + 34);
    heading(drawing, title);
    double span = WIDTH - LEFT - RIGHT;
    for (int tick = (int) Math.ceil(10 * from); tick <= 10 * to; tick += from == 0 ? 2 : 1) {
      double x = LEFT + span * (tick / 10.0 - from) / (to - from);
      boolean strong = tick == 10 * reference;
      drawing.add(
          new Line(x, top, x, bottom, strong ? Ink.QUIET : Ink.GRID, 1, strong && reference > 0));
      drawing.add(tenths(tick, x, bottom));
    }
    for (int r = 0; r < rows.size(); r++) {
      Row row = rows.get(r);
      double y = top + rowHeight * (r + .5);
      drawing.add(new Line(0, y + rowHeight / 2, WIDTH, y + rowHeight / 2, Ink.GRID, .6, false));
      drawing.add(new Text(0, y + 4.5, row.name, Ink.INK, 13, row.strong, Anchor.START));
      if (systems == 1) {
        drawing.add(
            new Text(
                LEFT + span + 52,
                y + 4.5,
                row.scores.getFirst().map(s -> Numbers.three(s.value())).orElse("–"),
                Ink.INK,
                13,
                false,
                Anchor.END));
      }
      drawing.add(new Text(WIDTH, y + 4.5, row.note, Ink.QUIET, 12, false, Anchor.END));
      for (int s = 0; s < systems; s++) {
        int system = s;
        double at = y + 10 * (s - (systems - 1) / 2.0);
        row.scores
            .get(s)
            .filter(score -> !Double.isNaN(score.value()))
            .ifPresent(score -> {
              if (score.bounded()) {
                drawing.add(
                    new Line(
                        LEFT + span * clamp((score.low() - from) / (to - from)),
                        at,
                        LEFT + span * clamp((score.high() - from) / (to - from)),
                        at,
                        Ink.of(system),
                        2,
                        false));
              }
              drawing.add(
                  new Mark(
                      LEFT + span * clamp((score.value() - from) / (to - from)),
                      at,
                      4.2,
                      system,
                      true));
            });
      }
    }
    legend(drawing);
    return drawing;
  }

  private static double clamp(double share) {
    return Math.clamp(share, 0, 1);
  }

  // ---------------------------------------------------------------- before and after

  private Optional<Drawing> change(Evaluation.Comparison comparison) {
    int first = system(comparison.first());
    int second = system(comparison.second());
    if (first < 0 || second < 0) {
      return Optional.empty();
    }
    SystemScores before = evaluation.systems().get(first);
    SystemScores after = evaluation.systems().get(second);
    Optional<String> what =
        before.clinical().sequencedKeySet().stream()
            .filter(after.clinical()::containsKey)
            .findFirst();
    if (what.isEmpty()) {
      return Optional.empty();
    }
    List<MultiLabel.Row> from = rows(before, what.get());
    List<MultiLabel.Row> to = rows(after, what.get());
    String title = "F1 of each label from one to the other, " + what.get();
    double rowHeight = 25;
    double top = TOP + LEGEND * legendLines(List.of(first, second));
    double bottom = top + rowHeight * from.size();
    double span = WIDTH - LEFT - RIGHT;
    var drawing = new Drawing(title, foot(), WIDTH, bottom + 34);
    heading(drawing, title);
    for (int tick = 0; tick <= 10; tick += 2) {
      double x = LEFT + span * tick / 10;
      drawing.add(new Line(x, top, x, bottom, Ink.GRID, 1, false));
      drawing.add(tenths(tick, x, bottom));
    }
    for (int r = 0; r < from.size(); r++) {
      Finding finding = from.get(r).finding();
      double old = from.get(r).f1().value();
      double now = to.get(r).f1().value();
      double y = top + rowHeight * (r + .5);
      double x1 = LEFT + span * old;
      double x2 = LEFT + span * now;
      drawing.add(new Line(0, y + rowHeight / 2, WIDTH, y + rowHeight / 2, Ink.GRID, .6, false));
      drawing.add(
          new Text(
              0,
              y + 4.5,
              finding.label(),
              Ink.INK,
              13,
              MultiLabel.FIVE.contains(finding),
              Anchor.START));
      if (from.get(r).known() == 0) {
        drawing.add(new Text(WIDTH, y + 4.5, Tables.UNKNOWN, Ink.QUIET, 12, false, Anchor.END));
        continue;
      }
      double gap = Math.abs(x2 - x1) > HOLLOW ? Math.signum(x2 - x1) * HOLLOW : 0;
      drawing.add(new Line(x1 + gap, y, x2, y, Ink.of(second), 2.5, false));
      drawing.add(new Mark(x1, y, HOLLOW, first, false));
      drawing.add(new Mark(x2, y, 4.6, second, true));
      drawing.add(
          new Text(
              LEFT + span + 60,
              y + 4.5,
              Numbers.signed(now - old),
              now < old ? Ink.SECOND : Ink.INK,
              13,
              false,
              Anchor.END));
      drawing.add(
          new Text(
              WIDTH, y + 4.5, "n = " + from.get(r).support(), Ink.QUIET, 12, false, Anchor.END));
    }
    legend(drawing, List.of(first, second), true);
    return Optional.of(drawing);
  }

  private static List<MultiLabel.Row> rows(SystemScores system, String what) {
    MultiLabel.Scores scores = system.clinical().get(what);
    return scores == null ? List.of() : scores.labels();
  }

  private int system(String name) {
    for (int s = 0; s < evaluation.systems().size(); s++) {
      if (evaluation.systems().get(s).name().equals(name)) {
        return s;
      }
    }
    return -1;
  }

  // ---------------------------------------------------------------- small multiples, one per
  // finding

  private static final double SIDE = 158;
  private static final double CELL = 220;
  private static final double CELL_HEIGHT = 226;

  /** Draws a system's curve into the square whose lower left corner is (x, y). */
  private interface Curve {
    void draw(Drawing drawing, LabelScore score, int system, double x, double y);
  }

  private Drawing panels(String title, Curve curve) {
    List<Finding> findings =
        Finding.ALL.stream()
            .filter(f -> evaluation.systems().stream().anyMatch(s -> label(s, f).isPresent()))
            .toList();
    int columns = 4;
    int lines = (findings.size() + columns - 1) / columns;
    double top = TOP + legendHeight();
    var drawing = new Drawing(title, foot(), WIDTH, top + lines * CELL_HEIGHT);
    heading(drawing, title);
    for (int i = 0; i < findings.size(); i++) {
      Finding finding = findings.get(i);
      double x = CELL * (i % columns) + 26;
      int line = i / columns;
      double y = top + CELL_HEIGHT * line + 24 + SIDE;
      drawing.add(new Text(x, y - SIDE - 9, finding.label(), Ink.INK, 12.5, true, Anchor.START));
      for (int tick = 0; tick <= 2; tick++) {
        double at = SIDE * tick / 2;
        drawing.add(new Line(x + at, y, x + at, y - SIDE, Ink.GRID, 1, false));
        drawing.add(new Line(x, y - at, x + SIDE, y - at, Ink.GRID, 1, false));
        String name = List.of("0", "0.5", "1").get(tick);
        drawing.add(new Text(x + at, y + 15, name, Ink.QUIET, 11, false, Anchor.MIDDLE));
        drawing.add(new Text(x - 6, y - at + 4, name, Ink.QUIET, 11, false, Anchor.END));
      }
      drawing.add(new Line(x, y, x + SIDE, y - SIDE, Ink.QUIET, 1, true));
      for (int s = 0; s < evaluation.systems().size(); s++) {
        int system = s;
        label(evaluation.systems().get(s), finding)
            .ifPresent(score -> curve.draw(drawing, score, system, x, y));
      }
    }
    legend(drawing);
    return drawing;
  }

  private void roc(Drawing drawing, LabelScore score, int system, double x, double y) {
    if (score.roc().isEmpty()) {
      return;
    }
    List<double[]> points = new ArrayList<>();
    points.add(new double[] {x, y});
    for (FindingsScores.Point point : score.roc()) {
      points.add(
          new double[] {x + SIDE * point.falsePositiveRate(), y - SIDE * point.truePositiveRate()});
    }
    drawing.add(new Trace(points, Ink.of(system), 2));
    double line = y - 8 - 14 * (evaluation.systems().size() - 1.0 - system);
    drawing.add(
        new Text(
            x + SIDE - 6, line, Numbers.two(score.auroc()), Ink.of(system), 11, false, Anchor.END));
  }

  private void reliability(Drawing drawing, LabelScore score, int system, double x, double y) {
    List<double[]> points = new ArrayList<>();
    for (BinaryPredictions.Bin bin : score.reliability()) {
      double[] at = {x + SIDE * bin.meanProbability(), y - SIDE * bin.positives()};
      points.add(at);
      // the area of a mark grows with the number of films in the bin
      double radius = 1.5 + 6 * Math.sqrt((double) bin.items() / score.films());
      drawing.add(new Mark(at[0], at[1], radius, system, true));
    }
    drawing.add(new Trace(points, Ink.of(system), 1.2));
    double line = y - SIDE + 14 + 14 * system;
    drawing.add(
        new Text(
            x + 6,
            line,
            "ECE " + Numbers.two(score.calibrationError()),
            Ink.of(system),
            11,
            false,
            Anchor.START));
  }

  // ---------------------------------------------------------------- heading and legend

  // The label below a grid line.
  private static Text tenths(int tick, double x, double bottom) {
    return new Text(
        x,
        bottom + 18,
        String.format(Locale.ROOT, "%.1f", tick / 10.0),
        Ink.QUIET,
        12,
        false,
        Anchor.MIDDLE);
  }

  private static void heading(Drawing drawing, String title) {
    drawing.add(new Text(0, 17, title, Ink.INK, 15, true, Anchor.START));
  }

  private double legendHeight() {
    List<Integer> all = all();
    return all.size() < 2 ? 0 : LEGEND * legendLines(all);
  }

  private List<Integer> all() {
    return Stream.iterate(0, s -> s + 1).limit(evaluation.systems().size()).toList();
  }

  private int legendLines(List<Integer> systems) {
    return (int) Math.round(place(systems).getLast()[1]) + 1;
  }

  /** The x position and the line number of each legend entry. */
  private List<double[]> place(List<Integer> systems) {
    List<double[]> places = new ArrayList<>();
    double x = 0;
    int line = 0;
    for (int system : systems) {
      double wide = 18 + LETTER * shown(system).length() + 22;
      if (x > 0 && x + wide > WIDTH) {
        x = 0;
        line++;
      }
      places.add(new double[] {x, line});
      x += wide;
    }
    return places;
  }

  private String shown(int system) {
    String name = evaluation.systems().get(system).name();
    List<String> badges =
        evaluation.systems().get(system).marks().stream().map(Tables::badge).toList();
    return shortened(name)
        + (badges.isEmpty() ? "" : " (" + shortened(String.join(", ", badges)) + ")");
  }

  private static String shortened(String text) {
    return text.codePointCount(0, text.length()) > 60
        ? text.substring(0, text.offsetByCodePoints(0, 59)) + "…"
        : text;
  }

  // A plot may be shown without its page, for example in a talk, so it carries the essential notes.
  private String foot() {
    Stream<String> marks = evaluation.marks().stream();
    if (evaluation.systems().size() == 1) {
      marks = Stream.concat(marks, evaluation.systems().getFirst().marks().stream());
    }
    return Stream.concat(
            marks.map(Tables::badge).map(Plots::shortened), Stream.of(ResearchUse.NOTICE))
        .collect(Collectors.joining(" · "));
  }

  private void legend(Drawing drawing) {
    if (evaluation.systems().size() > 1) {
      legend(drawing, all(), false);
    }
  }

  private void legend(Drawing drawing, List<Integer> systems, boolean firstHollow) {
    List<double[]> places = place(systems);
    for (int k = 0; k < systems.size(); k++) {
      double x = places.get(k)[0];
      double y = TOP + LEGEND * places.get(k)[1] + 8;
      drawing.add(new Mark(x + 6, y - 4, 4.6, systems.get(k), k > 0 || !firstHollow));
      drawing.add(new Text(x + 18, y, shown(systems.get(k)), Ink.INK, 13, false, Anchor.START));
    }
  }
}
