package org.radialog.torch;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Optional;
import org.radialog.base.RadialogException;

/**
 * The allocator of the C library, which provides the memory of libtorch's tensors. By default glibc
 * returns a freed tensor of several megabytes to the system, and the next tensor of that size
 * causes page faults: an operation over 10 MB then takes 7 ms instead of 0.1 ms. With these
 * settings it keeps up to {@value #KEPT} bytes.
 */
final class Allocator {
  // Parameters of glibc's mallopt.
  private static final int M_TRIM_THRESHOLD = -1;
  private static final int M_MMAP_THRESHOLD = -3;

  private static final int KEPT = 1 << 30;
  private static final int LARGEST = 32 << 20; // the maximum that glibc takes from its heap

  private Allocator() {}

  /**
   * Returns the memory that is kept now to the system; has no effect if the C library does not
   * support it.
   */
  @SuppressWarnings("restricted") // the signature is that of malloc.h
  static void giveBack() {
    Linker linker = Linker.nativeLinker();
    Optional<MemorySegment> trim = linker.defaultLookup().find("malloc_trim");
    if (trim.isEmpty()) {
      return;
    }
    try {
      int _ =
          (int)
              linker
                  .downcallHandle(
                      trim.get(),
                      FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG))
                  .invokeExact(0L);
    } catch (Throwable e) {
      throw new AssertionError("a C function cannot throw", e);
    }
  }

  /** Applies the settings; has no effect if the C library does not have them. */
  @SuppressWarnings("restricted") // the signature is that of malloc.h
  static void keepFreedMemory() {
    Linker linker = Linker.nativeLinker();
    Optional<MemorySegment> mallopt = linker.defaultLookup().find("mallopt");
    if (mallopt.isEmpty()) {
      return;
    }
    MethodHandle set =
        linker.downcallHandle(
            mallopt.get(),
            FunctionDescriptor.of(
                ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));
    try {
      int trim = (int) set.invokeExact(M_TRIM_THRESHOLD, KEPT);
      int map = (int) set.invokeExact(M_MMAP_THRESHOLD, LARGEST);
      if (trim != 1 || map != 1) {
        throw new RadialogException(
            "the C library refuses its allocator's settings (mallopt gave %d and %d)"
                .formatted(trim, map));
      }
    } catch (RadialogException e) {
      throw e;
    } catch (Throwable e) {
      throw new AssertionError("a C function cannot throw", e);
    }
  }
}
