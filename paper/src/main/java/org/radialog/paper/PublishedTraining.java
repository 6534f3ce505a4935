package org.radialog.paper;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.radialog.base.Printable;
import org.radialog.base.Progress;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.base.Sha256;
import org.radialog.clinical.Finding;
import org.radialog.clinical.FindingState;
import org.radialog.clinical.PublishedPrompts;
import org.radialog.data.MimicCxr;
import org.radialog.data.ReportRow;
import org.radialog.data.ReportedStudy;
import org.radialog.data.StudySet;
import org.radialog.data.StudySplit;
import org.radialog.instruct.DialogFile;
import org.radialog.language.Llama;
import org.radialog.language.LlamaDecoder;
import org.radialog.language.LlamaLoading;
import org.radialog.language.LoraConfig;
import org.radialog.language.Precision;
import org.radialog.loop.TrainingLoop;
import org.radialog.loop.Workers;
import org.radialog.loop.Workers.Spread;
import org.radialog.torch.Parameters;
import org.radialog.torch.ProcessGroup;
import org.radialog.torch.TorchThreads;
import org.radialog.vision.Alignment;
import org.radialog.vision.BioViLT;
import org.radialog.vision.QFormer;
import org.radialog.vision.VisionEncoder;
import org.radialog.weights.Checkpoint;
import org.radialog.weights.DType;
import org.radialog.weights.SafetensorsWriter;

/**
 * Trains a published version of RaDialog from films and their reports: the findings classifier, the
 * Q-Former (first version only), then the language model. Each stage is a separate run under {@code
 * runs}. An interrupted training is resumed by the same call; completed stages are skipped.
 *
 * <pre>
 *   film ── encoder ─┬─ classifier ── 14 findings ─────────────┐            (findings)
 *                    └─ Q-Former or MLP ── image tokens ── LoRA'd Llama ── report   (qformer, language)
 * </pre>
 */
public final class PublishedTraining {
  private static final int HELD = 64; // maximum number of validation dialogs
  private static final long FEATURES = 1L << 30; // bytes for cached features of a frozen encoder

  /** The settings that determine the result of a run, stored in its folder. */
  private record Kept(
      Path data,
      Optional<String> chexbertSha256,
      Optional<String> visionSha256,
      Optional<String> bertSha256,
      Optional<String> baseSha256,
      Optional<String> dialogsSha256,
      PublishedRecipe recipe) {}

  private final PublishedSources config;
  private final PublishedRecipe recipe;
  private final PublishedRuns runs;
  private final Progress progress;
  private final ProcessGroup group;
  private final List<ReportRow> train;
  private final List<ReportRow> held;

  private PublishedTraining(
      PublishedSources config, Path runs, Progress progress, ProcessGroup group) {
    this.config = config;
    this.recipe = config.recipe();
    this.runs = new PublishedRuns(runs);
    this.progress = progress;
    this.group = group;
    MimicCxr source = MimicCxr.of(config.data());
    StudySet studies = config.chexbert().map(source::withChexbert).orElse(source).readAll();
    this.train = rows(studies, StudySplit.TRAIN);
    this.held = rows(studies, StudySplit.VALIDATE);
    if (train.isEmpty()) {
      throw new RadialogException(
          Kind.REFUSED_DATA,
          "%s has no film of the training split whose report has findings; %d rows or files could not be used%s"
              .formatted(
                  Printable.escaped(config.data().toString()),
                  studies.rejected().size(),
                  studies.rejected().isEmpty()
                      ? ""
                      : ", the first: " + studies.rejected().getFirst()));
    }
    if (held.isEmpty() && recipe.language().best().isPresent()) {
      throw new RadialogException(
          Kind.REFUSED_DATA,
          "%s has no film of the validation split whose report has findings: expected one, because the recipe chooses the weights of the language stage by %s (language.best)"
              .formatted(
                  Printable.escaped(config.data().toString()),
                  recipe.language().best().get().measure()));
    }
  }

  private static List<ReportRow> rows(StudySet studies, StudySplit split) {
    return studies.of(split).stream().flatMap(study -> ReportRow.of(study).stream()).toList();
  }

  /**
   * Trains a model and writes it to {@code folder}.
   *
   * @param runs parent folder of the runs {@code findings}, {@code qformer} and {@code language}
   * @throws RadialogException before the first stage, if an input of a later stage is missing
   */
  public static void train(PublishedSources config, Path runs, Path folder, Progress progress) {
    train(config, runs, folder, progress, Spread.alone());
  }

  /**
   * Trains in several processes, each of which calls this. They divide the batches of all stages,
   * unless an image encoder that learns in the language stage has batch statistics: those are of
   * the pieces of a batch, so process 0 trains this stage alone.
   *
   * @param runs a folder that all processes can read
   * @throws RadialogException as {@link #train(PublishedSources, Path, Path, Progress)}
   */
  public static void train(
      PublishedSources config, Path runs, Path folder, Progress progress, Spread spread) {
    Workers.run(
        spread,
        group -> train(config, runs, folder, group.rank() == 0 ? progress : Progress.NONE, group));
  }

  private static void train(
      PublishedSources config, Path runs, Path folder, Progress progress, ProcessGroup group) {
    LanguageBase.open(config.base())
        .close(); // checked now, because some inputs are needed only after hours
    config.vision().ifPresent(file -> Checkpoint.open(file).close());
    config.bert().ifPresent(bert -> BertStart.open(bert, 0).close());
    PublishedTraining training = new PublishedTraining(config, runs, progress, group);
    try (TorchThreads _ = config.recipe().operationThreads()) {
      training.findings();
      if (group.rank() == 0) {
        training.keepEncoder();
      }
      group.barrier();
      training.qformer();
      training.language();
    }
    if (group.rank() == 0) {
      PublishedExport.write(config, training.positives(), training.runs, folder, progress);
    }
  }

  /** The number of training films with each finding. */
  private Map<Finding, Long> positives() {
    Map<Finding, Long> positives = new EnumMap<>(Finding.class);
    for (ReportRow row : train) {
      present(row).forEach(finding -> positives.merge(finding, 1L, Long::sum));
    }
    return positives;
  }

  private Kept kept(boolean language) {
    return new Kept(
        config.data(),
        config.chexbert().map(Sha256::of),
        config.vision().map(Sha256::of),
        config.bert().map(bert -> Sha256.of(bert.resolve("vocab.txt"))),
        language ? Optional.of(baseDigest()) : Optional.empty(),
        language ? config.dialogs().map(Sha256::of) : Optional.empty(),
        recipe);
  }

  private String baseDigest() {
    try (LanguageBase base = LanguageBase.open(config.base())) {
      return Sha256.of(base.file());
    }
  }

  // Process 0 decides, since the others may look at another time.
  private boolean ended(Path weights) {
    return group.first(Files.exists(weights) ? 1 : 0)[0] == 1;
  }

  // ---------------------------------------------------------------- findings

  private void findings() {
    Path run = runs.findings();
    if (ended(run.resolve(FindingsStage.WEIGHTS))) {
      return;
    }
    try (TrainingLoop loop = TrainingLoop.open(run, kept(false), progress, group);
        Start start = Start.of(config.vision());
        FindingsStage stage =
            new FindingsStage(
                new FindingsStage.Config(
                    recipe.findings(),
                    recipe.vision().forClassifier(),
                    recipe.head(),
                    recipe.preprocessing().forClassifier(),
                    recipe.seed(),
                    labelled(train),
                    labelled(held),
                    start.source()))) {
      loop.run("findings classifier", List.of(stage));
    }
  }

  private static List<FindingsStage.Labelled> labelled(List<ReportRow> rows) {
    return rows.stream()
        .map(row -> new FindingsStage.Labelled(row.image().file(), present(row)))
        .toList();
  }

  private static Map<Finding, FindingState> labels(ReportRow row) {
    Map<String, Map<Finding, FindingState>> sources = row.study().labels();
    return Optional.ofNullable(sources.get("chexbert"))
        .or(() -> Optional.ofNullable(sources.get("chexpert")))
        .or(() -> sources.values().stream().findFirst())
        .orElseThrow(() -> unlabelled(row.study()));
  }

  private static RadialogException unlabelled(ReportedStudy study) {
    return new RadialogException(
        Kind.REFUSED_DATA,
        "study %s has no labels: expected a table of CheXbert labels (--chexbert) or mimic-cxr-2.*-chexpert.csv in the data set"
            .formatted(Printable.of(study.id())));
  }

  // As in the original, uncertain, absent and unmentioned findings count as negative.
  private static Set<Finding> present(ReportRow row) {
    Set<Finding> present = EnumSet.noneOf(Finding.class);
    labels(row)
        .forEach((finding, state) -> {
          if (state == FindingState.PRESENT) {
            present.add(finding);
          }
        });
    return present;
  }

  /** The initial weights of an encoder. */
  private record Start(Optional<Checkpoint> file) implements AutoCloseable {
    static Start of(Optional<Path> vision) {
      return new Start(vision.map(Checkpoint::open));
    }

    Parameters.Source source() {
      return file.<Parameters.Source>map(
              checkpoint -> {
                Parameters.Source weights = Parameters.Source.of(checkpoint);
                return (name, shape) ->
                    Optional.of(
                        weights
                            .values(name, shape)
                            .orElseThrow(() ->
                                new RadialogException(
                                    Kind.REFUSED_WEIGHTS,
                                    "the image encoder's weights have no tensor %s: expected BioViL-T's file (--vision)"
                                        .formatted(name))));
              })
          .orElse((_, _) -> Optional.empty());
    }

    @Override
    public void close() {
      file.ifPresent(Checkpoint::close);
    }
  }

  // ---------------------------------------------------------------- Q-Former

  private void qformer() {
    Path run = runs.qformer();
    if (recipe.qformer().isEmpty() || ended(run.resolve(QFormerStage.WEIGHTS))) {
      return;
    }
    QFormer.Config queries = (QFormer.Config) recipe.alignment();
    try (TrainingLoop loop = TrainingLoop.open(run, kept(false), progress, group);
        BertStart bert = BertStart.open(config.bert().orElseThrow(), recipe.seed());
        FrozenEncoder encoder = encoder(queries.source());
        QFormerStage stage =
            new QFormerStage(
                new QFormerStage.Config(
                    recipe.qformer().get(),
                    queries,
                    recipe.vision().channels(queries.source()),
                    recipe.seed(),
                    texts(train),
                    texts(held),
                    bert.words(),
                    bert.source()),
                encoder)) {
      loop.run("Q-Former", List.of(stage));
    }
  }

  private static List<TextFilm> texts(List<ReportRow> rows) {
    return rows.stream()
        .map(row -> new TextFilm(row.image().id(), row.image().file(), row.findings()))
        .toList();
  }

  private FrozenEncoder encoder(VisionEncoder.Source output) {
    return new FrozenEncoder(
        recipe.vision().network(encoderSource(), ScalarType.Float),
        output,
        recipe.preprocessing().forAlignment(),
        FEATURES);
  }

  // The encoder before the language stage. All its weights are saved, so that one that was
  // initialised randomly is not lost.
  private void keepEncoder() {
    Path file = runs.encoderWeights();
    if (!Files.exists(file)) {
      try (Start start = Start.of(config.vision());
          Parameters p = Parameters.of(start.source(), recipe.seed())) {
        BioViLT.of(p, recipe.vision());
        SafetensorsWriter.write(file, Map.of(), Parameters.entries(p.named(), DType.F32));
      }
    }
  }

  private Parameters.Source encoderSource() {
    Map<String, float[]> values = new HashMap<>();
    try (Checkpoint weights = Checkpoint.open(runs.encoderWeights())) {
      weights.tensors().keySet().forEach(name -> values.put(name, weights.floats(name)));
    }
    return (name, _) -> Optional.ofNullable(values.get(name));
  }

  // ---------------------------------------------------------------- language

  private void language() {
    Path run = runs.language();
    if (ended(run.resolve(AnswerStage.WEIGHTS))) {
      return;
    }
    AnswerRecipe told = recipe.language();
    try (TrainingLoop loop = TrainingLoop.open(run, kept(true), progress, group);
        LanguageBase base = LanguageBase.open(config.base());
        Learner learner = Learner.of(this, base);
        AnswerStage stage =
            new AnswerStage(
                told,
                recipe.seed(),
                new VicunaLayout(
                    recipe.version(), base.tokenizer(), recipe.imageTokens(), told.longest()),
                config
                    .dialogs()
                    .map(this::dialogs)
                    .orElseGet(() ->
                        reports(
                            ReportRow.stratifiedForTraining(
                                train,
                                PublishedTraining::labels,
                                recipe.reportEpochs(),
                                recipe.seed()))),
                new AnswerStage.Validation(
                    reports(held.subList(0, Math.min(HELD, held.size()))),
                    told.reports().map(sample -> reported(sample.films())).orElse(List.of())),
                learner.networks)) {
      loop.run("language model, " + recipe.id(), List.of(stage));
    }
  }

  /** The networks of the language stage with the resources they use. */
  private record Learner(
      AnswerStage.Networks networks, List<AutoCloseable> owned, Optional<Checkpoint> queries)
      implements AutoCloseable {
    static Learner of(PublishedTraining training, LanguageBase base) {
      PublishedRecipe recipe = training.recipe;
      boolean seeing = recipe.language().visionRate() > 0;
      Optional<Checkpoint> queries =
          recipe.qformer().map(_ -> Checkpoint.open(training.runs.qformerWeights()));
      Parameters.Source source =
          queries
              .map(file -> Parameters.Source.of(file).behind("qformer."))
              .orElse((_, _) -> Optional.empty());
      if (seeing) {
        source = source.or(training.encoderSource().behind("vision."));
      }
      Parameters p = Parameters.of(source, recipe.seed());
      VisionEncoder.Source output = recipe.features();
      List<AutoCloseable> owned = new ArrayList<>();
      AnswerStage.Images images;
      if (seeing) {
        BioViLT vision = BioViLT.of(p.at("vision."), recipe.vision());
        FilmPixels films =
            new FilmPixels(recipe.preprocessing().forAlignment(), recipe.vision().input());
        images = files -> vision.forward(films.of(files), recipe.vision().batchNorm()).of(output);
      } else {
        FrozenEncoder frozen = training.encoder(output);
        owned.add(frozen);
        images = frozen::of;
      }
      Alignment alignment =
          recipe.alignment().network(p, recipe.vision(), base.weights().config().hidden());
      LoraConfig adapter =
          new LoraConfig(
              recipe.adapter().r(),
              recipe.adapter().alpha(),
              recipe.language().adapterDropout(),
              recipe.adapter().targets());
      Parameters lora = p.at("language.");
      Llama llama =
          switch (recipe.language().precision()) {
            case FP32 -> LlamaLoading.adapted(base.weights(), adapter, lora, ScalarType.Float);
            case BF16 -> LlamaLoading.adapted(base.weights(), adapter, lora, ScalarType.BFloat16);
            case FP16 -> LlamaLoading.adapted(base.weights(), adapter, lora, ScalarType.Half);
            case INT8 -> LlamaLoading.adapted(packed(base, Precision.INT8, owned), adapter, lora);
            case INT4 -> LlamaLoading.adapted(packed(base, Precision.INT4, owned), adapter, lora);
          };
      owned.add(llama);
      owned.add(p);
      p.trainable(name ->
          name.startsWith("language.")
              || name.startsWith("projector.")
              || (name.startsWith("vision.") && !BioViLT.isBuffer(name)));
      return new Learner(
          new AnswerStage.Networks(
              p,
              images,
              alignment,
              llama,
              !seeing || recipe.vision().batchNorm() == BioViLT.BatchNorm.RUNNING),
          owned,
          queries);
    }

    private static LlamaDecoder packed(
        LanguageBase base, Precision precision, List<AutoCloseable> owned) {
      LlamaDecoder packed = LlamaDecoder.of(base.weights(), Optional.empty(), false, precision);
      owned.addFirst(packed);
      return packed;
    }

    @Override
    public void close() {
      queries.ifPresent(Checkpoint::close);
      for (AutoCloseable part : owned.reversed()) {
        try {
          part.close();
        } catch (RuntimeException e) {
          throw e;
        } catch (Exception e) {
          throw new IllegalStateException(e);
        }
      }
    }
  }

  private List<VicunaLayout.Conversation> dialogs(Path file) {
    List<VicunaLayout.Conversation> dialogs = new ArrayList<>();
    long[] number = {0};
    DialogFile.read(
        file,
        entry -> {
          number[0]++;
          List<DialogFile.Message> said = entry.messages();
          if (entry.images().isEmpty() || said.size() % 2 != 0) {
            throw new RadialogException(
                Kind.REFUSED_DATA,
                "%s, dialog %d has %d images and %d messages: expected an image, and an answer per request"
                    .formatted(
                        Printable.escaped(file.toString()),
                        number[0],
                        entry.images().size(),
                        said.size()));
          }
          List<VicunaLayout.Exchange> exchanges = new ArrayList<>();
          for (int i = 0; i < said.size(); i += 2) {
            exchanges.add(new VicunaLayout.Exchange(said.get(i).value(), said.get(i + 1).value()));
          }
          dialogs.add(
              new VicunaLayout.Conversation(
                  config.data().resolve(entry.images().getFirst()), exchanges));
        });
    return dialogs;
  }

  private List<VicunaLayout.Conversation> reports(Collection<ReportRow> rows) {
    return rows.stream().map(this::report).toList();
  }

  private VicunaLayout.Conversation report(ReportRow row) {
    return new VicunaLayout.Conversation(
        row.image().file(),
        List.of(
            new VicunaLayout.Exchange(
                PublishedPrompts.reportPrompt(
                    recipe.version(),
                    PublishedPrompts.findings(
                        present(row), PublishedPrompts.FindingsStyle.TRAINING)),
                row.findings())));
  }

  // Spread over the whole split, because neighbouring films often belong to one patient.
  private List<AnswerStage.Reported> reported(int count) {
    int films = Math.min(count, held.size());
    return IntStream.range(0, films)
        .mapToObj(i -> held.get((int) ((long) i * held.size() / films)))
        .map(row -> new AnswerStage.Reported(report(row), present(row)))
        .toList();
  }
}
