package org.radialog.eval;

import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import org.radialog.data.FilmBoxes.Half;
import org.radialog.data.FilmBoxes.Marked;
import org.radialog.data.LungZone;
import org.radialog.imaging.FilmHeat;

/**
 * What is asked of the place that a heat map gives for a finding, against the boxes of radiologists
 * around this finding.
 */
enum EvidenceMeasure {
  /** The hottest position lies in one of the boxes (the pointing game). */
  POINT("hottest cell's centre in a box"),
  /** The same, or at most half a cell beside one: the map is as coarse as its cells. */
  NEAR("the same, within half a cell"),
  /** The half with more heat is that of the boxes, where all of them lie in one half. */
  SIDE("side, of boxes on one side"),
  /**
   * The map says left, right, or both, where the weaker half has at least {@link #BOTH} of the
   * heat; right if the boxes lie in just these halves.
   */
  SIDES("left, right or both sides"),
  /** The hottest position lies in the zone of the boxes, where all of them lie in one zone. */
  ZONE("zone, of boxes in one zone"),
  /** The hottest position lies in the zone of one of the boxes. */
  ZONES("zone of one of the boxes");

  static final double BOTH = 1.0 / 3;

  private final String words;

  EvidenceMeasure(String words) {
    this.words = words;
  }

  String words() {
    return words;
  }

  String key() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** Whether a report could say it: "on the left", "in the lower zone". */
  boolean sayable() {
    return this == SIDE || this == SIDES || this == ZONE;
  }

  /**
   * 1 if the place is right, 0 if it is wrong or there is none, 0.5 if both halves are equally hot;
   * NaN if the boxes do not answer the question.
   *
   * @param on the map whose cells are the tolerance
   * @param boxes of the finding, at least one
   */
  double of(Optional<FilmHeat.Place> place, FilmHeat on, List<Marked> boxes) {
    if (!asks(boxes)) {
      return Double.NaN;
    }
    return place.map(p -> right(p, on, boxes)).orElse(0.0);
  }

  private boolean asks(List<Marked> boxes) {
    return switch (this) {
      case POINT, NEAR, ZONES -> true;
      case SIDE -> halves(boxes).size() == 1;
      case SIDES -> !halves(boxes).isEmpty();
      case ZONE -> boxes.stream().map(Marked::zone).distinct().count() == 1;
    };
  }

  private double right(FilmHeat.Place p, FilmHeat on, List<Marked> boxes) {
    return switch (this) {
      case POINT -> one(boxes.stream().anyMatch(box -> box.contains(p.x(), p.y(), 0, 0)));
      case NEAR ->
          one(
              boxes.stream()
                  .anyMatch(
                      box -> box.contains(p.x(), p.y(), on.cellWidth() / 2, on.cellHeight() / 2)));
      case SIDE ->
          p.left() == 0.5 ? 0.5 : one(halves(boxes).contains(Half.LEFT) == (p.left() > 0.5));
      case SIDES -> {
        Set<Half> said = EnumSet.allOf(Half.class);
        said.removeIf(half -> (half == Half.LEFT ? p.left() : 1 - p.left()) < BOTH);
        yield one(said.equals(halves(boxes)));
      }
      case ZONE, ZONES -> one(boxes.stream().anyMatch(box -> box.zone() == LungZone.at(p.y())));
    };
  }

  private static double one(boolean right) {
    return right ? 1 : 0;
  }

  // None if a box lies in both.
  private static Set<Half> halves(List<Marked> boxes) {
    Set<Half> halves = EnumSet.noneOf(Half.class);
    for (Marked box : boxes) {
      if (box.half().isEmpty()) {
        return Set.of();
      }
      halves.add(box.half().get());
    }
    return halves;
  }
}
