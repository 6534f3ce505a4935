package org.radialog.testing;

import org.radialog.base.Progress;

/**
 * A progress listener that throws at a given step of a task, to simulate a killed process.
 *
 * @param task name of the task
 * @param step number of the step, from 1
 */
public record Kill(String task, int step) implements Progress {
  /** The exception that is thrown. */
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
