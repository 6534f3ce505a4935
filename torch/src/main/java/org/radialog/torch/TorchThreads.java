package org.radialog.torch;

import java.util.concurrent.ThreadFactory;
import org.bytedeco.pytorch.global.torch;

/**
 * How many threads one operation of libtorch may use on this thread while this is open, whatever
 * the environment says and whatever other threads have set.
 *
 * <p>The library's setting belongs to a thread, but the first operation of a thread takes over what
 * any thread has set last. So code that calls the library says what it needs, and never relies on
 * an order: a thread of its own comes from {@link #start} or {@link #factory}; on a thread of a
 * caller or of a pool it opens one of these around its operations:
 *
 * <pre>{@code
 * try (TorchThreads _ = TorchThreads.of(1)) {   // the work is shared out above libtorch
 *   target.copy_(values);
 * }
 * }</pre>
 *
 * Opening and closing takes less than a microsecond. It is closed by the thread that opened it.
 */
public final class TorchThreads implements AutoCloseable {
  private final int before;
  private final int count;

  private TorchThreads(int before, int count) {
    this.before = before;
    this.count = count;
  }

  /**
   * That number of threads.
   *
   * @throws IllegalArgumentException if it is below 1
   */
  public static TorchThreads of(int count) {
    if (count < 1) {
      throw new IllegalArgumentException("an operation needs a thread, got " + count);
    }
    NativeLibraries.load();
    TorchThreads open = new TorchThreads(torch.get_num_threads(), count);
    set(open.before, count);
    return open;
  }

  /** As many threads as there are processors. */
  public static TorchThreads all() {
    return of(Runtime.getRuntime().availableProcessors());
  }

  /**
   * Makes daemon threads that call libtorch. The library is loaded by the new thread, not by who
   * starts it.
   *
   * @param name of the threads
   * @param count of threads for one of their operations
   */
  public static ThreadFactory factory(String name, int count) {
    return work ->
        Thread.ofPlatform()
            .daemon()
            .name(name)
            .unstarted(() -> {
              try (TorchThreads _ = of(count)) {
                work.run();
              }
            });
  }

  /** Starts a thread of the {@link #factory} of that name and number. */
  public static Thread start(String name, int count, Runnable work) {
    Thread thread = factory(name, count).newThread(work);
    thread.start();
    return thread;
  }

  // Asking counts as a thread's first operation. Setting empties the library's caches.
  private static void set(int now, int wanted) {
    if (now != wanted) {
      torch.set_num_threads(wanted);
    }
  }

  /** What was set before is set again. */
  @Override
  public void close() {
    set(count, before);
  }
}
