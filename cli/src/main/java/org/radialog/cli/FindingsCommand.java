package org.radialog.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.radialog.base.CsvLine;
import org.radialog.base.Printable;
import org.radialog.base.RadialogException;
import org.radialog.clinical.Finding;
import org.radialog.dialog.Dialog;
import org.radialog.dialog.Findings;
import org.radialog.dialog.FindingsEdit;
import org.radialog.dialog.RaDialog;
import org.radialog.imaging.Radiograph;
import org.radialog.wire.FindingsJson;
import org.radialog.wire.FindingsView;
import org.radialog.wire.GuardJson;
import org.radialog.wire.ImageJson;
import org.radialog.wire.ModelJson;
import org.radialog.wire.Notice;
import org.radialog.wire.TimingsJson;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code radialog findings IMAGE…}: runs only the classifier. */
@Command(
    name = "findings",
    description = "Prints the probabilities of the findings for one or more chest radiographs.",
    mixinStandardHelpOptions = true)
final class FindingsCommand implements Callable<Integer> {

  @Spec private @Nullable CommandSpec spec;

  @Parameters(arity = "1..*", paramLabel = "IMAGE", description = "PNG, JPEG or DICOM")
  private List<Path> images = List.of();

  @Mixin private ModelOptions model = new ModelOptions();

  /** One of two. */
  private static final class Output {
    @Option(
        names = "--csv",
        description =
            "Prints a table with the columns image and the 14 labels; an empty cell is a"
                + " label that is not assessed.")
    private boolean csv;

    @Option(
        names = "--json",
        description =
            "Prints one line with a JSON object per image, in input order, in the format"
                + " of report --json.")
    private boolean json;
  }

  @ArgGroup private @Nullable Output output;

  @Option(
      names = "--states",
      description =
          "With --csv: also prints the state of each label and the thresholds that"
              + " determine it.")
  private boolean states;

  @Mixin private FilmOptions filmOptions = new FilmOptions();

  @Override
  public Integer call() {
    FindingsEdit edit = filmOptions.edit();
    boolean csv = output != null && output.csv;
    boolean json = output != null && output.json;
    if (states && !csv && spec != null) {
      throw new ParameterException(spec.commandLine(), "--states can only be used with --csv");
    }
    int code = Main.DONE;
    try (RaDialog radialog = model.load()) {
      Session session = Session.of(radialog);
      double begun = 0; // the first image also includes the start
      if (csv) {
        Terminal.data().println(CsvLine.of(header(knowsUncertain(radialog))));
      }
      for (Path image : images) {
        Radiograph film = null;
        try {
          film = Radiograph.read(image);
          try (Dialog dialog = radialog.open(filmOptions.study(film))) {
            dialog.edit(edit);
            double encoding = session.sinceStart();
            Findings findings = dialog.findings();
            double encode = session.sinceStart() - encoding;
            if (csv) {
              dialog
                  .warnings()
                  .forEach(w -> Terminal.say(Printable.escaped(image + ": " + w.message())));
              Terminal.data().println(CsvLine.of(row(image, findings, knowsUncertain(radialog))));
            } else if (json) {
              double total = session.sinceStart() - begun;
              Terminal.data()
                  .println(
                      FindingsJson.of(
                              ImageJson.of(image, film),
                              ModelJson.of(radialog),
                              GuardJson.of(true, dialog.warnings()),
                              findings,
                              TimingsJson.ofFindings(session.load(), encode, total))
                          .json());
            } else {
              System.out.println(Session.heading(image, film));
              dialog
                  .warnings()
                  .forEach(w -> System.out.println("  ! " + Printable.line(w.message())));
              FindingsView.lines(findings, Terminal.unicode(), Terminal.colours())
                  .forEach(System.out::println);
              System.out.println();
            }
          }
        } catch (RadialogException e) {
          Terminal.say(Failure.message(e));
          if (json) {
            Terminal.data().println(session.refused(image, film, e, List.of()).json());
          }
          code = Main.SOME_FAILED;
        }
        begun = session.sinceStart();
      }
      if (csv) {
        Terminal.say(Notice.RESEARCH_USE);
      } else if (!json) {
        FindingsView.performance(
                radialog.config().film().classifier().performance().orElse(List.of()),
                Terminal.unicode())
            .forEach(System.out::println);
        System.out.println(Notice.RESEARCH_USE);
      }
    }
    return code;
  }

  private static boolean knowsUncertain(RaDialog radialog) {
    return radialog.config().film().classifier().possible().isPresent();
  }

  private List<Object> header(boolean uncertain) {
    List<Object> header = new ArrayList<>(List.of("image"));
    Finding.ALL.forEach(f -> header.add(f.label()));
    if (states) {
      Finding.ALL.forEach(f -> header.add(f.label() + " state"));
      Finding.ALL.forEach(f -> header.add(f.label() + " threshold"));
      if (uncertain) {
        Finding.ALL.forEach(f -> header.add(f.label() + " uncertain above"));
      }
    }
    return header;
  }

  private List<Object> row(Path image, Findings findings, boolean uncertain) {
    List<Object> row = new ArrayList<>(List.of(image));
    findings.all().forEach(a -> row.add(cell(a.probability())));
    if (states) {
      findings.all().forEach(a -> row.add(a.state().label()));
      findings.all().forEach(a -> row.add(cell(a.threshold())));
      if (uncertain) {
        findings.all().forEach(a -> row.add(cell(a.uncertainAbove())));
      }
    }
    return row;
  }

  private static String cell(OptionalDouble value) {
    return value.isPresent() ? String.format(Locale.ROOT, "%.4f", value.getAsDouble()) : "";
  }
}
