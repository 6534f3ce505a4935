package org.radialog.eval;

import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;

/**
 * Reports produced without a model. A system that does not score better than these baselines has
 * learned nothing from the images.
 */
public final class Baselines {
  private Baselines() {}

  /**
   * The most frequent report, ignoring letter case and white space; the first one in case of a tie.
   *
   * @throws RadialogException if there is no report
   */
  public static String mostFrequent(Collection<String> reports) {
    Map<String, Integer> counts = new LinkedHashMap<>();
    Map<String, String> written = new LinkedHashMap<>();
    for (String report : reports) {
      String plain = report.strip().replaceAll("\\s+", " ").toLowerCase(Locale.ROOT);
      if (!plain.isEmpty()) {
        counts.merge(plain, 1, Integer::sum);
        written.putIfAbsent(plain, report);
      }
    }
    String best =
        counts.entrySet().stream()
            .reduce((a, b) -> b.getValue() > a.getValue() ? b : a)
            .map(Map.Entry::getKey)
            .orElseThrow(() ->
                new RadialogException(
                    Kind.REFUSED_DATA,
                    "the most frequent report cannot be determined: all "
                        + reports.size()
                        + " are empty"));
    return written.getOrDefault(best, best);
  }

  /**
   * Finds for each film the most similar known film by cosine similarity of their features.
   *
   * @param films features of the films to be reported
   * @param known features of the films with known reports, at least one
   * @return for each film the index of the known film
   */
  public static int[] nearest(List<float[]> films, List<float[]> known) {
    if (known.isEmpty()) {
      throw new RadialogException(
          Kind.REFUSED_DATA, "the nearest-film baseline needs at least one known film");
    }
    double[] lengths = known.stream().mapToDouble(f -> Math.sqrt(dot(f, f))).toArray();
    return films.parallelStream().mapToInt(film -> nearest(film, known, lengths)).toArray();
  }

  private static int nearest(float[] film, List<float[]> known, double[] lengths) {
    int nearest = 0;
    double most = Double.NEGATIVE_INFINITY;
    for (int i = 0; i < lengths.length; i++) {
      // the cosine, except for the norm of the film's features, which is the same for all
      // candidates
      double likeness = dot(film, known.get(i)) / (lengths[i] == 0 ? 1 : lengths[i]);
      if (likeness > most) {
        nearest = i;
        most = likeness;
      }
    }
    return nearest;
  }

  private static double dot(float[] a, float[] b) {
    if (a.length != b.length) {
      throw new IllegalArgumentException(
          "features of " + a.length + " and " + b.length + " values do not come from one encoder");
    }
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += (double) a[i] * b[i];
    }
    return sum;
  }
}
