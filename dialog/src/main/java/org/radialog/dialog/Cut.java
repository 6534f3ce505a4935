package org.radialog.dialog;

import java.util.List;
import java.util.Objects;
import java.util.Set;

/**
 * An answer that is cut back: its beginning stands, and what followed must not follow again.
 *
 * @param kept token ids of the answer's beginning, as {@link Engine.Completion#ids} has them; none
 *     begins the answer anew
 * @param barred token ids that are not chosen right behind them; later they may be
 */
public record Cut(List<Integer> kept, Set<Integer> barred) {
  /** Nothing is kept and nothing barred: a new answer. */
  static final Cut NONE = new Cut(List.of(), Set.of());

  /** Checks that nothing is null. */
  public Cut {
    kept = List.copyOf(Objects.requireNonNull(kept, "kept"));
    barred = Set.copyOf(Objects.requireNonNull(barred, "barred"));
  }
}
