package org.radialog.clinical;

import java.util.Collection;
import java.util.Collections;
import java.util.EnumSet;
import java.util.Set;

/** What a user wants in one turn of a dialog about a film. */
public sealed interface Turn {
  /** The findings section of a report. */
  record Report() implements Turn {}

  /** An impression of what the report says. */
  record Impression() implements Turn {}

  /** The report in one sentence. */
  record Summary() implements Turn {}

  /** Anything, in the user's own words. */
  record Question(String text) implements Turn {}

  /**
   * The report again, with findings that it lacks and without those that are wrong; the rest as it
   * was. No Finding in either set is left out, because it follows from the others.
   */
  record Correction(Set<Finding> missing, Set<Finding> wrong) implements Turn {
    /**
     * Checks that there is something to correct and nothing is both.
     *
     * @throws IllegalArgumentException otherwise
     */
    public Correction {
      missing = pathologies(missing);
      wrong = pathologies(wrong);
      if (missing.isEmpty() && wrong.isEmpty()) {
        throw new IllegalArgumentException(
            "a correction needs at least one missing or wrong finding other than No Finding");
      }
      if (!Collections.disjoint(missing, wrong)) {
        throw new IllegalArgumentException(
            "a finding cannot be missing and wrong: " + missing + ", " + wrong);
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
