package org.radialog.dialog;

import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.radialog.base.RadialogException;
import org.radialog.base.WorkInterrupted;

/**
 * Waits for work on native memory. Such work cannot be abandoned half done, so an interruption is
 * kept for the caller to see afterwards.
 */
final class Waiting {
  private Waiting() {}

  /** The result, or the exception of the work. */
  static <T> T forResult(Future<T> future) {
    boolean interrupted = false;
    try {
      while (true) {
        try {
          return future.get();
        } catch (InterruptedException e) {
          interrupted = true;
        } catch (ExecutionException e) {
          throw thrown(Optional.ofNullable(e.getCause()).orElse(e));
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /**
   * The result, or the exception of the work, unless the waiting thread is interrupted; the work
   * then continues without it.
   */
  static <T> T interruptibly(Future<T> future, String what) {
    try {
      return future.get();
    } catch (InterruptedException e) {
      throw new WorkInterrupted(what, e);
    } catch (ExecutionException e) {
      throw thrown(Optional.ofNullable(e.getCause()).orElse(e));
    }
  }

  /** Waits until the work is done, whether it succeeds or not. */
  static void forCompletion(Future<?> future) {
    boolean interrupted = false;
    while (!future.isDone()) {
      try {
        future.get();
      } catch (InterruptedException e) {
        interrupted = true;
      } catch (ExecutionException e) {
        break; // the failure was reported to whoever needed the result
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /** Waits until all submitted work is done. */
  static void forEnd(ExecutorService service) {
    boolean interrupted = false;
    while (true) {
      try {
        if (service.awaitTermination(1, TimeUnit.DAYS)) {
          break;
        }
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  // The failure of one task reaches every waiter, so each gets its own exception.
  private static RadialogException thrown(Throwable cause) {
    return cause instanceof RadialogException refusal
        ? new RadialogException(refusal.kind(), refusal.getMessage(), refusal)
        : new RadialogException("the model failed: " + cause, cause);
  }
}
