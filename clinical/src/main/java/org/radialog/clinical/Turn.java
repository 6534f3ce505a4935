package org.radialog.clinical;

import java.util.Collection;
import java.util.Collections;
import java.util.EnumSet;
import java.util.Set;

/** A request of the user in one turn of a dialog about a film. */
public sealed interface Turn {
  /** The findings section of a report. */
  record Report() implements Turn {}

  /** An impression of the report. */
  record Impression() implements Turn {}

  /** The report in one sentence. */
  record Summary() implements Turn {}

  /**
   * A question or request in the user's own words.
   *
   * @param text the words of the user
   */
  record Question(String text) implements Turn {}

  /**
   * A corrected report; everything that is not listed here stays the same. No Finding is removed
   * from each set, because it follows from the others.
   *
   * @param missing findings that the report should state in addition
   * @param wrong findings that the report should not state
   * @param uncertain findings that the report should call possible
   */
  record Correction(Set<Finding> missing, Set<Finding> wrong, Set<Finding> uncertain)
      implements Turn {
    /**
     * Checks that there is something to correct and that no finding is in two sets.
     *
     * @throws IllegalArgumentException otherwise
     */
    public Correction {
      missing = pathologies(missing);
      wrong = pathologies(wrong);
      uncertain = pathologies(uncertain);
      if (missing.isEmpty() && wrong.isEmpty() && uncertain.isEmpty()) {
        throw new IllegalArgumentException(
            "a correction needs at least one missing, wrong or uncertain finding other than No"
                + " Finding");
      }
      if (!Collections.disjoint(missing, wrong)
          || !Collections.disjoint(missing, uncertain)
          || !Collections.disjoint(wrong, uncertain)) {
        throw new IllegalArgumentException(
            "a finding can be only one of missing, wrong and uncertain: "
                + missing
                + ", "
                + wrong
                + ", "
                + uncertain);
      }
    }

    private static Set<Finding> pathologies(Collection<Finding> findings) {
      var set = EnumSet.noneOf(Finding.class);
      set.addAll(findings);
      set.remove(Finding.NO_FINDING);
      return Collections.unmodifiableSet(set);
    }
  }
}
