package org.radialog.cli;

import java.net.URI;
import java.nio.file.Files;
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
import org.radialog.data.NihRelease;
import org.radialog.data.StudySource;
import org.radialog.data.StudySplit;
import org.radialog.dialog.RaDialog;
import org.radialog.eval.ModelAnswerer;
import org.radialog.instruct.Answers;
import org.radialog.instruct.CaseSource;
import org.radialog.instruct.DataCard;
import org.radialog.instruct.DialogFile;
import org.radialog.instruct.DialogMix;
import org.radialog.instruct.DialogRun;
import org.radialog.instruct.EndpointAnswerer;
import picocli.CommandLine.ArgGroup;
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

  /** Who writes answers. */
  private static final class Writer {
    @Option(
        names = "--answer-model",
        paramLabel = "DIR",
        description = "A model folder whose language model writes the answers that are wanting.")
    private @Nullable Path folder;

    @Option(
        names = "--endpoint",
        paramLabel = "URL",
        description = {
          "An endpoint of OpenAI's chat completions that writes them, for example"
              + " http://localhost:8000/v1; with --endpoint-model. Its key, if it asks for one, is"
              + " read from the environment variable OPENAI_API_KEY."
        })
    private @Nullable URI endpoint;
  }

  @ArgGroup private @Nullable Writer writer;

  @Option(
      names = "--endpoint-model",
      paramLabel = "NAME",
      description = "The model at the endpoint, as the endpoint calls it.")
  private @Nullable String endpointModel;

  @Option(
      names = "--answers",
      paramLabel = "FILE",
      description = {
        "Where each answer is kept with its prompt, model and seed, so that a run that was"
            + " interrupted goes on without asking again (default: the name of --out with"
            + " .answers.jsonl behind it)."
      })
  private @Nullable Path answersFile;

  @Option(
      names = "--send-reports-to",
      paramLabel = "HOST",
      description = {
        "For an endpoint on another machine: its host, to which the reports of the data set are to"
            + " be sent. Without it and --data-use-agreement no report leaves this machine."
      })
  private @Nullable String sendTo;

  @Option(
      names = "--data-use-agreement",
      paramLabel = "NAME",
      description = "The agreement under which the reports may be sent there.")
  private @Nullable String agreement;

  @Option(
      names = "--predictions",
      paramLabel = "FILE",
      description = {
        "For a mix with predicted findings: a table of image and the 14 labels with probabilities,"
            + " as radialog findings --csv prints it, of films that the classifier did not learn"
            + " from; at 0.5 and above a finding is predicted."
      })
  private @Nullable Path predictions;

  @Option(
      names = "--nle",
      paramLabel = "FILE",
      description = {
        "MIMIC-NLE (mimic-nle-train.json): reasons in words of the reports, in place of a model's."
      })
  private @Nullable Path nle;

  @Option(
      names = "--predicted-reports",
      paramLabel = "FILE",
      description = {
        "A table of id (of a study or an image) and report, which a model wrote: corrections are of"
            + " its errors, rewritten by a model, in place of errors that we make."
      })
  private @Nullable Path predictedReports;

  @Override
  public Integer call() {
    DialogMix chosen =
        DialogMix.NAMES.contains(mix) ? DialogMix.named(mix) : DialogMix.read(Path.of(mix));
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
                  "the model was asked for %d answers, %d of them could not be used"
                      .formatted(asked.asked(), asked.refused())));
          return done;
        });
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

  private DialogRun.Outcome answered(Function<Optional<Answers>, DialogRun.Outcome> run) {
    Writer by = writer;
    URI endpoint = by == null ? null : by.endpoint;
    require(
        endpoint != null || (endpointModel == null && sendTo == null && agreement == null),
        "--endpoint-model, --send-reports-to and --data-use-agreement go with --endpoint");
    require(by != null || answersFile == null, "--answers goes with --answer-model or --endpoint");
    if (by == null) {
      return run.apply(Optional.empty());
    }
    Path file =
        answersFile != null
            ? answersFile
            : out.resolveSibling(out.getFileName() + ".answers.jsonl");
    if (endpoint != null) {
      requireAgreed(endpoint);
      String key = Optional.ofNullable(System.getenv("OPENAI_API_KEY")).orElse("none");
      String name = endpointModel == null ? "" : endpointModel;
      require(!name.isBlank(), "--endpoint needs --endpoint-model, the model's name there");
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

  // Reports of patients leave the machine only where somebody says to whom and by what right.
  private void requireAgreed(URI endpoint) {
    if (EndpointAnswerer.isOnThisMachine(endpoint)) {
      return;
    }
    String host = String.valueOf(endpoint.getHost());
    require(
        host.equalsIgnoreCase(sendTo) && agreement != null && !agreement.isBlank(),
        ("the endpoint is not on this machine: the findings sections of the data set would be sent"
             + " to %s; expected --send-reports-to %s and --data-use-agreement with the agreement"
             + " that allows it, or an endpoint on localhost")
            .formatted(Printable.of(host), Printable.of(host)));
    Terminal.say(
        "the findings sections of %s are sent to %s under: %s"
            .formatted(
                Printable.escaped(from.toString()),
                Printable.of(host),
                Printable.of(String.valueOf(agreement))));
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
            nle == null ? Map.of() : CaseSource.explanations(nle),
            predictedReports == null ? Map.of() : CaseSource.predictedReports(predictedReports)));
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

    /** One of two. */
    private static final class Output {
      @Option(names = "--json", description = "One JSON object in place of Markdown.")
      private boolean json;

      @Option(
          names = "--samples",
          paramLabel = "N",
          converter = Numeric.Samples.class,
          description = "So many dialogs as they stand there, of every task alike, in its place.")
      private int samples;
    }

    @ArgGroup private @Nullable Output output;

    @Option(
        names = "--seed",
        paramLabel = "N",
        defaultValue = "0",
        description = "Draws the samples (default: ${DEFAULT-VALUE}).")
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
