package org.radialog.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.apache.commons.csv.CSVFormat;
import org.radialog.base.RadialogException;
import org.radialog.clinical.Finding;
import org.radialog.dialog.Dialog;
import org.radialog.dialog.Findings;
import org.radialog.dialog.FindingsEdit;
import org.radialog.dialog.RaDialog;
import org.radialog.dialog.Study;
import org.radialog.imaging.Radiograph;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code radialog findings IMAGE…}: the classifier alone. */
@Command(
    name = "findings",
    description = "Tells the probabilities of the findings on one or more chest radiographs.",
    mixinStandardHelpOptions = true)
final class FindingsCommand implements Callable<Integer> {
  private static final CSVFormat TABLE = CSVFormat.DEFAULT;

  @Parameters(arity = "1..*", paramLabel = "IMAGE", description = "PNG, JPEG or DICOM")
  private List<Path> images = List.of();

  @Mixin private ModelOptions model = new ModelOptions();

  @Option(
      names = "--csv",
      description = "A table: image and the 14 labels; an empty cell is a label not assessed.")
  private boolean csv;

  @Mixin private FilmOptions filmOptions = new FilmOptions();

  @Override
  public Integer call() {
    int code = Main.DONE;
    FindingsEdit edit = filmOptions.edit();
    try (RaDialog radialog = model.load()) {
      if (csv) {
        List<Object> header = new ArrayList<>(List.of("image"));
        Finding.ALL.forEach(f -> header.add(f.label()));
        System.out.println(TABLE.format(header.toArray()));
      }
      for (Path image : images) {
        try {
          Radiograph film = Radiograph.read(image);
          Study study = filmOptions.study(film);
          try (Dialog dialog = radialog.open(study)) {
            dialog.edit(edit);
            Findings findings = dialog.findings();
            if (csv) {
              System.out.println(TABLE.format(row(image, findings).toArray()));
            } else {
              System.out.printf("%s  %d×%d%n", image, film.width(), film.height());
              dialog.warnings().forEach(w -> System.out.println("  ! " + w.message()));
              FindingsView.lines(findings, Terminal.unicode(), Terminal.colours())
                  .forEach(System.out::println);
              System.out.println();
            }
          }
        } catch (RadialogException e) {
          Terminal.say(Notice.of(e));
          code = Main.SOME_FAILED;
        }
      }
      if (csv) {
        Terminal.say(Notice.RESEARCH_USE);
      } else {
        System.out.println(Notice.RESEARCH_USE);
      }
    }
    return code;
  }

  private static List<Object> row(Path image, Findings findings) {
    List<Object> row = new ArrayList<>(List.of(image));
    for (Findings.Assessment a : findings.all()) {
      row.add(
          a.probability().isPresent()
              ? String.format(Locale.ROOT, "%.4f", a.probability().getAsDouble())
              : "");
    }
    return row;
  }
}
