package org.radialog.torch;

import java.util.Iterator;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;

/**
 * Frees the tensors made inside it when it closes. Without scopes native memory is freed only by
 * the garbage collector, which sees a few bytes a tensor: every step of a loop stands in one.
 *
 * <pre>{@code
 * try (Scope scope = new Scope()) {
 *   Tensor h = network.forward(x);
 *   return scope.keep(h.mean());   // all else is freed
 * }
 * }</pre>
 *
 * A scope belongs to the thread that opened it.
 */
public final class Scope implements AutoCloseable {
  static {
    NativeLibraries.load();
  }

  private final PointerScope pointers = new PointerScope();

  /**
   * Lets {@code result} outlive this scope: it then belongs to the scope around this one, or where
   * there is none to the caller, who closes it.
   */
  @SuppressWarnings("ReferenceEquality") // this very scope is meant
  public <T extends Pointer> T keep(T result) {
    release(result);
    Iterator<PointerScope> scopes = PointerScope.getScopeIterator();
    boolean passedThis = false;
    while (scopes.hasNext()) {
      PointerScope scope = scopes.next();
      if (passedThis) {
        scope.attach(result);
        result.releaseReference();
        break;
      }
      passedThis = scope == pointers;
    }
    return result;
  }

  /** Takes {@code result} out of all scopes: whoever holds it closes it. */
  public <T extends Pointer> T release(T result) {
    result.retainReference();
    pointers.detach(result);
    return result;
  }

  @Override
  public void close() {
    pointers.close();
  }
}
