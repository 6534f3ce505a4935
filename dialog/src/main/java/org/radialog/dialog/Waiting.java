package org.radialog.dialog;

import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.radialog.base.RadialogException;
import org.radialog.base.WorkInterrupted;

/**
 * Waits for what works on native memory: it cannot be left behind half done, so an interruption is
 * kept for the caller to see afterwards.
 */
final class Waiting {
  private Waiting() {}

  /** The result, or what the work threw. */
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
   * The result, or what the work threw, unless the waiting thread is interrupted: the work then
   * goes on without it.
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

  /** Until the work is done, well or not. */
  static void forCompletion(Future<?> future) {
    boolean interrupted = false;
    while (!future.isDone()) {
      try {
        future.get();
      } catch (InterruptedException e) {
        interrupted = true;
      } catch (ExecutionException e) {
        break; // whoever needed the result heard of it
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /** Until all submitted work is done. */
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

  // Errors of one task reach each that waits for it, so each gets an exception of its own.
  private static RadialogException thrown(Throwable cause) {
    return cause instanceof RadialogException refusal
        ? new RadialogException(refusal.kind(), refusal.getMessage(), refusal)
        : new RadialogException("the model failed: " + cause, cause);
  }
}
