package org.radialog.vision;

import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.radialog.base.RadialogException;
import org.radialog.torch.Scope;
import org.radialog.torch.Torch;

/**
 * The pixel normalisation that an image encoder was trained with: each channel is the grey film in
 * [0, 1], minus the mean of the channel, divided by its standard deviation.
 *
 * @param mean mean per channel, for 1 or 3 channels
 * @param std standard deviation per channel, above 0
 */
public record InputSpec(List<Double> mean, List<Double> std) {
  /** One channel of grey values in [0, 1], without normalisation. */
  public static final InputSpec GREY = new InputSpec(List.of(0.0), List.of(1.0));

  /**
   * Checks the values.
   *
   * @throws RadialogException if there are not 1 or 3 of each, or a value is out of range
   */
  public InputSpec {
    mean = List.copyOf(mean);
    std = List.copyOf(std);
    if ((mean.size() != 1 && mean.size() != 3) || std.size() != mean.size()) {
      throw new RadialogException(
          "input has %d values of mean and %d of std, expected 1 or 3 of both, one per channel"
              .formatted(mean.size(), std.size()));
    }
    for (double value : mean) {
      if (!(Math.abs(value) <= 1000)) {
        throw new RadialogException(
            "input.mean has " + value + ", expected a number between -1000 and 1000");
      }
    }
    for (double value : std) {
      if (!(value >= 1e-6 && value <= 1000)) {
        throw new RadialogException(
            "input.std has " + value + ", expected a number from 1e-6 to 1000");
      }
    }
  }

  /** C, the number of channels. */
  public int channels() {
    return mean.size();
  }

  /** Converts grey films {@code [B, 1, S, S]} in [0, 1] to encoder input {@code [B, C, S, S]}. */
  public Tensor of(Tensor grey) {
    if (equals(GREY)) {
      return grey;
    }
    try (Scope scope = new Scope()) {
      Tensor centred = grey.sub(perChannel(mean)); // [B, C, S, S]
      return scope.keep(centred.div(perChannel(std))); // [B, C, S, S]
    }
  }

  // [1, C, 1, 1]
  private static Tensor perChannel(List<Double> values) {
    float[] floats = new float[values.size()];
    for (int i = 0; i < floats.length; i++) {
      floats[i] = values.get(i).floatValue();
    }
    return Torch.tensor(floats, 1, floats.length, 1, 1);
  }
}
