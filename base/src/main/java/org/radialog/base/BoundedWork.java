package org.radialog.base;

import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Runs the same work on many items with bounded parallelism. */
public final class BoundedWork {
  /** Is told about each item that is done, on the thread that called {@link #run}. */
  @FunctionalInterface
  public interface Done<R> {
    /**
     * Called for one item at a time, in the order in which items finish.
     *
     * @param item the index of the item in the list
     * @param result the result of the work
     */
    void accept(int item, R result);
  }

  private BoundedWork() {}

  private record Outcome<R>(int item, @Nullable R result, @Nullable Throwable failure) {}

  /**
   * Works on all items, starting them in order. If an item fails, no further item is started; items
   * in progress finish, and the failure of the first failed item in the list is thrown, so that the
   * same items always fail in the same way.
   *
   * @param what a name for the work in the message of an interruption, for example {@code "the
   *     protocol view"}
   * @param atOnce how many items are worked on at the same time
   * @throws WorkInterrupted if the calling thread is interrupted
   */
  public static <T, R> void run(
      String what,
      List<T> items,
      int atOnce,
      Function<? super T, ? extends R> work,
      Done<? super R> done) {
    BlockingQueue<Outcome<R>> outcomes = new LinkedBlockingQueue<>();
    AtomicInteger end = new AtomicInteger(items.size()); // no item from this index on is started
    try (ExecutorService pool = Executors.newFixedThreadPool(atOnce)) {
      for (int i = 0; i < items.size(); i++) {
        int item = i;
        pool.execute(() -> {
          if (item >= end.get()) {
            outcomes.add(new Outcome<>(item, null, null));
            return;
          }
          try {
            outcomes.add(new Outcome<>(item, work.apply(items.get(item)), null));
          } catch (Throwable e) { // thrown below, on the caller's thread
            end.accumulateAndGet(item, Math::min);
            outcomes.add(new Outcome<>(item, null, e));
          }
        });
      }
      Outcome<R> first = null;
      try {
        for (int i = 0; i < items.size(); i++) {
          Outcome<R> outcome = outcomes.take();
          if (outcome.failure() != null) {
            first = first == null || outcome.item() < first.item() ? outcome : first;
          } else if (outcome.result() != null) {
            done.accept(outcome.item(), outcome.result());
          }
        }
      } catch (InterruptedException e) {
        throw new WorkInterrupted(what, e);
      } finally {
        end.set(0);
        pool.shutdownNow();
      }
      rethrow(first == null ? null : first.failure());
    }
  }

  private static void rethrow(@Nullable Throwable failure) {
    switch (failure) {
      case null -> {
        // all done
      }
      case RuntimeException e -> throw e;
      case Error e -> throw e;
      default -> throw new IllegalStateException("work threw " + failure, failure);
    }
  }
}
