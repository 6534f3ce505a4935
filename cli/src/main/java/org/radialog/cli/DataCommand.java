package org.radialog.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.radialog.base.Printable;
import org.radialog.clinical.Finding;
import org.radialog.data.Film;
import org.radialog.data.Folds;
import org.radialog.data.NihRelease;
import org.radialog.data.NihRelease.Box;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code radialog data}: prepares tables for training and evaluation. */
@Command(
    name = "data",
    description = "Prepares data for training and evaluation.",
    subcommands = {
      DataCommand.FoldsOf.class,
      DuplicatesCommand.class,
      SampleCommand.class,
      DataCommand.Boxes.class,
      InstructCommand.class,
      InstructCommand.Card.class,
    },
    subcommandsRepeatable = false,
    synopsisSubcommandLabel = "COMMAND",
    mixinStandardHelpOptions = true)
final class DataCommand {
  private DataCommand() {}

  @Command(
      name = "folds",
      description = {
        "Divides the patients of a data set into folds that are balanced by label and"
            + " view and keep all films of a patient together. The same films and the same"
            + " seed give the same folds. Pass the table to train and evaluate with --folds."
      },
      mixinStandardHelpOptions = true)
  static final class FoldsOf implements Callable<Integer> {
    @Option(
        names = "--data",
        required = true,
        paramLabel = "DIR",
        description = {
          "NIH ChestX-ray14 as released, or a folder with labels.csv, which has the"
              + " columns image, patient, age, sex, view (PA or AP) and chexpert_positive"
              + " (labels separated by |)."
        })
    private Path data = Path.of("");

    @Option(
        names = "--out",
        required = true,
        paramLabel = "FILE",
        description = "The table to write.")
    private Path out = Path.of("");

    @Option(
        names = "--count",
        paramLabel = "N",
        defaultValue = "5",
        converter = Numeric.FoldCount.class,
        description = "Number of folds (default: ${DEFAULT-VALUE}).")
    private int count;

    @Option(
        names = "--seed",
        paramLabel = "N",
        defaultValue = "" + Folds.SEED,
        description = "Seed for the order of equivalent patients (default: ${DEFAULT-VALUE}).")
    private long seed;

    @Override
    public Integer call() {
      DataOptions.LeftOut leftOut = new DataOptions.LeftOut();
      List<Film> films =
          NihRelease.films(data, leftOut).stream().map(NihRelease.Released::film).toList();
      Folds folds = Folds.stratified(films, count, seed);
      folds.write(out);
      System.out.println("fold  patients  films");
      for (int fold = 0; fold < count; fold++) {
        List<Film> own = folds.films(films, fold);
        System.out.printf(
            Locale.ROOT,
            "%4d  %8d  %5d%n",
            fold,
            own.stream().map(Film::patient).distinct().count(),
            own.size());
      }
      Terminal.say("wrote " + Printable.escaped(out.toString()));
      return leftOut.exitCode();
    }
  }

  @Command(
      name = "boxes",
      description = {
        "Prints the bounding boxes that radiologists drew around findings on films of"
            + " NIH ChestX-ray14. Each row contains the film, the NIH label, the CheXpert label"
            + " if there is one, and x (left), y (top), width and height in pixels of the"
            + " 1024 x 1024 film."
      },
      mixinStandardHelpOptions = true)
  static final class Boxes implements Callable<Integer> {
    @Option(
        names = "--data",
        required = true,
        paramLabel = "DIR",
        description = "The folder of the release, with BBox_List_2017.csv.")
    private Path data = Path.of("");

    @Mixin private DataOptions.Table table = new DataOptions.Table();

    @Override
    public Integer call() {
      DataOptions.LeftOut leftOut = new DataOptions.LeftOut();
      List<List<Object>> rows = new ArrayList<>();
      for (Box box : new NihRelease(data).boxes(leftOut)) {
        rows.add(
            List.of(
                box.image(),
                box.label(),
                box.finding().map(Finding::label).orElse(""),
                box.x(),
                box.y(),
                box.width(),
                box.height()));
      }
      table.write(List.of("image", "label", "finding", "x", "y", "width", "height"), rows);
      return leftOut.exitCode();
    }
  }
}
