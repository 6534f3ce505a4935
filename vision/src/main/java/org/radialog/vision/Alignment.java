package org.radialog.vision;

import org.bytedeco.pytorch.Tensor;

/** From a feature map of the image encoder to rows of the language model's input. */
public sealed interface Alignment permits MlpProjector, QueryProjector, RowProjector {
  /**
   * Features {@code [B, C, h, w]} to image tokens {@code [B, N, D]}.
   *
   * @param dropout share of the Q-Former's activations that training sets to 0; 0 for inference. An
   *     MLP projector has no dropout.
   */
  Tensor forward(Tensor features, double dropout);

  /** Features {@code [B, C, h, w]} to image tokens {@code [B, N, D]}, for inference. */
  default Tensor forward(Tensor features) {
    return forward(features, 0);
  }
}
