package org.radialog.torch;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import org.radialog.base.RadialogException;

/**
 * OpenBLAS on one thread while this is open, whatever the environment says. Its threads fight
 * libtorch's and those of a prompt, and what it adds up depends on their number: attention and bf16
 * layers run several times faster with one, and always give the same bits. Large fp32 layers need
 * them all.
 *
 * <p>OpenBLAS is called directly: the binding's {@code blas_set_num_threads} looks its symbols up
 * again in every call, by {@code dl_iterate_phdr} with {@code dlopen} inside, which takes the
 * loader's two locks in the other order than a library that is being loaded by another thread.
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

  /** One thread, until all that were opened are closed. */
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
      throw new AssertionError("a function of C throws nothing", e);
    }
  }

  /** How many threads OpenBLAS takes now. */
  static int get() {
    try {
      return (int) GET.invokeExact();
    } catch (Throwable e) {
      throw new AssertionError("a function of C throws nothing", e);
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
