package org.radialog.published;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.radialog.language.Bert;
import org.radialog.language.LlamaConfig;
import org.radialog.language.LlamaLinear;
import org.radialog.vision.BioViLT;
import org.radialog.vision.MlpProjector;
import org.radialog.vision.QFormer;
import org.radialog.vision.QFormerText;
import org.radialog.vision.TokenOrder;

/**
 * The kind of a checkpoint, with the sizes that follow from the shapes of its tensors. It does not
 * include settings that no shape shows (the number of attention heads, LoRA's alpha).
 */
public sealed interface CheckpointKind {
  /** A name for people. */
  String title();

  /** The sizes by name, for people and programs: numbers, strings, or lists of strings. */
  SequencedMap<String, Object> sizes();

  /**
   * A Llama model under Hugging Face's names.
   *
   * @param vocab rows of the embedding table
   * @param hidden width of the residual stream
   * @param layers number of blocks
   * @param mlp inner width of the MLP
   * @param queryRows heads times head size
   * @param keyRows key/value heads times head size
   * @param tied whether the head is the embedding table
   */
  record HuggingFaceLlama(
      int vocab, int hidden, int layers, int mlp, int queryRows, int keyRows, boolean tied)
      implements CheckpointKind {
    @Override
    public String title() {
      return "Llama language model (Hugging Face)";
    }

    @Override
    public SequencedMap<String, Object> sizes() {
      return of(
          "hidden",
          hidden,
          "layers",
          layers,
          "mlp",
          mlp,
          "vocab",
          vocab,
          "query_rows",
          queryRows,
          "key_rows",
          keyRows,
          "tied",
          tied);
    }
  }

  /**
   * A GGUF file of the architecture {@code llama}.
   *
   * @param config empty if the file lacks something that the model needs
   */
  record LlamaGguf(Optional<LlamaConfig> config) implements CheckpointKind {
    @Override
    public String title() {
      return "Llama language model (GGUF)";
    }

    @Override
    public SequencedMap<String, Object> sizes() {
      return config
          .map(c ->
              of(
                  "hidden",
                  c.hidden(),
                  "layers",
                  c.layers(),
                  "mlp",
                  c.mlp(),
                  "vocab",
                  c.vocab(),
                  "heads",
                  c.heads(),
                  "kv_heads",
                  c.kvHeads(),
                  "tied",
                  c.tied()))
          .orElseGet(LinkedHashMap::new);
    }
  }

  /**
   * A LoRA adapter of a Llama model under PEFT's names.
   *
   * @param rank r
   * @param targets the linear layers with an adapter, in any block
   * @param layers number of blocks
   * @param imageProjection the linear layer of v1 from the Q-Former to the language model, stored
   *     with the adapter
   */
  record Adapter(
      int rank, Set<LlamaLinear> targets, int layers, Optional<ImageProjection> imageProjection)
      implements CheckpointKind {
    /**
     * Sizes of {@code img_proj_layer}.
     *
     * @param in width of the Q-Former
     * @param out width of the language model
     */
    public record ImageProjection(int in, int out) {}

    /** Copies the targets. */
    public Adapter {
      targets = Set.copyOf(targets);
    }

    @Override
    public String title() {
      return "LoRA adapter (PEFT)"
          + imageProjection.map(p -> " with RaDialog v1's image projection").orElse("");
    }

    @Override
    public SequencedMap<String, Object> sizes() {
      SequencedMap<String, Object> sizes =
          of(
              "rank",
              rank,
              "layers",
              layers,
              "targets",
              new TreeSet<>(targets).stream().map(LlamaLinear::target).toList());
      imageProjection.ifPresent(p -> sizes.put("image_projection", p.in() + " to " + p.out()));
      return sizes;
    }
  }

  /**
   * {@code non_lora_trainables.bin} of RaDialog v2: the weights that were trained in addition to
   * the adapter.
   *
   * @param vision sizes of the image encoder
   * @param projector sizes of the projector
   */
  record VisionAndProjector(BioViLT.Config vision, Projector projector) implements CheckpointKind {
    @Override
    public String title() {
      return "RaDialog v2's image encoder and projector (non_lora_trainables)";
    }

    @Override
    public SequencedMap<String, Object> sizes() {
      SequencedMap<String, Object> sizes = new ImageModel(vision).sizes();
      sizes.putAll(projector.sizes());
      return sizes;
    }
  }

  /**
   * A Q-Former of BLIP-2's first stage, the alignment of RaDialog v1.
   *
   * @param queries number of outputs
   * @param layers number of blocks
   * @param hidden width
   * @param mlp width of the feed-forward layers
   * @param crossAttentionEvery distance of the layers with cross attention
   * @param channels of the image features
   * @param text sizes of the text branch, if it exists
   */
  record QFormerModel(
      int queries,
      int layers,
      int hidden,
      int mlp,
      int crossAttentionEvery,
      int channels,
      Optional<QFormerText.Config> text)
      implements CheckpointKind {
    /** The configuration, with settings that no shape shows. */
    public QFormer.Config config(int heads, TokenOrder order) {
      return new QFormer.Config(
          queries,
          layers,
          hidden,
          heads,
          mlp,
          crossAttentionEvery,
          QFormer.Config.PUBLISHED.source(),
          order);
    }

    @Override
    public String title() {
      return "Q-Former (RaDialog v1's alignment)";
    }

    @Override
    public SequencedMap<String, Object> sizes() {
      SequencedMap<String, Object> sizes =
          of(
              "queries",
              queries,
              "hidden",
              hidden,
              "layers",
              layers,
              "mlp",
              mlp,
              "cross_attention_every",
              crossAttentionEvery,
              "channels",
              channels);
      text.ifPresent(t -> {
        sizes.put("vocab", t.vocab());
        sizes.put("positions", t.positions());
        sizes.put("embed", t.embed());
      });
      return sizes;
    }
  }

  /**
   * BioViL-T's image model.
   *
   * @param config its sizes
   */
  record ImageModel(BioViLT.Config config) implements CheckpointKind {
    @Override
    public String title() {
      return "BioViL-T image model";
    }

    @Override
    public SequencedMap<String, Object> sizes() {
      return of(
          "backbone",
          config.backbone().name().toLowerCase(Locale.ROOT),
          "patch",
          config.patchDim(),
          "joint",
          config.jointDim(),
          "prior",
          config.prior());
    }
  }

  /**
   * RaDialog's findings classifier.
   *
   * @param vision the image model in the same file; empty if the file has only the head
   * @param features inputs of the first linear layer
   * @param hidden width between the linear layers
   * @param labels number of logits
   */
  record Classifier(Optional<ImageModel> vision, int features, int hidden, int labels)
      implements CheckpointKind {
    @Override
    public String title() {
      return "findings classifier" + vision.map(v -> " (ChexpertClassifier)").orElse("");
    }

    @Override
    public SequencedMap<String, Object> sizes() {
      SequencedMap<String, Object> sizes =
          vision.map(ImageModel::sizes).orElseGet(LinkedHashMap::new);
      sizes.putAll(of("features", features, "classifier_hidden", hidden, "labels", labels));
      return sizes;
    }
  }

  /**
   * CheXbert, the report labeler.
   *
   * @param vocab rows of the embedding table
   * @param hidden width
   * @param layers number of blocks
   * @param mlp width of the feed-forward layers
   * @param positions rows of the position table
   */
  record Labeler(int vocab, int hidden, int layers, int mlp, int positions)
      implements CheckpointKind {
    /** The configuration, with settings that no shape shows. */
    public Bert.Config config(int heads) {
      return new Bert.Config(Bert.Family.BERT, vocab, hidden, layers, heads, mlp, positions);
    }

    @Override
    public String title() {
      return "CheXbert report labeler";
    }

    @Override
    public SequencedMap<String, Object> sizes() {
      return of(
          "hidden", hidden, "layers", layers, "mlp", mlp, "vocab", vocab, "positions", positions);
    }
  }

  /**
   * Image embeddings that were precomputed for RaDialog v1, by the name of the film.
   *
   * @param films number of films
   * @param queries rows per film
   * @param width of a row
   */
  record Embeddings(int films, int queries, int width) implements CheckpointKind {
    @Override
    public String title() {
      return "image embeddings (RaDialog v1)";
    }

    @Override
    public SequencedMap<String, Object> sizes() {
      return of("films", films, "queries", queries, "width", width);
    }
  }

  /**
   * LLaVA's projector in a separate file, {@code mm_projector.bin}.
   *
   * @param channels of the image features
   * @param hidden width between the linear layers
   * @param out width of the language model
   */
  record Projector(int channels, int hidden, int out) implements CheckpointKind {
    /** The configuration, with settings that no shape shows. */
    public MlpProjector.Config config() {
      MlpProjector.Config published = MlpProjector.Config.PUBLISHED;
      return new MlpProjector.Config(hidden, published.source(), published.tokenOrder());
    }

    @Override
    public String title() {
      return "LLaVA projector";
    }

    @Override
    public SequencedMap<String, Object> sizes() {
      return of("channels", channels, "projector_hidden", hidden, "out", out);
    }
  }

  /**
   * The linear layer of RaDialog v1 from the Q-Former to the language model, in a separate file.
   *
   * @param in width of the Q-Former
   * @param out width of the language model
   */
  record QueryProjection(int in, int out) implements CheckpointKind {
    @Override
    public String title() {
      return "image projection (RaDialog v1)";
    }

    @Override
    public SequencedMap<String, Object> sizes() {
      return of("in", in, "out", out);
    }
  }

  /**
   * {@code radialog.safetensors} of a model folder.
   *
   * @param parts by the prefix of their names: {@code vision}, {@code classifier}, {@code qformer},
   *     {@code projector}, {@code language}
   */
  record Trained(SequencedMap<String, CheckpointKind> parts) implements CheckpointKind {
    @Override
    public String title() {
      return "trained weights of a RaDialog model folder: "
          + parts.entrySet().stream()
              .map(part -> part.getKey() + " (" + part.getValue().title() + ")")
              .collect(Collectors.joining(", "));
    }

    @Override
    public SequencedMap<String, Object> sizes() {
      SequencedMap<String, Object> sizes = new LinkedHashMap<>();
      parts.forEach(
          (part, kind) -> kind.sizes().forEach((name, size) -> sizes.put(part + "." + name, size)));
      return sizes;
    }
  }

  /**
   * An unknown checkpoint.
   *
   * @param why the reason why it is none of the known kinds
   */
  record Unknown(String why) implements CheckpointKind {
    @Override
    public String title() {
      return "unknown: " + why;
    }

    @Override
    public SequencedMap<String, Object> sizes() {
      return new LinkedHashMap<>();
    }
  }

  private static SequencedMap<String, Object> of(Object... namesAndSizes) {
    SequencedMap<String, Object> sizes = new LinkedHashMap<>();
    for (int i = 0; i < namesAndSizes.length; i += 2) {
      sizes.put((String) namesAndSizes[i], namesAndSizes[i + 1]);
    }
    return sizes;
  }
}
