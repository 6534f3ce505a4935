package org.radialog.vision;

import java.util.Arrays;
import org.bytedeco.pytorch.Tensor;
import org.radialog.base.RadialogException;
import org.radialog.torch.Scope;
import org.radialog.torch.Torch;

/** How a feature map {@code [B, C, h, w]} becomes tokens {@code [B, h · w, C]}. */
public enum TokenOrder {
  /** One token per patch, in row-major order. */
  PATCHES,
  /**
   * A reshape without a permute. A token is then a run of C values of the channel-major map and
   * does not correspond to a location on the film. The Q-Former of the first version was trained
   * this way.
   */
  SCRAMBLED;

  /**
   * {@code [B, C, h, w]} to {@code [B, h · w, C]}.
   *
   * @throws RadialogException if the map does not have {@code channels} channels
   */
  Tensor tokens(Tensor features, long channels) {
    long[] shape = Torch.shape(features);
    if (shape.length != 4 || shape[1] != channels) {
      throw new RadialogException(
          "the alignment expects image features [batch, "
              + channels
              + ", rows, columns], got "
              + Arrays.toString(shape));
    }
    try (Scope scope = new Scope()) {
      return scope.keep(
          switch (this) {
            case PATCHES -> features.flatten(2, 3).transpose(1, 2); // [B, C, h·w] to [B, h·w, C]
            case SCRAMBLED -> features.reshape(shape[0], -1, channels); // [B, h·w, C]
          });
    }
  }
}
