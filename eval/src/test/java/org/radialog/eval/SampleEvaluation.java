package org.radialog.eval;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.SequencedMap;
import org.radialog.clinical.Finding;
import org.radialog.clinical.FindingState;
import org.radialog.clinical.Labels;
import org.radialog.clinical.View;
import org.radialog.data.Film;
import org.radialog.data.Truth;
import org.radialog.metrics.Bootstrap;
import org.radialog.metrics.ClinicalEfficacy;
import org.radialog.metrics.FindingsScores;
import org.radialog.metrics.Groups;
import org.radialog.metrics.PairedTest;
import org.radialog.metrics.Resampled;
import org.radialog.metrics.Sums;

/**
 * Systems of random quality on random reports and films, with every part that an evaluation can
 * have.
 */
final class SampleEvaluation {
  private final Random random = new Random(1);
  private final int reports;
  private final List<Labels> references = new ArrayList<>();
  private final List<Film> films = new ArrayList<>();

  SampleEvaluation(int reports) {
    this.reports = reports;
    for (int i = 0; i < reports; i++) {
      Map<Finding, FindingState> states = new EnumMap<>(Finding.class);
      Map<Finding, Truth> truth = new EnumMap<>(Finding.class);
      for (Finding finding : Finding.ALL) {
        double rate = .06 + .02 * ((finding.column() * 5) % 14);
        states.put(finding, state(random.nextDouble() < rate));
        if (Finding.NIH_MAPPED.contains(finding)) {
          truth.put(finding, random.nextDouble() < rate ? Truth.PRESENT : Truth.ABSENT);
        }
      }
      references.add(labels(states));
      films.add(
          new Film(
              "film" + i + ".png",
              Path.of("film" + i + ".png"),
              "patient " + i / 2,
              20 + i % 70,
              i / 2 % 2 == 0 ? "F" : "M",
              i % 3 == 0 ? View.AP : View.PA,
              truth));
    }
  }

  private FindingState state(boolean present) {
    if (present) {
      return random.nextInt(8) == 0 ? FindingState.UNCERTAIN : FindingState.PRESENT;
    }
    return random.nextBoolean() ? FindingState.ABSENT : FindingState.NOT_MENTIONED;
  }

  private static Labels labels(Map<Finding, FindingState> states) {
    Map<Finding, Labels.Entry> entries = new EnumMap<>(Finding.class);
    states.forEach((finding, state) -> entries.put(finding, new Labels.Entry(state, List.of())));
    return new Labels(entries);
  }

  /** Reports of a system with accuracy {@code skill}. */
  ClinicalEfficacy clinical(double skill) {
    var builder = new ClinicalEfficacy.Builder();
    for (Labels reference : references) {
      Map<Finding, FindingState> states = new EnumMap<>(Finding.class);
      for (Finding finding : Finding.ALL) {
        states.put(
            finding,
            random.nextDouble() < skill
                ? reference.state(finding)
                : state(random.nextDouble() < .15));
      }
      builder.add(reference, labels(states));
    }
    return builder.build();
  }

  Resampled text(double level) {
    double[] values = new double[reports];
    for (int i = 0; i < reports; i++) {
      values[i] = Math.clamp(level + .12 * random.nextGaussian(), 0, 1);
    }
    return Sums.mean("ROUGE-L", values);
  }

  FindingsScores findings(double skill) {
    return FilmScores.of(
        films, probabilities(skill), f -> Math.floorMod(f.patient().hashCode(), 3), 1);
  }

  Map<String, double[]> probabilities(double skill) {
    Map<String, double[]> rows = new HashMap<>();
    for (Film film : films) {
      double[] row = new double[Finding.COUNT];
      for (Finding finding : Finding.ALL) {
        double shift = film.truth(finding) == Truth.PRESENT ? skill : 0;
        row[finding.column()] = 1 / (1 + Math.exp(1.6 - 1.3 * (shift + random.nextGaussian())));
      }
      rows.put(film.image(), row);
    }
    return rows;
  }

  List<Film> films() {
    return films;
  }

  /** An evaluation of one system with all parts. */
  Evaluation one(String name) {
    Groups groups = Groups.each(reports);
    ClinicalEfficacy efficacy = clinical(.6);
    SystemScores system =
        SystemScores.of(name, reports)
            .with(Bootstrap.DEFAULT.intervals(text(.3), groups))
            .withClinical(efficacy.scores(Bootstrap.DEFAULT, groups))
            .withFindings(findings(1.2))
            .withSubgroups(
                Stratum.of(films).stream()
                    .map(part -> part.scored(efficacy, Bootstrap.DEFAULT, groups))
                    .toList())
            .without("METEOR", "no METEOR data: --meteor-data DIR, see docs/evaluation.md");
    return new Evaluation(
        "Reports of " + name,
        List.of("synthetic: drawn at random"),
        List.of(system),
        List.of(),
        settings());
  }

  /** An evaluation that compares two systems. */
  Evaluation two(String first, String second) {
    Groups groups = Groups.each(reports);
    List<SystemScores> systems = new ArrayList<>();
    List<ClinicalEfficacy> efficacies = List.of(clinical(.45), clinical(.8));
    List<Resampled> texts = List.of(text(.25), text(.31));
    for (int s = 0; s < 2; s++) {
      SystemScores system =
          SystemScores.of(List.of(first, second).get(s), reports)
              .with(Bootstrap.DEFAULT.intervals(texts.get(s), groups))
              .withClinical(efficacies.get(s).scores(Bootstrap.DEFAULT, groups))
              .withFindings(findings(.8 + .6 * s));
      systems.add(s == 1 ? system.marked("oracle: told what is wrong") : system);
    }
    var test = new PairedTest(Bootstrap.DEFAULT, 200);
    List<PairedTest.Difference> differences = new ArrayList<>();
    differences.addAll(test.of(texts.get(0), texts.get(1), groups));
    differences.addAll(test.of(efficacies.get(0), efficacies.get(1), groups));
    return new Evaluation(
        "Before and after correction",
        List.of(),
        systems,
        List.of(new Evaluation.Comparison(first, second, differences)),
        settings());
  }

  private static SequencedMap<String, Object> settings() {
    SequencedMap<String, Object> settings = new LinkedHashMap<>();
    settings.put("intervals", "1,000 resamples of studies");
    settings.put("seed", 1);
    settings.put("references", Map.of("sha256", "ab".repeat(32)));
    settings.put("tokenizer", "nltk");
    settings.put("labels", List.of("14", "5"));
    settings.put("keep_old", true);
    return settings;
  }
}
