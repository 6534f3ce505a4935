package org.radialog.vision;

import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.radialog.vision.BioViLT.Statistics;

/** A convolutional network that turns an image into a grid of features, one cell per 32 pixels. */
sealed interface ImageBackbone extends AutoCloseable permits ResNet50, EfficientNetLite0 {
  /** Image {@code [B, 3, S, S]} in [0, 1] to features {@code [B, C, ceil(S/32), ceil(S/32)]}. */
  Tensor forward(Tensor image, Statistics statistics);

  /**
   * The same function for the running statistics, with normalisations folded into the convolutions.
   */
  ImageBackbone fold(ScalarType type);

  /** Frees the tensors that a folded network owns. */
  @Override
  void close();
}
