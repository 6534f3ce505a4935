package org.radialog.language;

/**
 * The content of a {@link KvCache} per position of a sequence: a key and a value for every layer
 * and key/value head.
 *
 * @param layers number of layers
 * @param kvHeads K, key/value heads per layer
 * @param headSize d, values per head
 * @param positions maximum number of positions of the network
 */
public record CacheShape(int layers, int kvHeads, int headSize, int positions) {
  /**
   * Checks that the numbers are positive.
   *
   * @throws IllegalArgumentException otherwise
   */
  public CacheShape {
    if (layers < 1 || kvHeads < 1 || headSize < 1 || positions < 1) {
      throw new IllegalArgumentException(
          "a cache of %d layers, %d key/value heads of %d values and %d positions, expected at least 1 of each"
              .formatted(layers, kvHeads, headSize, positions));
    }
  }

  /** Values of a position's keys in one layer, K · d; its values are as many. */
  public int width() {
    return kvHeads * headSize;
  }

  /** Bytes of {@code count} positions. */
  public long bytes(int count) {
    return 2L * layers * count * width() * Float.BYTES;
  }
}
