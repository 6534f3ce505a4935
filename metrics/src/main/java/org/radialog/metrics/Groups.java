package org.radialog.metrics;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Groups of items that are not independent, such as the films of a study or the studies of a
 * patient, so that a resample draws them together or not at all.
 */
public final class Groups {
  private final int[] ofItem;
  private final int count;

  private Groups(int[] ofItem, int count) {
    this.ofItem = ofItem;
    this.count = count;
  }

  /** Every item is a separate group. */
  public static Groups each(int items) {
    int[] ofItem = new int[items];
    for (int i = 0; i < items; i++) {
      ofItem[i] = i;
    }
    return new Groups(ofItem, items);
  }

  /** Items with equal keys form a group, for example the items of one patient. */
  public static Groups by(List<String> keys) {
    Map<String, Integer> numbers = new HashMap<>();
    int[] ofItem = new int[keys.size()];
    for (int i = 0; i < ofItem.length; i++) {
      Integer known = numbers.putIfAbsent(keys.get(i), numbers.size());
      ofItem[i] = known == null ? numbers.size() - 1 : known;
    }
    return new Groups(ofItem, numbers.size());
  }

  /** The groups of some of the items; groups without an item are removed. */
  public Groups only(int[] chosen) {
    return by(Arrays.stream(chosen).mapToObj(i -> Integer.toString(ofItem[i])).toList());
  }

  /** Number of items. */
  public int items() {
    return ofItem.length;
  }

  /** Number of groups. */
  public int count() {
    return count;
  }

  /** The group of an item, from 0. */
  int of(int item) {
    return ofItem[item];
  }

  void require(Resampled scores) {
    if (scores.items() != items()) {
      throw new IllegalArgumentException(
          scores.items() + " items are scored, " + items() + " are grouped");
    }
  }
}
