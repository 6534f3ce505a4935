package org.radialog.cli;

import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.radialog.base.Printable;
import org.radialog.base.Progress;
import org.radialog.base.RadialogException;
import org.radialog.dialog.Dialog;
import org.radialog.dialog.Findings;
import org.radialog.dialog.FindingsEdit;
import org.radialog.dialog.RaDialog;
import org.radialog.dialog.Reply;
import org.radialog.dialog.Report;
import org.radialog.dialog.Study;
import org.radialog.imaging.Guard;
import org.radialog.imaging.Preprocessing;
import org.radialog.imaging.Radiograph;
import org.radialog.published.ModelConfig;
import org.radialog.wire.Evidence;
import org.radialog.wire.FindingsView;
import org.radialog.wire.GuardJson;
import org.radialog.wire.ImageJson;
import org.radialog.wire.ModelJson;
import org.radialog.wire.Notice;
import org.radialog.wire.ReportJson;
import org.radialog.wire.ReportPage;
import org.radialog.wire.TimingsJson;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code radialog report IMAGE…}: prints findings with probabilities, then the report. */
@Command(
    name = "report",
    description = "Writes the report of one or more chest radiographs.",
    mixinStandardHelpOptions = true)
final class ReportCommand implements Callable<Integer> {
  @Parameters(arity = "1..*", paramLabel = "IMAGE", description = "PNG, JPEG or DICOM")
  private List<Path> images = List.of();

  @Mixin private ModelOptions model = new ModelOptions();

  @Mixin private FilmOptions filmOptions = new FilmOptions();

  @Option(
      names = "--json",
      description = "Prints one line with a JSON object per image, in input order.")
  private boolean json;

  @Option(
      names = "--html",
      paramLabel = "FILE",
      description = "Also writes one self-contained page with films, overlays and reports.")
  private @Nullable Path html;

  @Option(
      names = "--evidence",
      paramLabel = "DIR",
      description =
          "Also writes an image per present or uncertain finding that shows which parts"
              + " of the film contribute to it.")
  private @Nullable Path evidence;

  @Option(names = "--impression", description = "Also writes an impression of the report.")
  private boolean impression;

  @Override
  public Integer call() {
    FindingsEdit edit = filmOptions.edit();
    boolean quiet = json || images.size() == 1;
    List<ReportPage.Entry> page = new ArrayList<>();
    int code = Main.DONE;
    try (RaDialog radialog = model.load();
        Progress.Task progress =
            (quiet ? Progress.NONE : Terminal.progress()).start("reports", images.size())) {
      radialog.config().requireSection(ModelConfig.Section.FINDINGS);
      if (impression) {
        radialog.config().requireSection(ModelConfig.Section.IMPRESSION);
      }
      Session session = Session.of(radialog);
      for (Path image : images) {
        ReportPage.Entry entry =
            one(radialog, session, image, edit, page.isEmpty() ? 0 : -session.sinceStart());
        if (entry.error().isPresent()) {
          code = Main.SOME_FAILED;
        }
        page.add(entry);
        progress.step(String.valueOf(image.getFileName()));
      }
      if (html != null) {
        ReportPage.write(html, radialog.config(), page);
      }
    }
    if (!json) {
      System.out.println(Notice.RESEARCH_USE);
    }
    return code;
  }

  private ReportPage.Entry one(
      RaDialog radialog, Session session, Path image, FindingsEdit edit, double shift) {
    Radiograph film = null;
    List<Guard.Warning> warnings = List.of();
    try {
      film = Radiograph.read(image);
      Study study = filmOptions.study(film);
      try (Dialog dialog = radialog.open(study)) {
        warnings = dialog.warnings();
        dialog.requireFrontal();
        dialog.edit(edit);
        double begun = session.sinceStart() + shift;
        PrintStream out = System.out;
        Wrapping text = new Wrapping(out, 2, 88);
        if (!json) {
          out.println(Session.heading(image, film));
          out.println();
          dialog.warnings().forEach(w -> out.println("  ! " + Printable.line(w.message())));
          out.println("Findings");
          Findings seen = dialog.findings();
          FindingsView.lines(seen, Terminal.unicode(), Terminal.colours()).forEach(out::println);
          out.printf("%nReport%n");
        }
        Consumer<String> sink = json ? piece -> {} : text::write;
        Report report = dialog.report(model.decoding(), sink);
        Optional<Reply> drawn = Optional.empty();
        if (!json) {
          text.end();
          Notice.of(report).forEach(w -> out.println("  ! " + w));
          Notice.of(report.guidance()).forEach(w -> out.println("  ~ " + w));
        }
        if (impression) {
          if (!json) {
            out.printf("%nImpression%n");
          }
          drawn = Optional.of(dialog.impression(model.decoding(), sink));
          text.end();
          if (!json) {
            Notice.ofImpression(drawn.get()).forEach(w -> out.println("  ! " + w));
            Notice.of(drawn.get().guidance()).forEach(w -> out.println("  ~ " + w));
          }
        }
        if (json) {
          Terminal.data()
              .println(
                  ReportJson.of(
                          ImageJson.of(image, film),
                          ModelJson.of(radialog),
                          GuardJson.of(true, dialog.warnings()),
                          report,
                          drawn,
                          TimingsJson.of(session.load(), report.timings(), begun))
                      .json());
        } else {
          out.println();
        }
        List<ReportPage.Overlay> overlays =
            html == null && evidence == null
                ? List.of()
                : Evidence.of(dialog, film, report.findings(), seen(radialog.config()));
        if (evidence != null) {
          Evidence.write(evidence, image, overlays);
        }
        return new ReportPage.Entry(
            image,
            Optional.empty(),
            Optional.of(film),
            dialog.warnings().stream().map(w -> w.message()).toList(),
            Optional.of(report),
            drawn,
            overlays);
      }
    } catch (RadialogException e) {
      Terminal.say(Failure.message(e));
      if (json) {
        Terminal.data().println(session.refused(image, film, e, warnings).json());
      }
      return ReportPage.Entry.failed(image, Failure.message(e));
    }
  }

  private static Preprocessing seen(ModelConfig config) {
    return config.film().preprocessing().forClassifier();
  }
}
