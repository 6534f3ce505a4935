package org.radialog.vision;

import org.bytedeco.pytorch.Tensor;
import org.radialog.base.RadialogException;
import org.radialog.torch.Linear;
import org.radialog.torch.Parameters;

/**
 * The first version's last step alone, one linear from rows of a Q-Former to the width of the
 * language model, key {@code img_proj_layer}: for rows that were computed elsewhere.
 */
public final class RowProjector implements Alignment {
  /**
   * Sizes. The rows are those that a Q-Former gave to each of a set of films, kept under the films'
   * names. The first version's published weights work so: the projector that its Q-Former read was
   * random and never saved.
   *
   * @param queries image tokens
   * @param hidden width of the rows
   * @param embeddings file of the model folder with a tensor [queries, hidden] for each film's name
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
   * The linear with its tensors in {@code p}.
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
