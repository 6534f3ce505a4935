package org.radialog.model;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Optional;
import org.radialog.base.RadialogException;

/**
 * Off-heap memory of undefined content that is not written to when it is allocated, as an arena's
 * own is: pages of a large piece take room in the machine only once they are used.
 */
final class LazyMemory {
  private static final Linker LINKER = Linker.nativeLinker();
  private static final Optional<MethodHandle> ALLOCATE =
      handle(
          "aligned_alloc",
          FunctionDescriptor.of(ValueLayout.ADDRESS, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG));
  private static final Optional<MethodHandle> FREE =
      handle("free", FunctionDescriptor.ofVoid(ValueLayout.ADDRESS));

  private LazyMemory() {}

  @SuppressWarnings("restricted") // the signatures are those of the C standard
  private static Optional<MethodHandle> handle(String name, FunctionDescriptor signature) {
    return LINKER
        .defaultLookup()
        .find(name)
        .map(address -> LINKER.downcallHandle(address, signature));
  }

  /**
   * A piece that lives as long as {@code arena}.
   *
   * @param alignment a power of two
   * @throws RadialogException if the system has not so much memory
   */
  @SuppressWarnings("restricted") // the size is what was asked for
  static MemorySegment allocate(Arena arena, long bytes, long alignment) {
    if (ALLOCATE.isEmpty() || FREE.isEmpty() || bytes == 0) {
      return arena.allocate(bytes, alignment); // a C library without the function
    }
    long rounded = (bytes + alignment - 1) / alignment * alignment;
    try {
      MemorySegment memory = (MemorySegment) ALLOCATE.get().invokeExact(alignment, rounded);
      if (memory.address() == 0) {
        throw new RadialogException(
            "the system has no room for " + rounded + " bytes; end other programs or dialogs");
      }
      return memory.reinterpret(bytes, arena, LazyMemory::free);
    } catch (RadialogException e) {
      throw e;
    } catch (Throwable e) {
      throw new AssertionError("a function of C throws nothing", e);
    }
  }

  private static void free(MemorySegment memory) {
    try {
      FREE.orElseThrow().invokeExact(memory);
    } catch (Throwable e) {
      throw new AssertionError("a function of C throws nothing", e);
    }
  }
}
