package org.radialog.train;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.radialog.clinical.Finding;
import org.radialog.clinical.View;
import org.radialog.data.Film;
import org.radialog.data.Truth;

/** Films without pictures whose findings and probabilities are drawn, each of its own patient. */
final class MadeFilms {
  private final List<Film> films = new ArrayList<>();
  private final Set<String> normal = new HashSet<>();
  private final Map<String, double[]> probabilities = new LinkedHashMap<>();

  /** A film with the findings of {@code scores}; a film without any is normal. */
  MadeFilms add(Map<Finding, Boolean> shown, Map<Finding, Double> scores) {
    String image = films.size() + ".png";
    Map<Finding, Truth> truth = new EnumMap<>(Finding.class);
    shown.forEach((finding, is) -> truth.put(finding, is ? Truth.PRESENT : Truth.ABSENT));
    films.add(new Film(image, Path.of(image), "p" + films.size(), 50, "F", View.PA, truth));
    if (!shown.containsValue(true)) {
      normal.add(image);
    }
    double[] row = new double[Finding.COUNT];
    scores.forEach((finding, p) -> row[finding.column()] = p);
    probabilities.put(image, row);
    return this;
  }

  /**
   * Films whose logit of each finding is normally distributed, around {@code apart} where it is
   * present and 0 where it is not.
   */
  static MadeFilms drawn(
      long seed, int count, Map<Finding, Double> prevalence, Map<Finding, Double> apart) {
    MadeFilms made = new MadeFilms();
    Random random = new Random(seed);
    for (int i = 0; i < count; i++) {
      Map<Finding, Boolean> shown = new EnumMap<>(Finding.class);
      Map<Finding, Double> scores = new EnumMap<>(Finding.class);
      prevalence.forEach((finding, share) -> {
        boolean is = random.nextDouble() < share;
        double logit = random.nextGaussian() + (is ? apart.getOrDefault(finding, 0.0) : 0);
        shown.put(finding, is);
        scores.put(finding, 1 / (1 + Math.exp(-logit)));
      });
      made.add(shown, scores);
    }
    return made;
  }

  ScoredFilms films() {
    return new ScoredFilms(films, normal, Set.of());
  }

  Map<String, double[]> probabilities() {
    return probabilities;
  }
}
