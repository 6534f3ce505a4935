package org.radialog.torch;

import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.DeviceType;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Computes convolutions and matrix products on the CPU in bf16 while open, with fp32 weights;
 * PyTorch's {@code torch.autocast}. Backward passes must run outside. To be closed by the thread
 * that opened it; guards close in the reverse order of opening.
 */
public final class Autocast implements AutoCloseable {
  private final boolean enabledBefore = torch.is_autocast_enabled(DeviceType.CPU);
  private final ScalarType typeBefore = torch.get_autocast_dtype(DeviceType.CPU).intern();

  private Autocast(boolean enabled) {
    torch.set_autocast_enabled(DeviceType.CPU, enabled);
    torch.set_autocast_dtype(DeviceType.CPU, ScalarType.BFloat16);
    torch.increment_nesting();
  }

  /** bf16 where it is safe. */
  public static Autocast bf16() {
    return new Autocast(true);
  }

  /** {@link #bf16} if this CPU is fast at it, otherwise fp32. */
  public static Autocast fast() {
    return new Autocast(Bf16.isFast());
  }

  /**
   * fp32 inside a bf16 region, for operations that lose too much precision or are slower in bf16.
   */
  public static Autocast off() {
    return new Autocast(false);
  }

  @Override
  public void close() {
    // The cache contains bf16 copies of weights, which the next optimiser step makes stale.
    if (torch.decrement_nesting() == 0) {
      torch.clear_cache();
    }
    torch.set_autocast_enabled(DeviceType.CPU, enabledBefore);
    torch.set_autocast_dtype(DeviceType.CPU, typeBefore);
  }
}
