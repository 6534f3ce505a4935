package org.radialog.metrics;

import org.radialog.clinical.FindingState;

/**
 * What an uncertain statement ("possible pneumonia") counts as. Published scores use either and
 * often do not say which, so both are always reported.
 */
public enum UncertainMapping {
  /** As not present: RaDialog and most of the reports of CheXbert scores. */
  NEGATIVE("uncertain=negative"),
  /** As present. */
  POSITIVE("uncertain=positive");

  private final String label;

  UncertainMapping(String label) {
    this.label = label;
  }

  /** The name in results: {@code uncertain=negative}. */
  public String label() {
    return label;
  }

  /** Whether a label counts as positive; one that is not mentioned never does. */
  public boolean positive(FindingState state) {
    return switch (state) {
      case PRESENT -> true;
      case UNCERTAIN -> this == POSITIVE;
      case ABSENT, NOT_MENTIONED -> false;
    };
  }
}
