package org.radialog.model;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.radialog.base.RadialogException;

/**
 * The keys and values of one sequence, fp32 in off-heap memory, so that the plain-Java decoder and
 * libtorch ({@code torch.from_blob}) read the same bytes.
 *
 * <p>Per layer and kind one block [K, capacity, d] row-major, keys after the rotary embedding. A
 * forward pass reserves, writes rows {@code length() … length() + n − 1} of every layer, then calls
 * {@link #advance}. Room is asked for {@value #ROOM} positions at once, where the model has so
 * many, and costs memory only where it was written to: tokens are appended without a copy. Beyond
 * that {@link #reserve} moves the blocks: ask for {@link #keys} and {@link #values} after it. Not
 * thread-safe; kernels may read and write disjoint parts from several threads.
 *
 * <p>K key/value heads · d head size.
 */
public final class KvCache implements AutoCloseable {
  private static final int ALIGNMENT = 64;
  private static final int GRAIN = 64;
  private static final int ROOM = 4096; // positions

  private final LlamaConfig config;
  private Blocks blocks;
  private int length;
  private boolean closed;

  /** An empty cache for a sequence of the model {@code config}. */
  public KvCache(LlamaConfig config) {
    this.config = config;
    this.blocks = Blocks.allocate(config, 0);
  }

  /** The model that this cache fits. */
  public LlamaConfig config() {
    return config;
  }

  /** Tokens held, and the position of the next one. */
  public int length() {
    return length;
  }

  /** Tokens that fit without moving. */
  public int capacity() {
    return blocks.capacity;
  }

  /** The keys of {@code layer}: [K, capacity, d] fp32 row-major, valid until it grows or closes. */
  public MemorySegment keys(int layer) {
    return blocks.keys[layer];
  }

  /**
   * The values of {@code layer}: [K, capacity, d] fp32 row-major, valid until it grows or closes.
   */
  public MemorySegment values(int layer) {
    return blocks.values[layer];
  }

  /**
   * Makes room for {@code tokens} tokens in all, keeping what is held.
   *
   * @throws RadialogException if that is more than the model's positions
   */
  public void reserve(int tokens) {
    open();
    if (tokens <= blocks.capacity) {
      return;
    }
    if (tokens > config.maxPositions()) {
      throw new RadialogException(
          "the conversation needs %d positions, the language model has %d: start a new one or ask for fewer new tokens"
              .formatted(tokens, config.maxPositions()));
    }
    long wanted = Math.max(Math.max(tokens, ROOM), blocks.capacity + blocks.capacity / 2L);
    wanted = (wanted + GRAIN - 1) / GRAIN * GRAIN;
    grow((int) Math.min(wanted, config.maxPositions()));
  }

  /**
   * Counts {@code tokens} rows as held, after every layer wrote them.
   *
   * @throws IllegalArgumentException if they were not reserved
   */
  public void advance(int tokens) {
    open();
    if (tokens < 0 || length + tokens > blocks.capacity) {
      throw new IllegalArgumentException(
          "cannot advance by " + tokens + " from " + length + ": capacity is " + blocks.capacity);
    }
    length += tokens;
  }

  /**
   * Forgets all tokens from position {@code newLength} on; what is before stays valid.
   *
   * @throws IllegalArgumentException if fewer are held
   */
  public void truncate(int newLength) {
    open();
    if (newLength < 0 || newLength > length) {
      throw new IllegalArgumentException(
          "cannot truncate to " + newLength + " tokens: " + length + " are held");
    }
    length = newLength;
  }

  /** A new cache that holds a copy of the first {@code tokens} tokens: a prefix computed once. */
  public KvCache copy(int tokens) {
    open();
    if (tokens < 0 || tokens > length) {
      throw new IllegalArgumentException(
          "cannot copy " + tokens + " tokens: " + length + " are held");
    }
    KvCache copy = new KvCache(config);
    copy.reserve(tokens);
    copy.blocks.copy(blocks, tokens, config);
    copy.length = tokens;
    return copy;
  }

  /** Bytes of off-heap memory in use. */
  public long bytes() {
    return 2L * config.layers() * length * config.keyRows() * Float.BYTES;
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      blocks.arena.close();
    }
  }

  private void open() {
    if (closed) {
      throw new IllegalStateException("the KV cache is closed");
    }
  }

  private void grow(int newCapacity) {
    Blocks bigger = Blocks.allocate(config, newCapacity);
    bigger.copy(blocks, length, config);
    blocks.arena.close();
    blocks = bigger;
  }

  /** The memory at one capacity: keys and values of each layer, [K, capacity, d]. */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Blocks(Arena arena, MemorySegment[] keys, MemorySegment[] values, int capacity) {

    @SuppressWarnings("MustBeClosedChecker") // the cache closes it
    static Blocks allocate(LlamaConfig config, int capacity) {
      Arena arena = Arena.ofShared();
      try {
        MemorySegment[] keys = new MemorySegment[config.layers()];
        MemorySegment[] values = new MemorySegment[config.layers()];
        long bytes = (long) capacity * config.keyRows() * Float.BYTES;
        for (int layer = 0; layer < config.layers(); layer++) {
          keys[layer] = LazyMemory.allocate(arena, bytes, ALIGNMENT);
          values[layer] = LazyMemory.allocate(arena, bytes, ALIGNMENT);
        }
        return new Blocks(arena, keys, values, capacity);
      } catch (RuntimeException | Error e) {
        arena.close();
        throw e;
      }
    }

    void copy(Blocks from, int tokens, LlamaConfig config) {
      for (int layer = 0; layer < config.layers(); layer++) {
        copyRows(from.keys[layer], from.capacity, keys[layer], tokens, config);
        copyRows(from.values[layer], from.capacity, values[layer], tokens, config);
      }
    }

    // [K, fromCapacity, d] -> [K, capacity, d], the first `tokens` rows of each head
    private void copyRows(
        MemorySegment from, int fromCapacity, MemorySegment to, int tokens, LlamaConfig config) {
      long row = (long) config.headSize() * Float.BYTES;
      for (int head = 0; head < config.kvHeads(); head++) {
        MemorySegment.copy(
            from, row * fromCapacity * head, to, row * capacity * head, row * tokens);
      }
    }
  }
}
