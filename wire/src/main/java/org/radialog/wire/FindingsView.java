package org.radialog.wire;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.radialog.dialog.Findings;
import org.radialog.dialog.Findings.Assessment;

/**
 * Findings formatted for people: present findings first, then uncertain ones, each with a bar that
 * shows the thresholds.
 */
public final class FindingsView {
  private static final int BAR = 24;

  private FindingsView() {}

  /** One line per assessed finding, then one that names the others. */
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
    String unassessed =
        findings.all().stream()
            .filter(a -> a.state() == Findings.State.NOT_ASSESSED)
            .map(a -> a.finding().label())
            .collect(Collectors.joining(", "));
    if (!unassessed.isEmpty()) {
      lines.add("  Not assessed by this model: " + unassessed);
    }
    return lines;
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
