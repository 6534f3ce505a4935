package org.radialog.base;

import java.nio.channels.ClosedByInterruptException;
import java.util.Optional;

/**
 * Work that ended because its thread was interrupted; its input is not at fault. The interrupted
 * status of the thread stays set.
 */
public final class WorkInterrupted extends RadialogException {
  private static final long serialVersionUID = 1L;

  /** An interruption of {@code work}, for example {@code "loading models/mini"}. */
  public WorkInterrupted(String work, Throwable cause) {
    super(Kind.CANCELLED, work + " was interrupted", cause);
    Thread.currentThread().interrupt();
  }

  /**
   * The interruption that caused {@code failure}, if any. If a thread is interrupted while it reads
   * a file, the file is closed under the reader, which then reports it as unreadable.
   */
  public static Optional<WorkInterrupted> behind(RuntimeException failure, String work) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof WorkInterrupted already) {
        return Optional.of(already);
      }
      if (cause instanceof ClosedByInterruptException) {
        return Optional.of(new WorkInterrupted(work, failure));
      }
    }
    return Optional.empty();
  }
}
