package org.radialog.published;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.base.WholeFile;
import org.radialog.clinical.PromptFormat;
import org.radialog.clinical.PromptFormats;
import org.radialog.language.LlamaConfig;
import org.radialog.language.LoraConfig;
import org.radialog.language.Precision;
import org.radialog.torch.Parameters;
import org.radialog.vision.BioViLT;
import org.radialog.vision.FindingsClassifier;
import org.radialog.vision.MlpProjector;
import org.radialog.vision.QueryProjector;
import org.radialog.vision.RowProjector;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * {@code config.json} of a model folder: which networks, which files, and what the model was never
 * taught. Field names in the file are those below in snake case; every field is mandatory, {@code
 * null} stands for an empty {@code Optional}.
 *
 * @param format layout of this file, {@value #FORMAT}; {@link #read} takes lower ones too
 * @param readBy the first version of RaDialog that reads this format, for the message of an older
 *     one
 * @param id name of the model, for example {@code radialog-mini}
 * @param version version of the model
 * @param license SPDX expression
 * @param preprocessing with the next three empty where the folder holds a language model alone
 * @param files every other file of the folder that the model needs; {@link #read} checks sizes,
 *     {@link #damaged} digests
 * @param sources the files that an import was made from, by their place there; empty where the
 *     model was trained here
 */
@JsonPropertyOrder({
  "format",
  "read_by",
  "id",
  "version",
  "license",
  "preprocessing",
  "vision",
  "alignment",
  "classifier",
  "language",
  "self_test",
  "files",
  "sources"
})
public record ModelConfig(
    int format,
    String readBy,
    String id,
    String version,
    String license,
    Optional<Preprocessing> preprocessing,
    Optional<Vision> vision,
    Optional<Alignment> alignment,
    Optional<Classifier> classifier,
    Language language,
    SelfTest selfTest,
    List<FileEntry> files,
    List<FileEntry> sources) {

  /** The layout that this version reads and writes. */
  public static final int FORMAT = 2;

  /** The version that began to read {@link #FORMAT}. */
  public static final String FORMAT_READ_BY = "0.1.0";

  /** Name of the file in a model folder. */
  public static final String FILE = "config.json";

  /** Name of the file with everything that was trained for the model. */
  public static final String TRAINED = "radialog.safetensors";

  private static final long MAX_BYTES = 1 << 20;

  public ModelConfig {
    need(format == FORMAT, "format is " + format + ", this version writes " + FORMAT);
    need(!id.isBlank(), "id is empty");
    need(!version.isBlank(), "version is empty");
    files = List.copyOf(files);
    var seen = new HashSet<String>();
    for (FileEntry file : files) {
      need(seen.add(file.path()), "files names " + file.path() + " twice");
    }
    need(
        seen.contains(language.weights()),
        "language.weights is " + language.weights() + ", which files does not list");
    sources = List.copyOf(sources);
    boolean sees = preprocessing.isPresent();
    need(
        vision.isPresent() == sees
            && alignment.isPresent() == sees
            && classifier.isPresent() == sees,
        "preprocessing, vision, alignment and classifier are expected all together, or all null");
    need(!sees || seen.contains(TRAINED), "files does not list " + TRAINED);
    alignment
        .flatMap(Alignment::file)
        .ifPresent(file -> need(seen.contains(file), "files does not list " + file));
    language
        .tokenizer()
        .ifPresent(tokenizer ->
            need(
                seen.stream().anyMatch(file -> file.startsWith(tokenizer + "/")),
                "files lists none in the folder " + tokenizer));
  }

  /** The parts that look at films. */
  public record Film(
      Preprocessing preprocessing, Vision vision, Alignment alignment, Classifier classifier) {}

  /**
   * The parts that look at films.
   *
   * @throws RadialogException if there are none: the folder holds a language model alone
   */
  public Film film() {
    if (preprocessing.isEmpty()
        || vision.isEmpty()
        || alignment.isEmpty()
        || classifier.isEmpty()) {
      throw new RadialogException(
          Kind.REFUSED_WEIGHTS,
          "the model "
              + id
              + " is a language model alone and reads no films; take a RaDialog model, or import"
              + " this one together with an image encoder and its alignment");
    }
    return new Film(preprocessing.get(), vision.get(), alignment.get(), classifier.get());
  }

  /**
   * How a film becomes the encoder's input: min-max to bytes, shorter side to {@code resize},
   * centre crop.
   *
   * @param resize shorter side in pixels
   */
  public record Preprocessing(int resize, Crops crops, Dicom dicom) {
    public Preprocessing {
      need(
          resize >= Math.max(crops.classifier(), crops.alignment()) && resize <= 4096,
          "preprocessing.resize is "
              + resize
              + ", expected between the larger crop ("
              + Math.max(crops.classifier(), crops.alignment())
              + ") and 4096");
    }
  }

  /**
   * The side of the square in pixels that each branch sees; equal where one pass of the encoder
   * feeds both.
   */
  public record Crops(int classifier, int alignment) {
    public Crops {
      need(classifier >= 32, "preprocessing.crops.classifier is " + classifier + ", at least 32");
      need(alignment >= 32, "preprocessing.crops.alignment is " + alignment + ", at least 32");
    }
  }

  /** What a DICOM file's stored values go through after the modality LUT and before the recipe. */
  public enum Dicom {
    /** The file's first window or VOI LUT. */
    @JsonProperty("voi")
    VOI,
    /** The range of the values. */
    @JsonProperty("minmax")
    MINMAX,
    /** The steps that made MIMIC-CXR-JPG, histogram equalisation included. */
    @JsonProperty("mimic-cxr-jpg")
    MIMIC_CXR_JPG;

    /** The name in the file. */
    public String text() {
      return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
  }

  /**
   * The BioViL-T image encoder (keys under {@code vision.}).
   *
   * @param patchDim channels of {@code backbone_to_vit}; patch features have twice as many
   * @param jointDim channels of the joint projector
   * @param prior whether it can compare a film with an earlier one (keys {@code
   *     encoder.vit_pooler.})
   */
  public record Vision(
      Backbone backbone, BatchNorm batchNorm, int patchDim, int jointDim, boolean prior) {
    public Vision {
      need(patchDim >= 1 && patchDim <= 4096, "vision.patch_dim is " + patchDim + ", 1 to 4096");
      need(jointDim >= 1 && jointDim <= 4096, "vision.joint_dim is " + jointDim + ", 1 to 4096");
    }

    /** The network's sizes. */
    public BioViLT.Config network() {
      return new BioViLT.Config(backbone.network, patchDim, jointDim);
    }
  }

  /** The convolutional network below the 1×1 projection; both have stride 32. */
  public enum Backbone {
    @JsonProperty("resnet50")
    RESNET50(BioViLT.Backbone.RESNET50),
    @JsonProperty("efficientnet-lite0")
    EFFICIENTNET_LITE0(BioViLT.Backbone.EFFICIENTNET_LITE0);

    private final BioViLT.Backbone network;

    Backbone(BioViLT.Backbone network) {
      this.network = network;
    }
  }

  /** The statistics that BatchNorm uses at inference. */
  public enum BatchNorm {
    @JsonProperty("running")
    RUNNING(BioViLT.BatchNorm.RUNNING),
    /** Those of the image itself: an oddity of the second version's original. */
    @JsonProperty("batch")
    BATCH(BioViLT.BatchNorm.BATCH);

    private final BioViLT.BatchNorm statistics;

    BatchNorm(BioViLT.BatchNorm statistics) {
      this.statistics = statistics;
    }

    /** As the network takes it. */
    public BioViLT.BatchNorm statistics() {
      return statistics;
    }
  }

  /** From the encoder's features to rows of the language model. */
  @JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "type")
  @JsonSubTypes({
    @JsonSubTypes.Type(value = QFormer.class, name = "qformer"),
    @JsonSubTypes.Type(value = Mlp.class, name = "mlp"),
    @JsonSubTypes.Type(value = Precomputed.class, name = "precomputed")
  })
  public sealed interface Alignment {
    /** Which of the encoder's outputs it reads. */
    Source source();

    /** How those features become tokens. */
    TokenOrder tokenOrder();

    /** A file of the folder that it reads beside the trained weights. */
    default Optional<String> file() {
      return Optional.empty();
    }

    /**
     * The network, its tensors under {@code qformer.} and {@code projector.} of {@code p}.
     *
     * @param hidden D, width of the language model
     * @throws RadialogException if {@code p} lacks a tensor or has it in another shape
     */
    default org.radialog.vision.Alignment network(Parameters p, Vision vision, int hidden) {
      int channels =
          switch (source()) {
            case PATCHES -> vision.network().patchChannels();
            case PROJECTED -> vision.jointDim();
          };
      Parameters projector = p.at("projector.");
      return switch (this) {
        case QFormer q ->
            QueryProjector.of(
                projector,
                org.radialog.vision.QFormer.of(
                    p.at("qformer."),
                    new org.radialog.vision.QFormer.Config(
                        q.queries(),
                        q.layers(),
                        q.hidden(),
                        q.heads(),
                        q.mlp(),
                        q.crossAttentionEvery(),
                        channels,
                        tokenOrder().network)),
                hidden);
        case Mlp mlp ->
            MlpProjector.of(
                projector,
                new MlpProjector.Config(channels, mlp.hidden(), hidden, tokenOrder().network));
        case Precomputed known -> RowProjector.of(projector, known.hidden(), hidden);
      };
    }
  }

  /**
   * Queries that attend to the features (keys under {@code qformer.}), then one linear layer to the
   * language model's width ({@code projector.}).
   *
   * @param queries image tokens
   * @param mlp width of the feed-forward layers
   * @param crossAttentionEvery layers 0, n, 2n … attend to the features
   */
  public record QFormer(
      int queries,
      int layers,
      int hidden,
      int heads,
      int mlp,
      int crossAttentionEvery,
      Source source,
      TokenOrder tokenOrder)
      implements Alignment {
    public QFormer {
      need(queries >= 1 && queries <= 1024, "alignment.queries is " + queries + ", 1 to 1024");
      need(layers >= 1 && layers <= 64, "alignment.layers is " + layers + ", 1 to 64");
      need(hidden >= 1 && hidden <= 8192, "alignment.hidden is " + hidden + ", 1 to 8192");
      need(
          heads >= 1 && hidden % heads == 0,
          "alignment.heads is " + heads + ", expected a divisor of alignment.hidden = " + hidden);
      need(mlp >= 1 && mlp <= 65536, "alignment.mlp is " + mlp + ", 1 to 65536");
      need(
          crossAttentionEvery >= 1,
          "alignment.cross_attention_every is " + crossAttentionEvery + ", at least 1");
    }
  }

  /** Two linear layers with GELU on every patch (keys under {@code projector.}). */
  public record Mlp(int hidden, Source source, TokenOrder tokenOrder) implements Alignment {
    public Mlp {
      need(hidden >= 1 && hidden <= 65536, "alignment.hidden is " + hidden + ", 1 to 65536");
    }
  }

  /**
   * Rows that a Q-Former gave to each of a set of films, kept under the films' names; only the
   * linear layer to the language model's width ({@code projector.}) is computed. The first
   * version's published weights work so: the projector that its Q-Former read was random and never
   * saved.
   *
   * @param queries image tokens
   * @param hidden width of the rows
   * @param embeddings file of the folder with a tensor [queries, hidden] for each film's name
   */
  public record Precomputed(int queries, int hidden, String embeddings) implements Alignment {
    public Precomputed {
      need(queries >= 1 && queries <= 1024, "alignment.queries is " + queries + ", 1 to 1024");
      need(hidden >= 1 && hidden <= 8192, "alignment.hidden is " + hidden + ", 1 to 8192");
    }

    @Override
    public Source source() {
      return Source.PROJECTED;
    }

    @Override
    public TokenOrder tokenOrder() {
      return TokenOrder.SCRAMBLED;
    }

    @Override
    public Optional<String> file() {
      return Optional.of(embeddings);
    }
  }

  /** An output of the encoder. */
  public enum Source {
    /** Patch features [2·patchDim, h, w]. */
    @JsonProperty("patches")
    PATCHES,
    /** Projected patch features [jointDim, h, w]. */
    @JsonProperty("projected")
    PROJECTED
  }

  /** How [C, h, w] becomes [h·w, C]. */
  public enum TokenOrder {
    /** One token a patch. */
    @JsonProperty("patches")
    PATCHES(org.radialog.vision.TokenOrder.PATCHES),
    /** A reshape without a permute: an oddity that the first version's weights depend on. */
    @JsonProperty("scrambled")
    SCRAMBLED(org.radialog.vision.TokenOrder.SCRAMBLED);

    private final org.radialog.vision.TokenOrder network;

    TokenOrder(org.radialog.vision.TokenOrder network) {
      this.network = network;
    }
  }

  /**
   * The findings classifier (keys under {@code classifier.}).
   *
   * @param encoder which encoder it reads
   * @param pooling how the projected patch features become one vector
   * @param hidden width between its two linear layers
   * @param labels CheXpert names in the order of the logits
   * @param thresholds a finding is present above this probability; one per label
   * @param possible a finding is uncertain above this probability and up to its threshold; one per
   *     label. Empty where the model has one operating point: nothing is uncertain
   * @param evidence whether training ever saw the label, one a label
   */
  public record Classifier(
      Encoder encoder,
      Pooling pooling,
      int hidden,
      List<String> labels,
      List<Double> thresholds,
      Optional<List<Double>> possible,
      List<Evidence> evidence) {
    public Classifier {
      need(hidden >= 1 && hidden <= 65536, "classifier.hidden is " + hidden + ", 1 to 65536");
      labels = List.copyOf(labels);
      thresholds = List.copyOf(thresholds);
      evidence = List.copyOf(evidence);
      need(
          labels.size() == thresholds.size() && labels.size() == evidence.size(),
          "classifier has "
              + labels.size()
              + " labels, "
              + thresholds.size()
              + " thresholds and "
              + evidence.size()
              + " evidence, expected one each a label");
      for (double threshold : thresholds) {
        need(
            threshold >= 0 && threshold <= 1,
            "classifier.thresholds has " + threshold + ", expected 0 to 1");
      }
      possible = possible.map(List::copyOf);
      if (possible.isPresent()) {
        requireBelow(possible.get(), thresholds);
      }
    }

    private static void requireBelow(List<Double> possible, List<Double> thresholds) {
      need(
          possible.size() == thresholds.size(),
          "classifier.possible has "
              + possible.size()
              + " values, expected one per label, "
              + thresholds.size());
      for (int i = 0; i < possible.size(); i++) {
        need(
            possible.get(i) >= 0 && possible.get(i) <= thresholds.get(i),
            "classifier.possible has %s at %d, expected 0 to its threshold, %s"
                .formatted(possible.get(i), i, thresholds.get(i)));
      }
    }

    /** The network's sizes, its inputs being the encoder's {@code jointDim} channels. */
    public FindingsClassifier.Config network(int jointDim) {
      FindingsClassifier.Pooling network =
          switch (pooling) {
            case Window(int kernel, int cells) ->
                new FindingsClassifier.Pooling.Window(kernel, cells);
            case Adaptive(int cells) -> new FindingsClassifier.Pooling.Adaptive(cells);
          };
      return new FindingsClassifier.Config(jointDim, network, hidden, labels.size());
    }
  }

  /** Whose features the classifier reads. */
  public enum Encoder {
    /** Those of the encoder that feeds the language model. */
    @JsonProperty("shared")
    SHARED,
    /**
     * Those of an encoder of its own, always with running statistics ({@code classifier.vision.}).
     */
    @JsonProperty("own")
    OWN
  }

  /** From a feature map [J, h, w] to cells × cells means, flattened channel by channel. */
  @JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "type")
  @JsonSubTypes({
    @JsonSubTypes.Type(value = Window.class, name = "window"),
    @JsonSubTypes.Type(value = Adaptive.class, name = "adaptive")
  })
  public sealed interface Pooling {
    /** Cells a side. */
    int cells();
  }

  /** Means of kernel × kernel patches, of a grid that gives {@code cells} a side: the published. */
  public record Window(int kernel, int cells) implements Pooling {
    public Window {
      need(kernel >= 1 && kernel <= 64, "classifier.pooling.kernel is " + kernel + ", 1 to 64");
      need(cells >= 1 && cells <= 64, "classifier.pooling.cells is " + cells + ", 1 to 64");
    }
  }

  /** Means over cells × cells parts of a grid of any size; 1 is the mean of all. */
  public record Adaptive(int cells) implements Pooling {
    public Adaptive {
      need(cells >= 1 && cells <= 64, "classifier.pooling.cells is " + cells + ", 1 to 64");
    }
  }

  /** Whether a label was ever taught; an untrained one is reported as not assessed. */
  public enum Evidence {
    @JsonProperty("trained")
    TRAINED,
    @JsonProperty("untrained")
    UNTRAINED
  }

  /**
   * The language model.
   *
   * @param weights path of its base weights in the folder
   * @param network its shape; empty where the weights are GGUF, which states it
   * @param tokenizer folder of its {@code tokenizer.json} or {@code tokenizer.model} with their
   *     configuration; empty where the weights are GGUF, which holds it
   * @param precision of the decode step unless another is asked for; empty chooses the fastest
   * @param adapter LoRA beside it (keys under {@code language.}), if any
   * @param prompt name of its prompt format ({@link PromptFormats})
   * @param compat oddities of the original that are kept
   */
  public record Language(
      String weights,
      Optional<LlamaConfig> network,
      Optional<String> tokenizer,
      Optional<Precision> precision,
      Optional<Adapter> adapter,
      String prompt,
      List<Compat> compat) {
    public Language {
      compat = List.copyOf(compat);
      format(prompt, compat);
      need(
          network.isPresent() == tokenizer.isPresent(),
          "language.network and language.tokenizer are expected together, or both null");
    }

    /** A GGUF file with an adapter beside it, in the fastest precision. */
    public static Language gguf(String weights, Adapter adapter, PromptFormat prompt) {
      return new Language(
          weights,
          Optional.empty(),
          Optional.empty(),
          Optional.empty(),
          Optional.of(adapter),
          prompt.id(),
          List.of());
    }

    /** The words of its conversations. */
    public PromptFormat wording() {
      return format(prompt, compat);
    }

    private static PromptFormat format(String prompt, List<Compat> compat) {
      EnumSet<PromptFormat.Compat> kept = EnumSet.noneOf(PromptFormat.Compat.class);
      compat.forEach(c -> kept.add(c.kept));
      return PromptFormats.of(prompt).with(kept);
    }
  }

  /** Oddities of the published versions' prompts; none is on unless named. */
  public enum Compat {
    /** The second version's training put the image on a line of its own. */
    @JsonProperty("training-layout")
    TRAINING_LAYOUT(PromptFormat.Compat.TRAINING_LAYOUT),
    /** The first version's demo had another system prompt. */
    @JsonProperty("demo-system-prompt")
    DEMO_SYSTEM_PROMPT(PromptFormat.Compat.DEMO_SYSTEM_PROMPT),
    /** The demos wrote findings as they came, and nothing for an empty list. */
    @JsonProperty("empty-findings")
    EMPTY_FINDINGS(PromptFormat.Compat.EMPTY_FINDINGS);

    private final PromptFormat.Compat kept;

    Compat(PromptFormat.Compat kept) {
      this.kept = kept;
    }

    /** The name in the file. */
    public String text() {
      return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
  }

  /**
   * LoRA: y = x Wᵀ + (alpha / r) x Aᵀ Bᵀ.
   *
   * @param targets names of the linear layers, for example {@code q_proj}
   */
  public record Adapter(int r, double alpha, List<String> targets) {
    public Adapter {
      targets = List.copyOf(targets);
      LoraConfig checked = new LoraConfig(r, alpha, 0, LoraConfig.targets(targets));
      need(
          checked.scale() > 0 && alpha <= 1e6,
          "language.adapter.alpha is " + alpha + ", expected above 0, at most 1e6");
    }

    /** The adapter's shape as the network takes it. */
    public LoraConfig network() {
      return new LoraConfig(r, alpha, 0, LoraConfig.targets(targets));
    }
  }

  /**
   * What the fp32 path answers to the fixed film of the self test, within 1e-4.
   *
   * @param probabilities of the classifier, one a label; empty where the model was not yet run
   * @param logits the largest logits of the first token of the report, in the order of {@code
   *     tokens}
   * @param tokens the ids that they belong to, best first
   */
  public record SelfTest(List<Double> probabilities, List<Double> logits, List<Integer> tokens) {
    /** Nothing to compare with. */
    public static final SelfTest NONE = new SelfTest(List.of(), List.of(), List.of());

    public SelfTest {
      probabilities = List.copyOf(probabilities);
      logits = List.copyOf(logits);
      tokens = List.copyOf(tokens);
      need(
          logits.size() == tokens.size(),
          "self_test has " + logits.size() + " logits for " + tokens.size() + " tokens");
    }
  }

  /**
   * A file of the folder.
   *
   * @param path relative, with {@code /}
   * @param sha256 64 hexadecimal digits, lower case
   */
  public record FileEntry(String path, long bytes, String sha256) {
    public FileEntry {
      Path p = Path.of(path);
      need(
          !path.isEmpty()
              && !p.isAbsolute()
              && p.equals(p.normalize())
              && !p.startsWith("..")
              && path.indexOf('\\') < 0,
          "files has the path '" + path + "', expected one inside the folder");
      need(bytes >= 0, "files gives " + path + " " + bytes + " bytes");
      need(
          sha256.matches("[0-9a-f]{64}"),
          "files gives " + path + " the sha256 '" + sha256 + "', expected 64 hexadecimal digits");
    }

    /** The entry of {@code folder/path} as it stands. */
    public static FileEntry of(Path folder, String path) {
      Path file = folder.resolve(path);
      try {
        return new FileEntry(path, Files.size(file), digest(file));
      } catch (IOException e) {
        throw new RadialogException(Kind.REFUSED_WEIGHTS, "cannot read " + file + ": " + e, e);
      }
    }
  }

  /**
   * Reads {@code folder/config.json} and checks that the files it lists have their sizes.
   *
   * @throws RadialogException if it is missing or damaged, is of a higher format, has an unknown
   *     field, or a file is missing or of another size
   */
  public static ModelConfig read(Path folder) {
    Path file = folder.resolve(FILE);
    ModelConfig config;
    try {
      long size = Files.size(file);
      if (size > MAX_BYTES) {
        throw new RadialogException(
            Kind.REFUSED_WEIGHTS,
            file
                + ": "
                + size
                + " bytes, expected at most "
                + MAX_BYTES
                + "; not a model's config");
      }
      JsonNode tree = StrictJson.tree(file, Files.readAllBytes(file));
      checkFormat(file, tree);
      config = StrictJson.read(file.toString(), upgraded(file, tree), ModelConfig.class);
    } catch (IOException e) {
      throw new RadialogException(
          Kind.REFUSED_WEIGHTS,
          folder + " is not a model folder: cannot read " + file + ": " + e,
          e);
    }
    for (FileEntry entry : config.files) {
      Path listed = folder.resolve(entry.path());
      long bytes;
      try {
        bytes = Files.size(listed);
      } catch (IOException e) {
        throw new RadialogException(
            Kind.REFUSED_WEIGHTS,
            listed + " is missing, though " + file + " lists it; copy the whole model folder",
            e);
      }
      if (bytes != entry.bytes()) {
        throw new RadialogException(
            Kind.REFUSED_WEIGHTS,
            listed
                + " has "
                + bytes
                + " bytes, expected "
                + entry.bytes()
                + " as "
                + FILE
                + " says; copy the model folder again");
      }
    }
    return config;
  }

  private static JsonNode upgraded(Path file, JsonNode tree) {
    if (tree.path("format").intValue() == FORMAT || !(tree instanceof ObjectNode object)) {
      return tree;
    }
    try {
      return FormatOne.upgraded(object);
    } catch (RadialogException e) {
      throw new RadialogException(Kind.REFUSED_WEIGHTS, file + ": " + e.getMessage(), e);
    }
  }

  /** Writes {@code folder/config.json}. */
  public void write(Path folder) {
    WholeFile.write(folder.resolve(FILE), StrictJson.text(this));
  }

  /** This with another self test. */
  public ModelConfig with(SelfTest test) {
    return new ModelConfig(
        format,
        readBy,
        id,
        version,
        license,
        preprocessing,
        vision,
        alignment,
        classifier,
        language,
        test,
        files,
        sources);
  }

  /** The files of {@code folder} whose content is not what it was, each as one line. */
  public List<String> damaged(Path folder) {
    return files.stream().flatMap(f -> damage(folder, f).stream()).toList();
  }

  private static Optional<String> damage(Path folder, FileEntry entry) {
    Path file = folder.resolve(entry.path());
    try {
      String found = digest(file);
      return found.equals(entry.sha256())
          ? Optional.empty()
          : Optional.of(file + ": sha256 is " + found + ", expected " + entry.sha256());
    } catch (IOException e) {
      return Optional.of("cannot read " + file + ": " + e);
    }
  }

  private static void checkFormat(Path file, JsonNode tree) {
    JsonNode format = tree.path("format");
    if (!format.isInt() || format.intValue() < 1) {
      throw new RadialogException(
          Kind.REFUSED_WEIGHTS,
          file + ": format is " + format + ", expected a whole number from 1 to " + FORMAT);
    }
    if (format.intValue() > FORMAT) {
      JsonNode by = tree.path("read_by");
      throw new RadialogException(
          Kind.REFUSED_WEIGHTS,
          file
              + ": format "
              + format
              + " is read by RaDialog "
              + (by.isString() ? by.stringValue() : "(not named)")
              + " or later; this one reads formats up to "
              + FORMAT);
    }
  }

  private static String digest(Path file) throws IOException {
    try (InputStream in = Files.newInputStream(file)) {
      MessageDigest sha = MessageDigest.getInstance("SHA-256");
      byte[] buffer = new byte[1 << 16];
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        sha.update(buffer, 0, n);
      }
      return HexFormat.of().formatHex(sha.digest()).toLowerCase(Locale.ROOT);
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every JDK has SHA-256", e);
    }
  }

  private static void need(boolean holds, String otherwise) {
    if (!holds) {
      throw new RadialogException(Kind.REFUSED_WEIGHTS, otherwise);
    }
  }
}
