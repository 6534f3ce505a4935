package org.radialog.wire;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import org.radialog.dialog.Findings;
import org.radialog.dialog.Findings.Assessment;
import org.radialog.published.ModelConfig;
import org.radialog.published.Performance;

/**
 * Findings formatted for people: present findings first, then uncertain ones, each with a bar that
 * shows the thresholds.
 */
public final class FindingsView {
  private static final int BAR = 24;
  private static final String COLUMNS = "  %-20s %8s  %-16s  %-16s  %-16s  %s";

  private FindingsView() {}

  /** One line per assessed finding, then lines that name the others, by reason. */
  public static List<String> lines(Findings findings, boolean unicode, boolean colours) {
    List<String> lines = new ArrayList<>();
    for (Assessment a : findings.ordered()) {
      if (a.state() == Findings.State.NOT_ASSESSED) {
        continue;
      }
      boolean present = a.state() == Findings.State.PRESENT;
      String line =
          String.format(
              Locale.ROOT,
              "  %-20s %s  %s  %s%s",
              a.finding().label(),
              bar(a, unicode),
              a.probability().isPresent()
                  ? String.format(Locale.ROOT, "%4.2f", a.probability().getAsDouble())
                  : "    ",
              a.state().label(),
              a.edited() ? " (edited)" : a.implied() ? " (implied)" : "");
      lines.add(present && colours ? "\u001b[1m" + line + "\u001b[0m" : line);
    }
    unassessed(findings, ModelConfig.Evidence.WEAK, "too weak to tell").ifPresent(lines::add);
    unassessed(findings, ModelConfig.Evidence.UNTRAINED, "never trained").ifPresent(lines::add);
    return lines;
  }

  private static Optional<String> unassessed(
      Findings findings, ModelConfig.Evidence evidence, String reason) {
    String labels =
        findings.all().stream()
            .filter(a -> a.state() == Findings.State.NOT_ASSESSED)
            .filter(a -> a.grounds().evidence() == evidence)
            .map(a -> a.finding().label())
            .collect(Collectors.joining(", "));
    return labels.isEmpty()
        ? Optional.empty()
        : Optional.of("  Not assessed by this model (%s): %s".formatted(reason, labels));
  }

  /**
   * A table of how often the calls of a model were right, one line per finding of which this is
   * known; empty if it is known of none.
   */
  public static List<String> performance(List<Performance> known, boolean unicode) {
    List<String> lines = new ArrayList<>();
    for (Performance one : known) {
      lines.add(
          String.format(
              Locale.ROOT,
              COLUMNS,
              one.label(),
              one.positives() + "/" + one.films(),
              share(Optional.of(one.sensitivity()), unicode),
              share(Optional.of(one.specificity()), unicode),
              share(one.ppv(), unicode),
              share(one.npv(), unicode)));
    }
    if (!lines.isEmpty()) {
      lines.addFirst(
          String.format(
              COLUMNS, "", "films", "sensitivity", "specificity", "if present", "if absent"));
      lines.addFirst(
          """
          How often such calls were right on films the model never saw, with 95 % intervals
            films: with the finding, of all; sensitivity: part of the films with the finding that were called present;
            specificity: part of the others that were not; if present, if absent: how often such a call was right\
          """);
    }
    return lines;
  }

  private static String share(Optional<Performance.Figure> figure, boolean unicode) {
    return figure
        .map(f ->
            String.format(
                Locale.ROOT,
                "%.2f (%.2f%s%.2f)",
                f.value(),
                f.low(),
                unicode ? "–" : "-",
                f.high()))
        .orElse("never called");
  }

  private static String bar(Assessment a, boolean unicode) {
    if (a.probability().isEmpty()) {
      return " ".repeat(BAR);
    }
    int filled = (int) Math.round(a.probability().getAsDouble() * BAR);
    int mark = cell(a.threshold().orElse(0.5));
    int lower = a.uncertainAbove().isPresent() ? cell(a.uncertainAbove().getAsDouble()) : mark;
    StringBuilder bar = new StringBuilder();
    for (int i = 0; i < BAR; i++) {
      if (i == mark) {
        bar.append(unicode ? '│' : '|');
      } else if (i == lower) {
        bar.append(unicode ? '┆' : ':');
      } else if (i < filled) {
        bar.append(unicode ? '█' : '#');
      } else {
        bar.append(unicode ? '░' : '.');
      }
    }
    return bar.toString();
  }

  private static int cell(double share) {
    return Math.clamp(Math.round(share * BAR), 0, BAR - 1);
  }
}
