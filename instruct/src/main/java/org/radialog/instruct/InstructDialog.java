package org.radialog.instruct;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.radialog.clinical.Finding;
import org.radialog.clinical.FindingsList;
import org.radialog.clinical.PromptFormat;
import org.radialog.clinical.PromptPart;
import org.radialog.clinical.Turn;

/**
 * A dialog about a film to learn from.
 *
 * @param image the film's name in its data set
 * @param findings what the prompt says of the findings; empty where it says nothing
 * @param exchanges at least one
 */
public record InstructDialog(
    String image, Optional<Set<Finding>> findings, List<Exchange> exchanges) {

  /** The tasks of the mix. */
  public enum Task {
    REPORT,
    /** Is this one finding there. */
    BINARY,
    /** Is anything there. */
    NORMAL,
    LIST,
    VIEW,
    CORRECTION,
    IMPRESSION,
    SUMMARY,
    /** A question for something that no label knows; the answer says so. */
    NOT_ASSESSED
  }

  /**
   * One turn of the user and its answer.
   *
   * @param stated the findings that are present as far as the dialog goes, in column order
   */
  public record Exchange(Task task, String request, String answer, Set<Finding> stated) {}

  /**
   * A piece of the dialog in a model's format.
   *
   * @param answer whether the model is to write it: the loss counts only there
   */
  public record Part(PromptPart part, boolean answer) {}

  public InstructDialog {
    exchanges = List.copyOf(exchanges);
    if (exchanges.isEmpty()) {
      throw new IllegalArgumentException("a dialog has at least one exchange, got none");
    }
  }

  /** The dialog in {@code format}. An answer's end token belongs to the answer. */
  public List<Part> parts(PromptFormat format) {
    var parts = new ArrayList<Part>();
    String end = format.endToken();
    for (int i = 0; i < exchanges.size(); i++) {
      Exchange exchange = exchanges.get(i);
      Turn turn = new Turn.Question(exchange.request());
      if (i == 0) {
        format
            .open(findings.map(FindingsList::of), turn)
            .forEach(part -> parts.add(new Part(part, false)));
      } else {
        List<PromptPart> next = format.next(turn);
        // The end token before it is already there, as the last of the answer.
        if (!(next.getFirst() instanceof PromptPart.Template(String text))
            || !text.startsWith(end)) {
          throw new IllegalStateException(
              "a further turn begins with " + end + ", found " + next.getFirst());
        }
        parts.add(new Part(new PromptPart.Template(text.substring(end.length())), false));
        next.subList(1, next.size()).forEach(part -> parts.add(new Part(part, false)));
      }
      parts.add(new Part(format.answer(exchange.answer()), true));
      parts.add(new Part(new PromptPart.Template(end), true));
    }
    return List.copyOf(parts);
  }
}
