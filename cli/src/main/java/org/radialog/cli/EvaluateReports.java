package org.radialog.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.radialog.base.Printable;
import org.radialog.base.RadialogException;
import org.radialog.base.Sha256;
import org.radialog.clinical.Labels;
import org.radialog.clinical.ReportSections;
import org.radialog.clinical.View;
import org.radialog.data.StudySource;
import org.radialog.eval.Baselines;
import org.radialog.eval.Evaluation;
import org.radialog.eval.ReportFile;
import org.radialog.eval.ReportScores;
import org.radialog.eval.SystemScores;
import org.radialog.instruct.ReportGrammar;
import org.radialog.metrics.Groups;
import org.radialog.metrics.TextPair;

/** Scores reports of any system, from files, beside references from files. */
final class EvaluateReports {
  /** A system without a model. */
  enum Baseline {
    /** The report that occurs most often in another set. */
    MOST_FREQUENT,
    /** A text of the grammar from the labels of the reference itself: it is told the truth. */
    REFERENCE_LABELS
  }

  /**
   * What came of it.
   *
   * @param whole whether every row of every file was read
   */
  record Scored(Evaluation evaluation, boolean whole) {}

  // Rows that could not be read, by file: a report that one of the others has may be among them.
  private final Map<Path, Integer> broken = new HashMap<>();

  private EvaluateReports() {}

  /**
   * Scores. A row of a file that cannot be read is named and left out. *
   *
   * @param references one file, or several that give each report several references
   * @param hypotheses a file a system
   * @param fit what the most frequent report is taken from: a file of reports, or a data set
   * @param sections of ReXrank files, for references
   */
  static Scored run(
      List<Path> references,
      List<Path> hypotheses,
      List<Baseline> baselines,
      List<Path> fit,
      List<String> sections,
      ScoringOptions scoring) {
    EvaluateReports files = new EvaluateReports();
    Evaluation evaluation = files.scored(references, hypotheses, baselines, fit, sections, scoring);
    return new Scored(evaluation, files.broken.isEmpty());
  }

  private Evaluation scored(
      List<Path> references,
      List<Path> hypotheses,
      List<Baseline> baselines,
      List<Path> fit,
      List<String> sections,
      ScoringOptions scoring) {
    SequencedMap<String, Object> settings = new LinkedHashMap<>();
    SequencedMap<String, List<String>> truth = references(references, sections);
    SequencedMap<Path, SequencedMap<String, List<String>>> systemTexts = new LinkedHashMap<>();
    for (Path file : hypotheses) {
      SequencedMap<String, List<String>> said = read(file, List.of("model_prediction", "report"));
      requireSameIds(references.getFirst(), truth, file, said);
      systemTexts.put(file, said);
    }
    // What one system lacks is scored for none: they are compared on the same reports.
    systemTexts.values().forEach(said -> truth.keySet().retainAll(said.keySet()));
    requireSome(references.getFirst(), truth);
    List<String> ids = List.copyOf(truth.keySet());
    settings.put("reports", ids.size());
    settings.put("references_sha256", references.stream().map(Sha256::of).toList());
    settings.put("rexrank_sections", sections);
    List<ReportScores> scored = new ArrayList<>();
    List<SystemScores> systems = new ArrayList<>();
    try (ScoringOptions.Opened opened = scoring.open(settings)) {
      List<Labels> labels =
          opened.settings().labeler().apply(truth.values().stream().map(List::getFirst).toList());
      Groups groups = Groups.each(ids.size());
      for (var system : systemTexts.entrySet()) {
        Path file = system.getKey();
        SequencedMap<String, List<String>> said = system.getValue();
        settings.put("hypotheses_sha256 " + name(file), Sha256.of(file));
        ReportScores one =
            ReportScores.of(
                name(file),
                pairs(truth, id -> said.getOrDefault(id, List.of("")).getFirst()),
                labels,
                groups,
                opened.settings());
        scored.add(one);
        systems.add(one.scores());
      }
      for (Baseline baseline : baselines) {
        switch (baseline) {
          case MOST_FREQUENT -> {
            List<String> known = reports(fit, truth, sections);
            String most = Baselines.mostFrequent(known);
            settings.put("most_frequent_fitted_on", known.size() + " reports");
            settings.put("most_frequent_sha256", fit.stream().map(Sha256::of).toList());
            ReportScores one =
                ReportScores.of(
                    "most frequent report",
                    pairs(truth, id -> most),
                    labels,
                    groups,
                    opened.settings());
            scored.add(one);
            systems.add(
                one.scores()
                    .marked("baseline: the report that occurs most often among " + known.size()));
          }
          case REFERENCE_LABELS -> {
            Map<String, String> told = new LinkedHashMap<>();
            for (int i = 0; i < ids.size(); i++) {
              told.put(
                  ids.get(i),
                  ReportGrammar.report(
                      ReportGrammar.stated(labels.get(i).present()), View.UNKNOWN, i));
            }
            ReportScores one =
                ReportScores.of(
                    "text from the reference's own labels",
                    pairs(truth, id -> told.getOrDefault(id, "")),
                    labels,
                    groups,
                    opened.settings());
            scored.add(one);
            systems.add(
                one.scores().marked("oracle: written from the labels of the reference itself"));
          }
        }
      }
      if (scored.isEmpty()) {
        throw new RadialogException(
            "nothing to score: expected --hypotheses FILE, --baseline NAME, or both");
      }
    }
    List<Evaluation.Comparison> comparisons = new ArrayList<>();
    for (int i = 1; i < scored.size(); i++) {
      comparisons.add(scored.getFirst().against(scored.get(i), scoring.test()));
    }
    return new Evaluation(
        "Reports beside " + name(references.getFirst()), List.of(), systems, comparisons, settings);
  }

  private SequencedMap<String, List<String>> read(Path file, List<String> sections) {
    return ReportFile.readAll(
        file,
        sections,
        row -> {
          broken.merge(file, 1, Integer::sum);
          Terminal.say(
              "%s, row %d: %s"
                  .formatted(Printable.escaped(file.toString()), row.number(), row.reason()));
        });
  }

  private SequencedMap<String, List<String>> references(List<Path> files, List<String> sections) {
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
          Printable.escaped(file.toString()) + " has no report, expected at least one");
    }
  }

  // Both have the same ids, but for as many as the other file has rows that could not be read.
  private void requireSameIds(
      Path one, Map<String, List<String>> ids, Path other, Map<String, List<String>> others) {
    List<String> missing = ids.keySet().stream().filter(id -> !others.containsKey(id)).toList();
    List<String> beyond = others.keySet().stream().filter(id -> !ids.containsKey(id)).toList();
    if (missing.size() > broken.getOrDefault(other, 0)
        || beyond.size() > broken.getOrDefault(one, 0)) {
      throw new RadialogException(
          "%s and %s are not about the same reports: %s of %d ids are only in the first (%s), %s of %d only in the second (%s); expected the same ids"
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
      Terminal.say(
          "the report %s is left out of the scores: %s has no row of it that could be read"
              .formatted(Printable.of(id), Printable.escaped(other.toString())));
    }
    for (String id : beyond) {
      Terminal.say(
          "the report %s of %s is left out of the scores: %s has no row of it that could be read"
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

  private static List<TextPair> pairs(
      SequencedMap<String, List<String>> references, Function<String, String> hypothesis) {
    return references.entrySet().stream()
        .map(entry ->
            new TextPair(entry.getKey(), entry.getValue(), hypothesis.apply(entry.getKey())))
        .toList();
  }

  // Reports to fit on, without those that are scored: a study's id begins with its report's, so
  // CXR2279_IM-0865 of ReXrank is CXR2279 of the collection.
  private List<String> reports(
      List<Path> fit, Map<String, List<String>> scored, List<String> sections) {
    if (fit.isEmpty()) {
      throw new RadialogException(
          "the most frequent report needs reports to count: expected --fit FILE");
    }
    List<String> known = new ArrayList<>();
    for (Path file : fit) {
      String name = file.toString().toLowerCase(Locale.ROOT);
      if (!Files.isDirectory(file) && !name.endsWith(".tgz") && !name.endsWith(".tar.gz")) {
        read(file, sections)
            .forEach((id, texts) -> {
              if (!scored.containsKey(id)) {
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
              rejected -> Terminal.say(rejected.toString()));
    }
    return known;
  }

  // What ReXrank has under that name.
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

  private static boolean isScored(String study, Map<String, List<String>> scored) {
    return scored.containsKey(study)
        || scored.keySet().stream().anyMatch(id -> id.startsWith(study + "_"));
  }

  private static String name(Path file) {
    return String.valueOf(file.getFileName());
  }
}
