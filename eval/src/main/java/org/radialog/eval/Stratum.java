package org.radialog.eval;

import java.util.ArrayList;
import java.util.List;
import java.util.SequencedMap;
import java.util.TreeMap;
import java.util.function.Function;
import org.radialog.data.Film;
import org.radialog.metrics.Bootstrap;
import org.radialog.metrics.Groups;
import org.radialog.metrics.Resampled;

/**
 * The items that share an attribute value: a subgroup of patients or films.
 *
 * @param attribute {@code sex}, {@code age} or {@code view}
 * @param value for example {@code F}, {@code 40–59} or {@code PA}
 * @param items indices of the items, ascending
 */
public record Stratum(String attribute, String value, List<Integer> items) {
  public Stratum {
    items = List.copyOf(items);
  }

  /** The strata of films by sex, age band and view, in this order. */
  public static List<Stratum> of(List<Film> films) {
    List<Stratum> strata = new ArrayList<>();
    strata.addAll(by("sex", films, Film::sex));
    strata.addAll(by("age", films, film -> ageBand(film.age())));
    strata.addAll(by("view", films, film -> film.view().name()));
    return strata;
  }

  /** The strata of an attribute, in the order of its values. */
  public static <T> List<Stratum> by(String attribute, List<T> items, Function<T, String> value) {
    SequencedMap<String, List<Integer>> byValue = new TreeMap<>();
    for (int i = 0; i < items.size(); i++) {
      byValue.computeIfAbsent(value.apply(items.get(i)), v -> new ArrayList<>()).add(i);
    }
    return byValue.entrySet().stream()
        .map(entry -> new Stratum(attribute, entry.getKey(), entry.getValue()))
        .toList();
  }

  /** The band of an age in years: 0–17, 18–39, 40–59, 60–79 or 80+. */
  public static String ageBand(int years) {
    if (years < 18) {
      return "0–17";
    }
    if (years < 40) {
      return "18–39";
    }
    if (years < 60) {
      return "40–59";
    }
    return years < 80 ? "60–79" : "80+";
  }

  /** Scores only this subgroup, with intervals over the groups in it. */
  public SystemScores.Subgroup scored(Resampled scores, Bootstrap bootstrap, Groups groups) {
    int[] chosen = items.stream().mapToInt(Integer::intValue).toArray();
    return new SystemScores.Subgroup(
        attribute,
        value,
        chosen.length,
        bootstrap.intervals(scores.only(chosen), groups.only(chosen)));
  }

  /** The elements of {@code all} that are in this stratum. */
  public <T> List<T> among(List<T> all) {
    return items.stream().map(all::get).toList();
  }
}
