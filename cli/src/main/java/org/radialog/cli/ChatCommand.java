package org.radialog.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jline.reader.EndOfFileException;
import org.jline.reader.LineReader;
import org.jline.reader.LineReaderBuilder;
import org.jline.reader.UserInterruptException;
import org.jline.terminal.Terminal.Signal;
import org.jline.terminal.TerminalBuilder;
import org.radialog.base.Printable;
import org.radialog.base.RadialogException;
import org.radialog.dialog.Correction;
import org.radialog.dialog.Dialog;
import org.radialog.dialog.FindingsEdit;
import org.radialog.dialog.Guidance;
import org.radialog.dialog.RaDialog;
import org.radialog.dialog.Reply;
import org.radialog.dialog.Report;
import org.radialog.dialog.Study;
import org.radialog.imaging.Radiograph;
import org.radialog.wire.FindingsView;
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

/** {@code radialog chat IMAGE}: a conversation on the terminal. */
@Command(
    name = "chat",
    description = {
      "Holds a conversation about a chest radiograph. If standard input is not a"
          + " terminal, each line is one turn.",
      "Turns: a question, /report, /impression, /summary, /correct +Name,-Name, /findings, /quit.",
      "Ctrl-C stops an answer; the conversation goes on."
    },
    mixinStandardHelpOptions = true)
final class ChatCommand implements Callable<Integer> {
  @Spec private CommandSpec spec = CommandSpec.create();

  @Parameters(index = "0", arity = "1", paramLabel = "IMAGE", description = "PNG, JPEG or DICOM")
  private Path image = Path.of("");

  @Mixin private ModelOptions model = new ModelOptions();

  @Mixin private FilmOptions film = new FilmOptions();

  @Option(names = "--json", description = "Prints one line with a JSON object per turn.")
  private boolean json;

  /** The source of turns. */
  private interface Turns {
    /** The next turn; empty at the end of input. */
    Optional<String> next() throws IOException;
  }

  @Override
  public Integer call() {
    FindingsEdit edit = film.edit();
    if (Radiograph.isStandardInput(image) || film.priorFromStandardInput()) {
      throw new ParameterException(
          spec.commandLine(),
          "chat reads its turns from standard input, so it cannot read the image from"
              + " there; name a file, or use ask or report");
    }
    try (RaDialog radialog = model.load()) {
      Session session = Session.of(radialog);
      Study study;
      try {
        study = film.study(Radiograph.read(image));
        try (Dialog dialog = radialog.open(study)) {
          dialog.edit(edit);
          dialog.requireFrontal();
          dialog.warnings().forEach(w -> Terminal.say(w.message()));
          converse(session, dialog, radialog.config().limitsLine());
        }
      } catch (RadialogException e) {
        Terminal.say(Failure.message(e));
        return Main.SOME_FAILED;
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return Main.DONE;
  }

  private void converse(Session session, Dialog dialog, String limits) throws IOException {
    if (Terminal.interactive()) {
      // JLine provides line editing and history, and turns Ctrl-C into a call.
      try (org.jline.terminal.Terminal terminal =
          TerminalBuilder.builder().system(true).nativeSignals(true).build()) {
        LineReader reader = LineReaderBuilder.builder().terminal(terminal).build();
        terminal.handle(Signal.INT, signal -> dialog.cancel());
        System.out.println((Notice.RESEARCH_USE + " " + limits).strip());
        loop(session, dialog, () -> read(reader));
      }
    } else {
      BufferedReader lines =
          new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
      loop(session, dialog, () -> Optional.ofNullable(lines.readLine()));
    }
  }

  private static Optional<String> read(LineReader reader) {
    while (true) {
      try {
        return Optional.of(reader.readLine("> "));
      } catch (UserInterruptException e) {
        // Ctrl-C on the input line discards the typed text, as in a shell.
      } catch (EndOfFileException e) {
        return Optional.empty();
      }
    }
  }

  private void loop(Session session, Dialog dialog, Turns turns) throws IOException {
    Wrapping text = new Wrapping(System.out, 0, 88);
    Consumer<String> sink = json ? piece -> {} : text::write;
    double begun = 0;
    for (Optional<String> next = turns.next(); next.isPresent(); next = turns.next()) {
      String turn = next.get().strip();
      if (turn.isEmpty()) {
        continue;
      }
      if (turn.equals("/quit")) {
        return;
      }
      try {
        if (turn.equals("/findings")) {
          FindingsView.lines(dialog.findings(), Terminal.unicode(), Terminal.colours())
              .forEach(json ? line -> {} : System.out::println);
          continue;
        }
        Said said = turn(dialog, turn, sink);
        text.end();
        if (json) {
          Terminal.data()
              .println(
                  TurnJson.of(
                          said.reply(),
                          TimingsJson.of(session.load(), said.reply().timings(), begun))
                      .json());
        }
        said.notices().forEach(Terminal::say); // below the text, not in the middle of it
      } catch (RadialogException e) {
        text.end();
        Terminal.say(e.getMessage());
      }
      begun = 0;
    }
  }

  /** The text of a turn, and the notices for its reader. */
  private record Said(Reply reply, List<String> notices) {
    static Said of(String turn, Report report) {
      return new Said(
          new Reply(
              turn,
              report.text(),
              report.consistency(),
              report.guidance(),
              report.end(),
              report.usage(),
              List.of(),
              report.timings()),
          and(Notice.of(report), report.guidance()));
    }

    static Said of(Reply reply) {
      return new Said(reply, and(Notice.of(reply), reply.guidance()));
    }

    private static List<String> and(List<String> notices, Guidance guidance) {
      return Stream.concat(notices.stream(), Notice.of(guidance).stream()).toList();
    }
  }

  private Said turn(Dialog dialog, String turn, Consumer<String> sink) {
    String[] words = turn.split("\\s+", 2);
    return switch (words[0].toLowerCase(Locale.ROOT)) {
      case "/report" -> Said.of(turn, dialog.report(model.decoding(), sink));
      case "/impression" -> Said.of(dialog.impression(model.decoding(), sink));
      case "/summary" -> Said.of(dialog.summary(model.decoding(), sink));
      case "/correct" -> Said.of(turn, dialog.correct(correction(words), model.decoding(), sink));
      default -> {
        if (turn.startsWith("/")) {
          throw new RadialogException(
              "unknown command "
                  + Printable.of(words[0])
                  + "; expected a question, /report, /impression, /summary, /correct, /findings or"
                  + " /quit");
        }
        yield Said.of(dialog.ask(turn, model.decoding(), sink));
      }
    };
  }

  private static Correction correction(String[] words) {
    FindingsEdit edit = FindingsEdit.parse(words.length < 2 ? "" : words[1]);
    return switch (edit) {
      case FindingsEdit.Changed(Correction correction) -> correction;
      case FindingsEdit.Hidden() ->
          throw new RadialogException("/correct takes +name, -name or ?name, but not none");
    };
  }
}
