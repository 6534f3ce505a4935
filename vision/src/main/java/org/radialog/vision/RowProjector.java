package org.radialog.vision;

import org.bytedeco.pytorch.Tensor;
import org.radialog.torch.Linear;
import org.radialog.torch.Parameters;

/**
 * The first version's last step alone, one linear from rows of a Q-Former to the width of the
 * language model, key {@code img_proj_layer}: for rows that were computed elsewhere.
 */
public final class RowProjector implements Alignment {
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
