package org.radialog.eval;

import java.util.Optional;
import java.util.SplittableRandom;
import org.bytedeco.pytorch.Tensor;
import org.radialog.dialog.ModelDecorator;
import org.radialog.language.LoraAdapter;
import org.radialog.torch.Parameters;
import org.radialog.vision.Alignment;

/**
 * A control of an evaluation: the same model without a part, which must then fail what is asked of
 * that part.
 */
public enum Control implements ModelDecorator {
  /** The model as it is. */
  NONE,
  /** All image tokens are zero: the language model sees no film. */
  ZERO_IMAGE,
  /** The weights of the adapter are random: the training of the language stage is lost. */
  RANDOM_ADAPTER;

  @Override
  public String id() {
    return name();
  }

  @Override
  public Alignment alignment(Alignment own) {
    return switch (this) {
      case NONE, RANDOM_ADAPTER -> own;
      case ZERO_IMAGE -> new Zero(own);
    };
  }

  @Override
  public LoraAdapter adapter(LoraAdapter own) {
    return switch (this) {
      case NONE, ZERO_IMAGE -> own;
      case RANDOM_ADAPTER -> new LoraAdapter(own.config(), RANDOM);
    };
  }

  /** As many image tokens as the model's, all zero. */
  private record Zero(Alignment own) implements Alignment {
    @Override
    public Tensor forward(Tensor features, double dropout) {
      return own.forward(features, dropout).zero_(); // [B, N, D]
    }
  }

  private static final Parameters.Source RANDOM = Control::random;

  // Random values with a variance that suits the number of inputs, for A and B alike, as for an
  // untrained adapter.
  private static Optional<float[]> random(String name, long[] shape) {
    var random = new SplittableRandom(name.hashCode());
    double bound = Math.sqrt(3.0 / shape[1]);
    float[] values = new float[Math.toIntExact(shape[0] * shape[1])];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (bound * (2 * random.nextDouble() - 1));
    }
    return Optional.of(values);
  }
}
