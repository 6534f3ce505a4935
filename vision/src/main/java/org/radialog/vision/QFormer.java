package org.radialog.vision;

import static org.bytedeco.pytorch.global.torch.gelu;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.bytedeco.pytorch.Tensor;
import org.radialog.base.RadialogException;
import org.radialog.torch.BertAttention;
import org.radialog.torch.BertResidual;
import org.radialog.torch.Dropout;
import org.radialog.torch.Init;
import org.radialog.torch.LayerNorm;
import org.radialog.torch.Linear;
import org.radialog.torch.Parameters;
import org.radialog.torch.Scope;

/**
 * The query path of BLIP-2's Q-Former (arXiv 2301.12597): learned queries pass through a post-norm
 * BERT and attend to the image tokens in every second layer. Names are those of the published
 * checkpoint's {@code model}; the tensors of the text branch belong to {@link QFormerText}.
 *
 * <p>Dimensions: B batch, C channels of the features, h w cells and P = h · w image tokens, Q
 * queries, D {@link Config#hidden}, H heads, d = D / H.
 */
public final class QFormer {
  /**
   * Sizes.
   *
   * @param queries Q, the number of outputs
   * @param layers number of blocks
   * @param hidden D, width of a block
   * @param heads H, a divisor of D
   * @param mlp width of the feed-forward layers
   * @param crossAttentionEvery layers 0, n, 2 n, … attend to the image
   * @param source the output of the image encoder that is the input
   * @param tokenOrder how the features are arranged as image tokens
   */
  public record Config(
      int queries,
      int layers,
      int hidden,
      int heads,
      int mlp,
      int crossAttentionEvery,
      VisionEncoder.Source source,
      TokenOrder tokenOrder)
      implements Alignment.Config {
    /** The sizes of the first version, equal to BERT-base. */
    public static final Config PUBLISHED =
        new Config(32, 12, 768, 12, 3072, 2, VisionEncoder.Source.PROJECTED, TokenOrder.SCRAMBLED);

    /** C, the number of feature channels in the first version. */
    public static final int PUBLISHED_CHANNELS = 1408;

    /**
     * Checks the sizes.
     *
     * @throws RadialogException if one is out of range
     */
    public Config {
      check("queries", queries, 1024);
      check("layers", layers, 64);
      check("hidden", hidden, 8192);
      check("mlp", mlp, 65536);
      check("cross_attention_every", crossAttentionEvery, Integer.MAX_VALUE);
      if (heads < 1 || hidden % heads != 0) {
        throw new RadialogException(
            "heads is " + heads + ", expected a divisor of hidden = " + hidden);
      }
    }

    private static void check(String name, int value, int most) {
      if (value < 1 || value > most) {
        throw new RadialogException(name + " is " + value + ", expected 1 to " + most);
      }
    }

    @Override
    public Alignment.Input input() {
      return new Alignment.Input.Features(source);
    }

    /**
     * Builds the queries that attend to the features and a linear layer to the width of the
     * language model.
     */
    @Override
    public Alignment network(Parameters p, VisionEncoder.Config encoder, int out) {
      return QueryProjector.of(
          p.at("projector."), QFormer.of(p.at("qformer."), this, encoder.channels(source)), out);
    }
  }

  private static final double VISION_EPSILON = 1e-5;

  private final Config config;
  private final int channels; // C
  private final Tensor queryTokens; // [1, Q, D]
  private final LayerNorm visionNorm;
  private final LayerNorm embeddingNorm;
  private final List<Layer> layers;

  private QFormer(
      Config config,
      int channels,
      Tensor queryTokens,
      LayerNorm visionNorm,
      LayerNorm embeddingNorm,
      List<Layer> layers) {
    this.config = config;
    this.channels = channels;
    this.queryTokens = queryTokens;
    this.visionNorm = visionNorm;
    this.embeddingNorm = embeddingNorm;
    this.layers = layers;
  }

  /**
   * Builds the network from the tensors in {@code p}.
   *
   * @param channels C of the features
   * @throws RadialogException if {@code p} lacks a tensor or has it in another shape
   */
  public static QFormer of(Parameters p, Config c, int channels) {
    Parameters bert = p.at("Qformer.bert.");
    List<Layer> layers = new ArrayList<>();
    for (int i = 0; i < c.layers(); i++) {
      layers.add(Layer.of(bert.at("encoder.layer." + i + "."), c, channels, i));
    }
    return new QFormer(
        c,
        channels,
        p.get("query_tokens", Init.normal(BertResidual.STD), 1, c.queries(), c.hidden()),
        LayerNorm.of(p.at("ln_vision."), channels, VISION_EPSILON),
        LayerNorm.of(bert.at("embeddings.LayerNorm."), c.hidden(), BertResidual.EPSILON),
        List.copyOf(layers));
  }

  /** The sizes. */
  public Config config() {
    return config;
  }

  /** Features {@code [B, C, h, w]} to one vector per query, {@code [B, Q, D]}, for inference. */
  public Tensor forward(Tensor features) {
    return forward(features, 0);
  }

  /**
   * Features {@code [B, C, h, w]} to one vector per query, {@code [B, Q, D]}.
   *
   * @param dropout fraction of the activations that is set to 0; the published training uses 0.1
   * @throws RadialogException if the features have another shape
   */
  public Tensor forward(Tensor features, double dropout) {
    try (Scope scope = new Scope()) {
      Tensor image = imageTokens(features); // [B, P, C]
      Tensor x = tokens(features.size(0)); // [B, Q, D]
      x = Dropout.of(embeddingNorm.forward(x), dropout); // [B, Q, D]
      for (Layer layer : layers) {
        x = layer.forward(x, image, dropout); // [B, Q, D]
      }
      return scope.keep(x);
    }
  }

  /** The learned queries before the first normalisation, repeated for each row: [B, Q, D]. */
  Tensor tokens(long rows) {
    return queryTokens.expand(rows, config.queries(), config.hidden());
  }

  /** The layers, whose self-attention the text branch shares. */
  List<Layer> layers() {
    return layers;
  }

  /** The first normalisation of BERT, shared by queries and text. */
  LayerNorm embeddingNorm() {
    return embeddingNorm;
  }

  /** Features {@code [B, C, h, w]} to the normalised image tokens {@code [B, P, C]}. */
  public Tensor imageTokens(Tensor features) {
    try (Scope scope = new Scope()) {
      Tensor tokens = config.tokenOrder().tokens(features, channels); // [B, P, C]
      return scope.keep(visionNorm.forward(tokens));
    }
  }

  /**
   * Self-attention, cross-attention in some layers, and the two feed-forward layers of the queries.
   */
  record Layer(
      BertAttention self, Optional<BertAttention> cross, Linear intermediate, BertResidual output) {
    static Layer of(Parameters p, Config c, int channels, int index) {
      return new Layer(
          BertAttention.of(
              p.at("attention."), c.hidden(), c.hidden(), c.heads(), BertResidual.EPSILON),
          index % c.crossAttentionEvery() == 0
              ? Optional.of(
                  BertAttention.of(
                      p.at("crossattention."),
                      c.hidden(),
                      channels,
                      c.heads(),
                      BertResidual.EPSILON))
              : Optional.empty(),
          Linear.normal(p.at("intermediate_query.dense."), c.hidden(), c.mlp(), BertResidual.STD),
          BertResidual.of(p.at("output_query."), c.mlp(), c.hidden(), BertResidual.EPSILON));
    }

    public Tensor forward(Tensor queries, Tensor image, double dropout) {
      try (Scope scope = new Scope()) {
        Tensor x = self.forward(queries, queries, Optional.empty(), dropout); // [B, Q, D]
        return scope.keep(behindSelf(x, image, dropout)); // [B, Q, D]
      }
    }

    /** The part of the layer after self-attention: [B, Q, D] to [B, Q, D]. */
    Tensor behindSelf(Tensor queries, Tensor image, double dropout) {
      try (Scope scope = new Scope()) {
        Tensor x = queries;
        if (cross.isPresent()) {
          x = cross.get().forward(x, image, Optional.empty(), dropout); // [B, Q, D]
        }
        Tensor wide = gelu(intermediate.forward(x)); // [B, Q, mlp]
        return scope.keep(output.forward(wide, x, dropout)); // [B, Q, D]
      }
    }
  }
}
