package org.radialog.metrics;

import java.util.Arrays;

/** A hash table from long keys to non-negative ints; -1 means that there is no entry. */
final class LongToInt {
  private long[] keys = new long[1 << 16];
  private int[] values = new int[1 << 16];
  private int size;

  LongToInt() {
    Arrays.fill(values, -1);
  }

  int get(long key) {
    return values[place(key)];
  }

  void put(long key, int value) {
    if (++size > keys.length / 2) {
      grow();
    }
    int at = place(key);
    keys[at] = key;
    values[at] = value;
  }

  private int place(long key) {
    long mixed = key * 0x9E3779B97F4A7C15L;
    int at = (int) (mixed >>> Integer.SIZE) & (keys.length - 1);
    while (values[at] >= 0 && keys[at] != key) {
      at = (at + 1) & (keys.length - 1);
    }
    return at;
  }

  private void grow() {
    long[] oldKeys = keys;
    int[] oldValues = values;
    keys = new long[2 * oldKeys.length];
    values = new int[2 * oldValues.length];
    Arrays.fill(values, -1);
    for (int i = 0; i < oldKeys.length; i++) {
      if (oldValues[i] >= 0) {
        int at = place(oldKeys[i]);
        keys[at] = oldKeys[i];
        values[at] = oldValues[i];
      }
    }
  }
}
