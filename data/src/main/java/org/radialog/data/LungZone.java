package org.radialog.data;

/**
 * A third of the lungs, which take about a tenth to three quarters of a film's height; the first
 * and the last reach to the film's edges.
 */
public enum LungZone {
  UPPER(0.32),
  MIDDLE(0.54),
  LOWER(1);

  private final double bottom; // as part of the film's height

  LungZone(double bottom) {
    this.bottom = bottom;
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
