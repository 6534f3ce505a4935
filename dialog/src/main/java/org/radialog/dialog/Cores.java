package org.radialog.dialog;

import org.bytedeco.pytorch.global.torch;
import org.radialog.torch.Torch;

/** How many cores libtorch takes for the operations of one thread. */
final class Cores {
  private Cores() {}

  /** One: for small operations beside other work, where threads would only wait for each other. */
  static void one() {
    take(1);
  }

  /** All that there are. */
  static void all() {
    take(Runtime.getRuntime().availableProcessors());
  }

  // The library's setting is the thread's own, but a thread's first operation replaces it by the
  // one that any thread made last: asking counts as the first operation.
  private static void take(int count) {
    Torch.load();
    torch.get_num_threads();
    Torch.threads(count);
  }
}
