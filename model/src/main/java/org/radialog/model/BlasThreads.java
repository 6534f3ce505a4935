package org.radialog.model;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import org.radialog.base.RadialogException;
import org.radialog.torch.Torch;

/**
 * How many threads OpenBLAS takes while this is open. Inside libtorch's own parallel regions its
 * threads fight libtorch's: attention and bf16 layers run several times faster with one. Large fp32
 * layers need them all.
 *
 * <p>OpenBLAS is called directly: the binding's {@code blas_set_num_threads} looks its symbols up
 * again in every call, by {@code dl_iterate_phdr} with {@code dlopen} inside, which takes the
 * loader's two locks in the other order than a library that is being loaded by another thread.
 */
final class BlasThreads implements AutoCloseable {
  private static final MethodHandle GET;
  private static final MethodHandle SET;

  static {
    Torch.load(); // and OpenBLAS with it
    GET = function("openblas_get_num_threads", FunctionDescriptor.of(ValueLayout.JAVA_INT));
    SET = function("openblas_set_num_threads", FunctionDescriptor.ofVoid(ValueLayout.JAVA_INT));
  }

  private final int before;

  private BlasThreads(int count) {
    before = get();
    set(count);
  }

  /** One thread. */
  static BlasThreads one() {
    return new BlasThreads(1);
  }

  /** As many as before. */
  static BlasThreads unchanged() {
    return new BlasThreads(get());
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

  private static int get() {
    try {
      return (int) GET.invokeExact();
    } catch (Throwable e) {
      throw new AssertionError("a function of C throws nothing", e);
    }
  }

  private static void set(int count) {
    try {
      SET.invokeExact(count);
    } catch (Throwable e) {
      throw new AssertionError("a function of C throws nothing", e);
    }
  }

  @Override
  public void close() {
    set(before);
  }
}
