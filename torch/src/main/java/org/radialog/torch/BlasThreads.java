package org.radialog.torch;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import org.radialog.base.RadialogException;

/**
 * Limits OpenBLAS to one thread while open, whatever the environment says. Its threads compete with
 * those of libtorch and of a prompt, and its sums depend on their number: with one thread,
 * attention and bf16 layers run several times faster and always give the same bits. Large fp32
 * layers need all threads.
 *
 * <p>OpenBLAS is called directly. The binding's {@code blas_set_num_threads} looks its symbols up
 * again in every call, with {@code dlopen} inside {@code dl_iterate_phdr}, which takes the two
 * locks of the loader in the opposite order to a library that another thread is loading.
 */
public final class BlasThreads implements AutoCloseable {
  private static final MethodHandle GET;
  private static final MethodHandle SET;

  static {
    NativeLibraries.load(); // and OpenBLAS with it
    GET = function("openblas_get_num_threads", FunctionDescriptor.of(ValueLayout.JAVA_INT));
    SET = function("openblas_set_num_threads", FunctionDescriptor.ofVoid(ValueLayout.JAVA_INT));
  }

  private static int open; // guarded by the class
  private static int before;

  private boolean closed;

  private BlasThreads() {}

  /** One thread, until all guards are closed. */
  public static synchronized BlasThreads one() {
    if (open++ == 0) {
      before = get();
      set(1);
    }
    return new BlasThreads();
  }

  @SuppressWarnings("restricted") // the signatures are those of OpenBLAS's header
  private static MethodHandle function(String name, FunctionDescriptor signature) {
    MemorySegment address =
        SymbolLookup.loaderLookup()
            .find(name)
            .orElseThrow(() ->
                new RadialogException(
                    "libtorch's OpenBLAS has no " + name + "; is it another version?"));
    return Linker.nativeLinker().downcallHandle(address, signature);
  }

  private static void set(int count) {
    try {
      SET.invokeExact(count);
    } catch (Throwable e) {
      throw new AssertionError("a C function cannot throw", e);
    }
  }

  /** The number of threads that OpenBLAS uses now. */
  static int get() {
    try {
      return (int) GET.invokeExact();
    } catch (Throwable e) {
      throw new AssertionError("a C function cannot throw", e);
    }
  }

  @Override
  public void close() {
    synchronized (BlasThreads.class) {
      if (!closed) {
        closed = true;
        if (--open == 0) {
          set(before);
        }
      }
    }
  }
}
