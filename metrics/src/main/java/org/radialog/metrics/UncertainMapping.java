package org.radialog.metrics;

import org.radialog.clinical.FindingState;

/**
 * How an uncertain statement ("possible pneumonia") is counted. Published scores use either mapping
 * and often do not say which, so both are always reported.
 */
public enum UncertainMapping {
  /** As not present, like RaDialog and most reports of CheXbert scores. */
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
