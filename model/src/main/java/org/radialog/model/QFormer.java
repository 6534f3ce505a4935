package org.radialog.model;

import static org.bytedeco.pytorch.global.torch.gelu;
import static org.bytedeco.pytorch.global.torch.matmul;
import static org.bytedeco.pytorch.global.torch.softmax;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.radialog.base.RadialogException;
import org.radialog.torch.Init;
import org.radialog.torch.Linear;
import org.radialog.torch.Parameters;
import org.radialog.torch.Scope;

/**
 * The query path of BLIP-2's Q-Former (arXiv 2301.12597): learned queries pass through a BERT
 * (post-norm) and attend to the image tokens in every second layer. Names are those of the
 * published checkpoint's {@code model}; tensors of the text branch are not asked for.
 *
 * <p>Dimensions: B batch, C channels of the features, h w cells and P = h · w image tokens, Q
 * queries, D {@link Config#hidden}, H heads, d = D / H.
 */
public final class QFormer {
  /**
   * Sizes.
   *
   * @param queries Q, the number of outputs
   * @param hidden D
   * @param mlp width of the feed-forward layers
   * @param crossAttentionEvery layers 0, n, 2 n, … attend to the image
   * @param channels C of the features
   */
  public record Config(
      int queries,
      int layers,
      int hidden,
      int heads,
      int mlp,
      int crossAttentionEvery,
      int channels,
      TokenOrder tokenOrder) {
    /** The sizes of the first version, BERT-base's. */
    public static final Config PUBLISHED =
        new Config(32, 12, 768, 12, 3072, 2, 1408, TokenOrder.SCRAMBLED);

    public Config {
      if (hidden % heads != 0) {
        throw new RadialogException(
            "a Q-Former of width " + hidden + " cannot have " + heads + " heads: not a divisor");
      }
    }
  }

  private static final double STD = 0.02;
  private static final double BERT_EPSILON = 1e-12;
  private static final double VISION_EPSILON = 1e-5;

  private final Config config;
  private final Tensor queryTokens; // [1, Q, D]
  private final LayerNorm visionNorm;
  private final LayerNorm embeddingNorm;
  private final List<Layer> layers;

  private QFormer(
      Config config,
      Tensor queryTokens,
      LayerNorm visionNorm,
      LayerNorm embeddingNorm,
      List<Layer> layers) {
    this.config = config;
    this.queryTokens = queryTokens;
    this.visionNorm = visionNorm;
    this.embeddingNorm = embeddingNorm;
    this.layers = layers;
  }

  /**
   * The network with its tensors in {@code p}.
   *
   * @throws RadialogException if {@code p} lacks a tensor or has it in another shape
   */
  public static QFormer of(Parameters p, Config c) {
    Parameters bert = p.at("Qformer.bert.");
    List<Layer> layers = new ArrayList<>();
    for (int i = 0; i < c.layers(); i++) {
      layers.add(Layer.of(bert.at("encoder.layer." + i + "."), c, i));
    }
    return new QFormer(
        c,
        p.get("query_tokens", Init.normal(STD), 1, c.queries(), c.hidden()),
        LayerNorm.of(p.at("ln_vision."), c.channels(), VISION_EPSILON),
        LayerNorm.of(bert.at("embeddings.LayerNorm."), c.hidden(), BERT_EPSILON),
        List.copyOf(layers));
  }

  /** The sizes. */
  public Config config() {
    return config;
  }

  /** Features {@code [B, C, h, w]} to one vector a query, {@code [B, Q, D]}, for inference. */
  public Tensor forward(Tensor features) {
    return forward(features, 0);
  }

  /**
   * Features {@code [B, C, h, w]} to one vector a query, {@code [B, Q, D]}.
   *
   * @param dropout share of the activations that is set to 0; the published training has 0.1
   * @throws RadialogException if the features have another shape
   */
  public Tensor forward(Tensor features, double dropout) {
    try (Scope scope = new Scope()) {
      Tensor image = imageTokens(features); // [B, P, C]
      Tensor x = queryTokens.expand(features.size(0), config.queries(), config.hidden());
      x = drop(embeddingNorm.forward(x), dropout); // [B, Q, D]
      for (Layer layer : layers) {
        x = layer.forward(x, image, dropout); // [B, Q, D]
      }
      return scope.keep(x);
    }
  }

  /** Features {@code [B, C, h, w]} to the normalised image tokens {@code [B, P, C]}. */
  Tensor imageTokens(Tensor features) {
    try (Scope scope = new Scope()) {
      Tensor tokens = config.tokenOrder().tokens(features, config.channels()); // [B, P, C]
      return scope.keep(visionNorm.forward(tokens));
    }
  }

  private static Tensor drop(Tensor x, double dropout) {
    return dropout == 0 ? x : torch.dropout(x, dropout, true);
  }

  /** A linear whose output is added to what came before the sub-layer and normalised. */
  private record Residual(Linear dense, LayerNorm norm) {
    static Residual of(Parameters p, long in, long out) {
      return new Residual(
          Linear.normal(p.at("dense."), in, out, STD),
          LayerNorm.of(p.at("LayerNorm."), out, BERT_EPSILON));
    }

    Tensor forward(Tensor x, Tensor before, double dropout) {
      return norm.forward(drop(dense.forward(x), dropout).add(before));
    }
  }

  /** Attention of the queries to {@code source}: themselves or the image. */
  private record Attention(Linear query, Linear key, Linear value, Residual output, int heads) {
    static Attention of(Parameters p, Config c, long sourceWidth) {
      return new Attention(
          Linear.normal(p.at("self.query."), c.hidden(), c.hidden(), STD),
          Linear.normal(p.at("self.key."), sourceWidth, c.hidden(), STD),
          Linear.normal(p.at("self.value."), sourceWidth, c.hidden(), STD),
          Residual.of(p.at("output."), c.hidden(), c.hidden()),
          c.heads());
    }

    Tensor forward(Tensor x, Tensor source, double dropout) {
      try (Scope scope = new Scope()) {
        Tensor q = split(query.forward(x)); // [B, H, Q, d]
        Tensor k = split(key.forward(source)); // [B, H, S, d]
        Tensor v = split(value.forward(source)); // [B, H, S, d]
        double scale = 1 / Math.sqrt((double) q.size(3));
        Tensor scores = matmul(q, k.transpose(2, 3)).mul(new Scalar(scale)); // [B, H, Q, S]
        Tensor shares = drop(softmax(scores, -1), dropout); // [B, H, Q, S]
        Tensor mixed = matmul(shares, v).transpose(1, 2).flatten(2, 3); // [B, Q, H, d] to [B, Q, D]
        return scope.keep(output.forward(mixed, x, dropout)); // [B, Q, D]
      }
    }

    // [B, T, D] to [B, H, T, d]
    private Tensor split(Tensor x) {
      return x.view(x.size(0), x.size(1), heads, -1).transpose(1, 2);
    }
  }

  /** Self-attention, in some layers cross-attention, and the queries' own feed-forward pair. */
  private record Layer(
      Attention self, Optional<Attention> cross, Linear intermediate, Residual output) {
    static Layer of(Parameters p, Config c, int index) {
      return new Layer(
          Attention.of(p.at("attention."), c, c.hidden()),
          index % c.crossAttentionEvery() == 0
              ? Optional.of(Attention.of(p.at("crossattention."), c, c.channels()))
              : Optional.empty(),
          Linear.normal(p.at("intermediate_query.dense."), c.hidden(), c.mlp(), STD),
          Residual.of(p.at("output_query."), c.mlp(), c.hidden()));
    }

    Tensor forward(Tensor queries, Tensor image, double dropout) {
      try (Scope scope = new Scope()) {
        Tensor x = self.forward(queries, queries, dropout); // [B, Q, D]
        if (cross.isPresent()) {
          x = cross.get().forward(x, image, dropout); // [B, Q, D]
        }
        Tensor wide = gelu(intermediate.forward(x)); // [B, Q, mlp]
        return scope.keep(output.forward(wide, x, dropout)); // [B, Q, D]
      }
    }
  }
}
