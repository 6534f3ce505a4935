package org.radialog.base;

/**
 * Receives the progress of long-running work. The command line draws a bar; users of the library
 * may pass {@link #NONE}. Calls come from one thread.
 */
public interface Progress {
  /** Ignores all progress. */
  Progress NONE =
      new Progress() {
        @Override
        public Task start(String what, long steps) {
          return new Task() {
            @Override
            public void step(String note) {}

            @Override
            public void close() {}
          };
        }
      };

  /** Starts a task of {@code steps} steps. */
  Task start(String what, long steps);

  /** A running task; closing it ends its display. */
  interface Task extends AutoCloseable {
    /**
     * Reports that one step is done; {@code note} is a short text next to the bar, for example the
     * loss.
     */
    void step(String note);

    @Override
    void close();
  }
}
