package org.radialog.language;

import static org.bytedeco.pytorch.global.torch.embedding;
import static org.bytedeco.pytorch.global.torch.gelu;

import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Tensor;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.torch.BertAttention;
import org.radialog.torch.BertResidual;
import org.radialog.torch.Init;
import org.radialog.torch.LayerNorm;
import org.radialog.torch.Linear;
import org.radialog.torch.Parameters;
import org.radialog.torch.Scope;
import org.radialog.torch.Torch;
import org.radialog.torch.TorchThreads;

/**
 * The encoder of BERT (arXiv 1810.04805) or RoBERTa (arXiv 1907.11692) for one segment, for
 * inference, without the pooler. Names are those of {@code BertModel} and {@code RobertaModel} in
 * {@code transformers}.
 *
 * <p>B rows, T tokens of the longest row, D {@link Config#hidden}, V vocabulary.
 */
public final class Bert {
  /** The two networks, which differ mainly in their training. */
  public enum Family {
    /** BERT: two segments. */
    BERT(BertResidual.EPSILON, 2, 0),
    /** RoBERTa: one segment; the first two positions are reserved for padding. */
    ROBERTA(1e-5, 1, 2);

    private final double epsilon;
    private final int segments;
    private final int firstPosition;

    Family(double epsilon, int segments, int firstPosition) {
      this.epsilon = epsilon;
      this.segments = segments;
      this.firstPosition = firstPosition;
    }

    public double epsilon() {
      return epsilon;
    }

    public int segments() {
      return segments;
    }
  }

  /**
   * Sizes of the network.
   *
   * @param family BERT or RoBERTa
   * @param vocab V
   * @param hidden D
   * @param layers number of transformer blocks
   * @param heads number of attention heads
   * @param mlp width of the feed-forward layers
   * @param positions rows of the position table
   */
  public record Config(
      Family family, int vocab, int hidden, int layers, int heads, int mlp, int positions) {
    /** {@code bert-base-uncased}. */
    public static final Config BASE = new Config(Family.BERT, 30522, 768, 12, 12, 3072, 512);

    /** The maximum number of tokens of a row. */
    public int longest() {
      return positions - family.firstPosition;
    }

    public Config {
      if (hidden % heads != 0) {
        throw new RadialogException(
            Kind.REFUSED_WEIGHTS,
            "a BERT of width " + hidden + " cannot have " + heads + " heads: not a divisor");
      }
    }
  }

  // added to the score of a padded position, before the softmax
  private static final float HIDDEN = -1e30f;

  private final Config config;
  private final Tensor words; // [V, D]
  private final Tensor positions; // [positions, D]
  private final Tensor types; // [segments, D]
  private final LayerNorm norm;
  private final List<Layer> layers;

  private Bert(
      Config config,
      Tensor words,
      Tensor positions,
      Tensor types,
      LayerNorm norm,
      List<Layer> layers) {
    this.config = config;
    this.words = words;
    this.positions = positions;
    this.types = types;
    this.norm = norm;
    this.layers = layers;
  }

  /**
   * The network; its tensors belong to {@code p}.
   *
   * @throws RadialogException if {@code p} lacks a tensor or has it in another shape
   */
  public static Bert of(Parameters p, Config c) {
    Parameters e = p.at("embeddings.");
    Init init = Init.normal(BertResidual.STD);
    return new Bert(
        c,
        e.get("word_embeddings.weight", init, c.vocab(), c.hidden()),
        e.get("position_embeddings.weight", init, c.positions(), c.hidden()),
        e.get("token_type_embeddings.weight", init, c.family().segments(), c.hidden()),
        LayerNorm.of(e.at("LayerNorm."), c.hidden(), c.family().epsilon()),
        IntStream.range(0, c.layers())
            .mapToObj(i -> Layer.of(p.at("encoder.layer." + i + "."), c))
            .toList());
  }

  /** The sizes. */
  public Config config() {
    return config;
  }

  /**
   * Maps rows of token ids, padded on the right to the longest and masked, to [B, T, D]; values at
   * padded positions are meaningless.
   *
   * @throws RadialogException if a row is empty or too long, or an id is not in the vocabulary
   */
  public Tensor forward(List<int[]> rows) {
    int longest = rows.stream().mapToInt(row -> row.length).max().orElse(0);
    int[] ids = new int[rows.size() * longest];
    float[] hidden = new float[ids.length];
    for (int b = 0; b < rows.size(); b++) {
      int[] row = checked(rows.get(b));
      System.arraycopy(row, 0, ids, b * longest, row.length);
      for (int t = row.length; t < longest; t++) {
        hidden[b * longest + t] = HIDDEN;
      }
    }
    try (Scope scope = new Scope();
        TorchThreads _ = TorchThreads.all()) {
      Tensor mask = Torch.tensor(hidden, rows.size(), 1, 1, longest); // [B, 1, 1, T]
      Tensor x =
          embedding(words, Torch.tensor(ids, rows.size(), longest)) // [B, T, D]
              .add(types.narrow(0, 0, 1)) // [1, D]
              .add(positions.narrow(0, config.family().firstPosition, longest)); // [T, D]
      x = norm.forward(x);
      for (Layer layer : layers) {
        x = layer.forward(x, mask); // [B, T, D]
      }
      return scope.keep(x);
    }
  }

  private int[] checked(int[] row) {
    if (row.length < 1 || row.length > config.longest()) {
      throw new RadialogException(
          Kind.REFUSED_WEIGHTS,
          "BERT reads rows of 1 to " + config.longest() + " tokens, got " + row.length);
    }
    for (int id : row) {
      if (id < 0 || id >= config.vocab()) {
        throw new RadialogException(
            Kind.REFUSED_WEIGHTS,
            "token " + id + " is not in BERT's vocabulary of " + config.vocab());
      }
    }
    return row;
  }

  private record Layer(BertAttention attention, Linear intermediate, BertResidual output) {
    static Layer of(Parameters p, Config c) {
      return new Layer(
          BertAttention.of(
              p.at("attention."), c.hidden(), c.hidden(), c.heads(), c.family().epsilon()),
          Linear.normal(p.at("intermediate.dense."), c.hidden(), c.mlp(), BertResidual.STD),
          BertResidual.of(p.at("output."), c.mlp(), c.hidden(), c.family().epsilon()));
    }

    Tensor forward(Tensor x, Tensor mask) {
      try (Scope scope = new Scope()) {
        Tensor attended = attention.forward(x, x, Optional.of(mask), 0); // [B, T, D]
        Tensor wide = gelu(intermediate.forward(attended)); // [B, T, mlp]
        return scope.keep(output.forward(wide, attended, 0)); // [B, T, D]
      }
    }
  }
}
