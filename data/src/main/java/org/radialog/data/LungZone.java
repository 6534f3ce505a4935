package org.radialog.data;

import java.util.Locale;

/**
 * A third of the lungs, which take about a tenth to three quarters of a film's height; the first
 * and the last reach to the film's edges.
 */
public enum LungZone {
  UPPER(0, 0.32),
  MIDDLE(0.32, 0.54),
  LOWER(0.54, 1);

  private final double top;
  private final double bottom;

  LungZone(double top, double bottom) {
    this.top = top;
    this.bottom = bottom;
  }

  /** Its upper edge, as part of the film's height. */
  public double top() {
    return top;
  }

  /** Its lower edge, as part of the film's height. */
  public double bottom() {
    return bottom;
  }

  /** {@code upper}, {@code middle} or {@code lower}. */
  public String word() {
    return name().toLowerCase(Locale.ROOT);
  }

  /**
   * The zone of a position.
   *
   * @param y as part of the film's height, from 0 at the top
   */
  public static LungZone at(double y) {
    return y < UPPER.bottom ? UPPER : y < MIDDLE.bottom ? MIDDLE : LOWER;
  }
}
