package org.radialog.vision;

import static org.bytedeco.pytorch.global.torch.cat;
import static org.bytedeco.pytorch.global.torch.embedding;
import static org.bytedeco.pytorch.global.torch.gelu;
import static org.bytedeco.pytorch.global.torch.normalize;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.NormalizeFuncOptions;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.radialog.base.RadialogException;
import org.radialog.torch.BertResidual;
import org.radialog.torch.Dropout;
import org.radialog.torch.Init;
import org.radialog.torch.LayerNorm;
import org.radialog.torch.Linear;
import org.radialog.torch.Parameters;
import org.radialog.torch.Scope;
import org.radialog.torch.Torch;

/**
 * The text branch of BLIP-2's Q-Former (arXiv 2301.12597, §3.1). It encodes text alone, text
 * jointly with the queries of a film, and text token by token conditioned on the queries. {@link
 * QFormerObjective} trains it. Self-attention is shared with the {@link QFormer}; the feed-forward
 * layers are separate. Names are those of the published checkpoint's {@code model}.
 *
 * <p>B rows, Q queries, T tokens of the longest text, D width, V vocabulary, E width of the
 * embedding space for contrast.
 */
public final class QFormerText {
  /**
   * Sizes of the text branch.
   *
   * @param vocab V; the last token is [DEC], which starts a generated text
   * @param positions maximum number of tokens of a text
   * @param embed E
   */
  public record Config(int vocab, int positions, int embed) {
    /** The sizes of the first version. */
    public static final Config PUBLISHED = new Config(30523, 512, 256);
  }

  private static final float HIDDEN = -1e30f; // mask value, added before the softmax

  private final QFormer queries;
  private final Config config;
  private final Tensor words; // [V, D]
  private final Tensor positions; // [positions, D]
  private final LayerNorm norm;
  private final List<Layer> layers;
  private final Linear visionProjection;
  private final Linear textProjection;
  private final Linear match;
  private final Linear transform;
  private final LayerNorm transformNorm;
  private final Tensor bias; // [V]
  private final double dropout;

  private QFormerText(QFormer queries, Parameters p, Config c, double dropout) {
    int hidden = queries.config().hidden();
    Init init = Init.normal(BertResidual.STD);
    Parameters bert = p.at("Qformer.bert.");
    Parameters words = p.at("Qformer.cls.predictions.");
    this.queries = queries;
    this.config = c;
    this.dropout = dropout;
    this.words = bert.get("embeddings.word_embeddings.weight", init, c.vocab(), hidden);
    this.positions = bert.get("embeddings.position_embeddings.weight", init, c.positions(), hidden);
    this.norm = queries.embeddingNorm();
    this.layers =
        IntStream.range(0, queries.config().layers())
            .mapToObj(i ->
                Layer.of(
                    queries.layers().get(i), bert.at("encoder.layer." + i + "."), queries.config()))
            .toList();
    this.visionProjection = Linear.of(p.at("vision_proj."), hidden, c.embed());
    this.textProjection = Linear.of(p.at("text_proj."), hidden, c.embed());
    this.match = Linear.of(p.at("itm_head."), hidden, 2);
    this.transform = Linear.normal(words.at("transform.dense."), hidden, hidden, BertResidual.STD);
    this.transformNorm =
        LayerNorm.of(words.at("transform.LayerNorm."), hidden, BertResidual.EPSILON);
    this.bias = words.get("bias", Init.zeros(), c.vocab());
  }

  /**
   * Builds the text branch of {@code queries} for inference. Its tensors belong to {@code p}, like
   * those of the queries.
   *
   * @throws RadialogException if {@code p} lacks a tensor or has it in another shape
   */
  public static QFormerText of(QFormer queries, Parameters p, Config c) {
    return of(queries, p, c, 0);
  }

  /**
   * As {@link #of(QFormer, Parameters, Config)}, but for training.
   *
   * @param dropout fraction of the activations that is set to 0; the published training uses 0.1
   */
  public static QFormerText of(QFormer queries, Parameters p, Config c, double dropout) {
    return new QFormerText(queries, p, c, dropout);
  }

  /** Encodes text alone, without the queries: rows of ids to [B, T, D]. */
  public Tensor text(List<int[]> rows) {
    Rows text = new Rows(rows);
    try (Scope scope = new Scope()) {
      Tensor mask = text.visible(0); // [B, 1, 1, T]
      Tensor x = read(text); // [B, T, D]
      for (Layer layer : layers) {
        x = layer.text(layer.attend(x, x, mask, dropout), dropout); // [B, T, D]
      }
      return scope.keep(x);
    }
  }

  /**
   * Encodes the queries of a film and a text with attention in both directions: features {@code [B,
   * C, h, w]} and rows of ids to [B, Q + T, D].
   */
  public Tensor joint(Tensor features, List<int[]> rows) {
    Rows text = new Rows(rows);
    try (Scope scope = new Scope()) {
      Tensor image = queries.imageTokens(features); // [B, P, C]
      Tensor mask = text.visible(queries.config().queries()); // [B, 1, 1, Q + T]
      Tensor x = cat(new TensorVector(asked(rows.size()), read(text)), 1); // [B, Q + T, D]
      for (Layer layer : layers) {
        x = layer.attend(x, x, mask, dropout); // [B, Q + T, D]
        long q = queries.config().queries();
        Tensor seen = layer.shared.behindSelf(x.narrow(1, 0, q), image, dropout); // [B, Q, D]
        Tensor read = layer.text(x.narrow(1, q, text.longest), dropout); // [B, T, D]
        x = cat(new TensorVector(seen, read), 1);
      }
      return scope.keep(x);
    }
  }

  /**
   * The logits of the next token at each position, [B, T, V]. A token attends to the queries of its
   * film, as they are at the input of each layer, and to itself and the tokens before it.
   *
   * @param rows token ids, [DEC] first
   */
  public Tensor nextTokens(Tensor features, List<int[]> rows) {
    return written(features, rows).logits();
  }

  /**
   * The queries of a film, as {@link QFormer#forward} returns them, and the logits of the text
   * conditioned on them.
   *
   * @param queries [B, Q, D]
   * @param logits logits of the next token, [B, T, V]
   */
  record Written(Tensor queries, Tensor logits) {}

  /** Computes queries and {@link #nextTokens} in one pass. */
  Written written(Tensor features, List<int[]> rows) {
    Rows text = new Rows(rows);
    try (Scope scope = new Scope()) {
      Tensor image = queries.imageTokens(features); // [B, P, C]
      Tensor mask = text.visibleBefore(queries.config().queries()); // [B, 1, T, Q + T]
      Tensor q = asked(rows.size()); // [B, Q, D]
      Tensor x = read(text); // [B, T, D]
      for (Layer layer : layers) {
        Tensor source = cat(new TensorVector(q, x), 1); // [B, Q + T, D]
        x = layer.text(layer.attend(x, source, mask, dropout), dropout); // [B, T, D]
        q = layer.shared.forward(q, image, dropout); // [B, Q, D]
      }
      Tensor h = transformNorm.forward(gelu(transform.forward(x))); // [B, T, D]
      Tensor logits = torch.linear(h, words, new TensorOptional(bias)); // [B, T, V]
      return new Written(scope.keep(q), scope.keep(logits));
    }
  }

  /**
   * Projects the outputs of the queries [B, Q, D] to the embedding space, normalised to length 1:
   * [B, Q, E].
   */
  public Tensor imageFeatures(Tensor queryOutput) {
    try (Scope scope = new Scope()) {
      return scope.keep(unit(visionProjection.forward(queryOutput)));
    }
  }

  /** Projects the first token of {@link #text} [B, T, D] to the embedding space: [B, E]. */
  public Tensor textFeatures(Tensor text) {
    try (Scope scope = new Scope()) {
      return scope.keep(unit(textProjection.forward(text.select(1, 0))));
    }
  }

  /** Whether film and text of {@link #joint} [B, Q + T, D] match: logits [B, 2]. */
  public Tensor match(Tensor joint) {
    try (Scope scope = new Scope()) {
      Tensor seen = joint.narrow(1, 0, queries.config().queries()); // [B, Q, D]
      return scope.keep(match.forward(seen).mean(1)); // [B, 2]
    }
  }

  private static Tensor unit(Tensor x) {
    NormalizeFuncOptions last = new NormalizeFuncOptions();
    last.dim().put(-1);
    return normalize(x, last);
  }

  // Input of the first layer: [B, T, D]
  private Tensor read(Rows text) {
    Tensor x = embedding(words, text.ids()).add(positions.narrow(0, 0, text.longest)); // [B, T, D]
    return Dropout.of(norm.forward(x), dropout);
  }

  // Input of the first layer: [B, Q, D]
  private Tensor asked(long rows) {
    return Dropout.of(norm.forward(queries.tokens(rows)), dropout);
  }

  /** Rows of token ids, padded on the right. */
  private final class Rows {
    private final List<int[]> rows;
    private final int longest; // T

    Rows(List<int[]> rows) {
      this.rows = rows;
      this.longest = rows.stream().mapToInt(row -> row.length).max().orElse(0);
      if (longest > config.positions() || rows.stream().anyMatch(row -> row.length == 0)) {
        throw new RadialogException(
            "the Q-Former reads texts of 1 to " + config.positions() + " tokens, got " + longest);
      }
    }

    // [B, T]
    Tensor ids() {
      int[] ids = new int[rows.size() * longest];
      for (int b = 0; b < rows.size(); b++) {
        System.arraycopy(rows.get(b), 0, ids, b * longest, rows.get(b).length);
      }
      return Torch.tensor(ids, rows.size(), longest);
    }

    // [B, 1, 1, before + T]: everything before the text, and the tokens that are not padding
    Tensor visible(int before) {
      List<float[]> all = new ArrayList<>();
      for (int[] row : rows) {
        float[] mask = new float[before + longest];
        Arrays.fill(mask, before + row.length, mask.length, HIDDEN);
        all.add(mask);
      }
      return stacked(all, 1, before + longest);
    }

    // [B, 1, T, before + T]: everything before the text, and the tokens up to the current one
    Tensor visibleBefore(int before) {
      List<float[]> all = new ArrayList<>();
      for (int[] row : rows) {
        for (int t = 0; t < longest; t++) {
          float[] mask = new float[before + longest];
          Arrays.fill(mask, before + Math.min(t + 1, row.length), mask.length, HIDDEN);
          all.add(mask);
        }
      }
      return stacked(all, longest, before + longest);
    }

    private Tensor stacked(List<float[]> masks, int asking, int source) {
      float[] values = new float[masks.size() * source];
      for (int i = 0; i < masks.size(); i++) {
        System.arraycopy(masks.get(i), 0, values, i * source, source);
      }
      return Torch.tensor(values, rows.size(), 1, asking, source);
    }
  }

  /** A layer shared with the queries, and the feed-forward layers of the text. */
  private record Layer(QFormer.Layer shared, Linear intermediate, BertResidual output) {
    static Layer of(QFormer.Layer shared, Parameters p, QFormer.Config c) {
      return new Layer(
          shared,
          Linear.normal(p.at("intermediate.dense."), c.hidden(), c.mlp(), BertResidual.STD),
          BertResidual.of(p.at("output."), c.mlp(), c.hidden(), BertResidual.EPSILON));
    }

    // [B, T, D] attends to source [B, S, D] -> [B, T, D]
    Tensor attend(Tensor x, Tensor source, Tensor mask, double dropout) {
      return shared.self().forward(x, source, Optional.of(mask), dropout);
    }

    // after self-attention: [B, T, D] -> [B, T, D]
    Tensor text(Tensor x, double dropout) {
      return output.forward(gelu(intermediate.forward(x)), x, dropout);
    }
  }
}
