package org.radialog.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.radialog.base.Printable;
import org.radialog.clinical.RuleLabeler;
import org.radialog.data.MimicCxr;
import org.radialog.data.NihRelease;
import org.radialog.data.StudySource;
import org.radialog.data.StudySplit;
import org.radialog.instruct.CaseSource;
import org.radialog.instruct.DataCard;
import org.radialog.instruct.DialogFile;
import org.radialog.instruct.DialogMix;
import org.radialog.instruct.DialogRun;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code radialog data instruct}: dialogs about the images of a data set. */
@Command(
    name = "instruct",
    description = {
      "Makes the instruct data set of a data set: dialogs about its images in the JSON of LLaVA, as"
          + " radialog-instruct-dataset 1.1.0 has them, with what is known beside in the field"
          + " radialog. Films of the NIH have no reports: theirs are written from the labels and"
          + " marked synthetic.",
      "Where an answer has to be written (easy language, summaries and the like of real reports), a"
          + " model writes it, or the dialog is left out."
    },
    mixinStandardHelpOptions = true)
final class InstructCommand implements Callable<Integer> {
  @Spec private @Nullable CommandSpec spec;

  @Option(
      names = "--from",
      required = true,
      paramLabel = "DATASET",
      description = {
        "NIH ChestX-ray14 as released or prepared, MIMIC-CXR, CheXpert Plus, Indiana University,"
            + " ReXrank JSON or a table."
      })
  private Path from = Path.of("");

  @Option(
      names = "--images",
      paramLabel = "DIR",
      description = "Where the images lie, if elsewhere; paths in the dialogs are relative to it.")
  private @Nullable Path images;

  @Option(
      names = "--reports",
      paramLabel = "DIR",
      description = "Of MIMIC-CXR: where files/p10/… with the reports lies, if elsewhere.")
  private @Nullable Path reports;

  @Option(
      names = "--sectioned",
      paramLabel = "FILE",
      description = "Of MIMIC-CXR: mimic_cxr_sectioned.csv, in place of the reports.")
  private @Nullable Path sectioned;

  @Option(
      names = "--chexbert",
      paramLabel = "FILE",
      description = "Of MIMIC-CXR: CheXbert's labels, by study_id or dicom_id.")
  private @Nullable Path chexbert;

  @Option(
      names = "--labels",
      paramLabel = "SOURCE",
      description = {
        "Whose labels count: chexbert, chexpert, negbio, table, or rules for the labeler that is"
            + " built in (default: chexbert where the data set has it, else rules)."
      })
  private @Nullable String labels;

  @Option(
      names = "--split",
      paramLabel = "S",
      defaultValue = "train",
      description =
          "train, validate or test; what is in no split is always taken (default:"
              + " ${DEFAULT-VALUE}).")
  private StudySplit split = StudySplit.TRAIN;

  @Option(
      names = "--mix",
      paramLabel = "MIX",
      defaultValue = "own",
      description = {
        "Which tasks how often, in which words: own (ours), published (as the paper's), or a JSON"
            + " file like those (default: ${DEFAULT-VALUE})."
      })
  private String mix = "own";

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "0",
      description = "Of all that is drawn at random (default: ${DEFAULT-VALUE}).")
  private long seed;

  @Option(names = "--out", required = true, paramLabel = "FILE", description = "The dialogs.")
  private Path out = Path.of("");

  @Override
  public Integer call() {
    DialogMix chosen =
        DialogMix.NAMES.contains(mix) ? DialogMix.named(mix) : DialogMix.read(Path.of(mix));
    DataCommand.LeftOut leftOut = new DataCommand.LeftOut();
    CaseSource source = source(chosen);
    DialogRun run = new DialogRun(source, chosen, seed, Optional.empty(), Map.of());
    DialogRun.Outcome outcome = run.write(out, leftOut, Terminal.progress());
    System.out.println("task           dialogs");
    outcome.dialogs().forEach((task, count) -> System.out.printf("%-14s %7d%n", task, count));
    System.out.printf("%-14s %7d%n", "total", outcome.total());
    outcome.leftOut().forEach((why, count) -> Terminal.say("left out: " + count + " of " + why));
    if (!source.terms().isEmpty()) {
      Terminal.say("terms of " + source.name() + ": " + source.terms());
    }
    Terminal.say(
        "wrote %s: %d dialogs of %d cases, seed %d, mix %s"
            .formatted(
                Printable.escaped(out.toString()),
                outcome.total(),
                outcome.cases(),
                seed,
                chosen.name()));
    return leftOut.exitCode();
  }

  private CaseSource source(DialogMix chosen) {
    if (NihRelease.filmsIn(from)) {
      require(
          images == null && reports == null && sectioned == null && chexbert == null,
          "--images, --reports, --sectioned and --chexbert do not go with films of the NIH");
      require(labels == null, "--labels does not go with films of the NIH, which have one source");
      return CaseSource.films(from, split, seed);
    }
    StudySource studies = StudySource.open(from, Optional.ofNullable(images));
    if (studies instanceof MimicCxr mimic) {
      MimicCxr set = reports == null ? mimic : mimic.withReports(reports);
      set = sectioned == null ? set : set.withSectioned(sectioned);
      studies = chexbert == null ? set : set.withChexbert(chexbert);
    } else {
      require(
          reports == null && sectioned == null && chexbert == null,
          "--reports, --sectioned and --chexbert go with MIMIC-CXR");
    }
    Path folder = Files.isDirectory(from) ? from : from.toAbsolutePath().getParent();
    Path root = images != null ? images : folder == null ? Path.of("") : folder;
    return CaseSource.studies(
        studies,
        new CaseSource.Studies(
            root,
            Optional.ofNullable(labels),
            split,
            chosen.onePerStudy(),
            chosen.switches(),
            Map.of()));
  }

  private void require(boolean holds, String message) {
    if (!holds && spec != null) {
      throw new ParameterException(spec.commandLine(), message);
    }
  }

  /** {@code radialog data card FILE}: what a file of dialogs holds. */
  @Command(
      name = "card",
      description = {
        "Says what a file of dialogs holds, one of radialog data instruct or the published"
            + " radialog-instruct-dataset: counts by task, source and label, the balance of yes and"
            + " no, and which answers contradict their labels as the labeler reads them."
      },
      mixinStandardHelpOptions = true)
  static final class Card implements Callable<Integer> {
    @Parameters(paramLabel = "FILE", description = "Dialogs in the JSON of LLaVA.")
    private Path file = Path.of("");

    @Option(names = "--json", description = "One JSON object in place of Markdown.")
    private boolean json;

    @Override
    public Integer call() {
      DataCard card = new DataCard(new RuleLabeler());
      DialogFile.read(file, card::add);
      if (json) {
        Terminal.data().println(Json.tree(card.values()));
      } else {
        Terminal.data().print(card.markdown(String.valueOf(file.getFileName())));
      }
      return Main.DONE;
    }
  }
}
