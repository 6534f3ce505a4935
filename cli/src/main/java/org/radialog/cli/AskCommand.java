package org.radialog.cli;

import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import org.radialog.base.RadialogException;
import org.radialog.dialog.Dialog;
import org.radialog.dialog.FindingsEdit;
import org.radialog.dialog.RaDialog;
import org.radialog.dialog.Reply;
import org.radialog.dialog.Study;
import org.radialog.imaging.Guard;
import org.radialog.imaging.Radiograph;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.node.ObjectNode;

/** {@code radialog ask IMAGE QUESTION…}: one or more questions about a film. */
@Command(
    name = "ask",
    description = "Answers questions about a chest radiograph; several are turns of one dialog.",
    mixinStandardHelpOptions = true)
final class AskCommand implements Callable<Integer> {
  @Parameters(index = "0", paramLabel = "IMAGE", description = "PNG, JPEG or DICOM")
  private Path image = Path.of("");

  @Parameters(index = "1..*", arity = "1..*", paramLabel = "QUESTION")
  private List<String> questions = List.of();

  @Mixin private ModelOptions model = new ModelOptions();

  @Mixin private FilmOptions filmOptions = new FilmOptions();

  @Option(names = "--json", description = "One JSON object a turn and line.")
  private boolean json;

  @Option(
      names = "--after-report",
      description = "Write the report first, as the paper's protocol does.")
  private boolean afterReport;

  @Override
  public Integer call() {
    FindingsEdit edit = filmOptions.edit();
    try (RaDialog radialog = model.load()) {
      Session session = Session.of(radialog);
      Radiograph film = null;
      List<Guard.Warning> warnings = List.of();
      try {
        film = Radiograph.read(image);
        Study study = filmOptions.study(film);
        try (Dialog dialog = radialog.open(study)) {
          warnings = dialog.warnings();
          dialog.edit(edit);
          answer(session, dialog);
        }
      } catch (RadialogException e) {
        Terminal.say(Notice.of(e));
        if (json) {
          System.out.println(session.refused(image, film, e, warnings));
        }
        return Main.SOME_FAILED;
      }
    }
    if (!json) {
      System.out.println(Notice.RESEARCH_USE);
    }
    return Main.DONE;
  }

  private void answer(Session session, Dialog dialog) {
    dialog.requireFrontal();
    dialog.warnings().forEach(w -> Terminal.say(w.message()));
    Wrapping text = new Wrapping(System.out, 2, 88);
    Consumer<String> sink = json ? piece -> {} : text::write;
    if (afterReport) {
      if (!json) {
        System.out.println("Report");
      }
      dialog.report(model.decoding(), sink);
      text.end();
    }
    double begun = 0;
    for (String question : questions) {
      if (!json) {
        System.out.println("> " + question);
      }
      Reply reply = dialog.ask(question, model.decoding(), sink);
      if (json) {
        System.out.println(turn(session, reply, begun));
      } else {
        text.end();
        Notice.of(reply).forEach(w -> System.out.println("  ! " + w));
      }
      begun = 0;
    }
  }

  /** One turn for a program. */
  static ObjectNode turn(Session session, Reply reply, double begun) {
    ObjectNode turn = Json.object();
    turn.put("question", reply.question());
    turn.put("answer", reply.text());
    turn.set("warnings", Session.warnings(reply));
    turn.set("usage", Session.usage(reply.usage()));
    turn.set("timings_ms", session.timings(reply.timings(), begun));
    turn.put("notice", Notice.RESEARCH_USE);
    return turn;
  }
}
