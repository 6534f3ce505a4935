package org.radialog.eval;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.Set;
import java.util.function.Consumer;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.base.Sha256;
import org.radialog.clinical.Finding;
import org.radialog.clinical.FindingState;
import org.radialog.clinical.Labels;
import org.radialog.clinical.ReportLabeler;
import org.radialog.clinical.View;
import org.radialog.data.Film;
import org.radialog.data.ImageChoice;
import org.radialog.data.Rejected;
import org.radialog.data.ReportRow;
import org.radialog.data.ReportedStudy;
import org.radialog.data.StudySet;
import org.radialog.data.StudySource;
import org.radialog.data.StudySplit;
import org.radialog.instruct.ReportGrammar;

/**
 * The samples of a data set that a model is asked about.
 *
 * @param asked one or more
 * @param known other samples with reports, that a baseline may learn from
 * @param settings which they are, for a result
 * @param whole whether everything that the data set names could be used
 */
public record Samples(
    List<Sample> asked, List<Sample> known, SequencedMap<String, Object> settings, boolean whole) {
  public Samples {
    asked = List.copyOf(asked);
    known = List.copyOf(known);
    settings = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(settings));
  }

  /**
   * Films of the NIH: their labels are the NIH's, their reports the grammar's.
   *
   * @param seed draws the words of the reports
   */
  public static Samples of(NihFilms films, long seed) {
    SequencedMap<String, Object> settings = new LinkedHashMap<>(films.settings());
    settings.put(
        "labels", "of the NIH, under the names of CheXpert; those it does not have are not scored");
    settings.put("films", films.chosen().size());
    settings.put("reference_reports", "of the grammar, from the labels (synthetic), seed " + seed);
    return new Samples(
        films.chosen().stream().map(film -> sample(film, seed)).toList(),
        films.known().stream().map(film -> sample(film, seed)).toList(),
        settings,
        films.whole());
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
        Optional.of(film.file()),
        subgroup,
        truth,
        List.of(ReportGrammar.report(stated, film.view(), words)),
        List.of(ReportGrammar.impression(stated, words)));
  }

  /**
   * Which images of studies with reports are taken.
   *
   * @param split empty for all
   * @param images of each study
   * @param policy what the settings call that choice
   * @param stratified all images with a finding and a few without
   * @param most no more than these
   */
  public record Choice(
      Optional<StudySplit> split,
      ImageChoice images,
      String policy,
      boolean stratified,
      int most) {}

  /**
   * Images of studies with reports.
   *
   * @param path where the source was opened; a file is named by its digest
   * @param labeler reads the labels of studies that the data set has none of
   * @param rejected hears of what cannot be used
   * @throws RadialogException if there is no image with findings
   */
  public static Samples of(
      StudySource source,
      Path path,
      Choice choice,
      ReportLabeler labeler,
      Consumer<? super Rejected> rejected) {
    StudySet set = source.readAll();
    set.rejected().forEach(rejected);
    List<ReportRow> rows = new ArrayList<>();
    for (ReportedStudy study : set.studies()) {
      if (choice.split().isEmpty() || choice.split().get() == study.split()) {
        rows.addAll(ReportRow.of(study, choice.images()));
      }
    }
    Map<ReportRow, Map<Finding, FindingState>> labels = new HashMap<>();
    for (ReportRow row : rows) {
      labels.put(row, truth(row, labeler));
    }
    if (choice.stratified()) {
      rows = ReportRow.stratifiedForEvaluation(rows, row -> labels.getOrDefault(row, Map.of()));
    }
    if (rows.isEmpty()) {
      throw new RadialogException(
          Kind.REFUSED_DATA,
          path
              + " has no image with findings to ask about"
              + choice.split().map(s -> " in the split " + s.label()).orElse("")
              + ": expected studies with images and a findings section (of "
              + set.studies().size()
              + " studies)");
    }
    rows = rows.subList(0, Math.min(choice.most(), rows.size()));
    SequencedMap<String, Object> settings = new LinkedHashMap<>();
    settings.put("data", set.name());
    if (Files.isRegularFile(path)) {
      settings.put("data_sha256", Sha256.of(path));
    }
    settings.put("split", choice.split().map(StudySplit::label).orElse("all"));
    settings.put("view_policy", choice.policy());
    settings.put("stratified", choice.stratified());
    settings.put("images", rows.size());
    settings.put("left_out", set.rejected().size());
    List<Sample> samples = new ArrayList<>();
    for (ReportRow row : rows) {
      samples.add(sample(row, labels.getOrDefault(row, Map.of())));
    }
    return new Samples(samples, List.of(), settings, set.rejected().isEmpty());
  }

  /**
   * What is known of a row: CheXbert's labels where the data set has them, as in the paper; else
   * any that it has; else those that the report itself gives.
   */
  public static Map<Finding, FindingState> truth(ReportRow row, ReportLabeler labeler) {
    var labels = row.study().labels();
    Map<Finding, FindingState> known =
        labels.containsKey("chexbert") || labels.isEmpty()
            ? labels.getOrDefault("chexbert", Map.of())
            : labels.firstEntry().getValue();
    if (!known.isEmpty()) {
      return known;
    }
    return states(labeler.label(row.findings()));
  }

  /** What a report says of each finding. */
  static Map<Finding, FindingState> states(Labels said) {
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
        Optional.of(row.image().file()),
        subgroup,
        truth,
        List.of(row.findings()),
        impression.isBlank() ? List.of() : List.of(impression));
  }
}
