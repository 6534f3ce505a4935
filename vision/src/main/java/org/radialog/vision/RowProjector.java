package org.radialog.vision;

import org.bytedeco.pytorch.Tensor;
import org.radialog.base.RadialogException;
import org.radialog.torch.Linear;
import org.radialog.torch.Parameters;

/**
 * Only the last step of the first version's alignment: a linear layer from the outputs of a
 * Q-Former to the width of the language model, key {@code img_proj_layer}. It is used with rows
 * that were computed elsewhere.
 */
public final class RowProjector implements Alignment {
  /**
   * Sizes. The rows are the outputs of a Q-Former for a fixed set of films, stored under the names
   * of the films. The published weights of the first version can only be used in this way, because
   * the projector before its Q-Former was random and never saved.
   *
   * @param queries number of image tokens
   * @param hidden width of the rows
   * @param embeddings file of the model folder with a tensor [queries, hidden] per film name
   */
  public record Config(int queries, int hidden, String embeddings) implements Alignment.Config {
    /**
     * Checks the sizes.
     *
     * @throws RadialogException if one is out of range
     */
    public Config {
      if (queries < 1 || queries > 1024) {
        throw new RadialogException("queries is " + queries + ", expected 1 to 1024");
      }
      if (hidden < 1 || hidden > 8192) {
        throw new RadialogException("hidden is " + hidden + ", expected 1 to 8192");
      }
    }

    @Override
    public Alignment.Input input() {
      return new Alignment.Input.Rows(embeddings, queries, hidden);
    }

    @Override
    public Alignment network(Parameters p, VisionEncoder.Config encoder, int out) {
      return RowProjector.of(p.at("projector."), hidden, out);
    }
  }

  private final Linear linear;

  private RowProjector(Linear linear) {
    this.linear = linear;
  }

  /**
   * Builds the linear layer from the tensors in {@code p}.
   *
   * @param in width of the rows
   * @param out width of the language model, D
   */
  public static RowProjector of(Parameters p, int in, int out) {
    return new RowProjector(Linear.of(p.at("img_proj_layer."), in, out));
  }

  /** Rows {@code [B, Q, in]} to image tokens {@code [B, Q, D]}. */
  @Override
  public Tensor forward(Tensor rows, double dropout) {
    return linear.forward(rows);
  }
}
