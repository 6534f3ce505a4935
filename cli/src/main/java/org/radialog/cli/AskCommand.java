package org.radialog.cli;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.radialog.base.Printable;
import org.radialog.base.RadialogException;
import org.radialog.dialog.Dialog;
import org.radialog.dialog.FindingsEdit;
import org.radialog.dialog.RaDialog;
import org.radialog.dialog.Reply;
import org.radialog.dialog.Study;
import org.radialog.imaging.Guard;
import org.radialog.imaging.Radiograph;
import org.radialog.wire.Notice;
import org.radialog.wire.TimingsJson;
import org.radialog.wire.TurnJson;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code radialog ask IMAGE QUESTION…}: one or more questions about a film. */
@Command(
    name = "ask",
    description = "Answers questions about a chest radiograph. Several questions form one dialog.",
    mixinStandardHelpOptions = true)
final class AskCommand implements Callable<Integer> {
  private static final Pattern IMAGE_NAME =
      Pattern.compile("\\S+\\.(png|jpe?g|dcm|dicom)", Pattern.CASE_INSENSITIVE);

  @Spec private @Nullable CommandSpec spec;

  @Parameters(index = "0", paramLabel = "IMAGE", description = "PNG, JPEG or DICOM")
  private Path image = Path.of("");

  @Parameters(
      index = "1..*",
      arity = "1..*",
      paramLabel = "QUESTION",
      description = "A question about the film, in English")
  private List<String> questions = List.of();

  @Mixin private ModelOptions model = new ModelOptions();

  @Mixin private FilmOptions filmOptions = new FilmOptions();

  @Option(names = "--json", description = "Prints one line with a JSON object per turn.")
  private boolean json;

  @Option(
      names = "--after-report",
      description = "Writes the report before answering, as in the protocol of the paper.")
  private boolean afterReport;

  @Override
  public Integer call() {
    FindingsEdit edit = filmOptions.edit();
    questions.forEach(this::check);
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
        Terminal.say(Failure.message(e));
        if (json) {
          Terminal.data().println(session.refused(image, film, e, warnings).json());
        }
        return Main.SOME_FAILED;
      }
    }
    if (!json) {
      System.out.println(Notice.RESEARCH_USE);
    }
    return Main.DONE;
  }

  private void check(String question) {
    if (question.codePoints().allMatch(AskCommand::isBlank)) {
      throw usage("a QUESTION is empty; expected a text, for example \"Is there an effusion?\"");
    }
    if (isImage(question)) {
      throw usage(
          ("expected a QUESTION, found the image \"%s\"; ask takes one IMAGE (report and"
                  + " findings take several)")
              .formatted(Printable.of(question)));
    }
  }

  private RuntimeException usage(String message) {
    return spec == null
        ? new IllegalArgumentException(message)
        : new ParameterException(spec.commandLine(), message);
  }

  private static boolean isBlank(int c) {
    return switch (Character.getType(c)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.SPACE_SEPARATOR,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR ->
          true;
      default -> false;
    };
  }

  // Detects a pattern that the shell expanded to two names, or a misplaced file: a question is
  // never a single word with the suffix of an image or the name of an image file.
  private static boolean isImage(String question) {
    if (IMAGE_NAME.matcher(question).matches()) {
      return true;
    }
    try (InputStream in = Files.newInputStream(Path.of(question))) {
      String head = new String(in.readNBytes(132), StandardCharsets.ISO_8859_1);
      return head.startsWith("\u0089PNG")
          || head.startsWith("\u00ff\u00d8")
          || head.endsWith("DICM");
    } catch (IOException | InvalidPathException e) {
      return false; // not a readable file: a question
    }
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
        System.out.println("> " + Printable.escaped(question));
      }
      Reply reply = dialog.ask(question, model.decoding(), sink);
      if (json) {
        Terminal.data()
            .println(
                TurnJson.of(reply, TimingsJson.of(session.load(), reply.timings(), begun)).json());
      } else {
        text.end();
        Notice.of(reply).forEach(w -> System.out.println("  ! " + w));
        Notice.of(reply.guidance()).forEach(w -> System.out.println("  ~ " + w));
      }
      begun = 0;
    }
  }
}
