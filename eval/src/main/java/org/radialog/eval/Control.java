package org.radialog.eval;

import java.util.Optional;
import java.util.SplittableRandom;
import org.bytedeco.pytorch.Tensor;
import org.radialog.dialog.ModelDecorator;
import org.radialog.language.LoraAdapter;
import org.radialog.torch.Parameters;
import org.radialog.vision.Alignment;

/**
 * A negative control of an evaluation: the model with one part disabled, which must then fail the
 * protocols that depend on that part.
 */
public enum Control implements ModelDecorator {
  /** The unchanged model. */
  NONE,
  /** All image tokens are zero, so the language model does not see the film. */
  ZERO_IMAGE,
  /** The adapter weights are random, so the fine-tuning of the language model is lost. */
  RANDOM_ADAPTER,
  /** The language model has no adapter, as before it was trained. */
  NO_ADAPTER;

  @Override
  public String id() {
    return name();
  }

  @Override
  public Alignment alignment(Alignment own) {
    return switch (this) {
      case NONE, RANDOM_ADAPTER, NO_ADAPTER -> own;
      case ZERO_IMAGE -> new Zero(own);
    };
  }

  @Override
  public LoraAdapter adapter(LoraAdapter own) {
    return switch (this) {
      case NONE, ZERO_IMAGE -> own;
      case RANDOM_ADAPTER -> new LoraAdapter(own.config(), RANDOM);
      case NO_ADAPTER -> new LoraAdapter(own.config(), (_, shape) -> Optional.of(zeros(shape)));
    };
  }

  /** Replaces the image tokens by the same number of zero vectors. */
  private record Zero(Alignment own) implements Alignment {
    @Override
    public Tensor forward(Tensor features, double dropout) {
      return own.forward(features, dropout).zero_(); // [B, N, D]
    }
  }

  private static float[] zeros(long[] shape) {
    return new float[Math.toIntExact(shape[0] * shape[1])];
  }

  private static final Parameters.Source RANDOM = Control::random;

  // Random values for A and B, with a variance scaled by the number of inputs as in initialisation.
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
