package org.radialog.imaging;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;

/**
 * A heat map on the part of a film that it covers. Positions are parts of the film's width and
 * height, from 0 at the left and at the top.
 *
 * @param values [rows, columns], row-major, at least 0
 * @param rows number of rows of cells
 * @param columns number of columns of cells
 * @param seen the part of the film that the cells divide
 */
public record FilmHeat(List<Float> values, int rows, int columns, Preprocessing.Part seen) {
  private static final double MIDDLE = 0.5;

  public FilmHeat {
    values = List.copyOf(values);
    if (rows < 1 || columns < 1 || values.size() != rows * columns) {
      throw new IllegalArgumentException(
          "expected a heat map of %d×%d values, got %d".formatted(rows, columns, values.size()));
    }
  }

  /**
   * Where the heat is.
   *
   * @param x centre of the hottest cell, as part of the film's width
   * @param y centre of the hottest cell, as part of the film's height
   * @param left the part of all heat that lies in the left half of the picture, 0 to 1; a cell over
   *     the middle counts for both halves as it lies in them
   */
  public record Place(double x, double y, double left) {}

  /** Where the heat is; empty if the map has none. Of equal cells the first is the hottest. */
  public Optional<Place> place() {
    int hottest = 0;
    double sum = 0;
    double left = 0;
    for (int i = 0; i < values.size(); i++) {
      hottest = values.get(i) > values.get(hottest) ? i : hottest;
      sum += values.get(i);
      left += values.get(i) * partOnTheLeft(i % columns);
    }
    return sum > 0
        ? Optional.of(new Place(x(hottest % columns), y(hottest / columns), left / sum))
        : Optional.empty();
  }

  /** For every cell the place of a map whose heat is all in this cell. */
  public List<Place> cells() {
    List<Place> cells = new ArrayList<>();
    for (int i = 0; i < values.size(); i++) {
      cells.add(new Place(x(i % columns), y(i / columns), partOnTheLeft(i % columns)));
    }
    return cells;
  }

  /**
   * The mean of maps on this map's part of the film; all 0 if there are none.
   *
   * @param maps with as many rows and columns as this one
   */
  public FilmHeat mean(List<FilmHeat> maps) {
    float[] sums = new float[values.size()];
    for (FilmHeat map : maps) {
      if (map.rows != rows || map.columns != columns) {
        throw new IllegalArgumentException(
            "a map of %d×%d cells is not one of %d×%d"
                .formatted(map.rows, map.columns, rows, columns));
      }
      for (int i = 0; i < sums.length; i++) {
        sums[i] += map.values.get(i) / maps.size();
      }
    }
    List<Float> mean = new ArrayList<>(Collections.nCopies(sums.length, 0f));
    for (int i = 0; i < sums.length; i++) {
      mean.set(i, sums[i]);
    }
    return new FilmHeat(mean, rows, columns, seen);
  }

  /** Width of a cell, as part of the film's width. */
  public double cellWidth() {
    return seen.width() / columns;
  }

  /** Height of a cell, as part of the film's height. */
  public double cellHeight() {
    return seen.height() / rows;
  }

  private double x(int column) {
    return seen.left() + (column + 0.5) * cellWidth();
  }

  private double y(int row) {
    return seen.top() + (row + 0.5) * cellHeight();
  }

  private double partOnTheLeft(int column) {
    return Math.clamp((MIDDLE - seen.left()) / cellWidth() - column, 0, 1);
  }
}
