package org.radialog.language;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.radialog.base.RadialogException;

class KvCacheTest {
  /** The shape of the embedded model's language model. */
  private static final LlamaConfig SMALL =
      new LlamaConfig(49152, 576, 30, 9, 3, 64, 1536, 1e-5, 100_000, Optional.empty(), true, 8192);

  private static final long TOKEN = 2L * 30 * 3 * 64 * Float.BYTES;

  @Test
  void memoryGrowsWithWhatIsHeld() {
    try (KvCache cache = new KvCache(SMALL.cacheShape())) {
      assertThat(cache.bytes()).isZero();
      cache.reserve(90);
      assertThat(cache.bytes()).isLessThanOrEqualTo(128 * TOKEN); // 6 MB
      for (int tokens = 91; tokens <= 8192; tokens++) {
        cache.reserve(tokens);
        assertThat(cache.bytes()).isLessThanOrEqualTo(Math.max(128, tokens * 3L / 2 + 64) * TOKEN);
      }
      assertThat(cache.capacity()).isEqualTo(8192);
    }
  }

  @Test
  void tokensOfALongConversationAreMovedFewTimes() {
    try (KvCache cache = new KvCache(SMALL.cacheShape())) {
      int moves = 0;
      int capacity = 0;
      for (int tokens = 1; tokens <= 2000; tokens++) {
        cache.reserve(tokens);
        if (cache.capacity() != capacity) {
          capacity = cache.capacity();
          moves++;
        }
      }
      assertThat(moves).isLessThan(12);
    }
  }

  @Test
  void whatIsHeldStaysWhereTheMemoryGrows() {
    try (KvCache cache = new KvCache(SMALL.cacheShape())) {
      for (int token = 0; token < 300; token++) {
        cache.reserve(token + 1);
        for (int layer = 0; layer < SMALL.layers(); layer++) {
          for (int head = 0; head < SMALL.kvHeads(); head++) {
            row(cache, cache.keys(layer), head, token).fill((byte) (token + 7 * layer + head));
            row(cache, cache.values(layer), head, token).fill((byte) (token + 3 * layer - head));
          }
        }
        cache.advance(1);
      }
      try (KvCache copy = cache.copy(200)) {
        for (int token = 0; token < 300; token++) {
          for (int layer = 0; layer < SMALL.layers(); layer++) {
            for (int head = 0; head < SMALL.kvHeads(); head++) {
              byte key = (byte) (token + 7 * layer + head);
              byte value = (byte) (token + 3 * layer - head);
              assertAll(row(cache, cache.keys(layer), head, token), key);
              assertAll(row(cache, cache.values(layer), head, token), value);
              if (token < 200) {
                assertAll(row(copy, copy.keys(layer), head, token), key);
                assertAll(row(copy, copy.values(layer), head, token), value);
              }
            }
          }
        }
      }
    }
  }

  private static MemorySegment row(KvCache cache, MemorySegment block, int head, int token) {
    long row = (long) SMALL.headSize() * Float.BYTES;
    return block.asSlice(((long) head * cache.capacity() + token) * row, row);
  }

  private static void assertAll(MemorySegment row, byte value) {
    for (long i = 0; i < row.byteSize(); i++) {
      if (row.get(ValueLayout.JAVA_BYTE, i) != value) {
        throw new AssertionError("expected " + value + " everywhere in a row, found another");
      }
    }
  }

  @Test
  void moreThanTheModelsPositionsIsRefusedAndChangesNothing() {
    try (KvCache cache = new KvCache(SMALL.cacheShape())) {
      cache.reserve(70);
      int before = cache.capacity();
      assertThatThrownBy(() -> cache.reserve(8193))
          .isInstanceOf(RadialogException.class)
          .hasMessageContaining("8192");
      assertThat(cache.capacity()).isEqualTo(before);
    }
  }

  @Test
  void memoryIsGoneWithTheCache() {
    KvCache cache = new KvCache(SMALL.cacheShape());
    cache.reserve(10);
    MemorySegment keys = cache.keys(0);
    cache.reserve(500);
    assertThat(keys.scope().isAlive()).isFalse();
    MemorySegment values = cache.values(29);
    cache.close();
    cache.close();
    assertThat(values.scope().isAlive()).isFalse();
  }
}
