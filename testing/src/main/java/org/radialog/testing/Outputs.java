package org.radialog.testing;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Supplier;

/**
 * The outputs of a computation by name; the computation runs when the first output is requested.
 */
public final class Outputs<T> {
  private final Supplier<Map<String, T>> computation;
  private final Map<String, T> outputs = new LinkedHashMap<>();

  public Outputs(Supplier<Map<String, T>> computation) {
    this.computation = computation;
  }

  public T get(String name) {
    if (outputs.isEmpty()) {
      outputs.putAll(computation.get());
    }
    return named(outputs, name);
  }

  /** The entry {@code name} of {@code map}, which must exist. */
  public static <K, V> V named(Map<K, V> map, K name) {
    V value = map.get(name);
    if (value == null) {
      throw new AssertionError("no " + name + " among " + map.keySet());
    }
    return value;
  }
}
