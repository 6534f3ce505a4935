package org.radialog.wire;

import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.radialog.clinical.Consistency;
import org.radialog.clinical.Finding;
import org.radialog.dialog.Reply;
import org.radialog.dialog.Report;

/**
 * An inconsistency in a text that the model wrote.
 *
 * @param code a stable code for programs, for example {@code listed_and_denied}
 * @param label the finding concerned; absent if there is none
 * @param in report, impression or answer
 * @param message in words, for people
 * @param sentences the sentences concerned, each on one line
 */
public record WarningJson(
    String code, Optional<String> label, String in, String message, List<String> sentences) {
  public WarningJson {
    sentences = List.copyOf(sentences);
  }

  /** The inconsistencies of a report, then those of its impression. */
  public static List<WarningJson> of(Report report, Optional<Reply> impression) {
    return Stream.concat(
            Notice.warnings(report).stream().map(w -> of(w, report.text(), "report")),
            impression.stream().flatMap(reply -> all(reply, "impression")))
        .toList();
  }

  /** The inconsistencies of an answer. */
  public static List<WarningJson> of(Reply answer) {
    return all(answer, "answer").toList();
  }

  private static Stream<WarningJson> all(Reply reply, String where) {
    return reply.consistency().warnings().stream().map(w -> of(w, reply.text(), where));
  }

  private static WarningJson of(Consistency.Warning warning, String text, String where) {
    return new WarningJson(
        warning.kind().code(),
        warning.finding().map(Finding::label),
        where,
        Notice.words(warning.kind(), where),
        Notice.sentences(text, warning));
  }
}
