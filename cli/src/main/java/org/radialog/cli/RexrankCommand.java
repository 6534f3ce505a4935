package org.radialog.cli;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.radialog.base.Progress;
import org.radialog.base.RadialogException;
import org.radialog.data.ImageChoice;
import org.radialog.data.ReportedStudy;
import org.radialog.data.RexRank;
import org.radialog.data.StudyImage;
import org.radialog.data.StudySet;
import org.radialog.dialog.Dialog;
import org.radialog.dialog.RaDialog;
import org.radialog.dialog.Study;
import org.radialog.imaging.Radiograph;
import org.radialog.wire.Notice;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code radialog rexrank}: the command-line interface that ReXrank requires of every system. */
@Command(
    name = "rexrank",
    description = {
      "Writes a report for every study of a ReXrank file in the format that ReXrank"
          + " scores: the studies of the input, each with model_prediction. The image read"
          + " is the key image of the study if it is frontal, otherwise the first frontal"
          + " image, otherwise the first image."
    },
    mixinStandardHelpOptions = true)
final class RexrankCommand implements Callable<Integer> {
  @Option(
      names = "--input_json_file",
      required = true,
      paramLabel = "FILE",
      description = "The studies, for example ReXRank_IUXray_test.json.")
  private Path input = Path.of("");

  @Option(
      names = "--save_json_file",
      required = true,
      paramLabel = "FILE",
      description = "The output: the same studies, each with a prediction.")
  private Path output = Path.of("");

  @Option(
      names = "--img_root_dir",
      required = true,
      paramLabel = "DIR",
      description = "The folder that image paths are relative to.")
  private Path images = Path.of("");

  @Mixin private ModelOptions model = new ModelOptions();

  @Override
  public Integer call() {
    StudySet studies = RexRank.of(input).withImages(images).readAll();
    studies.rejected().forEach(rejected -> Terminal.say(rejected.toString()));
    boolean failed = !studies.rejected().isEmpty();
    Map<String, String> reports = new HashMap<>();
    Progress progress = Terminal.progress();
    try (RaDialog radialog = model.load();
        Progress.Task task = progress.start("reports", studies.studies().size())) {
      for (ReportedStudy study : studies.studies()) {
        try {
          StudyImage image = image(study);
          try (Dialog dialog = radialog.open(Study.of(Radiograph.read(image.file())).ofAnyView())) {
            reports.put(study.id(), dialog.report(model.decoding(), text -> {}).text());
          }
        } catch (RadialogException e) {
          Terminal.say("study " + study.id() + ": " + e.getMessage());
          failed = true;
        }
        task.step("");
      }
    }
    List<String> without = RexRank.write(input, output, id -> Optional.ofNullable(reports.get(id)));
    if (!without.isEmpty()) {
      Terminal.say(
          "%d of %d studies have no prediction and are left out of %s"
              .formatted(without.size(), without.size() + reports.size(), output));
      failed = true;
    }
    Terminal.say(Notice.RESEARCH_USE);
    return failed ? Main.SOME_FAILED : Main.DONE;
  }

  private static StudyImage image(ReportedStudy study) {
    return ImageChoice.KEY_IMAGE.of(study).stream()
        .findFirst()
        .orElseThrow(
            () -> new RadialogException("none of its images exists; expected at least one"));
  }
}
