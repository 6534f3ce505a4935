package org.radialog.eval;

import org.radialog.metrics.Interval;

/**
 * Whether a report may say where a finding lies: the side or the zone must be right on at least 85
 * % of at least ten films that the classifier was not trained on.
 *
 * @param right how many are right; an undecided one counts as a half
 * @param of number of films with an answer
 */
record EvidenceRule(double right, int of) {
  private static final double SHARE = 0.85;
  private static final int FILMS = 10;

  /** The share that is right, with its Wilson interval. */
  Interval share() {
    return Interval.wilson(right, of);
  }

  boolean mayBeSaid() {
    return of >= FILMS && right >= SHARE * of;
  }
}
