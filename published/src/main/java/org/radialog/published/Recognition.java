package org.radialog.published;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.NavigableSet;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.radialog.base.RadialogException;
import org.radialog.language.Bert;
import org.radialog.language.GgufLlama;
import org.radialog.language.LlamaConfig;
import org.radialog.language.LlamaLinear;
import org.radialog.language.LlamaWeights;
import org.radialog.language.LoraAdapter;
import org.radialog.torch.Parameters;
import org.radialog.vision.BioViLT;
import org.radialog.vision.FindingsClassifier;
import org.radialog.vision.MlpProjector;
import org.radialog.vision.QFormer;
import org.radialog.vision.QFormerText;
import org.radialog.vision.TemporalPooler;
import org.radialog.vision.TokenOrder;
import org.radialog.weights.Checkpoint;
import org.radialog.weights.TensorInfo;

/**
 * The recognised content of a checkpoint, by names, shapes and metadata, without reading values.
 * The tensors that a network needs are determined by building the network as an outline.
 *
 * @param kind the kind that it looks like
 * @param prefix the prefix of the names of the network's tensors in the file, including {@code
 *     vision_tower.} or {@code biovil_encoder.}
 * @param missing tensors that such a model needs and that are missing or have another shape
 * @param ignored known names that are not needed: the state of an optimiser, buffers that follow
 *     from the sizes, parts that RaDialog never runs
 * @param unknown all other names
 * @param problems reasons why it cannot be used although nothing is missing
 */
public record Recognition(
    CheckpointKind kind,
    String prefix,
    List<Missing> missing,
    List<String> ignored,
    List<String> unknown,
    List<String> problems) {

  /**
   * A tensor that is needed.
   *
   * @param name of the tensor
   * @param expected its shape
   * @param found the shape in the file; empty if the file has no such name
   */
  public record Missing(String name, List<Long> expected, Optional<List<Long>> found) {
    @Override
    public String toString() {
      return name + " " + expected + found.map(f -> ", found " + f).orElse("");
    }
  }

  private static final Pattern IGNORED =
      Pattern.compile(
          ".*(\\.|^)(num_batches_tracked|position_ids|rotary_emb\\.inv_freq)"
              + "|(optimizer|optimizer_states|lr_schedulers|callbacks|loops|scaler)\\..*");

  private static final Pattern LORA =
      Pattern.compile(
          Pattern.quote(LoraAdapter.PREFIX)
              + "model\\.layers\\.(\\d{1,4})\\.\\w+\\.(\\w+)\\.lora_([AB])((?:\\.default)?\\.weight)");

  /** Copies the lists. */
  public Recognition {
    missing = List.copyOf(missing);
    ignored = List.copyOf(ignored);
    unknown = List.copyOf(unknown);
    problems = List.copyOf(problems);
  }

  /** Whether it is of a known kind and has all tensors of that kind. */
  public boolean complete() {
    return !(kind instanceof CheckpointKind.Unknown) && missing.isEmpty() && problems.isEmpty();
  }

  /** The content of {@code checkpoint}. */
  public static Recognition of(Checkpoint checkpoint) {
    Found found = found(checkpoint);
    List<Missing> missing = new ArrayList<>();
    found.needs.forEach((name, shape) -> {
      Optional<long[]> there =
          Optional.ofNullable(checkpoint.tensors().get(name)).map(TensorInfo::shape);
      if (there.isEmpty() || !Arrays.equals(there.get(), shape)) {
        missing.add(new Missing(name, list(shape), there.map(Recognition::list)));
      }
    });
    List<String> ignored = new ArrayList<>();
    List<String> unknown = new ArrayList<>();
    for (String name : checkpoint.tensors().sequencedKeySet()) {
      if (found.needs.containsKey(name)) {
        continue;
      }
      if (IGNORED.matcher(name).matches() || found.unused.test(name)) {
        ignored.add(name);
      } else {
        unknown.add(name);
      }
    }
    return new Recognition(found.kind, found.prefix, missing, ignored, unknown, found.problems);
  }

  private static List<Long> list(long[] shape) {
    return Arrays.stream(shape).boxed().toList();
  }

  /** A kind, the shapes that it needs, and names that it may also have. */
  private record Found(
      CheckpointKind kind,
      String prefix,
      SequencedMap<String, long[]> needs,
      Predicate<String> unused,
      List<String> problems) {
    static Found of(CheckpointKind kind, String prefix, SequencedMap<String, long[]> needs) {
      return new Found(kind, prefix, needs, _ -> false, List.of());
    }

    static Found unknown(String why) {
      return of(new CheckpointKind.Unknown(why), "", new LinkedHashMap<>());
    }

    Found unused(Predicate<String> more) {
      return new Found(kind, prefix, needs, unused.or(more), problems);
    }
  }

  private static Found found(Checkpoint checkpoint) {
    if (checkpoint.format().startsWith("GGUF")) {
      return gguf(checkpoint);
    }
    Names all = new Names(checkpoint.tensors(), "");
    if (checkpoint.tensors().isEmpty()) {
      return Found.unknown("it has no tensors");
    }
    if (all.has("vision.") && (all.has("qformer.") || all.has("projector."))) {
      return trained(all);
    }
    Optional<Names> projector = all.before("mm_projector.0.weight");
    if (projector.isPresent() && projector.get().has("vision_tower.encoder.encoder.")) {
      return visionAndProjector(projector.get());
    }
    if (checkpoint.tensors().sequencedKeySet().stream().anyMatch(n -> LORA.matcher(n).matches())) {
      return adapter(all);
    }
    return all.before("query_tokens")
        .map(Recognition::qformer)
        .or(() -> all.before("linear_heads.0.weight").map(Recognition::labeler))
        .or(() -> classifierNames(all).map(Recognition::classifier))
        .or(() -> all.before("encoder.backbone_to_vit.weight").map(Recognition::imageModel))
        .or(() ->
            all.has("model.layers.") || all.has(LlamaWeights.EMBEDDING)
                ? Optional.of(llama(all))
                : Optional.empty())
        .or(() -> projector.map(Recognition::projector))
        .or(() -> all.before("img_proj_layer.weight").map(Recognition::queryProjection))
        .or(() -> checkpoint.format().equals("pickle") ? embeddings(checkpoint) : Optional.empty())
        .orElseGet(() ->
            Found.unknown(
                "no known model has tensor names such as "
                    + checkpoint.tensors().firstEntry().getKey()));
  }

  private static Found gguf(Checkpoint checkpoint) {
    Object architecture = checkpoint.metadata().getOrDefault("general.architecture", "none");
    if (!architecture.equals("llama")) {
      return Found.unknown(
          "a GGUF file of the architecture " + architecture + ", expected the architecture llama");
    }
    try {
      GgufLlama weights = GgufLlama.of(checkpoint);
      Set<String> stored = weights.stored();
      SequencedMap<String, long[]> needs = new LinkedHashMap<>();
      checkpoint
          .tensors()
          .forEach((name, info) -> {
            if (stored.contains(name)) {
              needs.put(name, info.shape()); // checked by then
            }
          });
      return Found.of(new CheckpointKind.LlamaGguf(Optional.of(weights.config())), "", needs);
    } catch (RadialogException e) {
      // only the first missing tensor that prevents building is reported
      return new Found(
          new CheckpointKind.LlamaGguf(Optional.empty()),
          "",
          new LinkedHashMap<>(),
          name -> name.startsWith("blk.") || name.equals("token_embd.weight"),
          List.of(String.valueOf(e.getMessage())));
    }
  }

  private static Found llama(Names n) {
    String layer = "model.layers." + n.first("model.layers.");
    int hidden = n.size(LlamaWeights.EMBEDDING, 1, n.size(LlamaWeights.NORM, 0, 4096));
    int queryRows = n.size(layer + ".self_attn.q_proj.weight", 0, hidden);
    int keyRows = n.size(layer + ".self_attn.k_proj.weight", 0, queryRows);
    int mlp = n.size(layer + ".mlp.gate_proj.weight", 0, 4 * hidden);
    int vocab = n.size(LlamaWeights.EMBEDDING, 0, n.size(LlamaWeights.HEAD, 0, 32000));
    int layers = n.count("model.layers.");
    boolean tied = !n.has(LlamaWeights.HEAD);
    if (queryRows % keyRows != 0 || keyRows % 2 != 0) {
      return Found.unknown(
          "a Llama model whose %d rows of queries do not fit its %d of keys"
              .formatted(queryRows, keyRows));
    }
    // Any number of heads with these rows has the same shapes.
    LlamaConfig config =
        new LlamaConfig(
            vocab,
            hidden,
            layers,
            queryRows / keyRows,
            1,
            keyRows,
            mlp,
            1e-5,
            10_000,
            Optional.empty(),
            tied,
            2048);
    return Found.of(
            new CheckpointKind.HuggingFaceLlama(
                vocab, hidden, layers, mlp, queryRows, keyRows, tied),
            "",
            LlamaWeights.shapes(config))
        .unused(Recognition::llava);
  }

  // LLaVA's own projector and CLIP tower
  private static boolean llava(String name) {
    return name.startsWith("model.mm_projector.") || name.startsWith("model.vision_tower.");
  }

  /**
   * The tensors that a language model's checkpoint has in addition to {@code needed} and that are
   * not known to be irrelevant: without them it would be a different model.
   */
  static List<String> leftOver(Checkpoint checkpoint, Set<String> needed) {
    return checkpoint.tensors().sequencedKeySet().stream()
        .filter(name -> !needed.contains(name) && !IGNORED.matcher(name).matches() && !llava(name))
        .toList();
  }

  private static Found adapter(Names n) {
    SequencedMap<LlamaLinear, SequencedMap<String, Long>> sizes = new LinkedHashMap<>();
    Set<LlamaLinear> targets = new TreeSet<>();
    String end = ".weight";
    int rank = 0;
    int layers = 0;
    for (String name : n.names()) {
      Matcher m = LORA.matcher(name);
      Optional<LlamaLinear> target =
          m.matches() ? LlamaLinear.ofTarget(m.group(2)) : Optional.empty();
      if (target.isEmpty()) {
        continue;
      }
      targets.add(target.get());
      layers = Math.max(layers, Integer.parseInt(m.group(1)) + 1);
      end = m.group(4);
      boolean down = m.group(3).equals("A");
      if (rank == 0) {
        rank = n.size(name, down ? 0 : 1, 1);
      }
      sizes
          .computeIfAbsent(target.get(), _ -> new LinkedHashMap<>())
          .putIfAbsent(m.group(3), (long) n.size(name, down ? 1 : 0, 1));
    }
    SequencedMap<String, long[]> needs = new LinkedHashMap<>();
    for (int layer = 0; layer < layers; layer++) {
      for (LlamaLinear target : targets) {
        SequencedMap<String, Long> known = sizes.getOrDefault(target, new LinkedHashMap<>());
        long any = known.firstEntry().getValue();
        String module = n.prefix + LoraAdapter.PREFIX + target.module(layer);
        needs.put(module + ".lora_A" + end, new long[] {rank, known.getOrDefault("A", any)});
        needs.put(module + ".lora_B" + end, new long[] {known.getOrDefault("B", any), rank});
      }
    }
    Optional<CheckpointKind.Adapter.ImageProjection> image =
        n.before("img_proj_layer.weight")
            .map(p -> {
              Found linear = queryProjection(p);
              needs.putAll(linear.needs);
              return new CheckpointKind.Adapter.ImageProjection(
                  p.size("img_proj_layer.weight", 1, 1), p.size("img_proj_layer.weight", 0, 1));
            });
    return Found.of(new CheckpointKind.Adapter(rank, targets, layers, image), n.prefix, needs);
  }

  private static Found visionAndProjector(Names n) {
    Found vision = imageModel(n.at("vision_tower."));
    Found projector = projector(n);
    SequencedMap<String, long[]> needs = new LinkedHashMap<>(projector.needs);
    needs.putAll(vision.needs);
    CheckpointKind.ImageModel model = imageKind(n.at("vision_tower."));
    return Found.of(
            new CheckpointKind.VisionAndProjector(model.config(), projectorKind(n)),
            n.prefix,
            needs)
        .unused(vision.unused);
  }

  private static CheckpointKind.ImageModel imageKind(Names n) {
    BioViLT.Backbone backbone =
        n.has("encoder.encoder._bn0.")
            ? BioViLT.Backbone.EFFICIENTNET_LITE0
            : BioViLT.Backbone.RESNET50;
    BioViLT.Config published = BioViLT.Config.PUBLISHED;
    return new CheckpointKind.ImageModel(
        BioViLT.Config.of(
                backbone,
                n.size(
                    "encoder.backbone_to_vit.weight",
                    0,
                    published.patchDim(),
                    BioViLT.Config.LARGEST),
                n.size(
                    "projector.model.3.bias",
                    0,
                    n.size(
                        "projector.model.1.running_mean",
                        0,
                        published.jointDim(),
                        BioViLT.Config.LARGEST),
                    BioViLT.Config.LARGEST))
            .withPrior(n.has("encoder.vit_pooler.")));
  }

  private static Found imageModel(Names n) {
    CheckpointKind.ImageModel kind = imageKind(n);
    return Found.of(
            kind,
            n.prefix,
            shapes(p -> {
              BioViLT.of(p.at(n.prefix), kind.config());
              if (kind.config().prior()) {
                TemporalPooler.of(p.at(n.prefix + "encoder.vit_pooler."), kind.config().patchDim());
              }
            }))
        .unused(name -> name.startsWith(n.prefix + "encoder.encoder.fc."));
  }

  // A layer of BioViL-T's pooler also has an fc1 and an fc2, behind further names.
  private static Optional<Names> classifierNames(Names all) {
    return all.before("biovil_encoder.encoder.backbone_to_vit.weight")
        .or(() -> Optional.of(all.at("model.")))
        .filter(n -> n.has("fc1.weight") && n.has("fc2.weight"));
  }

  private static Found classifier(Names n) {
    FindingsClassifier.Config published = FindingsClassifier.Config.PUBLISHED;
    int features = n.size("fc1.weight", 1, Math.toIntExact(published.features()));
    int hidden = n.size("fc1.weight", 0, published.hidden());
    int labels = n.size("fc2.weight", 0, published.labels());
    SequencedMap<String, long[]> needs =
        shapes(p ->
            FindingsClassifier.of(
                p.at(n.prefix),
                new FindingsClassifier.Config(
                    features, new FindingsClassifier.Pooling.Adaptive(1), hidden, labels)));
    Names encoder = n.at("biovil_encoder.");
    if (n.prefix.endsWith("classifier.")) { // part of a model folder whose encoder is separate
      return Found.of(
          new CheckpointKind.Classifier(Optional.empty(), features, hidden, labels),
          n.prefix,
          needs);
    }
    Found vision = imageModel(encoder);
    needs.putAll(vision.needs);
    return Found.of(
            new CheckpointKind.Classifier(
                Optional.of(imageKind(encoder)), features, hidden, labels),
            n.prefix,
            needs)
        .unused(vision.unused.or(name -> name.startsWith("criterion.")));
  }

  private static Found qformer(Names n) {
    QFormer.Config published = QFormer.Config.PUBLISHED;
    QFormerText.Config publishedText = QFormerText.Config.PUBLISHED;
    String bert = "Qformer.bert.";
    String layers = bert + "encoder.layer.";
    String first = layers + n.first(layers);
    boolean reads = n.has(bert + "embeddings.word_embeddings.") || n.has("text_proj.");
    CheckpointKind.QFormerModel kind =
        new CheckpointKind.QFormerModel(
            n.size("query_tokens", 1, published.queries(), 1024),
            Math.min(64, n.count(layers)),
            n.size("query_tokens", 2, published.hidden(), 8192),
            n.size(first + ".intermediate_query.dense.weight", 0, published.mlp(), 65536),
            crossAttentionEvery(n, layers),
            n.size(
                "ln_vision.weight", 0, QFormer.Config.PUBLISHED_CHANNELS, BioViLT.Config.LARGEST),
            reads
                ? Optional.of(
                    new QFormerText.Config(
                        n.size(
                            bert + "embeddings.word_embeddings.weight", 0, publishedText.vocab()),
                        n.size(
                            bert + "embeddings.position_embeddings.weight",
                            0,
                            publishedText.positions()),
                        n.size("text_proj.weight", 0, publishedText.embed())))
                : Optional.empty());
    SequencedMap<String, long[]> needs =
        shapes(p -> {
          QFormer queries =
              QFormer.of(p.at(n.prefix), kind.config(1, TokenOrder.SCRAMBLED), kind.channels());
          kind.text().ifPresent(text -> QFormerText.of(queries, p.at(n.prefix), text));
        });
    Predicate<String> unused =
        Set.of(
                n.prefix + "temp",
                n.prefix + "Qformer.cls.predictions.decoder.weight",
                n.prefix + "Qformer.cls.predictions.decoder.bias")
            ::contains;
    if (!n.prefix.endsWith("qformer.")) { // no part of a model folder: it is to bring its encoder
      Names encoder = n.at("visual_encoder.");
      BioViLT.Config vision = imageKind(encoder).config();
      needs.putAll(
          shapes(p ->
              BioViLT.of(
                  p.at(encoder.prefix),
                  BioViLT.Config.of(vision.backbone(), vision.patchDim(), kind.channels()))));
      unused =
          unused
              .or(name -> name.startsWith(encoder.prefix + "encoder.encoder.fc."))
              .or(name -> name.startsWith(encoder.prefix + "encoder.vit_pooler."));
    }
    return Found.of(kind, n.prefix, needs).unused(unused);
  }

  private static int crossAttentionEvery(Names n, String layers) {
    int count = n.count(layers);
    List<Integer> crossed = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      if (n.has(layers + i + ".crossattention.")) {
        crossed.add(i);
      }
    }
    return crossed.size() > 1
        ? crossed.get(1) - crossed.get(0)
        : QFormer.Config.PUBLISHED.crossAttentionEvery();
  }

  private static Found labeler(Names n) {
    Bert.Config base = Bert.Config.BASE;
    String layers = "bert.encoder.layer.";
    String embeddings = "bert.embeddings.";
    CheckpointKind.Labeler kind =
        new CheckpointKind.Labeler(
            n.size(embeddings + "word_embeddings.weight", 0, base.vocab()),
            n.size(embeddings + "word_embeddings.weight", 1, base.hidden()),
            n.count(layers),
            n.size(layers + n.first(layers) + ".intermediate.dense.weight", 0, base.mlp()),
            n.size(embeddings + "position_embeddings.weight", 0, base.positions()));
    return Found.of(kind, n.prefix, shapes(p -> CheXbert.of(p.at(n.prefix), kind.config(1))))
        .unused(name -> name.startsWith(n.prefix + "bert.pooler."));
  }

  private static CheckpointKind.Projector projectorKind(Names n) {
    int published = MlpProjector.Config.PUBLISHED.hidden();
    return new CheckpointKind.Projector(
        n.size("mm_projector.0.weight", 1, BioViLT.Config.PUBLISHED.patchChannels()),
        n.size("mm_projector.0.weight", 0, published, 65536),
        n.size("mm_projector.2.weight", 0, published));
  }

  private static Found projector(Names n) {
    CheckpointKind.Projector kind = projectorKind(n);
    return Found.of(
        kind,
        n.prefix,
        shapes(p -> MlpProjector.of(p.at(n.prefix), kind.config(), kind.channels(), kind.out())));
  }

  private static Found queryProjection(Names n) {
    int in = n.size("img_proj_layer.weight", 1, QFormer.Config.PUBLISHED.hidden());
    int out = n.size("img_proj_layer.weight", 0, 4096);
    SequencedMap<String, long[]> needs = new LinkedHashMap<>();
    needs.put(n.prefix + "img_proj_layer.weight", new long[] {out, in});
    needs.put(n.prefix + "img_proj_layer.bias", new long[] {out});
    return Found.of(new CheckpointKind.QueryProjection(in, out), n.prefix, needs);
  }

  private static Found trained(Names all) {
    SequencedMap<String, CheckpointKind> parts = new LinkedHashMap<>();
    SequencedMap<String, long[]> needs = new LinkedHashMap<>();
    List<Found> found = new ArrayList<>();
    part(all, "vision", parts, found, n -> Optional.of(imageModel(n)));
    part(all, "classifier", parts, found, n -> Optional.of(classifier(n)));
    part(all, "qformer", parts, found, n -> Optional.of(qformer(n)));
    part(
        all,
        "projector",
        parts,
        found,
        n ->
            n.has("img_proj_layer.")
                ? Optional.of(queryProjection(n))
                : n.has("mm_projector.") ? Optional.of(projector(n)) : Optional.empty());
    part(all, "language", parts, found, n -> Optional.of(adapter(n)));
    found.forEach(f -> needs.putAll(f.needs));
    Predicate<String> unused = found.stream().map(Found::unused).reduce(_ -> false, Predicate::or);
    return Found.of(new CheckpointKind.Trained(parts), all.prefix, needs).unused(unused);
  }

  private interface Part {
    Optional<Found> of(Names names);
  }

  private static void part(
      Names all,
      String name,
      SequencedMap<String, CheckpointKind> parts,
      List<Found> found,
      Part part) {
    if (all.has(name + ".")) {
      part.of(all.at(name + "."))
          .ifPresent(f -> {
            parts.put(name, f.kind);
            found.add(f);
          });
    }
  }

  private static Optional<Found> embeddings(Checkpoint checkpoint) {
    TensorInfo first = checkpoint.tensors().firstEntry().getValue();
    long[] shape = first.shape();
    if (shape.length != 2
        || first.dtype().integer()
        || Arrays.stream(shape).anyMatch(n -> n < 1 || n > Names.LARGEST)) {
      return Optional.empty();
    }
    SequencedMap<String, long[]> needs = new LinkedHashMap<>();
    checkpoint.tensors().sequencedKeySet().forEach(name -> needs.put(name, shape));
    return Optional.of(
        Found.of(
            new CheckpointKind.Embeddings(
                needs.size(), Math.toIntExact(shape[0]), Math.toIntExact(shape[1])),
            "",
            needs));
  }

  private interface Building {
    void on(Parameters p);
  }

  private static SequencedMap<String, long[]> shapes(Building network) {
    try (Parameters p = Parameters.outline()) {
      network.on(p);
      return p.shapes();
    }
  }

  /** The tensors with a prefix. Implausible sizes in a file are ignored. */
  private record Names(SequencedMap<String, TensorInfo> tensors, String prefix) {
    private static final long LARGEST = 1 << 22;
    private static final int MOST_LAYERS = 1024;

    Names at(String part) {
      return new Names(tensors, prefix + part);
    }

    List<String> names() {
      return tensors.sequencedKeySet().stream()
          .filter(name -> name.startsWith(prefix))
          .map(name -> name.substring(prefix.length()))
          .toList();
    }

    /** The part before {@code name} as a prefix, if there is such a name. */
    Optional<Names> before(String name) {
      return tensors.sequencedKeySet().stream()
          .filter(n -> n.startsWith(prefix))
          .filter(n -> n.equals(prefix + name) || n.endsWith("." + name))
          .findFirst()
          .map(n -> new Names(tensors, n.substring(0, n.length() - name.length())));
    }

    boolean has(String start) {
      return tensors.sequencedKeySet().stream().anyMatch(n -> n.startsWith(prefix + start));
    }

    int size(String name, int dimension, int otherwise) {
      return size(name, dimension, otherwise, LARGEST);
    }

    /** The same, limited to {@code largest}. */
    int size(String name, int dimension, int otherwise, long largest) {
      TensorInfo info = tensors.get(prefix + name);
      if (info == null || info.shape().length <= dimension) {
        return otherwise;
      }
      long size = info.shape()[dimension];
      return size > 0 && size <= largest ? (int) size : otherwise;
    }

    /** The least number behind {@code start}. */
    int first(String start) {
      return numbers(start).isEmpty() ? 0 : numbers(start).first();
    }

    /** One more than the largest number behind {@code start}. */
    int count(String start) {
      return numbers(start).isEmpty() ? 1 : numbers(start).last() + 1;
    }

    private NavigableSet<Integer> numbers(String start) {
      NavigableSet<Integer> numbers = new TreeSet<>();
      Pattern number = Pattern.compile(Pattern.quote(prefix + start) + "(\\d{1,4})\\..*");
      for (String name : tensors.sequencedKeySet()) {
        Matcher m = number.matcher(name);
        if (m.matches() && Integer.parseInt(m.group(1)) < MOST_LAYERS) {
          numbers.add(Integer.parseInt(m.group(1)));
        }
      }
      return numbers;
    }
  }
}
