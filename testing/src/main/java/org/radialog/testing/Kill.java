package org.radialog.testing;

import org.radialog.base.Progress;

/**
 * Fails when the task {@code task} makes its {@code step}-th step, as if the process were killed
 * there.
 */
public record Kill(String task, int step) implements Progress {
  /** What is thrown. */
  public static final class Killed extends RuntimeException {
    private static final long serialVersionUID = 1;
  }

  @Override
  public Task start(String what, long steps) {
    return new Task() {
      private int done;

      @Override
      public void step(String note) {
        done++;
        if (what.equals(task) && done == step) {
          throw new Killed();
        }
      }

      @Override
      public void close() {}
    };
  }
}
