package org.radialog.testing;

import java.util.List;
import java.util.Random;
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

  /** A listener that notes each step of a run as a moment at which it could be killed. */
  public static Progress noting(List<? super Kill> moments) {
    return (what, _) ->
        new Task() {
          private int done;

          @Override
          public void step(String note) {
            done++;
            moments.add(new Kill(what, done));
          }

          @Override
          public void close() {}
        };
  }

  /** A random one of the moments in tasks whose names begin with {@code stage}. */
  public static Kill drawn(List<Kill> moments, String stage, Random random) {
    List<Kill> own = moments.stream().filter(moment -> moment.task.startsWith(stage)).toList();
    return own.get(random.nextInt(own.size()));
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
