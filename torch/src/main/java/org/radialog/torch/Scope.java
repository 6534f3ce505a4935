package org.radialog.torch;

import java.util.Iterator;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;

/**
 * Frees the tensors created inside it when it closes. Without scopes, native memory is freed only
 * by the garbage collector, which sees only a few bytes per tensor, so every step of a loop needs a
 * scope.
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
   * Lets {@code result} outlive this scope: it then belongs to the enclosing scope or, if there is
   * none, to the caller, who has to close it.
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

  /** Removes {@code result} from all scopes: its holder has to close it. */
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
