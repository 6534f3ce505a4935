package org.radialog.published;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.SequencedSet;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.radialog.base.Printable;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.clinical.PlainFormat;
import org.radialog.clinical.PromptFormat;
import org.radialog.clinical.RadialogFormat;
import org.radialog.language.GgufLlama;
import org.radialog.language.HuggingFaceLlama;
import org.radialog.language.LlamaConfig;
import org.radialog.language.LlamaFields;
import org.radialog.language.LlamaWeights;
import org.radialog.language.LoraAdapter;
import org.radialog.language.LoraConfig;
import org.radialog.weights.Checkpoint;
import org.radialog.weights.TensorInfo;
import org.radialog.weights.WeightsRefused;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * The downloaded published files of a model, below one folder: each checkpoint is recognised by its
 * content, whatever its name. The files stay open until this is closed.
 */
public final class ModelSource implements AutoCloseable {
  private static final int DEPTH = 6;
  private static final long LARGEST_JSON = 1 << 24;
  private static final JsonMapper JSON = JsonMapper.builder().build();
  private static final List<String> CHECKPOINTS =
      List.of(".safetensors", ".bin", ".pt", ".pth", ".ckpt", ".gguf", ".pkl", ".pickle");
  private static final String INDEX = ".index.json";

  /** Tokenizer files in the folder of a language model. */
  private static final List<String> TOKENIZER =
      List.of(
          "tokenizer.json",
          "tokenizer.model",
          "tokenizer_config.json",
          "special_tokens_map.json",
          "added_tokens.json");

  /**
   * A checkpoint.
   *
   * @param file the file, or the index of its shards
   */
  record Part(Path file, Checkpoint checkpoint, Recognition recognition) {
    Path folder() {
      return ModelSource.folder(file);
    }
  }

  private final Path root;
  private final List<Part> parts;
  private final SequencedMap<Path, String> unreadable;
  private final Set<Path> used = new TreeSet<>();

  private ModelSource(Path root, List<Part> parts, SequencedMap<Path, String> unreadable) {
    this.root = root;
    this.parts = parts;
    this.unreadable = unreadable;
  }

  /**
   * Opens every checkpoint below {@code root}, or {@code root} itself if it is a file.
   *
   * @throws RadialogException if there is no such file or folder, or no checkpoint in it
   */
  public static ModelSource open(Path root) {
    if (!Files.exists(root)) {
      throw new RadialogException(Kind.REFUSED_WEIGHTS, "there is no file or folder " + root);
    }
    List<Path> files;
    try (Stream<Path> all = Files.walk(root, DEPTH)) {
      files = all.filter(Files::isRegularFile).sorted().toList();
    } catch (IOException e) {
      throw new RadialogException(Kind.REFUSED_WEIGHTS, "cannot read " + root + ": " + e, e);
    }
    Set<Path> shards = new TreeSet<>();
    List<Path> checkpoints = new ArrayList<>();
    for (Path file : files) {
      if (file.toString().endsWith(INDEX)) {
        checkpoints.add(file);
        shards.addAll(shards(file));
      }
    }
    files.stream()
        .filter(file -> !shards.contains(file))
        .filter(file -> CHECKPOINTS.stream().anyMatch(end -> file.toString().endsWith(end)))
        .forEach(checkpoints::add);
    List<Part> parts = new ArrayList<>();
    SequencedMap<Path, String> unreadable = new LinkedHashMap<>();
    try {
      for (Path file : checkpoints) {
        try {
          Checkpoint checkpoint = Checkpoint.open(file);
          parts.add(new Part(file, checkpoint, Recognition.of(checkpoint)));
        } catch (WeightsRefused e) {
          unreadable.put(file, String.valueOf(e.getMessage()));
        }
      }
    } catch (RuntimeException | Error e) {
      parts.forEach(part -> part.checkpoint.close());
      throw e;
    }
    return new ModelSource(root, parts, unreadable);
  }

  private static List<Path> shards(Path index) {
    JsonNode map = json(index).path("weight_map");
    return map.valueStream()
        .map(name -> index.resolveSibling(name.asString("")))
        .distinct()
        .toList();
  }

  private static JsonNode json(Path file) {
    try {
      if (Files.size(file) > LARGEST_JSON) {
        throw new RadialogException(
            Kind.REFUSED_WEIGHTS, file + ": more than " + LARGEST_JSON + " bytes of JSON");
      }
      return JSON.readTree(Files.readAllBytes(file));
    } catch (IOException e) {
      throw new RadialogException(Kind.REFUSED_WEIGHTS, "cannot read " + file + ": " + e, e);
    } catch (JacksonException e) {
      throw new RadialogException(
          Kind.REFUSED_WEIGHTS, file + " is not JSON: " + e.getOriginalMessage(), e);
    }
  }

  /** The model that the files form. */
  public sealed interface Model {
    /** The language model. */
    Language language();

    /** The description for a model folder made from it. */
    About about();
  }

  /**
   * The description of a model for its folder.
   *
   * @param id name of the model
   * @param license an SPDX expression, as stated by the publishers of the weights or by the files;
   *     importers have to comply with all of them
   * @param prompt the prompt format that the model was trained with
   * @param limits its known limitations, in sentences
   */
  public record About(String id, String license, PromptFormat prompt, List<String> limits) {
    /** Copies the list. */
    public About {
      limits = List.copyOf(limits);
    }
  }

  private static final String TRAINED_WITHOUT_PRIORS =
      "The model was trained without earlier films: any change over time in its text"
          + " does not come from the images.";

  /**
   * The second version of RaDialog.
   *
   * @param language the language model
   * @param vision sizes of the image encoder
   * @param visionTensors its tensors
   * @param projectorTensors the tensors of the projector
   * @param classifier the findings classifier
   */
  public record Version2(
      Language language,
      CheckpointKind.VisionAndProjector vision,
      Tensors visionTensors,
      Tensors projectorTensors,
      Classifier classifier)
      implements Model {
    @Override
    public About about() {
      return new About(
          "radialog-v2",
          "Apache-2.0 AND LicenseRef-Llama-2-Community AND LicenseRef-PhysioNet-Credentialed-1.5.0",
          RadialogFormat.V2,
          List.of(TRAINED_WITHOUT_PRIORS));
    }
  }

  /**
   * The first version of RaDialog, which works only with the films of its embeddings.
   *
   * @param language the language model
   * @param projection tensors of the linear layer from the Q-Former to the language model
   * @param sizes of the embeddings
   * @param embeddings by the name of the film, [queries, hidden] each
   * @param classifier the findings classifier
   */
  public record Version1(
      Language language,
      Tensors projection,
      CheckpointKind.Embeddings sizes,
      Tensors embeddings,
      Classifier classifier)
      implements Model {
    @Override
    public About about() {
      return new About(
          "radialog-v1",
          "LicenseRef-RaDialog-none-stated AND LicenseRef-LLaMA-noncommercial AND"
              + " LicenseRef-PhysioNet-Credentialed-1.5.0",
          RadialogFormat.V1,
          List.of(TRAINED_WITHOUT_PRIORS));
    }
  }

  /**
   * Only a language model.
   *
   * @param language the language model
   */
  public record LanguageAlone(Language language) implements Model {
    @Override
    public About about() {
      return new About(
          language.name(),
          language
              .gguf()
              .map(SourceLicense::ofGguf)
              .orElseGet(() -> SourceLicense.beside(folder(language.tokenizer().getFirst())))
              .orElse("LicenseRef-see-source"),
          PlainFormat.FORMAT,
          List.of());
    }
  }

  /**
   * A language model.
   *
   * @param name of the model, from the name of its folder or file
   * @param weights its tensors
   * @param adapter LoRA to merge, if any
   * @param gguf the file itself if it is GGUF, which contains its shape and tokenizer
   * @param tokenizer files of its tokenizer, none if it is GGUF
   */
  public record Language(
      String name,
      LlamaWeights weights,
      Optional<LoraAdapter> adapter,
      Optional<Path> gguf,
      List<Path> tokenizer) {}

  /**
   * The findings classifier with a separate image encoder.
   *
   * @param sizes of the head
   * @param head its tensors
   * @param encoder the tensors of its image encoder
   */
  public record Classifier(CheckpointKind.Classifier sizes, Tensors head, Tensors encoder) {}

  /**
   * Tensors of a checkpoint under other names.
   *
   * @param all in the order of the file
   */
  public record Tensors(List<Named> all) {
    /**
     * A tensor of {@code checkpoint}; {@code name} is its name without the prefix.
     *
     * @param name without the prefix in the file
     * @param checkpoint the file
     * @param stored its description in the file
     */
    public record Named(String name, Checkpoint checkpoint, TensorInfo stored) {}

    /** Copies the list. */
    public Tensors {
      all = List.copyOf(all);
    }

    private static Tensors of(Part part, Function<String, Optional<String>> rename) {
      List<Named> named = new ArrayList<>();
      Set<String> needless = Set.copyOf(part.recognition.ignored());
      part.checkpoint
          .tensors()
          .forEach((stored, info) -> {
            if (!needless.contains(stored)) {
              rename
                  .apply(stored)
                  .ifPresent(name -> named.add(new Named(name, part.checkpoint, info)));
            }
          });
      return new Tensors(named);
    }

    // the part after the first occurrence of `mark`, with `keep` prepended
    private static Function<String, Optional<String>> behind(String mark, String keep) {
      return name -> {
        int at = name.indexOf(mark);
        return at < 0 ? Optional.empty() : Optional.of(keep + name.substring(at + mark.length()));
      };
    }
  }

  /**
   * The model that the files form.
   *
   * @throws RadialogException if they are not a complete model, or more than one, or damaged; the
   *     message says what was found, what is missing, and where to get it
   */
  public Model model() {
    Optional<Part> hub = only(CheckpointKind.VisionAndProjector.class);
    Optional<Part> adapter = only(CheckpointKind.Adapter.class);
    boolean first =
        adapter
            .filter(part ->
                part.recognition.kind() instanceof CheckpointKind.Adapter a
                    && a.imageProjection().isPresent())
            .isPresent();
    if (hub.isPresent()) {
      return version2(hub.get(), adapter);
    }
    if (first || only(CheckpointKind.QFormerModel.class).isPresent()) {
      return version1(adapter.filter(_ -> first));
    }
    Language language = language(adapter);
    List<String> others =
        parts.stream()
            .filter(part -> !used.contains(part.file))
            .map(part -> part.file + " (" + part.recognition.kind().title() + ")")
            .toList();
    if (!others.isEmpty()) {
      throw new RadialogException(
          Kind.REFUSED_WEIGHTS,
          root
              + ": in addition to the language model there is "
              + String.join(", ", others)
              + ", which is not a complete RaDialog; expected non_lora_trainables.bin and"
              + " ChexpertClassifier.ckpt of RaDialog v2, or the adapter and embeddings of v1,"
              + " or only a language model");
    }
    return new LanguageAlone(language);
  }

  private Version2 version2(Part hub, Optional<Part> adapter) {
    if (adapter.isEmpty()) {
      throw lacks("adapter_model.bin with adapter_config.json", "the hub entry of RaDialog v2");
    }
    CheckpointKind.VisionAndProjector kind =
        (CheckpointKind.VisionAndProjector) take(hub).recognition.kind();
    return new Version2(
        language(adapter),
        kind,
        Tensors.of(hub, Tensors.behind("vision_tower.", "")),
        Tensors.of(hub, Tensors.behind("mm_projector.", "mm_projector.")),
        classifier());
  }

  private Version1 version1(Optional<Part> adapter) {
    if (adapter.isEmpty()) {
      throw lacks(
          "pytorch_model.bin with img_proj_layer and LoRA, and its adapter_config.json",
          "the checkpoint of RaDialog v1's language stage");
    }
    List<Part> embeddings = all(CheckpointKind.Embeddings.class);
    if (embeddings.isEmpty()) {
      throw new RadialogException(
          Kind.REFUSED_WEIGHTS,
          root
              + ": RaDialog v1 cannot read new films. The projector that its Q-Former was"
              + " trained with was random, frozen and not saved, so its image tokens exist only"
              + " in the precomputed embeddings"
              + " (stage1_pt_instruct_blip_origlr_img448_embeddings_*.pkl); put them in the"
              + " same folder, or use RaDialog v2");
    }
    List<Tensors.Named> rows = new ArrayList<>();
    Set<String> names = new TreeSet<>();
    CheckpointKind.Embeddings sizes =
        (CheckpointKind.Embeddings) embeddings.getFirst().recognition.kind();
    for (Part part : embeddings) {
      CheckpointKind.Embeddings found = (CheckpointKind.Embeddings) take(part).recognition.kind();
      if (found.queries() != sizes.queries() || found.width() != sizes.width()) {
        throw new RadialogException(
            Kind.REFUSED_WEIGHTS,
            "%s has embeddings [%d, %d], %s [%d, %d]: they belong to different models"
                .formatted(
                    embeddings.getFirst().file,
                    sizes.queries(),
                    sizes.width(),
                    part.file,
                    found.queries(),
                    found.width()));
      }
      Tensors.of(part, Optional::of).all.stream()
          .filter(named -> names.add(named.name()))
          .forEach(rows::add);
    }
    // listed among the sources, but unused
    all(CheckpointKind.QFormerModel.class).forEach(this::take);
    return new Version1(
        language(adapter),
        Tensors.of(adapter.get(), Tensors.behind("img_proj_layer.", "img_proj_layer.")),
        new CheckpointKind.Embeddings(rows.size(), sizes.queries(), sizes.width()),
        new Tensors(rows),
        classifier());
  }

  private Classifier classifier() {
    Part part =
        only(CheckpointKind.Classifier.class)
            .orElseThrow(
                () -> lacks("ChexpertClassifier.ckpt", "RaDialog's repository or hub entry"));
    CheckpointKind.Classifier kind = (CheckpointKind.Classifier) take(part).recognition.kind();
    return new Classifier(
        kind,
        Tensors.of(
            part,
            name ->
                name.contains("biovil_encoder.")
                    ? Optional.empty()
                    : Stream.of("fc1.", "fc2.")
                        .flatMap(fc -> Tensors.behind(fc, fc).apply(name).stream())
                        .findFirst()),
        Tensors.of(part, Tensors.behind("biovil_encoder.", "")));
  }

  private Language language(Optional<Part> adapter) {
    Optional<Part> gguf = only(CheckpointKind.LlamaGguf.class);
    Optional<Part> shards = only(CheckpointKind.HuggingFaceLlama.class);
    if (gguf.isPresent() == shards.isPresent()) {
      throw gguf.isPresent()
          ? new RadialogException(
              Kind.REFUSED_WEIGHTS,
              "%s has two language models, %s and %s: keep only one of them"
                  .formatted(root, gguf.get().file, shards.orElseThrow().file))
          : lacks(
              "a language model (Hugging Face shards with config.json, or GGUF)",
              "liuhaotian/llava-v1.5-7b for v2, lmsys/vicuna-7b-v1.3 for v1");
    }
    Part part = take(gguf.or(() -> shards).orElseThrow());
    LlamaWeights weights;
    List<Path> tokenizer = new ArrayList<>();
    if (gguf.isPresent()) {
      GgufLlama found = GgufLlama.of(part.checkpoint);
      leftOver(part, found.stored());
      weights = found;
    } else {
      Path config = used(part.folder().resolve("config.json"));
      weights = huggingFace(config, part.checkpoint);
      for (String name : TOKENIZER) {
        Path file = part.folder().resolve(name);
        if (Files.isRegularFile(file)) {
          tokenizer.add(used(file));
        }
      }
      if (tokenizer.isEmpty()) {
        throw lacks(
            "tokenizer.model or tokenizer.json in the folder of " + part.file,
            "the same repository");
      }
      leftOver(part, huggingFaceNames(weights));
    }
    return new Language(
        name(part), weights, adapter.map(this::adapter), gguf.map(Part::file), tokenizer);
  }

  private static LlamaWeights huggingFace(Path file, Checkpoint checkpoint) {
    JsonNode config = json(file);
    try {
      LlamaConfig parsed = LlamaConfig.parse(config);
      LlamaFields.check(config);
      return LlamaWeights.of(parsed, checkpoint);
    } catch (RadialogException e) {
      throw new RadialogException(Kind.REFUSED_WEIGHTS, file + ": " + e.getMessage(), e);
    }
  }

  // A matrix may be stored in groups, with additional tensors.
  private static Set<String> huggingFaceNames(LlamaWeights weights) {
    Set<String> names = new TreeSet<>();
    for (String name : weights.shapes().keySet()) {
      names.add(name);
      names.add(name + HuggingFaceLlama.SCALES);
      names.add(name + HuggingFaceLlama.OFFSETS);
    }
    return names;
  }

  private static void leftOver(Part part, Set<String> needed) {
    List<String> left = Recognition.leftOver(part.checkpoint, needed);
    if (!left.isEmpty()) {
      throw new RadialogException(
          Kind.REFUSED_WEIGHTS,
          ("%s has %d tensors that a model with its settings does not use, for example"
                      + " %s; expected")
                  .formatted(
                      part.file,
                      left.size(),
                      left.stream().limit(3).map(Printable::of).collect(Collectors.joining(", ")))
              + " none: without them the result would be a different model");
    }
  }

  private static String name(Part part) {
    Path called = part.checkpoint.format().startsWith("GGUF") ? part.file : part.folder();
    return String.valueOf(called.getFileName()).replaceFirst("\\.gguf$", "");
  }

  private LoraAdapter adapter(Part part) {
    take(part);
    if (!part.recognition.unknown().isEmpty()) {
      throw new RadialogException(
          Kind.REFUSED_WEIGHTS,
          ("%s has %d tensors that are not part of a LoRA adapter of the linear layers,"
                      + " for example %s;")
                  .formatted(
                      part.file,
                      part.recognition.unknown().size(),
                      Printable.of(part.recognition.unknown().getFirst()))
              + " without them the result would be a different model");
    }
    LoraConfig config = LoraConfig.parse(json(used(part.folder().resolve("adapter_config.json"))));
    CheckpointKind.Adapter kind = (CheckpointKind.Adapter) part.recognition.kind();
    if (kind.rank() != config.r() || !kind.targets().equals(config.targets())) {
      throw new RadialogException(
          Kind.REFUSED_WEIGHTS,
          "%s says r %d and targets %s, %s has rank %d and targets %s: they do not belong together"
              .formatted(
                  part.folder().resolve("adapter_config.json"),
                  config.r(),
                  new TreeSet<>(config.targets()),
                  part.file,
                  kind.rank(),
                  new TreeSet<>(kind.targets())));
    }
    return new LoraAdapter(
        config,
        (name, shape) -> {
          String newer = name.replaceFirst("\\.weight$", ".default.weight"); // of later versions
          return Stream.of(name, newer)
              .map(n -> Optional.ofNullable(part.checkpoint.tensors().get(n)))
              .flatMap(Optional::stream)
              .findFirst()
              .map(info -> {
                if (!Arrays.equals(info.shape(), shape)) {
                  throw new RadialogException(
                      Kind.REFUSED_WEIGHTS,
                      "%s: expected %s of shape %s, found %s; the adapter belongs to another language"
                              .formatted(part.file, name, Arrays.toString(shape), info)
                          + " model");
                }
                return part.checkpoint.floats(info.name());
              });
        });
  }

  // ---------------------------------------------------------------- parts

  private Path used(Path file) {
    used.add(file);
    return file;
  }

  private Part take(Part part) {
    used.add(part.file);
    if (!part.recognition.complete() && !withoutEncoder(part)) {
      List<String> faults =
          Stream.concat(
                  part.recognition.problems().stream(),
                  part.recognition.missing().stream().map(Object::toString))
              .limit(3)
              .toList();
      throw new RadialogException(
          Kind.REFUSED_WEIGHTS,
          "%s looks like a %s but lacks %d tensors, for example %s; download it again"
              .formatted(
                  part.file,
                  part.recognition.kind().title(),
                  part.recognition.missing().size(),
                  String.join("; ", faults)));
    }
    return part;
  }

  // A published Q-Former never has the weights of its image encoder.
  private static boolean withoutEncoder(Part part) {
    return part.recognition.kind() instanceof CheckpointKind.QFormerModel
        && part.recognition.problems().isEmpty()
        && part.recognition.missing().stream().allMatch(m -> m.name().contains("visual_encoder."));
  }

  private List<Part> all(Class<? extends CheckpointKind> kind) {
    return parts.stream().filter(part -> kind.isInstance(part.recognition.kind())).toList();
  }

  private Optional<Part> only(Class<? extends CheckpointKind> kind) {
    List<Part> found = all(kind);
    if (found.size() > 1) {
      throw new RadialogException(
          Kind.REFUSED_WEIGHTS,
          "%s has %d files that look like a %s: %s; keep only one of them"
              .formatted(
                  root,
                  found.size(),
                  found.getFirst().recognition.kind().title(),
                  found.stream().map(p -> p.file.toString()).collect(Collectors.joining(", "))));
    }
    return found.stream().findFirst();
  }

  private RadialogException lacks(String what, String whence) {
    String there =
        parts.stream()
            .map(part -> part.file.getFileName() + " (" + part.recognition.kind().title() + ")")
            .collect(Collectors.joining(", "));
    String refused =
        unreadable.isEmpty() ? "" : "; not readable: " + String.join("; ", unreadable.values());
    return new RadialogException(
        Kind.REFUSED_WEIGHTS,
        "%s lacks %s, which comes from %s; found %s%s"
            .formatted(root, what, whence, there.isEmpty() ? "no checkpoint" : there, refused));
  }

  /** The files that {@link #model} used, including shards, in the order of names. */
  public SequencedSet<Path> files() {
    SequencedSet<Path> files = new LinkedHashSet<>();
    for (Path file : used) {
      files.add(file);
      if (file.toString().endsWith(INDEX)) {
        files.addAll(shards(file));
      }
    }
    return files;
  }

  /** Files that have the name of a checkpoint but are not one, each with the reason. */
  public SequencedMap<Path, String> unreadable() {
    return unreadable;
  }

  @Override
  public void close() {
    parts.forEach(part -> part.checkpoint.close());
  }

  /** The folder of a file. */
  static Path folder(Path file) {
    return Optional.ofNullable(file.toAbsolutePath().getParent()).orElse(file);
  }
}
