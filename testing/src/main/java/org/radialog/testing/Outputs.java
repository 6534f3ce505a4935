package org.radialog.testing;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Supplier;

/** The outputs of one computation by name; it runs when the first is asked for. */
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

  /** The entry {@code name} of {@code map}, which must be there. */
  public static <K, V> V named(Map<K, V> map, K name) {
    V value = map.get(name);
    if (value == null) {
      throw new AssertionError("no " + name + " among " + map.keySet());
    }
    return value;
  }
}
