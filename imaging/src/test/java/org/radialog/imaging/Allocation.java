package org.radialog.imaging;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.function.Supplier;

/** What a piece of work takes from the heap, kept or not: bytes, the same in every run. */
final class Allocation {
  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  private Allocation() {}

  static long of(Supplier<?> work) {
    long before = THREADS.getCurrentThreadAllocatedBytes();
    Object result = work.get();
    long allocated = THREADS.getCurrentThreadAllocatedBytes() - before;
    if (result == null) {
      throw new AssertionError("no result");
    }
    return allocated;
  }
}
