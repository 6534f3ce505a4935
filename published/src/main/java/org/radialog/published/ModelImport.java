package org.radialog.published;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.stream.IntStream;
import org.radialog.base.Progress;
import org.radialog.base.RadialogException;
import org.radialog.base.WholeFile;
import org.radialog.base.WholeFolder;
import org.radialog.clinical.Finding;
import org.radialog.clinical.PromptFormat;
import org.radialog.imaging.DicomRecipe;
import org.radialog.imaging.Preprocessing;
import org.radialog.language.LlamaConfig;
import org.radialog.language.LlamaLinear;
import org.radialog.language.LoraAdapter;
import org.radialog.language.Precision;
import org.radialog.text.SentencePieceTokenizer;
import org.radialog.text.TextTokenizer;
import org.radialog.vision.Alignment;
import org.radialog.vision.BioViLT;
import org.radialog.vision.FindingsClassifier;
import org.radialog.vision.RowProjector;
import org.radialog.vision.VisionEncoder;
import org.radialog.weights.Checkpoint;
import org.radialog.weights.DType;
import org.radialog.weights.SafetensorsWriter;

/**
 * Creates a model folder from published files: RaDialog's second or first version, or only a
 * language model. The folder is created atomically, describes itself, and records the fp32 outputs
 * of its networks for the film of the self test.
 */
public final class ModelImport {
  /** Name of the language model's file in an imported folder. */
  private static final String LANGUAGE = "language.safetensors";

  private static final String GGUF = "language.gguf";
  private static final String EMBEDDINGS = "embeddings.safetensors";
  private static final String TOKENIZER = "tokenizer";

  // Published with the weights: docs/specification.md, preprocessing and findings classifier.
  private static final Preprocessing.Branches PREPROCESSING =
      new Preprocessing.Branches(512, new Preprocessing.Crops(488, 448), DicomRecipe.MIMIC_CXR_JPG);
  private static final double THRESHOLD = 0.5;
  private static final int CLASSIFIER_KERNEL = 4;
  private static final int CLASSIFIER_CELLS = 4;

  /**
   * An import request.
   *
   * @param source folder with the published files, or one file
   * @param target the model folder, which must not exist yet or be empty
   * @param quantize precision of the language model: {@code BF16}, {@code INT8} or {@code INT4};
   *     empty for bfloat16, or for an unchanged GGUF file
   * @param batchNorm statistics of the encoder that feeds the language model; {@code BATCH} was
   *     used for the published scores of the second version
   * @param compat quirks of the prompts to reproduce
   * @param license SPDX expression; empty for the known licence of the source
   */
  public record Request(
      Path source,
      Path target,
      Optional<Precision> quantize,
      BioViLT.BatchNorm batchNorm,
      List<PromptFormat.Compat> compat,
      Optional<String> license) {
    /** Checks the precision. */
    public Request {
      Objects.requireNonNull(source, "source");
      Objects.requireNonNull(target, "target");
      Objects.requireNonNull(quantize, "quantize");
      Objects.requireNonNull(batchNorm, "batchNorm");
      Objects.requireNonNull(compat, "compat");
      Objects.requireNonNull(license, "license");
      compat = List.copyOf(compat);
      if (quantize.equals(Optional.of(Precision.FP32))) {
        throw new RadialogException(
            "a language model is imported as bf16, int8 or int4, not as fp32");
      }
    }
  }

  /** The first use of a new folder, which shows that it is a complete model. */
  @FunctionalInterface
  public interface Proof {
    /**
     * Packs the weights of the folder for this machine and runs the self test.
     *
     * @throws RadialogException if the folder cannot be loaded
     */
    ModelConfig.SelfTest of(Path folder, Progress progress);
  }

  private final Request request;
  private final Proof proof;
  private final Progress progress;
  private final Path folder;

  private ModelImport(Request request, Proof proof, Progress progress, Path folder) {
    this.request = request;
    this.proof = proof;
    this.progress = progress;
    this.folder = folder;
  }

  /**
   * Imports a model; the folder gets its name after {@code proof} has used it.
   *
   * @return the config of the new folder
   * @throws RadialogException if the files are not a complete model, or the folder cannot be
   *     written; then no folder is created
   */
  public static ModelConfig run(Request request, Proof proof, Progress progress) {
    Objects.requireNonNull(request, "request");
    Objects.requireNonNull(proof, "proof");
    Objects.requireNonNull(progress, "progress");
    return WholeFolder.write(
        request.target, folder -> new ModelImport(request, proof, progress, folder).write());
  }

  private ModelConfig write() {
    ModelConfig untested;
    try (ModelSource source = ModelSource.open(request.source)) {
      ModelSource.Model model = source.model();
      if (model.language().gguf().isPresent() && request.quantize.isPresent()) {
        throw new RadialogException(
            model.language().gguf().get()
                + " is already quantised and is imported unchanged; give no other precision");
      }
      if (!(model instanceof ModelSource.Version2)
          && request.batchNorm == BioViLT.BatchNorm.BATCH) {
        throw new RadialogException(
            "batch statistics are a quirk of RaDialog v2 only; omit the option");
      }
      checkTokens(model.language());
      untested = write(source, model);
    }
    ModelFolder.write(folder, untested);
    ModelConfig config = untested.with(proof.of(folder, progress));
    ModelFolder.write(folder, config);
    return config;
  }

  // Generating a token without a row in the embedding table would end a dialog. A special token may
  // lack one, because untrusted text never contains it.
  private static void checkTokens(ModelSource.Language language) {
    int rows = language.weights().config().vocab();
    int tokens = 0;
    boolean fits;
    if (language.gguf().isPresent()) {
      try (Checkpoint gguf = Checkpoint.open(language.gguf().get())) {
        if (gguf.metadata().get("tokenizer.ggml.tokens") instanceof List<?> list) {
          tokens = list.size();
        }
        fits = tokens <= rows;
      }
    } else {
      try (TextTokenizer tokenizer =
          TextTokenizer.open(ModelSource.folder(language.tokenizer().getFirst()))) {
        tokens = tokenizer.size();
        fits = IntStream.range(rows, tokens).allMatch(tokenizer::special);
      }
    }
    if (!fits) {
      throw new RadialogException(
          ("%s: the tokenizer has %d tokens and the embedding table %d rows, expected one"
                      + " row per token; ")
                  .formatted(language.name(), tokens, rows)
              + "the two do not belong together");
    }
  }

  private ModelConfig write(ModelSource source, ModelSource.Model model) {
    SequencedMap<String, SafetensorsWriter.Entry> trained = new LinkedHashMap<>();
    Optional<Parts> parts =
        switch (model) {
          case ModelSource.Version2 v2 -> Optional.of(version2(v2, trained));
          case ModelSource.Version1 v1 -> Optional.of(version1(v1, trained));
          case ModelSource.LanguageAlone _ -> Optional.empty();
        };
    ModelSource.About about = model.about();
    ModelConfig.Language language = language(model, trained);
    List<String> files = new ArrayList<>();
    if (!trained.isEmpty()) {
      SafetensorsWriter.write(folder.resolve(ModelConfig.TRAINED), Map.of("format", "pt"), trained);
      files.add(ModelConfig.TRAINED);
    }
    files.add(language.weights());
    if (model instanceof ModelSource.Version1) {
      files.add(EMBEDDINGS);
    }
    model
        .language()
        .tokenizer()
        .forEach(file -> files.add(copied(file, TOKENIZER + "/" + file.getFileName())));
    converted(files);
    return new ModelConfig(
        ModelConfig.FORMAT,
        ModelConfig.FORMAT_READ_BY,
        about.id(),
        "imported",
        request.license.orElse(about.license()),
        about.limits(),
        parts.isPresent()
            ? List.of(ModelConfig.Section.FINDINGS, ModelConfig.Section.IMPRESSION)
            : List.of(),
        parts.map(_ -> PREPROCESSING),
        parts.map(Parts::vision),
        parts.map(Parts::alignment),
        parts.map(Parts::classifier),
        language,
        ModelConfig.SelfTest.NONE,
        entries(folder, files),
        sources(source));
  }

  /** The parts of a model other than its language model. */
  private record Parts(
      VisionEncoder.Config vision, Alignment.Config alignment, ModelConfig.Classifier classifier) {}

  private Parts version2(
      ModelSource.Version2 v2, SequencedMap<String, SafetensorsWriter.Entry> trained) {
    BioViLT.Config vision = v2.vision().vision();
    add("vision.", v2.visionTensors(), trained);
    add("projector.", v2.projectorTensors(), trained);
    return new Parts(
        vision.with(request.batchNorm),
        v2.vision().projector().config(),
        classifier(v2.classifier(), vision, trained));
  }

  private Parts version1(
      ModelSource.Version1 v1, SequencedMap<String, SafetensorsWriter.Entry> trained) {
    add("projector.", v1.projection(), trained);
    SequencedMap<String, SafetensorsWriter.Entry> rows = new LinkedHashMap<>();
    add("", v1.embeddings(), rows);
    SafetensorsWriter.write(folder.resolve(EMBEDDINGS), Map.of("format", "pt"), rows);
    BioViLT.Config vision =
        v1.classifier().sizes().vision().orElseThrow(ModelImport::noEncoder).config();
    return new Parts(
        vision.forClassifier(),
        new RowProjector.Config(v1.sizes().queries(), v1.sizes().width(), EMBEDDINGS),
        classifier(v1.classifier(), vision, trained));
  }

  private static RadialogException noEncoder() {
    return new RadialogException(
        "the findings classifier's file has no image encoder (biovil_encoder); expected a"
            + " ChexpertClassifier checkpoint as published");
  }

  private static ModelConfig.Classifier classifier(
      ModelSource.Classifier classifier,
      BioViLT.Config vision,
      SequencedMap<String, SafetensorsWriter.Entry> trained) {
    BioViLT.Config own = classifier.sizes().vision().orElseThrow(ModelImport::noEncoder).config();
    int labels = classifier.sizes().labels();
    int features = vision.jointDim() * CLASSIFIER_CELLS * CLASSIFIER_CELLS;
    if (!own.forClassifier().equals(vision.forClassifier())
        || labels != Finding.ALL.size()
        || classifier.sizes().features() != features) {
      throw new RadialogException(
          "the findings classifier has an encoder %s, %d features and %d labels; expected %s, %d and %d"
              .formatted(
                  own,
                  classifier.sizes().features(),
                  labels,
                  vision,
                  features,
                  Finding.ALL.size()));
    }
    add("classifier.", classifier.head(), trained);
    add("classifier.vision.", classifier.encoder(), trained);
    return new ModelConfig.Classifier(
        ModelConfig.Encoder.OWN,
        new FindingsClassifier.Pooling.Window(CLASSIFIER_KERNEL, CLASSIFIER_CELLS),
        classifier.sizes().hidden(),
        Finding.ALL.stream().map(Finding::label).toList(),
        Collections.nCopies(labels, THRESHOLD),
        Optional.empty(),
        Collections.nCopies(labels, ModelConfig.Evidence.TRAINED),
        Optional.empty(),
        Optional.empty());
  }

  private ModelConfig.Language language(
      ModelSource.Model model, SequencedMap<String, SafetensorsWriter.Entry> trained) {
    ModelSource.Language language = model.language();
    String prompt = model.about().prompt().id();
    if (language.gguf().isPresent()) {
      language.adapter().ifPresent(adapter -> beside(language, adapter, trained));
      return new ModelConfig.Language(
          copied(language.gguf().get(), GGUF),
          Optional.empty(),
          Optional.empty(),
          Optional.empty(),
          language.adapter().map(adapter -> adapter.config()),
          prompt,
          request.compat);
    }
    Precision precision = request.quantize.orElse(Precision.BF16);
    LlamaFile.write(
        folder.resolve(LANGUAGE), language.weights(), language.adapter(), precision, progress);
    return new ModelConfig.Language(
        LANGUAGE,
        Optional.of(language.weights().config()),
        Optional.of(TOKENIZER),
        Optional.of(precision),
        Optional.empty(),
        prompt,
        request.compat);
  }

  private static void beside(
      ModelSource.Language language,
      LoraAdapter adapter,
      SequencedMap<String, SafetensorsWriter.Entry> to) {
    LlamaConfig config = language.weights().config();
    for (int layer = 0; layer < config.layers(); layer++) {
      for (LlamaLinear linear : LlamaLinear.values()) {
        String module = "language." + LoraAdapter.PREFIX + linear.module(layer);
        Optional<LoraAdapter.Pair> pair = adapter.pair(config, layer, linear);
        int r = adapter.config().r();
        pair.ifPresent(p -> {
          to.put(
              module + ".lora_A.weight",
              SafetensorsWriter.Entry.of(DType.F32, p.a(), r, linear.columns(config)));
          to.put(
              module + ".lora_B.weight",
              SafetensorsWriter.Entry.of(DType.F32, p.b(), linear.rows(config), r));
        });
      }
    }
  }

  private static void add(
      String prefix,
      ModelSource.Tensors tensors,
      SequencedMap<String, SafetensorsWriter.Entry> to) {
    for (ModelSource.Tensors.Named named : tensors.all()) {
      to.put(
          prefix + named.name(),
          new SafetensorsWriter.Entry(
              named.stored().dtype(),
              named.stored().shape(),
              named.checkpoint().bytes(named.stored().name())));
    }
  }

  // SentencePiece's file in the format that every tool reads.
  private void converted(List<String> files) {
    String json = TOKENIZER + "/tokenizer.json";
    if (!files.contains(TOKENIZER + "/tokenizer.model") || files.contains(json)) {
      return;
    }
    try (TextTokenizer tokenizer = TextTokenizer.open(folder.resolve(TOKENIZER))) {
      if (tokenizer instanceof SentencePieceTokenizer sentencePiece) {
        sentencePiece.write(folder.resolve(json));
        files.add(json);
      }
    }
  }

  private String copied(Path from, String name) {
    WholeFile.write(folder.resolve(name), out -> Files.copy(from, out));
    return name;
  }

  private List<ModelConfig.FileEntry> entries(Path root, List<String> files) {
    try (Progress.Task task = progress.start("digests of the result", files.size())) {
      List<ModelConfig.FileEntry> entries = new ArrayList<>();
      for (String file : files) {
        entries.add(ModelConfig.FileEntry.of(root, file));
        task.step(file);
      }
      return entries;
    }
  }

  private List<ModelConfig.FileEntry> sources(ModelSource source) {
    Path root =
        Files.isDirectory(request.source)
            ? request.source
            : Optional.ofNullable(request.source.toAbsolutePath().getParent())
                .orElse(request.source);
    try (Progress.Task task = progress.start("digests of the sources", source.files().size())) {
      List<ModelConfig.FileEntry> entries = new ArrayList<>();
      for (Path file : source.files()) {
        String name =
            root.toAbsolutePath()
                .relativize(file.toAbsolutePath())
                .toString()
                .replace(root.getFileSystem().getSeparator(), "/");
        entries.add(ModelConfig.FileEntry.of(root, name));
        task.step(name);
      }
      return entries;
    }
  }
}
