package org.radialog.train;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import org.radialog.clinical.Finding;
import org.radialog.clinical.FindingsList;
import org.radialog.data.Film;
import org.radialog.data.Truth;
import org.radialog.metrics.Bootstrap;
import org.radialog.metrics.Groups;
import org.radialog.metrics.Interval;
import org.radialog.published.Performance;

/**
 * How often calls are right. Intervals are over resamples of patients.
 *
 * @param findings one entry per assessed finding that some of the films show, in column order
 * @param macroF1 the mean F1 of "present" over the pathologies among them
 * @param normal number of films that count as normal
 * @param normalPresent share of the normal films with any finding present
 * @param normalOpen share of the normal films with any finding present or uncertain
 * @param open share of all films with any finding uncertain
 */
record CallScores(
    List<Called> findings,
    Interval macroF1,
    int normal,
    Interval normalPresent,
    Interval normalOpen,
    Interval open) {
  /**
   * The calls of one finding.
   *
   * @param finding the finding
   * @param films number of films for which it is known
   * @param positives number of them that show it
   * @param sensitivity share of the positives that are called present
   * @param withUncertain share of the positives that are called present or uncertain
   * @param specificity share of the others that are not called present
   * @param ppv share of those called present that show it; NaN if none is called
   * @param npv share of those called absent that do not show it; NaN if none is called
   * @param uncertain share of the films that are called uncertain
   * @param f1 of "present"
   */
  record Called(
      Finding finding,
      int films,
      int positives,
      Interval sensitivity,
      Interval withUncertain,
      Interval specificity,
      Interval ppv,
      Interval npv,
      Interval uncertain,
      Interval f1) {
    Performance performance(Interval auroc) {
      return new Performance(
          finding.label(),
          films,
          positives,
          figure(auroc),
          figure(sensitivity),
          figure(withUncertain),
          figure(specificity),
          defined(ppv),
          defined(npv),
          uncertain.value());
    }

    private static Optional<Performance.Figure> defined(Interval share) {
      return Double.isNaN(share.value()) ? Optional.empty() : Optional.of(figure(share));
    }

    private static Performance.Figure figure(Interval i) {
      return i.bounded()
          ? new Performance.Figure(i.value(), i.low(), i.high())
          : new Performance.Figure(i.value(), 0, 1);
    }
  }

  CallScores {
    findings = List.copyOf(findings);
  }

  private static final int COLUMNS = 7;

  /** The calls of one finding on all films: how often each kind of call met each truth. */
  @SuppressWarnings("ArrayRecordComponent") // read in inner loops, never compared
  private record Calls(Finding finding, boolean[] known, boolean[] shown, int[] state) {
    /** The seven scores of a resample. */
    double[] of(int[] times) {
      long[][] count = new long[2][3]; // by truth and state
      for (int i = 0; i < times.length; i++) {
        if (known[i]) {
          count[shown[i] ? 1 : 0][state[i]] += times[i];
        }
      }
      double with = count[1][0] + count[1][1] + count[1][2];
      double without = count[0][0] + count[0][1] + count[0][2];
      double present = count[0][2] + count[1][2];
      double absent = count[0][0] + count[1][0];
      return new double[] {
        count[1][2] / with,
        (count[1][1] + count[1][2]) / with,
        (count[0][0] + count[0][1]) / without,
        count[1][2] / present,
        count[0][0] / absent,
        (count[0][1] + count[1][1]) / (with + without),
        2 * count[1][2] / (with + present)
      };
    }

    int count(boolean positive) {
      int count = 0;
      for (int i = 0; i < known.length; i++) {
        count += known[i] && (shown[i] || !positive) ? 1 : 0;
      }
      return count;
    }
  }

  /**
   * Scores calls.
   *
   * @param called the findings called on each of {@code films}, by image
   * @param assessed the findings that are called
   */
  static CallScores of(
      ScoredFilms films, Map<String, FindingsList> called, Set<Finding> assessed, long seed) {
    List<Film> all = films.films();
    List<Calls> calls = new ArrayList<>();
    for (Finding finding : Finding.ALL) {
      if (assessed.contains(finding)) {
        Calls one = calls(finding, all, called);
        int positives = one.count(true);
        if (positives > 0 && positives < one.count(false)) {
          calls.add(one);
        }
      }
    }
    boolean[] normal = new boolean[all.size()];
    int[] any = new int[all.size()];
    boolean[] open = new boolean[all.size()];
    int normals = 0;
    for (int i = 0; i < normal.length; i++) {
      FindingsList list = list(called, all.get(i));
      normal[i] = films.normal().contains(all.get(i).image());
      normals += normal[i] ? 1 : 0;
      any[i] = list.present().isEmpty() ? list.uncertain().isEmpty() ? 0 : 1 : 2;
      open[i] = !list.uncertain().isEmpty();
    }
    int last = COLUMNS * calls.size();
    List<Interval> scores =
        intervals(
            Groups.by(all.stream().map(Film::patient).toList()),
            seed,
            times -> {
              double[] row = new double[last + 4];
              double f1 = 0;
              int mapped = 0;
              for (int k = 0; k < calls.size(); k++) {
                double[] own = calls.get(k).of(times);
                System.arraycopy(own, 0, row, COLUMNS * k, COLUMNS);
                if (Finding.NIH_MAPPED.contains(calls.get(k).finding)
                    && !Double.isNaN(own[COLUMNS - 1])) {
                  f1 += own[COLUMNS - 1];
                  mapped++;
                }
              }
              row[last] = f1 / mapped;
              double films0 = 0;
              double present = 0;
              double either = 0;
              double everything = 0;
              for (int i = 0; i < times.length; i++) {
                everything += times[i];
                row[last + 3] += open[i] ? times[i] : 0;
                if (normal[i]) {
                  films0 += times[i];
                  present += any[i] == 2 ? times[i] : 0;
                  either += any[i] > 0 ? times[i] : 0;
                }
              }
              row[last + 1] = present / films0;
              row[last + 2] = either / films0;
              row[last + 3] /= everything;
              return row;
            });
    List<Called> findings = new ArrayList<>();
    for (int k = 0; k < calls.size(); k++) {
      List<Interval> own = scores.subList(COLUMNS * k, COLUMNS * (k + 1));
      findings.add(
          new Called(
              calls.get(k).finding,
              calls.get(k).count(false),
              calls.get(k).count(true),
              own.get(0),
              own.get(1),
              own.get(2),
              own.get(3),
              own.get(4),
              own.get(5),
              own.get(6)));
    }
    return new CallScores(
        findings,
        scores.get(last),
        normals,
        scores.get(last + 1),
        scores.get(last + 2),
        scores.get(last + 3));
  }

  private static List<Interval> intervals(
      Groups groups, long seed, Function<int[], double[]> scores) {
    int[] once = new int[groups.items()];
    Arrays.fill(once, 1);
    double[] values = scores.apply(once);
    double[][] drawn = new Bootstrap(Bootstrap.DEFAULT.resamples(), seed).drawn(groups, scores);
    List<Interval> intervals = new ArrayList<>();
    for (int k = 0; k < values.length; k++) {
      intervals.add(Bootstrap.interval(values[k], Bootstrap.column(drawn, k)));
    }
    return intervals;
  }

  private static Calls calls(Finding finding, List<Film> films, Map<String, FindingsList> called) {
    boolean[] known = new boolean[films.size()];
    boolean[] shown = new boolean[films.size()];
    int[] state = new int[films.size()];
    for (int i = 0; i < state.length; i++) {
      Film film = films.get(i);
      known[i] = film.truth(finding) != Truth.UNKNOWN;
      shown[i] = film.truth(finding) == Truth.PRESENT;
      FindingsList list = list(called, film);
      if (finding == Finding.NO_FINDING) {
        // It follows from the others.
        state[i] = list.present().isEmpty() ? list.uncertain().isEmpty() ? 2 : 1 : 0;
      } else {
        state[i] =
            list.present().contains(finding) ? 2 : list.uncertain().contains(finding) ? 1 : 0;
      }
    }
    return new Calls(finding, known, shown, state);
  }

  private static FindingsList list(Map<String, FindingsList> called, Film film) {
    FindingsList list = called.get(film.image());
    if (list == null) {
      throw new IllegalArgumentException("no calls of " + film.image());
    }
    return list;
  }
}
