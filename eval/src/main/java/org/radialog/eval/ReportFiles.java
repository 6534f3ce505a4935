package org.radialog.eval;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.radialog.base.Printable;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.base.Sha256;
import org.radialog.clinical.Labels;
import org.radialog.clinical.ReportSections;
import org.radialog.clinical.View;
import org.radialog.data.ReportFile;
import org.radialog.data.StudySource;
import org.radialog.instruct.ReportGrammar;

/**
 * Compares reports from files of any system with references from files. A row that cannot be read
 * is reported and left out.
 */
public final class ReportFiles {
  /** A baseline without a model. */
  public enum Baseline {
    /** The most frequent report of another set. */
    MOST_FREQUENT,
    /**
     * A text of the grammar from the labels of the reference itself; an oracle, because it knows
     * the truth.
     */
    REFERENCE_LABELS
  }

  private final List<Path> referenceFiles;
  private final List<String> sections;
  private final Consumer<String> messages;
  private final SequencedMap<String, List<String>> references;
  private final SequencedMap<Path, SequencedMap<String, List<String>>> systems =
      new LinkedHashMap<>();

  // The number of unreadable rows per file. An id that is missing in a file may belong to one of
  // them.
  private final Map<Path, Integer> broken = new HashMap<>();

  private ReportFiles(
      List<Path> references,
      List<Path> hypotheses,
      List<String> sections,
      Consumer<String> messages) {
    this.referenceFiles = List.copyOf(references);
    this.sections = List.copyOf(sections);
    this.messages = messages;
    this.references = references(references);
    for (Path file : hypotheses) {
      SequencedMap<String, List<String>> said = read(file, List.of("model_prediction", "report"));
      requireSameIds(references.getFirst(), this.references, file, said);
      systems.put(file, said);
    }
    // Only reports that all systems have are scored, so that systems are compared on the same
    // reports.
    systems.values().forEach(said -> this.references.keySet().retainAll(said.keySet()));
    requireSome(references.getFirst(), this.references);
  }

  /**
   * Reads all files.
   *
   * @param references one file, or several files that each contain a reference for every report
   * @param hypotheses one file per system
   * @param sections fields of ReXrank files that contain the references
   * @param messages receives one line for each row that is left out
   * @throws RadialogException if a file cannot be read, or the files do not contain the same report
   *     ids
   */
  public static ReportFiles read(
      List<Path> references,
      List<Path> hypotheses,
      List<String> sections,
      Consumer<String> messages) {
    return new ReportFiles(references, hypotheses, sections, messages);
  }

  /** Whether every row of every file was read. */
  public boolean whole() {
    return broken.isEmpty();
  }

  /**
   * Scores the systems of all files, and baselines.
   *
   * @param fit source of the most frequent report: a file of reports, or a data set
   * @throws RadialogException if there is no system, or no data to fit a baseline on
   */
  public Evaluation scored(List<Baseline> baselines, List<Path> fit, Scoring scoring) {
    if (systems.isEmpty() && baselines.isEmpty()) {
      throw new RadialogException(
          Kind.REFUSED_DATA,
          "nothing to score: expected --hypotheses FILE, --baseline NAME, or both");
    }
    List<Labels> labels =
        scoring.labeler().apply(references.values().stream().map(List::getFirst).toList());
    List<Sample> samples = new ArrayList<>();
    references.forEach((id, texts) -> samples.add(sample(id, texts, labels.get(samples.size()))));
    SequencedMap<String, Object> settings = new LinkedHashMap<>();
    settings.put("reports", samples.size());
    settings.put("references_sha256", referenceFiles.stream().map(Sha256::of).toList());
    settings.put("rexrank_sections", sections);
    settings.putAll(scoring.described());
    List<EvaluatedSystem> evaluated = new ArrayList<>();
    systems.forEach((file, said) -> {
      settings.put("hypotheses_sha256 " + name(file), Sha256.of(file));
      Map<String, String> texts = new HashMap<>();
      said.forEach((id, reports) -> texts.put(id, reports.getFirst()));
      evaluated.add(EvaluatedSystem.reports(name(file), texts));
    });
    for (Baseline baseline : baselines) {
      evaluated.add(
          switch (baseline) {
            case MOST_FREQUENT -> mostFrequent(fit, settings);
            case REFERENCE_LABELS -> told(samples, labels);
          });
    }
    return new EvaluationRun(
            samples,
            EnumSet.of(Task.GENERATION),
            evaluated,
            new EvaluationRun.Settings(
                "Reports beside " + name(referenceFiles.getFirst()), false, settings, messages))
        .run(scoring);
  }

  private static Sample sample(String id, List<String> references, Labels labels) {
    return new Sample(
        id,
        id,
        Optional.empty(),
        new LinkedHashMap<>(),
        Samples.states(labels),
        references,
        List.of());
  }

  private EvaluatedSystem mostFrequent(List<Path> fit, SequencedMap<String, Object> settings) {
    List<String> known = reports(fit);
    String most = Baselines.mostFrequent(known);
    settings.put("most_frequent_fitted_on", known.size() + " reports");
    settings.put("most_frequent_sha256", fit.stream().map(Sha256::of).toList());
    Map<String, String> texts = new HashMap<>();
    references.keySet().forEach(id -> texts.put(id, most));
    return EvaluatedSystem.reports(
        "most frequent report",
        texts,
        "baseline: the report that occurs most often among " + known.size());
  }

  private static EvaluatedSystem told(List<Sample> samples, List<Labels> labels) {
    Map<String, String> texts = new HashMap<>();
    for (int i = 0; i < samples.size(); i++) {
      texts.put(
          samples.get(i).id(),
          ReportGrammar.report(ReportGrammar.stated(labels.get(i).present()), View.UNKNOWN, i));
    }
    return EvaluatedSystem.reports(
        "text from the reference's own labels",
        texts,
        "oracle: written from the labels of the reference itself");
  }

  private SequencedMap<String, List<String>> read(Path file, List<String> sections) {
    return ReportFile.readAll(
        file,
        sections,
        row -> {
          broken.merge(file, 1, Integer::sum);
          messages.accept(
              "%s, row %d: %s"
                  .formatted(Printable.escaped(file.toString()), row.number(), row.reason()));
        });
  }

  private SequencedMap<String, List<String>> references(List<Path> files) {
    SequencedMap<String, List<String>> all = new LinkedHashMap<>();
    SequencedMap<String, List<String>> first = read(files.getFirst(), sections);
    requireSome(files.getFirst(), first);
    first.forEach((id, texts) -> all.put(id, new ArrayList<>(texts)));
    for (Path file : files.subList(1, files.size())) {
      SequencedMap<String, List<String>> more = read(file, sections);
      requireSameIds(files.getFirst(), all, file, more);
      all.keySet().retainAll(more.keySet());
      more.forEach((id, texts) -> all.getOrDefault(id, new ArrayList<>()).addAll(texts));
    }
    return all;
  }

  private static void requireSome(Path file, Map<String, List<String>> reports) {
    if (reports.isEmpty()) {
      throw new RadialogException(
          Kind.REFUSED_DATA,
          Printable.escaped(file.toString()) + " has no report, expected at least one");
    }
  }

  // Both files must have the same ids; as many may be missing as the other file has unreadable
  // rows.
  private void requireSameIds(
      Path one, Map<String, List<String>> ids, Path other, Map<String, List<String>> others) {
    List<String> missing = ids.keySet().stream().filter(id -> !others.containsKey(id)).toList();
    List<String> beyond = others.keySet().stream().filter(id -> !ids.containsKey(id)).toList();
    if (missing.size() > broken.getOrDefault(other, 0)
        || beyond.size() > broken.getOrDefault(one, 0)) {
      throw new RadialogException(
          Kind.REFUSED_DATA,
          ("%s and %s do not have the same reports: %s of %d ids are only in the first"
                  + " (%s), %s of %d only in the second (%s); expected the same ids")
              .formatted(
                  Printable.escaped(one.toString()),
                  Printable.escaped(other.toString()),
                  missing.size(),
                  ids.size(),
                  some(missing),
                  beyond.size(),
                  others.size(),
                  some(beyond)));
    }
    for (String id : missing) {
      messages.accept(
          "the report %s is left out of the scores: %s has no readable row for it"
              .formatted(Printable.of(id), Printable.escaped(other.toString())));
    }
    for (String id : beyond) {
      messages.accept(
          "the report %s of %s is left out of the scores: %s has no readable row for it"
              .formatted(
                  Printable.of(id),
                  Printable.escaped(other.toString()),
                  Printable.escaped(one.toString())));
    }
  }

  private static String some(List<String> ids) {
    return ids.isEmpty()
        ? "none"
        : ids.stream().limit(3).map(Printable::of).collect(Collectors.joining(", "))
            + (ids.size() > 3 ? " …" : "");
  }

  // Reports for fitting, without those that are scored. A study id begins with the id of its
  // report:
  // CXR2279_IM-0865 of ReXrank is CXR2279 of the collection.
  private List<String> reports(List<Path> fit) {
    Set<String> scored = references.keySet();
    if (fit.isEmpty()) {
      throw new RadialogException(
          Kind.REFUSED_DATA,
          "the most frequent report needs reports to count: expected --fit FILE");
    }
    List<String> known = new ArrayList<>();
    for (Path file : fit) {
      String name = file.toString().toLowerCase(Locale.ROOT);
      if (!Files.isDirectory(file) && !name.endsWith(".tgz") && !name.endsWith(".tar.gz")) {
        read(file, sections)
            .forEach((id, texts) -> {
              if (!scored.contains(id)) {
                known.add(texts.getFirst());
              }
            });
        continue;
      }
      StudySource.open(file, Optional.empty())
          .read(
              study -> {
                String text = text(study.report(), sections.getFirst());
                if (!text.isBlank() && !isScored(study.id(), scored)) {
                  known.add(text);
                }
              },
              rejected -> messages.accept(rejected.toString()));
    }
    return known;
  }

  // The section with this ReXrank field name.
  private static String text(ReportSections report, String field) {
    return switch (field) {
      case "section_findings" -> report.findings();
      case "section_impression" -> report.impression();
      default ->
          report
              .raw(ReportSections.FULL_REPORT)
              .orElseGet(() ->
                  (labelled("Findings", report.findings())
                          + labelled("Impression", report.impression()))
                      .strip());
    };
  }

  private static String labelled(String name, String text) {
    return text.isBlank() ? "" : name + ": " + text + " ";
  }

  private static boolean isScored(String study, Set<String> scored) {
    return scored.contains(study) || scored.stream().anyMatch(id -> id.startsWith(study + "_"));
  }

  private static String name(Path file) {
    return String.valueOf(file.getFileName());
  }
}
