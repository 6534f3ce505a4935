package org.radialog.cli;

import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.radialog.data.NihRelease;
import org.radialog.data.Rejected;
import org.radialog.data.StudySource;
import picocli.CommandLine.Option;

/** A data set, told by its files as {@code evaluate} tells it. */
final class DataSource {
  @Option(
      names = "--data",
      required = true,
      paramLabel = "DATASET",
      description = {
        "NIH ChestX-ray14 as released (Data_Entry_2017*.csv) or prepared (labels.csv and"
            + " images/), MIMIC-CXR, CheXpert Plus, Indiana University, ReXrank JSON or a table."
      })
  private Path data = Path.of("");

  @Option(
      names = "--images",
      paramLabel = "DIR",
      description = "Where the images lie, if elsewhere.")
  private @Nullable Path images;

  Path path() {
    return data;
  }

  /** Whether it has films of the NIH, which have no reports. */
  boolean isNih() {
    return NihRelease.filmsIn(data);
  }

  /** The studies of any other data set. */
  StudySource studies() {
    return StudySource.open(data, Optional.ofNullable(images));
  }

  /** Names on stderr what a reader leaves out. */
  static final class LeftOut implements Consumer<Rejected> {
    private boolean some;

    @Override
    public void accept(Rejected rejected) {
      some = true;
      Terminal.say(rejected.toString());
    }

    int exitCode() {
      return some ? Main.SOME_FAILED : Main.DONE;
    }
  }
}
