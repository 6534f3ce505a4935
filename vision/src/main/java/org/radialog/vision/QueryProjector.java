package org.radialog.vision;

import org.bytedeco.pytorch.Tensor;
import org.radialog.torch.Linear;
import org.radialog.torch.Parameters;
import org.radialog.torch.Scope;

/**
 * The alignment of the first version: a Q-Former followed by a linear layer from its width to that
 * of the language model, key {@code img_proj_layer}.
 */
public final class QueryProjector implements Alignment {
  private final QFormer qformer;
  private final Linear linear;

  private QueryProjector(QFormer qformer, Linear linear) {
    this.qformer = qformer;
    this.linear = linear;
  }

  /**
   * Builds the linear layer from the tensors in {@code p}.
   *
   * @param out width of the language model, D
   */
  public static QueryProjector of(Parameters p, QFormer qformer, int out) {
    return new QueryProjector(
        qformer, Linear.of(p.at("img_proj_layer."), qformer.config().hidden(), out));
  }

  /** The Q-Former before the linear layer. */
  public QFormer qformer() {
    return qformer;
  }

  /** Projects outputs of the queries {@code [B, Q, hidden]} to image tokens {@code [B, Q, D]}. */
  public Tensor project(Tensor queries) {
    return linear.forward(queries);
  }

  @Override
  public Tensor forward(Tensor features, double dropout) {
    try (Scope scope = new Scope()) {
      Tensor queries = qformer.forward(features, dropout); // [B, Q, hidden]
      return scope.keep(project(queries)); // [B, Q, D]
    }
  }
}
