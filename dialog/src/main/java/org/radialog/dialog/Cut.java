package org.radialog.dialog;

import java.util.List;
import java.util.Objects;
import java.util.Set;

/**
 * A truncated answer: its beginning is kept, and the continuation must be different.
 *
 * @param kept token ids of the beginning, as in {@link Engine.Completion#ids}; if empty, the answer
 *     starts again
 * @param barred token ids that must not be chosen immediately after them
 */
public record Cut(List<Integer> kept, Set<Integer> barred) {
  /** Keeps nothing and bars nothing: a new answer. */
  static final Cut NONE = new Cut(List.of(), Set.of());

  /** Checks that nothing is null. */
  public Cut {
    kept = List.copyOf(Objects.requireNonNull(kept, "kept"));
    barred = Set.copyOf(Objects.requireNonNull(barred, "barred"));
  }
}
