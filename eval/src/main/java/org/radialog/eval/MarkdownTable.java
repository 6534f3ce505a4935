package org.radialog.eval;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.radialog.base.ResearchUse;
import org.radialog.charts.Drawing;
import org.radialog.clinical.Finding;
import org.radialog.metrics.FindingsScores;
import org.radialog.metrics.FindingsScores.LabelScore;
import org.radialog.metrics.Interval;
import org.radialog.metrics.MultiLabel;
import org.radialog.metrics.Numbers;
import org.radialog.metrics.PairedTest;

/** Writes {@code table.md}. External names are escaped and never interpreted as markup. */
final class MarkdownTable {
  private final Evaluation evaluation;
  private final StringBuilder text = new StringBuilder();

  MarkdownTable(Evaluation evaluation) {
    this.evaluation = evaluation;
  }

  String text() {
    line("# " + safe(evaluation.title()));
    line("");
    line("**" + ResearchUse.NOTICE + "**");
    evaluation.marks().forEach(mark -> line("**" + safe(mark) + ".**"));
    line("");
    evaluation
        .systems()
        .forEach(system ->
            line(
                "- %s: %,d scored%s"
                    .formatted(
                        safe(system.name()),
                        system.items(),
                        system.marks().isEmpty()
                            ? ""
                            : "; **" + safe(String.join("; ", system.marks())) + "**")));
    line("");
    line("Scores with 95 % intervals. Every other score and every setting: `scores.json`.");
    line("");
    scores();
    evaluation.comparisons().forEach(this::comparison);
    Tables.clinical(evaluation).forEach(this::labels);
    evaluation.systems().forEach(this::findings);
    evaluation.systems().forEach(this::subgroups);
    leftOut();
    line("## Settings");
    line("");
    ScoresJson.pretty(evaluation.settings()).lines().forEach(l -> line("    " + l));
    return text.toString();
  }

  private void line(String line) {
    text.append(line).append('\n');
  }

  private void row(List<String> cells) {
    line("| " + String.join(" | ", cells) + " |");
  }

  private void header(List<String> cells) {
    row(cells);
    line("|---|" + "---:|".repeat(cells.size() - 1));
  }

  private List<String> named(String... first) {
    return Stream.concat(Stream.of(first), evaluation.systems().stream().map(s -> safe(s.name())))
        .toList();
  }

  private void scores() {
    List<Tables.Part> parts = Tables.scores(evaluation);
    if (parts.isEmpty()) {
      return;
    }
    header(named("score"));
    for (Tables.Part part : parts) {
      if (!part.heading().isEmpty()) {
        List<String> cells = new ArrayList<>(List.of("**" + safe(part.heading()) + "**"));
        evaluation.systems().forEach(s -> cells.add(""));
        row(cells);
      }
      for (Tables.Line line : part.lines()) {
        List<String> cells = new ArrayList<>(List.of(safe(line.name())));
        line.scores().forEach(score -> cells.add(cell(score)));
        row(cells);
      }
    }
    line("");
  }

  private static String cell(Optional<Interval> score) {
    return score
        .map(s ->
            s.bounded()
                ? Numbers.three(s.value()) + " (" + Numbers.range(s) + ")"
                : Numbers.three(s.value()))
        .orElse("–");
  }

  private void comparison(Evaluation.Comparison comparison) {
    line("## From " + safe(comparison.first()) + " to " + safe(comparison.second()));
    line("");
    header(
        List.of("score", safe(comparison.first()), safe(comparison.second()), "difference", "p"));
    for (Tables.DifferencePart part : Tables.differences(comparison)) {
      if (!part.heading().isEmpty()) {
        row(List.of("**" + safe(part.heading()) + "**", "", "", "", ""));
      }
      for (Tables.DifferenceLine line : part.lines()) {
        PairedTest.Difference d = line.difference();
        String range = Numbers.signedRange(d.difference());
        row(
            List.of(
                safe(line.name()),
                Numbers.three(d.first()),
                Numbers.three(d.second()),
                Numbers.signed(d.difference().value())
                    + (range.isEmpty() ? "" : " (" + range + ")"),
                Numbers.p(d.p())));
      }
    }
    line("");
  }

  private void labels(String what) {
    line("## F1 of each label, " + safe(what));
    line("");
    header(named("label", "support"));
    for (Tables.LabelLine label : Tables.labels(evaluation, what)) {
      List<String> cells = new ArrayList<>();
      cells.add(label.finding().label());
      cells.add(label.support());
      label.systems().forEach(row -> cells.add(cell(row.map(MultiLabel.Row::f1))));
      row(cells);
    }
    line("");
  }

  private void findings(SystemScores system) {
    if (system.findings().isEmpty()) {
      return;
    }
    line("## Findings by " + safe(system.name()));
    line("");
    header(List.of("finding", "positives", "AUROC", "average precision", "F1", "Brier", "ECE"));
    for (LabelScore label : system.findings().get().labels()) {
      row(
          List.of(
              label.finding().label() + (label.few() ? " \\*" : ""),
              label.positives() + " of " + label.films(),
              Numbers.two(label.auroc()),
              Numbers.two(label.averagePrecision()),
              Numbers.two(label.bestF1().f1()),
              Numbers.two(label.brier()),
              Numbers.two(label.calibrationError())));
    }
    for (Finding unknown : system.findings().get().unknown()) {
      row(List.of(unknown.label(), Tables.UNKNOWN, "–", "–", "–", "–", "–"));
    }
    line("");
    line(
        "\\* fewer than "
            + FindingsScores.FEW_POSITIVES
            + " positives: only an indication. F1 at thresholds chosen on the other folds.");
    line("");
  }

  private void subgroups(SystemScores system) {
    if (system.subgroups().isEmpty()) {
      return;
    }
    List<String> metrics = Tables.subgroupMetrics(system);
    line("## Subgroups of " + safe(system.name()));
    line("");
    header(
        Stream.concat(
                Stream.of("subgroup", "items"),
                metrics.stream().map(Tables::printed).map(MarkdownTable::safe))
            .toList());
    for (SystemScores.Subgroup part : system.subgroups()) {
      List<String> cells = new ArrayList<>();
      cells.add(safe(part.attribute() + " " + part.value()));
      cells.add(Integer.toString(part.items()));
      metrics.forEach(m -> cells.add(cell(Optional.ofNullable(part.metrics().get(m)))));
      row(cells);
    }
    line("");
  }

  private void leftOut() {
    if (Tables.leftOut(evaluation).isEmpty()) {
      return;
    }
    line("## Left out");
    line("");
    Tables.leftOut(evaluation)
        .forEach((metric, reason) -> line("- " + safe(metric) + ": " + safe(reason)));
    line("");
  }

  /** The text on one line with all Markdown characters escaped. */
  private static String safe(String text) {
    var safe = new StringBuilder();
    text.codePoints()
        .forEach(c -> {
          if (Character.isISOControl(c)) {
            safe.append(' ');
          } else if (c == '<' || c == '>' || c == '&') {
            safe.append(Drawing.escaped(Character.toString(c)));
          } else if ("\\`*_[]|#~!".indexOf(c) >= 0) {
            safe.append('\\').appendCodePoint(c);
          } else {
            safe.appendCodePoint(c);
          }
        });
    return safe.toString();
  }
}
