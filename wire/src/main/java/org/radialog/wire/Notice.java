package org.radialog.wire;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.radialog.base.Printable;
import org.radialog.base.ResearchUse;
import org.radialog.clinical.Consistency;
import org.radialog.clinical.Finding;
import org.radialog.dialog.Guidance;
import org.radialog.dialog.Reply;
import org.radialog.dialog.Report;

/** The notice on every output, and the wording of the warnings about a text. */
public final class Notice {
  /** Printed on every output. */
  public static final String RESEARCH_USE = ResearchUse.NOTICE;

  private Notice() {}

  /**
   * The inconsistencies of a report. If it was cut short, missing findings are not reported,
   * because it might have mentioned them later.
   */
  static List<Consistency.Warning> warnings(Report report) {
    return report.consistency().warnings().stream()
        .filter(warning ->
            switch (report.end()) {
              case END_TOKEN, STOP_TEXT -> true;
              case LENGTH, CONTEXT, CANCELLED ->
                  warning.kind() != Consistency.Kind.LISTED_AND_UNSTATED
                      && warning.kind() != Consistency.Kind.UNCERTAIN_AND_UNMENTIONED;
            })
        .toList();
  }

  /** One line for each kind of inconsistency in a report. */
  public static List<String> of(Report report) {
    return of(warnings(report), report.text(), "report");
  }

  /** One line for each kind of inconsistency in an answer. */
  public static List<String> of(Reply reply) {
    return of(reply.consistency().warnings(), reply.text(), "answer");
  }

  /** One line for each kind of inconsistency in an impression. */
  public static List<String> ofImpression(Reply impression) {
    return of(impression.consistency().warnings(), impression.text(), "impression");
  }

  /** Quiet lines about where guidance stepped in; none if it did not. */
  public static List<String> of(Guidance guidance) {
    List<String> lines = new ArrayList<>();
    if (guidance.again() > 0) {
      lines.add(
          "guided: "
              + (guidance.again() == 1 ? "once" : guidance.again() + " times")
              + ", a sentence that contradicted the findings or the text was written again");
    }
    guidance
        .leftOut()
        .forEach(sentence -> lines.add("guided: left out: \"" + Printable.escaped(sentence) + '"'));
    return lines;
  }

  private static List<String> of(List<Consistency.Warning> all, String text, String where) {
    Map<Consistency.Kind, List<Consistency.Warning>> kinds = new EnumMap<>(Consistency.Kind.class);
    for (Consistency.Warning warning : all) {
      kinds.computeIfAbsent(warning.kind(), k -> new ArrayList<>()).add(warning);
    }
    List<String> lines = new ArrayList<>();
    kinds.forEach((kind, warnings) -> {
      String names =
          warnings.stream()
              .flatMap(w -> w.finding().stream())
              .map(Finding::label)
              .collect(Collectors.joining(", "));
      String quoted =
          warnings.stream()
              .flatMap(w -> sentences(text, w).stream())
              .distinct()
              .map(sentence -> '"' + Printable.escaped(sentence) + '"')
              .collect(Collectors.joining(" / "));
      lines.add(
          switch (kind) {
            case LISTED_AND_DENIED,
                LISTED_AND_UNSTATED,
                UNCERTAIN_AND_DENIED,
                UNCERTAIN_AND_UNMENTIONED,
                UNCERTAIN_AND_STATED,
                STATED_WITHOUT_SUPPORT,
                AGAINST_REPORT ->
                words(kind, where) + ": " + names;
            case STATED_AND_DENIED -> words(kind, where) + ": " + names + ": " + quoted;
            case COMPARISON_WITHOUT_PRIOR -> words(kind, where) + ": " + quoted;
          });
    });
    return lines;
  }

  /**
   * The wording of a kind of warning.
   *
   * @param where report, impression or answer
   */
  static String words(Consistency.Kind kind, String where) {
    return switch (kind) {
      case LISTED_AND_DENIED -> "listed as present, denied in the " + where;
      case LISTED_AND_UNSTATED -> "listed as present, not stated in the " + where;
      case UNCERTAIN_AND_DENIED -> "listed as uncertain, denied in the " + where;
      case UNCERTAIN_AND_UNMENTIONED -> "listed as uncertain, not mentioned in the " + where;
      case UNCERTAIN_AND_STATED -> "listed as uncertain, stated as present in the " + where;
      case STATED_WITHOUT_SUPPORT -> "stated in the " + where + ", not listed as present";
      case STATED_AND_DENIED -> "stated and denied in the " + where;
      case AGAINST_REPORT -> "the " + where + " contradicts the report";
      case COMPARISON_WITHOUT_PRIOR -> "compares with an earlier film, and none was given";
    };
  }

  /** The sentences of a warning, each on one line. */
  static List<String> sentences(String text, Consistency.Warning warning) {
    return warning.sentences().stream().map(s -> s.of(text).replaceAll("\\s+", " ")).toList();
  }
}
