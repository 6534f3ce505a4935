package org.radialog.tasks;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;
import org.radialog.base.Printable;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.clinical.FindingsList;
import org.radialog.clinical.PromptFormat;
import org.radialog.clinical.PromptPart;
import org.radialog.clinical.Turn;

/**
 * A training dialog about a film, or without one.
 *
 * @param image the name of the film in its data set; empty if the prompt shows none
 * @param findings the findings named in the prompt; empty if it names none
 * @param exchanges at least one
 */
public record InstructDialog(
    Optional<String> image, Optional<FindingsList> findings, List<Exchange> exchanges) {

  /** The tasks of the mix. Tasks are registered only here. */
  public enum Task {
    REPORT(new ReportTask()),
    /** Whether one finding is present. */
    BINARY(new BinaryTask()),
    /** Whether any finding is present. */
    NORMAL(new NormalTask()),
    LIST(new ListTask()),
    VIEW(new ViewTask()),
    CORRECTION(new CorrectionTask()),
    IMPRESSION(new ImpressionTask()),
    SUMMARY(new SummaryTask()),
    /** The heart, the lungs or the pleura. */
    REGION(new RegionTask()),
    /** The findings in plain words. */
    EASY(new EasyTask()),
    /** Whether the answer is sure. */
    SURE(new SureTask()),
    /** The reason for a finding. */
    WHY(new WhyTask()),
    /** A question about something that no label covers; the answer says so. */
    NOT_ASSESSED(new NotAssessedTask()),
    /** The meaning of a term. */
    KNOWLEDGE(new KnowledgeTask()),
    /** What is no question about the film. */
    OUTSIDE(new OutsideTask());

    @SuppressWarnings("ImmutableEnumChecker") // a task is stateless
    private final InstructTask task;

    Task(InstructTask task) {
      this.task = task;
    }

    InstructTask task() {
      return task;
    }

    /**
     * The task with this name in lower case.
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
   * @param task the kind of request
   * @param request the words of the user
   * @param answer the answer to learn
   * @param stated the findings that are present and possible according to the dialog so far
   */
  public record Exchange(Task task, String request, String answer, FindingsList stated) {}

  /**
   * A part of the dialog in the format of a model.
   *
   * @param part the text or image
   * @param answer whether the model has to write it; only such parts contribute to the loss
   */
  public record Part(PromptPart part, boolean answer) {}

  public InstructDialog {
    exchanges = List.copyOf(exchanges);
    if (exchanges.isEmpty()) {
      throw new IllegalArgumentException("a dialog has at least one exchange, got none");
    }
  }

  /** The dialog in {@code format}. The end token of an answer is part of the answer. */
  public List<Part> parts(PromptFormat format) {
    var parts = new ArrayList<Part>();
    String end = format.endToken();
    for (int i = 0; i < exchanges.size(); i++) {
      Exchange exchange = exchanges.get(i);
      Turn turn = new Turn.Question(exchange.request());
      if (i == 0) {
        (image.isPresent() ? format.open(findings, turn) : format.openWithoutFilm(turn))
            .forEach(part -> parts.add(new Part(part, false)));
      } else {
        List<PromptPart> next = format.next(turn);
        // The end token before it is already present at the end of the answer.
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
