package org.radialog.base;

/**
 * Where long work tells how far it is. The command line draws a bar; a library user may pass {@link
 * #NONE}. Calls come from one thread.
 */
public interface Progress {
  /** Says nothing. */
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

  /** Begins a task of {@code steps} steps. */
  Task start(String what, long steps);

  /** A task under way; closing it ends its display. */
  interface Task extends AutoCloseable {
    /** One step done; {@code note} is a short text beside the bar, for example the loss. */
    void step(String note);

    @Override
    void close();
  }
}
