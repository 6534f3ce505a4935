package org.radialog.loop;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/**
 * The training items in the order of each pass, a permutation that depends only on the seed and the
 * number of the pass. The last pass asked for is kept.
 */
public final class Passes<T> {
  private final List<T> items;
  private final long seed;
  private long number = -1;
  private List<T> order = List.of();

  /** Passes over {@code items}. */
  public Passes(List<T> items, long seed) {
    this.items = List.copyOf(items);
    this.seed = seed;
  }

  /** All items in the order of pass {@code pass}, counted from 0. */
  public List<T> order(long pass) {
    if (pass != number) {
      List<T> shuffled = new ArrayList<>(items);
      Collections.shuffle(shuffled, new Random(seed * 1_000_003 + pass));
      order = shuffled;
      number = pass;
    }
    return order;
  }

  /**
   * The batch of a step. A pass has only full batches; the remaining items are left out.
   *
   * @param step number of the step, counted from 0
   * @param size number of items per batch, at most the number of items
   */
  public List<T> batch(long step, int size) {
    int batches = items.size() / size;
    int from = (int) (step % batches) * size;
    return order(step / batches).subList(from, from + size);
  }
}
