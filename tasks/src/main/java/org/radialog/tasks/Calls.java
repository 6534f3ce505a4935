package org.radialog.tasks;

import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.radialog.clinical.Finding;
import org.radialog.clinical.FindingsList;
import org.radialog.instruct.ReportGrammar;

/**
 * What a classifier calls: which findings it assesses, and above which probabilities they are
 * present or possible.
 *
 * @param present 14 probabilities in column order, above which a finding is present
 * @param possible as many, none above its counterpart, above which it is possible
 * @param assessed the findings that are called at all
 * @param denied those of them of which enough are found, so that texts may negate them
 */
public record Calls(
    List<Double> present, List<Double> possible, Set<Finding> assessed, Set<Finding> denied) {
  /**
   * What the labels of a data set call if there are no probabilities: every finding is assessed,
   * and texts may negate it.
   */
  public static final Calls OF_LABELS =
      new Calls(
          Collections.nCopies(Finding.COUNT, 0.5),
          Collections.nCopies(Finding.COUNT, 0.5),
          ReportGrammar.FINDINGS,
          ReportGrammar.FINDINGS);

  /**
   * Copies the values.
   *
   * @throws IllegalArgumentException if there are not 14 of each, a lower point is the higher one,
   *     or a finding is denied that is not assessed
   */
  public Calls {
    present = List.copyOf(present);
    possible = List.copyOf(possible);
    assessed = ordered(assessed);
    denied = ordered(denied);
    if (!assessed.containsAll(denied)) {
      throw new IllegalArgumentException(
          "%s are denied and %s assessed, expected all denied findings to be assessed"
              .formatted(denied, assessed));
    }
    if (present.size() != Finding.COUNT || possible.size() != Finding.COUNT) {
      throw new IllegalArgumentException(
          "expected %d points each, got %d and %d"
              .formatted(Finding.COUNT, present.size(), possible.size()));
    }
    for (int i = 0; i < Finding.COUNT; i++) {
      if (!(possible.get(i) <= present.get(i))) {
        throw new IllegalArgumentException(
            "%s is possible above %s and present above %s, expected the first not to be the higher one"
                .formatted(Finding.ALL.get(i), possible.get(i), present.get(i)));
      }
    }
  }

  private static Set<Finding> ordered(Set<Finding> findings) {
    var copy = EnumSet.noneOf(Finding.class);
    copy.addAll(findings);
    return Collections.unmodifiableSet(copy);
  }

  /** The findings of a film that a prompt names, from its 14 probabilities. */
  FindingsList of(double[] probabilities) {
    FindingsList called = called(probabilities);
    return named(called.present(), called.uncertain());
  }

  /**
   * The findings that are called, each by its own points.
   *
   * @param probabilities 14 in column order
   */
  public FindingsList called(double[] probabilities) {
    var there = EnumSet.noneOf(Finding.class);
    var open = EnumSet.noneOf(Finding.class);
    for (Finding finding : assessed) {
      double probability = probabilities[finding.column()];
      if (probability > present.get(finding.column())) {
        there.add(finding);
      } else if (probability > possible.get(finding.column())) {
        open.add(finding);
      }
    }
    return new FindingsList(there, open);
  }

  /**
   * The list that a prompt names: a present finding implies its ancestors, which are therefore not
   * named as possible.
   */
  static FindingsList named(Set<Finding> present, Set<Finding> uncertain) {
    var open = EnumSet.noneOf(Finding.class);
    open.addAll(uncertain);
    open.removeAll(present);
    for (Finding finding : present) {
      finding.ancestors().forEach(open::remove);
    }
    return new FindingsList(present, open);
  }
}
