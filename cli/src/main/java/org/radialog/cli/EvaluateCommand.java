package org.radialog.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.radialog.base.Progress;
import org.radialog.base.WholeFile;
import org.radialog.data.Film;
import org.radialog.data.Folds;
import org.radialog.data.ImageChoice;
import org.radialog.data.NihDataSet;
import org.radialog.data.NihRelease;
import org.radialog.data.Rejected;
import org.radialog.data.StudySource;
import org.radialog.data.StudySplit;
import org.radialog.dialog.RaDialog;
import org.radialog.eval.AskedModel;
import org.radialog.eval.Control;
import org.radialog.eval.EvaluatedSystem;
import org.radialog.eval.EvaluationRun;
import org.radialog.eval.EvidenceProtocol;
import org.radialog.eval.GeneralQuestions;
import org.radialog.eval.GuidanceProtocol;
import org.radialog.eval.NihFilms;
import org.radialog.eval.PredictionLog;
import org.radialog.eval.Protocols;
import org.radialog.eval.ReportFiles;
import org.radialog.eval.Samples;
import org.radialog.eval.Task;
import org.radialog.language.Precision;
import org.radialog.wire.Notice;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import tools.jackson.databind.node.ObjectNode;

/** {@code radialog evaluate …}: scores the reports of any system, or a model. */
@Command(
    name = "evaluate",
    description = {
      "Scores the reports of any system, or a model with the protocols of the paper.",
      "",
      "--references R --hypotheses H: compares the reports of any system with"
          + " reference reports. The files have one report per line, or are CSV with id and"
          + " report, JSONL with id and report or references, or ReXrank JSON; the file"
          + " name determines the format. Several files of references give each report"
          + " several references.",
      "",
      "--data DATASET --protocol P,…: runs the model with protocols of the paper:"
          + " findings, generation, correction, binary_qa, list_qa, view_qa and impression."
          + " The answers are appended image by image to predictions.jsonl; an interrupted"
          + " run resumes with the same command.",
      "--from FILE: scores a predictions.jsonl without the model.",
      "",
      "--data NIH14 --protocol P: runs one of these tests. view: does the model recognise the view"
          + " from the image? edit: does an edit of the findings change the report, and only in"
          + " these findings? report: does the report agree with its findings and state nothing"
          + " without evidence? perplexity: how well does the model predict reports of the true"
          + " findings of the films? guidance: how often does a dialog contradict itself, with and"
          + " without it (--out: its texts)? evidence: does the heat of a finding lie where"
          + " radiologists drew boxes around it?",
      "",
      "--protocol general: asks a hundred general questions without a film, to see"
          + " whether the language model keeps the abilities of its base (--control"
          + " no_adapter)."
    },
    mixinStandardHelpOptions = true)
final class EvaluateCommand implements Callable<Integer> {
  private enum Protocol {
    VIEW,
    EDIT,
    REPORT,
    PERPLEXITY,
    GENERAL,
    GUIDANCE,
    EVIDENCE,
    FINDINGS,
    GENERATION,
    CORRECTION,
    BINARY_QA,
    LIST_QA,
    VIEW_QA,
    IMPRESSION;

    /** The task of the paper with this name; empty for our own protocols. */
    Optional<Task> task() {
      return switch (this) {
        case VIEW, EDIT, REPORT, PERPLEXITY, GENERAL, GUIDANCE, EVIDENCE -> Optional.empty();
        case FINDINGS -> Optional.of(Task.FINDINGS);
        case GENERATION -> Optional.of(Task.GENERATION);
        case CORRECTION -> Optional.of(Task.CORRECTION);
        case BINARY_QA -> Optional.of(Task.BINARY_QA);
        case LIST_QA -> Optional.of(Task.LIST_QA);
        case VIEW_QA -> Optional.of(Task.VIEW_QA);
        case IMPRESSION -> Optional.of(Task.IMPRESSION);
      };
    }
  }

  private enum ViewPolicy {
    IMAGE(ImageChoice.EVERY),
    STUDY(ImageChoice.BEST_VIEW);

    private final ImageChoice images;

    ViewPolicy(ImageChoice images) {
      this.images = images;
    }
  }

  private enum ModelBaseline {
    MOST_FREQUENT,
    NEAREST,
    FINDINGS_TEXT
  }

  @Spec private @Nullable CommandSpec spec;

  @Option(
      names = "--references",
      paramLabel = "FILE",
      arity = "1..*",
      description = "Reference reports.")
  private List<Path> references = List.of();

  @Option(
      names = "--hypotheses",
      paramLabel = "FILE",
      arity = "1..*",
      description = "Reports to score, one file per system.")
  private List<Path> hypotheses = List.of();

  @Option(
      names = "--baseline",
      paramLabel = "B",
      split = ",",
      description = {
        "Baseline systems to score in addition. With --references: most_frequent"
            + " (needs --fit), reference_labels (is given the truth). With a model on nih14:"
            + " most_frequent, nearest (nearest film of the other folds, by encoder"
            + " features), findings_text (the findings of the model, without a language"
            + " model)."
      })
  private List<String> baselines = List.of();

  @Option(
      names = "--fit",
      paramLabel = "FILE",
      arity = "1..*",
      description =
          "Reports or a data set from which most_frequent takes the most frequent report.")
  private List<Path> fit = List.of();

  @Option(
      names = "--protocol",
      paramLabel = "P",
      split = ",",
      description = "${COMPLETION-CANDIDATES}")
  private List<Protocol> protocols = List.of();

  @Option(
      names = "--data",
      paramLabel = "DATASET",
      description = {
        "NIH ChestX-ray14 as released (Data_Entry_2017*.csv) or prepared (labels.csv"
            + " and images/, called nih14), MIMIC-CXR, CheXpert Plus, Indiana University,"
            + " ReXrank JSON or a table; recognised by its files."
      })
  private @Nullable Path data;

  @Option(
      names = "--images",
      paramLabel = "DIR",
      description = "The image folder of --data, if it is elsewhere.")
  private @Nullable Path images;

  @Option(
      names = "--split",
      paramLabel = "S",
      description =
          "The split of --data: train, validate or test. For the NIH release it uses the"
              + " two published lists; without --split all films are used.")
  private @Nullable StudySplit split;

  @Option(
      names = "--view-policy",
      paramLabel = "P",
      defaultValue = "image",
      description = {
        "image: every image separately, as in the paper; study: one image per study,"
            + " preferring PA, then AP, then any other (default: ${DEFAULT-VALUE})."
      })
  private ViewPolicy policy = ViewPolicy.IMAGE;

  @Option(
      names = "--stratified",
      description =
          "Stratified sample, as --strat_eval of the original: all images with a"
              + " finding, a few without.")
  private boolean stratified;

  @Option(
      names = "--from",
      paramLabel = "FILE",
      description = "Scores a predictions.jsonl without a model.")
  private @Nullable Path from;

  @Option(
      names = "--predictions",
      paramLabel = "FILE",
      description = "The file for the predictions (default: predictions.jsonl in --out).")
  private @Nullable Path predictions;

  @Option(
      names = "--fold",
      paramLabel = "K",
      defaultValue = "0",
      converter = Numeric.Fold.class,
      description =
          "The fold of --folds or nih14 to evaluate (default: 0, which models/mini was"
              + " not trained on).")
  private int fold;

  @Option(
      names = "--classifier",
      paramLabel = "K=FILE",
      description =
          "For evidence: reads the films of fold K with this classifier.safetensors of radialog"
              + " train classifier; for several folds, give it several times.")
  private Map<Integer, Path> classifiers = Map.of();

  @Option(
      names = "--folds",
      paramLabel = "FILE",
      description = "For NIH films: a table written by radialog data folds, for your own films.")
  private @Nullable Path folds;

  @Option(
      names = "--films",
      paramLabel = "N",
      defaultValue = "2147483647",
      converter = Numeric.Count.class,
      description = "Number of films; for nih14, drawn at random with --seed (default: all).")
  private int films;

  @Option(
      names = "--control",
      paramLabel = "C",
      defaultValue = "none",
      description = {
        "Disables a part of the model as a negative control; the protocol must then" + " fail:",
        "none, zero_image, random_adapter or no_adapter (default: none)."
      })
  private Control control = Control.NONE;

  @Option(
      names = "--hide-findings",
      description =
          "Leaves the findings out of the prompts of the paper's protocols, so that all answers"
              + " come from the image.")
  private boolean hidden;

  @Option(
      names = "--compare",
      paramLabel = "P",
      split = ",",
      description = {
        "For perplexity: other precisions to measure on the same reports, with their"
            + " ratio to --precision."
      })
  private List<Precision> compare = List.of();

  @Mixin private ModelOptions model = new ModelOptions();

  @Mixin private ScoringOptions scoring = new ScoringOptions();

  @Override
  public Integer call() {
    boolean ours = protocols.stream().anyMatch(p -> p.task().isEmpty());
    if (!references.isEmpty()) {
      require(
          protocols.isEmpty() && from == null, "--references can only be used with --hypotheses");
      return reports();
    }
    if (from != null) {
      require(
          protocols.isEmpty(),
          "--from scores stored answers, so it cannot be combined with --protocol");
      PredictionLog.Content said = PredictionLog.read(from);
      String name = said.settings().getOrDefault("model", "model").toString();
      return score(
          new EvaluationRun(
                  said.samples(),
                  EnumSet.allOf(Task.class),
                  List.of(EvaluatedSystem.predicted(name, said.predictions())),
                  new EvaluationRun.Settings(
                      title(name, said.settings()),
                      said.synthetic(),
                      said.settings(),
                      Terminal::say))
              .ask(),
          true);
    }
    require(
        !protocols.isEmpty() && (data != null || protocols.contains(Protocol.GENERAL)),
        "expected --references with --hypotheses, --data with --protocol, or --from");
    if (ours) {
      require(
          protocols.size() == 1,
          "each of the protocols view, edit, report, perplexity, general, guidance and"
              + " evidence must run alone; name only one of them, or only other protocols");
      require(!hidden, "--hide-findings can only be used with the protocols of the paper");
      boolean evidence = protocols.contains(Protocol.EVIDENCE);
      require(evidence || classifiers.isEmpty(), "--classifier can only be used with evidence");
      return evidence ? evidence() : check(protocols.getFirst());
    }
    require(compare.isEmpty(), "--compare can only be used with --protocol perplexity");
    return ask();
  }

  private static String title(String model, Map<String, Object> settings) {
    return model + " on " + settings.getOrDefault("data", "images");
  }

  private void require(boolean holds, String message) {
    if (!holds) {
      throw spec == null
          ? new IllegalArgumentException(message)
          : new ParameterException(spec.commandLine(), message);
    }
  }

  private <B extends Enum<B>> List<B> baselines(Class<B> of) {
    List<B> named = new ArrayList<>();
    for (String name : baselines) {
      B found = null;
      for (B constant : of.getEnumConstants()) {
        if (constant.name().equalsIgnoreCase(name)) {
          found = constant;
        }
      }
      require(
          found != null,
          "unknown baseline %s, expected one of %s"
              .formatted(name, List.of(of.getEnumConstants()).toString().toLowerCase(Locale.ROOT)));
      if (found != null) {
        named.add(found);
      }
    }
    return named;
  }

  private int reports() {
    List<ReportFiles.Baseline> beside = baselines(ReportFiles.Baseline.class);
    ReportFiles files = ReportFiles.read(references, hypotheses, scoring.sections(), Terminal::say);
    try (ScoringOptions.Opened opened = scoring.open()) {
      scoring.deliver(files.scored(beside, fit, opened.scoring()));
    }
    Terminal.say(Notice.RESEARCH_USE);
    return files.whole() ? Main.DONE : Main.SOME_FAILED;
  }

  private int ask() {
    List<ModelBaseline> beside = baselines(ModelBaseline.class);
    Set<Task> tasks = EnumSet.noneOf(Task.class);
    protocols.forEach(p -> p.task().ifPresent(tasks::add));
    Path folder = data == null ? Path.of("") : data;
    boolean nih = NihRelease.filmsIn(folder);
    require(nih || beside.isEmpty(), "--baseline with a model needs NIH films");
    LabelerOptions.Opened labeler = scoring.labeler().open();
    Path file =
        predictions != null
            ? predictions
            : scoring.out().orElse(Path.of("")).resolve("predictions.jsonl");
    EvaluationRun.Answered answered;
    boolean whole;
    try (labeler;
        RaDialog radialog = RaDialog.load(model.folder(), model.options().with(control))) {
      Samples samples =
          nih
              ? Samples.of(films(), model.seed())
              : Samples.of(
                  StudySource.open(folder, Optional.ofNullable(images)),
                  folder,
                  new Samples.Choice(
                      Optional.ofNullable(split),
                      policy.images,
                      policy.name().toLowerCase(Locale.ROOT),
                      stratified,
                      films),
                  labeler.labeler(),
                  EvaluateCommand::say);
      whole = samples.whole();
      SequencedMap<String, Object> settings =
          AskedModel.settings(model.folder(), radialog, samples, tasks);
      settings.put("control", control.name().toLowerCase(Locale.ROOT));
      settings.put("labeler_of_corrections", labeler.name());
      if (hidden) {
        settings.put("findings_in_prompts", "none");
      }
      AskedModel asked =
          new AskedModel(
              radialog,
              hidden,
              file,
              settings,
              labeler.labeler(),
              Terminal.progress(),
              Terminal::say);
      List<EvaluatedSystem> systems = new ArrayList<>(List.of(asked));
      for (ModelBaseline baseline : beside) {
        systems.add(
            switch (baseline) {
              case MOST_FREQUENT -> AskedModel.mostFrequent(samples.known());
              case NEAREST -> asked.nearest(samples.known());
              case FINDINGS_TEXT -> asked.findingsText();
            });
      }
      answered =
          new EvaluationRun(
                  samples.asked(),
                  tasks,
                  systems,
                  new EvaluationRun.Settings(
                      title(radialog.config().id(), settings), nih, settings, Terminal::say))
              .ask();
    }
    return score(answered, whole); // frees the memory of the model
  }

  private static void say(Rejected rejected) {
    Terminal.say(rejected.toString());
  }

  private int score(EvaluationRun.Answered answered, boolean whole) {
    try (ScoringOptions.Opened opened = scoring.open()) {
      scoring.deliver(answered.scored(opened.scoring()));
    }
    Terminal.say(Notice.RESEARCH_USE);
    return whole && !answered.incomplete() ? Main.DONE : Main.SOME_FAILED;
  }

  private int check(Protocol protocol) {
    require(
        protocol == Protocol.PERPLEXITY || compare.isEmpty(),
        "--compare can only be used with --protocol perplexity");
    Optional<NihFilms> nih = protocol == Protocol.GENERAL ? Optional.empty() : Optional.of(films());
    List<Film> chosen = nih.map(NihFilms::chosen).orElse(List.of());
    Progress progress = Terminal.progress();
    Map<String, Object> scores;
    double foreseen = Double.NaN;
    ObjectNode settings = Json.object();
    try (RaDialog radialog = RaDialog.load(model.folder(), model.options().with(control))) {
      scores =
          switch (protocol) {
            case VIEW -> Protocols.view(radialog, chosen, model.seed(), progress).scores();
            case EDIT -> Protocols.edit(radialog, chosen, model.seed(), progress).scores();
            case REPORT -> Protocols.report(radialog, chosen, progress).scores();
            case PERPLEXITY -> {
              Protocols.PerplexityResult r =
                  Protocols.perplexity(radialog, chosen, model.seed(), progress);
              foreseen = r.score().perplexity();
              yield perplexity(r);
            }
            case GENERAL -> general(GeneralQuestions.ask(radialog, progress));
            case GUIDANCE -> guidance(radialog, chosen, progress);
            case EVIDENCE,
                FINDINGS,
                GENERATION,
                CORRECTION,
                BINARY_QA,
                LIST_QA,
                VIEW_QA,
                IMPRESSION ->
                throw new IllegalArgumentException(protocol + " is none of these");
          };
      settings
          .put("protocol", protocol.name().toLowerCase(Locale.ROOT))
          .put("fold", fold)
          .put("seed", model.seed())
          .put("control", control.name().toLowerCase(Locale.ROOT))
          .put("model", radialog.config().id())
          .put("version", radialog.config().version())
          .put("precision", radialog.precision().label());
    }
    for (Precision precision : compare) {
      scores.putAll(compared(precision, foreseen, chosen, progress));
    }
    if (scoring.json()) {
      ObjectNode root = Json.object();
      root.set("scores", Json.tree(scores));
      root.set("settings", settings);
      root.put("notice", Notice.RESEARCH_USE);
      Terminal.data().println(root);
    } else {
      scores.forEach((name, value) -> System.out.printf("%-30s %s%n", name, value));
      System.out.println(Notice.RESEARCH_USE);
    }
    return nih.map(NihFilms::whole).orElse(true) ? Main.DONE : Main.SOME_FAILED;
  }

  // After closing the first model, because the memory is sufficient for one.
  private Map<String, Object> compared(
      Precision precision, double first, List<Film> chosen, Progress progress) {
    try (RaDialog radialog =
        RaDialog.load(model.folder(), model.options().with(control).with(precision))) {
      double perplexity =
          Protocols.perplexity(radialog, chosen, model.seed(), progress).score().perplexity();
      return Map.of(
          precision.label() + "_perplexity",
          fine(perplexity),
          precision.label() + "_ratio",
          fine(perplexity / first));
    }
  }

  private Map<String, Object> guidance(RaDialog radialog, List<Film> films, Progress progress) {
    StringBuilder texts = new StringBuilder();
    Map<String, Object> scores =
        GuidanceProtocol.run(
            radialog,
            films,
            model.seed(),
            text -> texts.append(Json.tree(text)).append('\n'),
            progress);
    scoring
        .out()
        .ifPresent(folder -> WholeFile.write(folder.resolve("texts.jsonl"), texts.toString()));
    return scores;
  }

  private int evidence() {
    require(control == Control.NONE && compare.isEmpty(), "evidence needs no language model");
    SortedMap<Integer, Optional<Path>> byFold = new TreeMap<>();
    classifiers.forEach((k, file) -> byFold.put(k, Optional.of(file)));
    if (byFold.isEmpty()) {
      byFold.put(fold, Optional.empty());
    }
    EvidenceProtocol.Result result =
        EvidenceProtocol.run(
            model.folder(),
            model.options(),
            byFold,
            data == null ? Path.of("") : data,
            this::films,
            EvaluateCommand::say,
            Terminal.progress());
    scoring.out().ifPresent(result::write);
    Terminal.data().print(scoring.json() ? result.json() + "\n" : result.table());
    return result.whole() ? Main.DONE : Main.SOME_FAILED;
  }

  private NihFilms films() {
    return films(fold);
  }

  private NihFilms films(int fold) {
    Path folder = data == null ? Path.of("") : data;
    Optional<Folds> table =
        folds != null || !NihRelease.in(folder) || NihDataSet.in(folder)
            ? Optional.of(Folds.of(Optional.ofNullable(folds)))
            : Optional.empty();
    table.ifPresent(t ->
        require(fold < t.count(), "--fold is %d, expected 0 to %d".formatted(fold, t.count() - 1)));
    return NihFilms.read(
        folder,
        new NihFilms.Choice(table, fold, Optional.ofNullable(split), films, model.seed()),
        EvaluateCommand::say);
  }

  private static Map<String, Object> general(GeneralQuestions.Result r) {
    return new TreeMap<>(Map.of("questions", r.questions(), "known", r.known()));
  }

  private static Map<String, Object> perplexity(Protocols.PerplexityResult r) {
    Map<String, Object> scores = new TreeMap<>();
    scores.put("films", r.films());
    scores.put("tokens", r.score().tokens());
    scores.put("mean_nll", fine(r.score().mean()));
    scores.put("perplexity", fine(r.score().perplexity()));
    return scores;
  }

  // Precisions differ in the third decimal.
  private static double fine(double value) {
    return Math.round(value * 1e6) / 1e6;
  }
}
