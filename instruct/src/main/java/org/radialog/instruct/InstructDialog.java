package org.radialog.instruct;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.radialog.base.Printable;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
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

  /** The tasks of the mix: the one place where a task is registered. */
  public enum Task {
    REPORT(new ReportTask()),
    /** Is this one finding there. */
    BINARY(new BinaryTask()),
    /** Is anything there. */
    NORMAL(new NormalTask()),
    LIST(new ListTask()),
    VIEW(new ViewTask()),
    CORRECTION(new CorrectionTask()),
    IMPRESSION(new ImpressionTask()),
    SUMMARY(new SummaryTask()),
    /** A question for something that no label knows; the answer says so. */
    NOT_ASSESSED(new NotAssessedTask());

    @SuppressWarnings("ImmutableEnumChecker") // a task keeps nothing
    private final InstructTask task;

    Task(InstructTask task) {
      this.task = task;
    }

    InstructTask task() {
      return task;
    }

    /**
     * A task by its name in lower case.
     *
     * @throws RadialogException if there is none
     */
    static Task named(String name) {
      List<String> names =
          Stream.of(values()).map(task -> task.name().toLowerCase(Locale.ROOT)).toList();
      int at = names.indexOf(name);
      if (at < 0) {
        throw new RadialogException(
            Kind.REFUSED_DATA,
            "there is no task %s: expected one of %s".formatted(Printable.of(name), names));
      }
      return values()[at];
    }
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
