package org.radialog.cli;

import java.net.URI;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.radialog.base.Printable;
import org.radialog.clinical.Finding;
import org.radialog.clinical.RuleLabeler;
import org.radialog.data.MimicCxr;
import org.radialog.data.StudySource;
import org.radialog.data.StudySplit;
import org.radialog.dialog.RaDialog;
import org.radialog.instruct.Answers;
import org.radialog.instruct.CaseSource;
import org.radialog.instruct.DataCard;
import org.radialog.instruct.DialogFile;
import org.radialog.instruct.DialogMix;
import org.radialog.instruct.DialogRun;
import org.radialog.instruct.EndpointAnswerer;
import org.radialog.paper.ModelAnswerer;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code radialog data instruct}: generates dialogs about the images of a data set. */
@Command(
    name = "instruct",
    description = {
      "Generates the instruct data set from a data set: dialogs about its images in the JSON format"
          + " of LLaVA, like radialog-instruct-dataset 1.1.0. NIH films have no reports; their"
          + " reports are generated from the labels and marked as synthetic. Answers that the"
          + " labels and the report do not contain (for example easy language) are written by a"
          + " language model; without one, these dialogs are left out."
    },
    mixinStandardHelpOptions = true)
final class InstructCommand implements Callable<Integer> {
  @Spec private @Nullable CommandSpec spec;

  @Mixin private DataOptions.Source data = new DataOptions.Source();

  @Option(
      names = "--reports",
      paramLabel = "DIR",
      description = "MIMIC-CXR: the folder of the reports (files/p10/...), if it is elsewhere.")
  private @Nullable Path reports;

  @Option(
      names = "--chexbert",
      paramLabel = "FILE",
      description = "MIMIC-CXR: the labels of CheXbert, by study_id or dicom_id.")
  private @Nullable Path chexbert;

  @Option(
      names = "--labels",
      paramLabel = "SOURCE",
      description =
          "The labels to use: chexbert, chexpert, negbio, table, or rules for the built-in labeler"
              + " (default: chexbert if present, otherwise rules).")
  private @Nullable String labels;

  @Option(
      names = "--split",
      paramLabel = "S",
      defaultValue = "train",
      description = "train, validate or test; images without a split are always used.")
  private StudySplit split = StudySplit.TRAIN;

  @Option(
      names = "--mix",
      paramLabel = "MIX",
      defaultValue = "own",
      description = "The shares and wordings of the tasks: own, published, or a JSON file.")
  private String mix = "own";

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "0",
      description = "The seed of all random choices (default: ${DEFAULT-VALUE}).")
  private long seed;

  @Option(
      names = "--out",
      required = true,
      paramLabel = "FILE",
      description = "The file for the dialogs, written atomically.")
  private Path out = Path.of("");

  /** The language model that writes answers. */
  private static final class Writer {
    @Option(
        names = "--answer-model",
        paramLabel = "DIR",
        description = "A model folder; its language model writes the missing answers.")
    private @Nullable Path folder;

    @Option(
        names = "--endpoint",
        paramLabel = "URL",
        description =
            "An OpenAI-compatible endpoint that writes them, such as http://localhost:8000/v1. Its"
                + " key, if any, is read from the environment variable OPENAI_API_KEY.")
    private @Nullable URI endpoint;
  }

  @ArgGroup private @Nullable Writer writer;

  @Option(
      names = "--endpoint-model",
      paramLabel = "NAME",
      description = "The name of the model at the endpoint.")
  private @Nullable String endpointModel;

  @Option(
      names = "--answers",
      paramLabel = "FILE",
      description =
          "The file that keeps each answer with its prompt, model and seed; an interrupted run"
              + " continues from it (default: the name of --out with .answers.jsonl appended).")
  private @Nullable Path answersFile;

  @Option(
      names = "--send-reports-to",
      paramLabel = "HOST",
      description = "Required for an endpoint on another machine: the host that gets the reports.")
  private @Nullable String sendTo;

  @Option(
      names = "--data-use-agreement",
      paramLabel = "NAME",
      description = "Required with it: the agreement that allows sending the reports.")
  private @Nullable String agreement;

  @Option(
      names = "--predictions",
      paramLabel = "FILE",
      description =
          "For mixes with predicted findings: a table as printed by radialog findings --csv, by a"
              + " classifier that was not trained on these films; the threshold is 0.5.")
  private @Nullable Path predictions;

  @Option(
      names = "--nle",
      paramLabel = "FILE",
      description = "MIMIC-CXR: the explanations of MIMIC-NLE (mimic-nle-train.json).")
  private @Nullable Path nle;

  @Option(
      names = "--predicted-reports",
      paramLabel = "FILE",
      description =
          "A table with the columns id (study or image) and report: generated reports whose errors"
              + " are corrected, instead of errors that are introduced on purpose.")
  private @Nullable Path predictedReports;

  @Override
  public Integer call() {
    DialogMix chosen = DialogMix.of(mix);
    DataOptions.LeftOut leftOut = new DataOptions.LeftOut();
    CaseSource source = source(chosen);
    Map<String, Set<Finding>> predicted =
        predictions == null ? Map.of() : CaseSource.predictedFindings(predictions);
    DialogRun.Outcome outcome =
        answered(answers -> {
          DialogRun run = new DialogRun(source, chosen, seed, answers, predicted);
          DialogRun.Outcome done = run.write(out, leftOut, Terminal.progress());
          answers.ifPresent(asked ->
              Terminal.say(
                  "the model was asked for %d answers, %d of them were unusable"
                      .formatted(asked.asked(), asked.refused())));
          return done;
        });
    System.out.print(outcome.table());
    outcome
        .leftOut()
        .forEach((why, count) -> Terminal.say("left out: %d of %s".formatted(count, why)));
    if (!source.terms().isEmpty()) {
      Terminal.say("terms of " + source.name() + ": " + source.terms());
    }
    Terminal.say(
        "wrote %s: seed %d, mix %s"
            .formatted(Printable.escaped(out.toString()), seed, chosen.name()));
    return leftOut.exitCode();
  }

  private DialogRun.Outcome answered(Function<Optional<Answers>, DialogRun.Outcome> run) {
    Writer by = writer;
    URI endpoint = by == null ? null : by.endpoint;
    require(
        endpoint != null || (endpointModel == null && sendTo == null && agreement == null),
        "--endpoint-model, --send-reports-to and --data-use-agreement need --endpoint");
    require(by != null || answersFile == null, "--answers needs --answer-model or --endpoint");
    if (by == null) {
      return run.apply(Optional.empty());
    }
    Path file =
        answersFile != null
            ? answersFile
            : out.resolveSibling(out.getFileName() + ".answers.jsonl");
    if (endpoint != null) {
      Optional<String> objection = EndpointAnswerer.objection(endpoint, sendTo, agreement);
      require(objection.isEmpty(), objection.orElse(""));
      String key = Optional.ofNullable(System.getenv("OPENAI_API_KEY")).orElse("none");
      String name = endpointModel == null ? "" : endpointModel;
      require(!name.isBlank(), "--endpoint needs --endpoint-model");
      try (EndpointAnswerer answerer = new EndpointAnswerer(endpoint, name, key);
          Answers answers = Answers.open(file, answerer, seed)) {
        return run.apply(Optional.of(answers));
      }
    }
    Path folder = by.folder == null ? Path.of("") : by.folder;
    try (RaDialog model = RaDialog.load(folder);
        Answers answers = Answers.open(file, new ModelAnswerer(model), seed)) {
      return run.apply(Optional.of(answers));
    }
  }

  private CaseSource source(DialogMix chosen) {
    if (data.isNih()) {
      require(
          reports == null && chexbert == null && labels == null,
          "--reports, --chexbert and --labels do not apply to NIH films");
      return CaseSource.films(data.path(), split, seed);
    }
    StudySource studies = data.studies();
    if (studies instanceof MimicCxr mimic) {
      MimicCxr set = reports == null ? mimic : mimic.withReports(reports);
      studies = chexbert == null ? set : set.withChexbert(chexbert);
    } else {
      require(reports == null && chexbert == null, "--reports and --chexbert need MIMIC-CXR");
    }
    return CaseSource.studies(
        studies,
        new CaseSource.Studies(
            data.root(),
            Optional.ofNullable(labels),
            split,
            chosen.onePerStudy(),
            chosen.switches(),
            nle == null ? Map.of() : CaseSource.explanations(nle),
            predictedReports == null ? Map.of() : CaseSource.predictedReports(predictedReports)));
  }

  private void require(boolean holds, String message) {
    if (!holds && spec != null) {
      throw new ParameterException(spec.commandLine(), message);
    }
  }

  /** {@code radialog data card FILE}: describes a file of dialogs. */
  @Command(
      name = "card",
      description =
          "Describes a file of dialogs, generated by radialog data instruct or published: counts"
              + " per task, source and label, the balance of yes and no, and answers that"
              + " contradict their labels according to the built-in labeler.",
      mixinStandardHelpOptions = true)
  static final class Card implements Callable<Integer> {
    @Parameters(paramLabel = "FILE", description = "Dialogs in the JSON format of LLaVA.")
    private Path file = Path.of("");

    /** At most one of the two. */
    private static final class Output {
      @Option(names = "--json", description = "Prints one JSON object instead of Markdown.")
      private boolean json;

      @Option(
          names = "--samples",
          paramLabel = "N",
          converter = Numeric.Epochs.class,
          description = "Prints N unedited dialogs instead, equally many per task.")
      private int samples;
    }

    @ArgGroup private @Nullable Output output;

    @Option(
        names = "--seed",
        paramLabel = "N",
        defaultValue = "0",
        description = "The seed of --samples (default: ${DEFAULT-VALUE}).")
    private long seed;

    @Override
    public Integer call() {
      String name = String.valueOf(file.getFileName());
      if (output != null && output.samples > 0) {
        DataCard.Samples samples = new DataCard.Samples(output.samples, seed);
        DialogFile.read(file, samples::add);
        Terminal.data().print(samples.markdown(name));
        return Main.DONE;
      }
      DataCard card = new DataCard(new RuleLabeler());
      DialogFile.read(file, card::add);
      if (output != null && output.json) {
        Terminal.data().println(Json.tree(card.values()));
      } else {
        Terminal.data().print(card.markdown(name));
      }
      return Main.DONE;
    }
  }
}
