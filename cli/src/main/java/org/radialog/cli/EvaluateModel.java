package org.radialog.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.Set;
import org.radialog.base.Progress;
import org.radialog.base.RadialogException;
import org.radialog.base.Sha256;
import org.radialog.clinical.Finding;
import org.radialog.clinical.FindingState;
import org.radialog.clinical.Labels;
import org.radialog.clinical.ReportLabeler;
import org.radialog.clinical.View;
import org.radialog.data.Film;
import org.radialog.data.Folds;
import org.radialog.data.NihDataSet;
import org.radialog.data.ReportRow;
import org.radialog.data.ReportedStudy;
import org.radialog.data.StudyImage;
import org.radialog.data.StudySet;
import org.radialog.data.StudySource;
import org.radialog.data.StudySplit;
import org.radialog.data.Truth;
import org.radialog.dialog.Dialog;
import org.radialog.dialog.RaDialog;
import org.radialog.dialog.Study;
import org.radialog.eval.PaperProtocol.Sample;
import org.radialog.eval.PaperProtocol.Task;
import org.radialog.eval.Prediction;
import org.radialog.eval.PredictionLog;
import org.radialog.imaging.Radiograph;
import org.radialog.instruct.ReportGrammar;

/** Asks a model about the images of a data set, by the protocols of the paper. */
final class EvaluateModel {
  /** Which images of a study are asked about. */
  enum ViewPolicy {
    /** Every image by itself, each beside the report of its study: the paper. */
    IMAGE,
    /**
     * One image a study: the first PA, else the first AP, else the first frontal, else the first.
     */
    STUDY
  }

  /**
   * The images asked about.
   *
   * @param known other images with reports, that a baseline may learn from
   * @param failed whether some image of the data set could not be used
   */
  record Asked(
      List<Sample> samples,
      List<Sample> known,
      SequencedMap<String, Object> settings,
      boolean failed) {}

  private EvaluateModel() {}

  /**
   * Films of a fold, their labels the NIH's, their reports the grammar's.
   *
   * @param chosen the films asked about
   */
  static Asked nih(Path data, List<Film> chosen, Folds folds, int fold, long seed) {
    List<Sample> known =
        NihDataSet.read(data).films().stream()
            .filter(film -> folds.of(film) != fold)
            .map(film -> sample(film, seed))
            .toList();
    SequencedMap<String, Object> settings = new LinkedHashMap<>();
    settings.put("data", "nih14");
    settings.put("data_sha256", Sha256.of(data.resolve("labels.csv")));
    settings.put("fold", fold);
    settings.put("labels", "of the NIH, under the names of CheXpert; unknown ones count as absent");
    settings.put("films", chosen.size());
    settings.put("reference_reports", "of the grammar, from the labels (synthetic), seed " + seed);
    List<Sample> samples = chosen.stream().map(film -> sample(film, seed)).toList();
    return new Asked(samples, known, settings, false);
  }

  private static Sample sample(Film film, long seed) {
    SequencedMap<String, String> subgroup = new LinkedHashMap<>();
    subgroup.put("sex", film.sex());
    subgroup.put("age", Integer.toString(film.age()));
    subgroup.put("view", film.view().name());
    Map<Finding, FindingState> truth = new EnumMap<>(Finding.class);
    film.truth()
        .forEach((finding, t) -> {
          switch (t) {
            case PRESENT -> truth.put(finding, FindingState.PRESENT);
            case ABSENT -> truth.put(finding, FindingState.ABSENT);
            case UNKNOWN -> {
              // nobody knows
            }
          }
        });
    Set<Finding> stated = ReportGrammar.stated(film.present());
    long words = seed * 31 + film.image().hashCode();
    return new Sample(
        film.image(),
        film.patient(),
        film.file(),
        subgroup,
        truth,
        List.of(ReportGrammar.report(stated, film.view(), words)),
        List.of(ReportGrammar.impression(stated, words)));
  }

  /** The images of a data set with reports. */
  static Asked studies(
      Path data,
      Optional<Path> images,
      Optional<StudySplit> split,
      ViewPolicy policy,
      boolean stratified,
      int films,
      ReportLabeler labeler) {
    StudySource source = StudySource.open(data, images);
    StudySet set = source.readAll();
    set.rejected().forEach(rejected -> Terminal.say(rejected.toString()));
    List<ReportRow> rows = new ArrayList<>();
    for (ReportedStudy study : set.studies()) {
      if (split.isEmpty() || split.get() == study.split()) {
        List<ReportRow> ofStudy = ReportRow.of(study);
        switch (policy) {
          case IMAGE -> rows.addAll(ofStudy);
          case STUDY -> ofStudy.stream().reduce(EvaluateModel::better).ifPresent(rows::add);
        }
      }
    }
    Map<ReportRow, Map<Finding, FindingState>> labels = new HashMap<>();
    for (ReportRow row : rows) {
      labels.put(row, truth(row, labeler));
    }
    if (stratified) {
      rows = ReportRow.stratifiedForEvaluation(rows, row -> labels.getOrDefault(row, Map.of()));
    }
    if (rows.isEmpty()) {
      throw new RadialogException(
          data
              + " has no image with findings to ask about"
              + split.map(s -> " in the split " + s.label()).orElse("")
              + ": expected studies with images and a findings section (of "
              + set.studies().size()
              + " studies)");
    }
    rows = rows.subList(0, Math.min(films, rows.size()));
    SequencedMap<String, Object> settings = new LinkedHashMap<>();
    settings.put("data", set.name());
    if (Files.isRegularFile(data)) {
      settings.put("data_sha256", Sha256.of(data));
    }
    settings.put("split", split.map(StudySplit::label).orElse("all"));
    settings.put("view_policy", policy.name().toLowerCase(Locale.ROOT));
    settings.put("stratified", stratified);
    settings.put("images", rows.size());
    settings.put("left_out", set.rejected().size());
    List<Sample> samples = new ArrayList<>();
    for (ReportRow row : rows) {
      samples.add(sample(row, labels.getOrDefault(row, Map.of())));
    }
    return new Asked(samples, List.of(), settings, !set.rejected().isEmpty());
  }

  private static ReportRow better(ReportRow a, ReportRow b) {
    return rank(b.image()) < rank(a.image()) ? b : a;
  }

  private static int rank(StudyImage image) {
    return switch (image.view()) {
      case PA -> 0;
      case AP -> 1;
      case UNKNOWN -> image.orientation() == StudyImage.Orientation.LATERAL ? 4 : 2;
      case LATERAL -> 4;
    };
  }

  // CheXbert's labels where the data set has them, as the paper; else any it has; else those that
  // the report itself gives.
  private static Map<Finding, FindingState> truth(ReportRow row, ReportLabeler labeler) {
    var labels = row.study().labels();
    Map<Finding, FindingState> known =
        labels.containsKey("chexbert") || labels.isEmpty()
            ? labels.getOrDefault("chexbert", Map.of())
            : labels.firstEntry().getValue();
    if (!known.isEmpty()) {
      return known;
    }
    Labels said = labeler.label(row.findings());
    Map<Finding, FindingState> states = new EnumMap<>(Finding.class);
    Finding.ALL.forEach(finding -> states.put(finding, said.state(finding)));
    return states;
  }

  private static Sample sample(ReportRow row, Map<Finding, FindingState> truth) {
    ReportedStudy study = row.study();
    SequencedMap<String, String> subgroup = new LinkedHashMap<>();
    if (!study.sex().isEmpty()) {
      subgroup.put("sex", study.sex());
    }
    study.age().ifPresent(age -> subgroup.put("age", Integer.toString(age)));
    if (row.image().view() != View.UNKNOWN) {
      subgroup.put("view", row.image().view().name());
    }
    String impression = study.report().impression();
    return new Sample(
        study.id() + "/" + row.image().id(),
        study.id(),
        row.image().file(),
        subgroup,
        truth,
        List.of(row.findings()),
        impression.isBlank() ? List.of() : List.of(impression));
  }

  /** What a model's answers depend on, for a {@link PredictionLog}. */
  static SequencedMap<String, Object> settings(
      ModelOptions model, RaDialog radialog, Asked asked, Set<Task> tasks) {
    SequencedMap<String, Object> settings = new LinkedHashMap<>();
    settings.put("model", radialog.config().id());
    settings.put("model_version", radialog.config().version());
    settings.put("model_config_sha256", Sha256.of(model.folder().resolve("config.json")));
    settings.put("precision", radialog.precision().label());
    settings.put("prompt", radialog.config().language().prompt());
    settings.put(
        "tasks", tasks.stream().map(task -> task.name().toLowerCase(Locale.ROOT)).toList());
    settings.put("decoding", "greedy");
    settings.putAll(asked.settings());
    return settings;
  }

  /** The encoder's features of films, in their order. */
  static List<float[]> features(RaDialog radialog, List<Sample> samples, Progress progress) {
    List<float[]> features = new ArrayList<>();
    try (Progress.Task task = progress.start("features", samples.size())) {
      for (Sample sample : samples) {
        try (Dialog dialog = radialog.open(Study.of(Radiograph.read(sample.image())).ofAnyView())) {
          features.add(dialog.features());
        }
        task.step("");
      }
    }
    return features;
  }

  /** For each film a text of the grammar that says the model's findings. */
  static List<String> findingsTexts(RaDialog radialog, List<Sample> samples) {
    List<String> texts = new ArrayList<>();
    for (Sample sample : samples) {
      try (Dialog dialog = radialog.open(Study.of(Radiograph.read(sample.image())).ofAnyView())) {
        texts.add(
            ReportGrammar.report(
                ReportGrammar.stated(dialog.findings().present()), View.UNKNOWN, texts.size()));
      }
    }
    return texts;
  }

  /** The films of predictions, for scores of probabilities. */
  static List<Film> films(List<Prediction> predictions) {
    List<Film> films = new ArrayList<>();
    for (Prediction p : predictions) {
      Map<Finding, Truth> truth = new EnumMap<>(Finding.class);
      p.truth()
          .forEach((finding, state) ->
              truth.put(
                  finding,
                  switch (state) {
                    case PRESENT -> Truth.PRESENT;
                    case ABSENT, NOT_MENTIONED -> Truth.ABSENT;
                    case UNCERTAIN -> Truth.UNKNOWN;
                  }));
      films.add(
          new Film(
              p.id(),
              Path.of(""),
              p.group(),
              p.subgroup().containsKey("age")
                  ? Integer.parseInt(p.subgroup().getOrDefault("age", "0"))
                  : 0,
              p.subgroup().getOrDefault("sex", ""),
              View.of(p.subgroup().getOrDefault("view", "")),
              truth));
    }
    return films;
  }
}
