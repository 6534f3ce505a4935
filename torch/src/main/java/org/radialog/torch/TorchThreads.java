package org.radialog.torch;

import java.util.concurrent.ThreadFactory;
import org.bytedeco.pytorch.global.torch;

/**
 * Sets the number of threads that one libtorch operation of the current thread may use, until this
 * is closed. It overrides the environment and the settings of other threads.
 *
 * <p>libtorch keeps this setting per thread, but the first operation of a thread copies the value
 * that any thread set last. Code that calls the library must therefore set the number explicitly
 * instead of relying on an order. Create dedicated threads with {@link #start} or {@link #factory};
 * on other threads, for example of a caller or a pool, open an instance around the operations:
 *
 * <pre>{@code
 * try (TorchThreads _ = TorchThreads.of(1)) {   // the work is parallelised at a higher level
 *   target.copy_(values);
 * }
 * }</pre>
 *
 * Opening and closing takes less than a microsecond. An instance must be closed by the thread that
 * opened it.
 */
public final class TorchThreads implements AutoCloseable {
  private final int before;
  private final int count;

  private TorchThreads(int before, int count) {
    this.before = before;
    this.count = count;
  }

  /**
   * Sets the number of threads.
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

  /** Sets the number of threads to the number of available processors. */
  public static TorchThreads all() {
    return of(Runtime.getRuntime().availableProcessors());
  }

  /**
   * Creates daemon threads that call libtorch. The library is loaded by the new thread, not by the
   * thread that starts it.
   *
   * @param name name of the threads
   * @param count number of threads for each operation of such a thread
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

  /** Starts a thread made by {@link #factory} with these arguments. */
  public static Thread start(String name, int count, Runnable work) {
    Thread thread = factory(name, count).newThread(work);
    thread.start();
    return thread;
  }

  // Setting the number clears caches of the library, so it is only set if it changes.
  private static void set(int now, int wanted) {
    if (now != wanted) {
      torch.set_num_threads(wanted);
    }
  }

  /** Restores the previous number of threads. */
  @Override
  public void close() {
    set(count, before);
  }
}
