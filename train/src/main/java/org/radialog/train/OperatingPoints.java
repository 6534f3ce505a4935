package org.radialog.train;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.radialog.clinical.Finding;
import org.radialog.data.Film;

/**
 * The two probabilities per finding between which it is uncertain: above the upper one it is
 * present, up to the lower one absent.
 *
 * <p><b>Present</b>: the point with the highest F1 among those whose positive predictive value
 * reaches {@link #PPV_OVER_PREVALENCE} times the prevalence, but at least {@link #LEAST_PPV}; more
 * than {@link #ENOUGH_PPV} is not asked for. Where none does, the point with the highest F1 among
 * those with a specificity of at least {@link #FALLBACK_SPECIFICITY}; where there is none either,
 * the finding is never present. A point counts only if it finds {@link #TRUE_CALLS} films with the
 * finding, or all of fewer. Then the points of all findings are raised together until at most
 * {@link #NORMAL_PRESENT} of the normal films have any of the findings: each may be called on the
 * same number of normal films, the largest for which this holds. The same is asked of the films
 * that radiologists called normal alone, if there are {@link #ENOUGH_NORMAL} of them.
 *
 * <p><b>Absent</b>: the highest point, not above the first, up to which at most {@link #LEFT} times
 * the prevalence is left, and above which lie at least {@link #KEPT} of the films with the finding;
 * where there is none, the finding is never absent. These points are then raised together in the
 * same way, until at most {@link #NORMAL_OPEN} of the normal films have any finding that is not
 * absent, since hedges on most films would say nothing.
 *
 * <p>No Finding follows from the others and has no part in what is asked of all together.
 *
 * @param present one probability per finding, by column; 0.5 for a finding of which nothing is
 *     known
 * @param possible likewise, not above {@code present}
 */
record OperatingPoints(List<Double> present, List<Double> possible) {
  /** The positive predictive value that is aimed at, as a multiple of the prevalence. */
  static final double PPV_OVER_PREVALENCE = 2;

  /** The lowest positive predictive value that is aimed at. */
  static final double LEAST_PPV = 0.2;

  /** The highest positive predictive value that is aimed at. */
  static final double ENOUGH_PPV = 0.5;

  /** The lowest specificity where the positive predictive value cannot be reached. */
  static final double FALLBACK_SPECIFICITY = 0.9;

  /** So many films must be called rightly before a point is judged by its calls. */
  static final int TRUE_CALLS = 3;

  /** The highest share of normal films with any finding present; 0.1 on further films. */
  static final double NORMAL_PRESENT = 0.08;

  /** The highest share of normal films with any finding present or uncertain. */
  static final double NORMAL_OPEN = 0.4;

  /** A share of fewer normal films says too little to choose points by. */
  static final int ENOUGH_NORMAL = 50;

  /** The prevalence that may be left among the films called absent, as a multiple of all. */
  static final double LEFT = 0.5;

  /** The lowest share of the films with a finding on which it is not called absent. */
  static final double KEPT = 0.7;

  OperatingPoints {
    present = List.copyOf(present);
    possible = List.copyOf(possible);
  }

  /**
   * Chooses the points.
   *
   * @param calibrated 14 probabilities per film, by image, from a classifier that was not trained
   *     on the film; films without any are ignored
   * @param assessed the findings that the model assesses
   */
  static OperatingPoints of(
      ScoredFilms films, Map<String, double[]> calibrated, Set<Finding> assessed) {
    List<Finding> together =
        Finding.ALL.stream()
            .filter(finding -> finding != Finding.NO_FINDING && assessed.contains(finding))
            .toList();
    List<double[][]> normal = new ArrayList<>();
    normal.add(rows(films, films.normal(), calibrated));
    double[][] byRadiologists = rows(films, films.calledNormal(), calibrated);
    if (byRadiologists.length >= ENOUGH_NORMAL) {
      normal.add(byRadiologists);
    }
    List<Curve> curves = new ArrayList<>();
    double[] present = new double[Finding.COUNT];
    for (Finding finding : Finding.ALL) {
      Curve curve = Curve.of(films.column(finding, calibrated));
      curves.add(curve);
      present[finding.column()] = curve.known() ? curve.present() : 0.5;
    }
    double[] most = new double[Finding.COUNT];
    Arrays.fill(most, 1);
    raise(present, most, curves, normal, together, NORMAL_PRESENT);
    double[] possible = present.clone();
    for (Finding finding : Finding.ALL) {
      int at = finding.column();
      if (curves.get(at).known()) {
        possible[at] = curves.get(at).absent(present[at]);
      }
    }
    raise(possible, present, curves, normal, together, NORMAL_OPEN);
    return new OperatingPoints(
        Arrays.stream(present).boxed().toList(), Arrays.stream(possible).boxed().toList());
  }

  private static double[][] rows(
      ScoredFilms films, Set<String> images, Map<String, double[]> calibrated) {
    List<double[]> rows = new ArrayList<>();
    for (Film film : films.films()) {
      double[] row = calibrated.get(film.image());
      if (row != null && images.contains(film.image())) {
        rows.add(row);
      }
    }
    return rows.toArray(double[][]::new);
  }

  // Raises the points, none above its highest, until at most a share of each kind of normal films
  // is above any of them; the first kind has all.
  private static void raise(
      double[] points,
      double[] highest,
      List<Curve> curves,
      List<double[][]> kinds,
      List<Finding> together,
      double share) {
    double[][] normal = kinds.getFirst();
    double[][] ascending = new double[Finding.COUNT][];
    for (Finding finding : together) {
      int at = finding.column();
      ascending[at] = Arrays.stream(normal).mapToDouble(row -> row[at]).sorted().toArray();
    }
    double[] raised = points.clone();
    for (int allowed = normal.length; allowed >= 0; allowed--) {
      for (Finding finding : together) {
        int at = finding.column();
        if (allowed < normal.length) {
          double limit = ascending[at][normal.length - 1 - allowed];
          double higher = Math.max(points[at], curves.get(at).justAbove(limit));
          raised[at] = Math.min(higher, highest[at]);
        }
      }
      if (kinds.stream().allMatch(films -> above(films, raised, together) <= share)) {
        break;
      }
    }
    System.arraycopy(raised, 0, points, 0, points.length);
  }

  // The share of films that are above any of the points.
  private static double above(double[][] films, double[] points, List<Finding> together) {
    return Arrays.stream(films)
        .mapToInt(
            row -> together.stream().anyMatch(f -> row[f.column()] > points[f.column()]) ? 1 : 0)
        .average()
        .orElse(0);
  }

  /**
   * What lies above each point between two neighbouring probabilities.
   *
   * @param points in descending order, each halfway between two probabilities, the last below all
   * @param above number of films above each
   * @param hits number of them that show the finding
   * @param films number of all films
   * @param positives number of all that show the finding
   * @param highest the highest probability
   */
  private record Curve(
      List<Double> points,
      List<Integer> above,
      List<Integer> hits,
      int films,
      int positives,
      double highest) {
    static Curve of(ScoredFilms.Column column) {
      double[] p = column.probabilities();
      int[] order =
          IntStream.range(0, p.length)
              .boxed()
              .sorted(Comparator.comparingDouble(i -> -p[i]))
              .mapToInt(Integer::intValue)
              .toArray();
      List<Double> points = new ArrayList<>();
      List<Integer> above = new ArrayList<>();
      List<Integer> hits = new ArrayList<>();
      int positives = 0;
      for (int i = 0; i < order.length; i++) {
        positives += column.present()[order[i]] ? 1 : 0;
        double next = i + 1 < order.length ? p[order[i + 1]] : 0;
        if (next < p[order[i]]) {
          points.add((p[order[i]] + next) / 2);
          above.add(i + 1);
          hits.add(positives);
        }
      }
      double highest = order.length == 0 ? 0 : p[order[0]];
      return new Curve(
          Collections.unmodifiableList(points), above, hits, order.length, positives, highest);
    }

    boolean known() {
      return positives > 0 && positives < films;
    }

    private double prevalence() {
      return (double) positives / films;
    }

    double present() {
      double aim = Math.clamp(PPV_OVER_PREVALENCE * prevalence(), LEAST_PPV, ENOUGH_PPV);
      int best = -1;
      int fallback = -1;
      for (int i = 0; i < points.size(); i++) {
        if (hits.get(i) >= Math.min(TRUE_CALLS, positives)) {
          if ((double) hits.get(i) / above.get(i) >= aim && better(i, best)) {
            best = i;
          }
          double specificity =
              1 - (double) (above.get(i) - hits.get(i)) / Math.max(1, films - positives);
          if (specificity >= FALLBACK_SPECIFICITY && better(i, fallback)) {
            fallback = i;
          }
        }
      }
      int chosen = best >= 0 ? best : fallback;
      return chosen >= 0 ? points.get(chosen) : justAbove(highest);
    }

    /** The lowest point above a probability; halfway to 1 where no film is above it. */
    double justAbove(double probability) {
      double lowest = (highest + 1) / 2;
      for (double point : points) {
        if (point <= probability) {
          break;
        }
        lowest = point;
      }
      return lowest;
    }

    private boolean better(int i, int than) {
      return than < 0 || f1(i) > f1(than);
    }

    private double f1(int i) {
      return 2.0 * hits.get(i) / (above.get(i) + positives);
    }

    double absent(double most) {
      for (int i = 0; i < points.size(); i++) {
        int below = films - above.get(i);
        double left = below == 0 ? 0 : (double) (positives - hits.get(i)) / below;
        if (points.get(i) <= most
            && left <= LEFT * prevalence()
            && hits.get(i) >= KEPT * positives) {
          return points.get(i);
        }
      }
      return 0;
    }
  }
}
