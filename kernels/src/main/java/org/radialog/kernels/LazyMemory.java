package org.radialog.kernels;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Optional;
import org.radialog.base.RadialogException;

/**
 * Off-heap memory in separately mapped pages. A page uses physical memory only after it is written,
 * and is returned to the system as soon as it is released. (The allocator of the C library would
 * keep freed memory between other blocks.) On systems other than Linux the memory comes from an
 * arena.
 */
public final class LazyMemory {
  /** Bytes per page; on a system with larger pages, released memory is returned only at the end. */
  public static final long PAGE = 4096;

  // Linux, on all processors that the JDK supports
  private static final int PROT_READ_WRITE = 3;
  private static final int MAP_PRIVATE_ANONYMOUS = 0x22;
  private static final int MADV_DONTNEED = 4;
  private static final long MAP_FAILED = -1;

  private static final Linker LINKER = Linker.nativeLinker();
  private static final Optional<MethodHandle> MAP =
      handle(
          "mmap",
          FunctionDescriptor.of(
              ValueLayout.ADDRESS,
              ValueLayout.ADDRESS,
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_INT,
              ValueLayout.JAVA_INT,
              ValueLayout.JAVA_INT,
              ValueLayout.JAVA_LONG));
  private static final Optional<MethodHandle> UNMAP =
      handle(
          "munmap",
          FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_LONG));
  private static final Optional<MethodHandle> ADVISE =
      handle(
          "madvise",
          FunctionDescriptor.of(
              ValueLayout.JAVA_INT,
              ValueLayout.ADDRESS,
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_INT));

  private LazyMemory() {}

  @SuppressWarnings("restricted") // the signatures are those of POSIX
  private static Optional<MethodHandle> handle(String name, FunctionDescriptor signature) {
    if (!System.getProperty("os.name").equals("Linux")) {
      return Optional.empty();
    }
    return LINKER
        .defaultLookup()
        .find(name)
        .map(address -> LINKER.downcallHandle(address, signature));
  }

  /**
   * A block of zeros at the beginning of a page that lives as long as {@code arena}.
   *
   * @throws RadialogException if the system does not have enough memory
   */
  @SuppressWarnings("restricted") // the size is the requested size
  public static MemorySegment allocate(Arena arena, long bytes) {
    if (MAP.isEmpty() || UNMAP.isEmpty() || bytes == 0) {
      return arena.allocate(bytes, PAGE);
    }
    try {
      MemorySegment memory =
          (MemorySegment)
              MAP.get()
                  .invokeExact(
                      MemorySegment.NULL, bytes, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0L);
      if (memory.address() == MAP_FAILED) {
        throw new RadialogException(
            "the system has no memory for " + bytes + " bytes; end other programs or dialogs");
      }
      return memory.reinterpret(bytes, arena, LazyMemory::unmap);
    } catch (RadialogException e) {
      throw e;
    } catch (Throwable e) {
      throw new AssertionError("a C function cannot throw", e);
    }
  }

  /** Returns the whole pages in a part to the system; its content is undefined afterwards. */
  public static void forget(MemorySegment part) {
    if (MAP.isEmpty() || ADVISE.isEmpty() || part.byteSize() == 0) {
      return;
    }
    try {
      int _ = (int) ADVISE.get().invokeExact(part, part.byteSize(), MADV_DONTNEED);
    } catch (Throwable e) {
      throw new AssertionError("a C function cannot throw", e);
    }
  }

  private static void unmap(MemorySegment memory) {
    try {
      int _ = (int) UNMAP.orElseThrow().invokeExact(memory, memory.byteSize());
    } catch (Throwable e) {
      throw new AssertionError("a C function cannot throw", e);
    }
  }
}
