package org.radialog.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.radialog.base.Printable;
import org.radialog.base.Progress;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.clinical.Finding;
import org.radialog.clinical.FindingState;
import org.radialog.clinical.View;
import org.radialog.data.Film;
import org.radialog.data.NihRelease;
import org.radialog.data.NihRelease.Released;
import org.radialog.data.ReportRow;
import org.radialog.data.ReportedStudy;
import org.radialog.data.StudySplit;
import org.radialog.eval.Samples;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code radialog data sample}: RaDialog's stratified samples of a data set. */
@Command(
    name = "sample",
    description = {
      "Draws the stratified sample used to train or evaluate RaDialog: the"
          + " images with a positive finding, and enough of the other images to make"
          + " up one fourteenth of the total. The table has one image per row, with the 14"
          + " labels as 1, 0, -1 or empty, and the report if the data set has reports. It can"
          + " be used with evaluate --data."
    },
    mixinStandardHelpOptions = true)
final class SampleCommand implements Callable<Integer> {
  private enum Purpose {
    TRAINING,
    EVALUATION
  }

  /** An image with its known data. */
  private record Row(
      Path image,
      String report,
      String study,
      String patient,
      StudySplit split,
      View view,
      String age,
      String sex,
      Map<Finding, FindingState> labels) {

    static final List<String> COLUMNS =
        List.of("image", "report", "study", "patient", "split", "view", "age", "sex");

    static Row of(Released released) {
      Film film = released.film();
      Map<Finding, FindingState> labels = new EnumMap<>(Finding.class);
      film.truth()
          .forEach((finding, truth) ->
              labels.put(
                  finding,
                  switch (truth) {
                    case PRESENT -> FindingState.PRESENT;
                    case ABSENT -> FindingState.ABSENT;
                    case UNKNOWN -> FindingState.NOT_MENTIONED;
                  }));
      return new Row(
          film.file(),
          "",
          film.image(),
          film.patient(),
          released.split(),
          film.view(),
          Integer.toString(film.age()),
          film.sex(),
          labels);
    }

    static Row of(ReportRow row, Map<Finding, FindingState> labels) {
      ReportedStudy study = row.study();
      return new Row(
          row.image().file(),
          row.findings(),
          study.id(),
          study.patient(),
          study.split(),
          row.image().view(),
          study.attribute(ReportedStudy.AGE),
          study.attribute(ReportedStudy.SEX),
          labels);
    }

    List<Object> cells() {
      List<Object> cells =
          new ArrayList<>(
              List.of(
                  image.toAbsolutePath().toString(),
                  report,
                  study,
                  patient,
                  split == StudySplit.NONE ? "" : split.label(),
                  view == View.UNKNOWN ? "" : view.name(),
                  age,
                  sex));
      Finding.ALL.forEach(
          f -> cells.add(labels.getOrDefault(f, FindingState.NOT_MENTIONED).code()));
      return cells;
    }
  }

  @Mixin private DataOptions.Source source = new DataOptions.Source();

  @Option(
      names = "--for",
      required = true,
      paramLabel = "PURPOSE",
      description = {
        "training: repeats each image with a finding --epochs times and draws the others with"
            + " --seed; evaluation: contains each image with a finding once, and the first of the"
            + " others, as with --strat_eval of the original."
      })
  private Purpose purpose = Purpose.TRAINING;

  @Option(
      names = "--split",
      paramLabel = "S",
      description = "The split to sample: train, validate or test (default: all).")
  private @Nullable StudySplit split;

  @Option(
      names = "--epochs",
      paramLabel = "N",
      defaultValue = "2",
      converter = Numeric.Epochs.class,
      description =
          "For training: number of repetitions of an image with a finding (default:"
              + " ${DEFAULT-VALUE}).")
  private int epochs;

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "0",
      description =
          "For training: the seed for drawing the images without a finding (default:"
              + " ${DEFAULT-VALUE}).")
  private long seed;

  @Mixin private LabelerOptions labeler = new LabelerOptions();

  @Mixin private DataOptions.Table table = new DataOptions.Table();

  @Override
  public Integer call() {
    DataOptions.LeftOut leftOut = new DataOptions.LeftOut();
    List<Row> rows = source.isNih() ? films(leftOut) : studies(leftOut);
    if (rows.isEmpty()) {
      throw new RadialogException(
          Kind.REFUSED_DATA,
          "%s has no image to draw%s: expected NIH films or studies with images and findings"
              .formatted(
                  Printable.escaped(source.path().toString()),
                  split == null ? "" : " in the split " + split.label()));
    }
    List<Row> sample =
        switch (purpose) {
          case TRAINING -> ReportRow.stratifiedForTraining(rows, Row::labels, epochs, seed);
          case EVALUATION -> ReportRow.stratifiedForEvaluation(rows, Row::labels);
        };
    List<String> columns = new ArrayList<>(Row.COLUMNS);
    Finding.ALL.forEach(finding -> columns.add(finding.label()));
    table.write(columns, sample.stream().map(Row::cells).toList());
    return leftOut.exitCode();
  }

  private boolean isAskedFor(StudySplit of) {
    return split == null || split == of;
  }

  private List<Row> films(DataOptions.LeftOut leftOut) {
    return NihRelease.films(source.path(), leftOut).stream()
        .filter(released -> isAskedFor(released.split()))
        .map(Row::of)
        .toList();
  }

  private List<Row> studies(DataOptions.LeftOut leftOut) {
    List<ReportRow> read = new ArrayList<>();
    source
        .studies()
        .read(
            study -> {
              if (isAskedFor(study.split())) {
                read.addAll(ReportRow.of(study));
              }
            },
            leftOut);
    List<Row> rows = new ArrayList<>();
    try (LabelerOptions.Opened opened = labeler.open();
        Progress.Task task = Terminal.progress().start("labels", read.size())) {
      for (ReportRow row : read) {
        rows.add(Row.of(row, Samples.truth(row, opened.labeler())));
        task.step("");
      }
    }
    return rows;
  }
}
