package org.radialog.torch;

import java.util.function.Supplier;
import org.bytedeco.pytorch.Generator;
import org.bytedeco.pytorch.GeneratorOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/** Dropout during training (jmlr.org/papers/v15/srivastava14a). */
public final class Dropout {
  // Bound in threads that draw at the same time: the library's own generator would give each of
  // them what the others leave.
  private static final ScopedValue<Generator> OWN = ScopedValue.newInstance();

  private Dropout() {}

  /**
   * Replaces elements of {@code x} by 0 with probability {@code share} and divides the others by 1
   * − {@code share}. It draws from libtorch's random numbers, which {@link Torch#seed} determines,
   * or from those of {@link #seeded}, by the same steps.
   */
  public static Tensor of(Tensor x, double share) {
    if (share == 0) {
      return x;
    }
    if (!OWN.isBound()) {
      return torch.dropout(x, share, true);
    }
    try (Scope scope = new Scope()) {
      Tensor kept =
          torch
              .empty_like(x)
              .bernoulli_(1 - share, new GeneratorOptional(OWN.get()))
              .div_(new Scalar(1 - share));
      return scope.keep(x.mul(kept));
    }
  }

  /** Calls {@code work}, whose dropout is determined by {@code seed} whatever other threads do. */
  static <T> T seeded(long seed, Supplier<T> work) {
    try (Generator own = torch.make_generator_cpu(seed)) {
      return ScopedValue.where(OWN, own).call(work::get);
    }
  }
}
