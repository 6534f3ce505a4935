package org.radialog.language;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Optional;
import org.radialog.base.RadialogException;
import org.radialog.kernels.LazyMemory;

/**
 * The keys and values of one sequence, fp32 in off-heap memory, so that the plain-Java decoder and
 * libtorch ({@code Torch.over}) read the same bytes.
 *
 * <p>There is one block [K, capacity, d] per layer and kind, row-major, with keys after the rotary
 * embedding. A forward pass reserves, writes rows {@code length() … length() + n − 1} of every
 * layer, and then calls {@link #advance}. The memory grows with the content, by at least half each
 * time, so that a conversation of a hundred tokens uses memory for about a hundred tokens, and a
 * token of a long conversation is copied twice on average. {@link #reserve} may move the blocks, so
 * call {@link #keys} and {@link #values} after it. Not thread-safe; kernels may read and write
 * disjoint parts from several threads.
 *
 * <p>K key/value heads · d head size.
 */
public final class KvCache implements AutoCloseable {
  private static final int ALIGNMENT = 64;
  private static final int GRAIN = 64; // positions

  private final CacheShape shape;
  private Blocks blocks;
  private int length;
  private boolean closed;

  /** An empty cache for a sequence of a network with that cache shape. */
  public KvCache(CacheShape shape) {
    this.shape = shape;
    this.blocks = Blocks.none(shape);
  }

  /** Its content per position. */
  public CacheShape shape() {
    return shape;
  }

  /** Number of tokens in the cache, and the position of the next one. */
  public int length() {
    return length;
  }

  /** Number of tokens that fit without moving the blocks. */
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
   * Makes room for {@code tokens} tokens in total, keeping the content.
   *
   * @throws RadialogException if that is more than the positions of the model
   */
  public void reserve(int tokens) {
    open();
    if (tokens <= blocks.capacity) {
      return;
    }
    if (tokens > shape.positions()) {
      throw new RadialogException(
          ("the conversation needs %d positions, the language model has %d: start a new"
                  + " one or request fewer new tokens")
              .formatted(tokens, shape.positions()));
    }
    grow(capacity(shape, Math.max(tokens, blocks.capacity + blocks.capacity / 2L)));
  }

  private static int capacity(CacheShape shape, long wanted) {
    return (int) Math.min((wanted + GRAIN - 1) / GRAIN * GRAIN, shape.positions());
  }

  /** The maximum size in bytes of a cache that never held more than {@code tokens} tokens. */
  public static long mostBytes(CacheShape shape, int tokens) {
    return shape.bytes(capacity(shape, tokens + tokens / 2L));
  }

  /**
   * Adds {@code tokens} rows to the length, after every layer has written them.
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
   * Removes all tokens from position {@code newLength} on; earlier tokens stay valid.
   *
   * @throws IllegalArgumentException if there are fewer
   */
  public void truncate(int newLength) {
    open();
    if (newLength < 0 || newLength > length) {
      throw new IllegalArgumentException(
          "cannot truncate to " + newLength + " tokens: " + length + " are held");
    }
    length = newLength;
  }

  /**
   * A new cache with a copy of the first {@code tokens} tokens, for a prefix that is computed once.
   */
  public KvCache copy(int tokens) {
    open();
    if (tokens < 0 || tokens > length) {
      throw new IllegalArgumentException(
          "cannot copy " + tokens + " tokens: " + length + " are held");
    }
    KvCache copy = new KvCache(shape);
    copy.reserve(tokens);
    for (int layer = 0; layer < shape.layers(); layer++) {
      copy.blocks.copy(blocks, layer, tokens, shape);
    }
    copy.length = tokens;
    return copy;
  }

  /** Bytes of off-heap memory, including room for further tokens. */
  public long bytes() {
    return shape.bytes(blocks.capacity);
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      blocks.arena.ifPresent(Arena::close);
    }
  }

  private void open() {
    if (closed) {
      throw new IllegalStateException("the KV cache is closed");
    }
  }

  // Layer by layer, so that at most one of them is in memory twice.
  private void grow(int newCapacity) {
    Blocks bigger = Blocks.allocate(shape, newCapacity);
    for (int layer = 0; layer < shape.layers(); layer++) {
      bigger.copy(blocks, layer, length, shape);
      LazyMemory.forget(blocks.memory[layer]);
    }
    Optional<Arena> old = blocks.arena;
    blocks = bigger;
    old.ifPresent(Arena::close);
  }

  /**
   * The memory at one capacity.
   *
   * @param memory per layer: its keys, then its values
   * @param keys per layer, [K, capacity, d]
   * @param values per layer, [K, capacity, d]
   */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Blocks(
      Optional<Arena> arena,
      MemorySegment[] memory,
      MemorySegment[] keys,
      MemorySegment[] values,
      int capacity) {

    static Blocks none(CacheShape shape) {
      MemorySegment[] nothing = new MemorySegment[shape.layers()];
      Arrays.fill(nothing, MemorySegment.NULL);
      return new Blocks(Optional.empty(), nothing, nothing, nothing, 0);
    }

    @SuppressWarnings("MustBeClosedChecker") // the cache closes it
    static Blocks allocate(CacheShape shape, int capacity) {
      Arena arena = Arena.ofShared();
      try {
        MemorySegment[] memory = new MemorySegment[shape.layers()];
        MemorySegment[] keys = new MemorySegment[shape.layers()];
        MemorySegment[] values = new MemorySegment[shape.layers()];
        long bytes = (long) capacity * shape.width() * Float.BYTES;
        long second = rounded(bytes, ALIGNMENT);
        long stride = rounded(second + bytes, LazyMemory.PAGE);
        MemorySegment all = LazyMemory.allocate(arena, shape.layers() * stride);
        for (int layer = 0; layer < shape.layers(); layer++) {
          memory[layer] = all.asSlice(layer * stride, stride);
          keys[layer] = memory[layer].asSlice(0, bytes);
          values[layer] = memory[layer].asSlice(second, bytes);
        }
        return new Blocks(Optional.of(arena), memory, keys, values, capacity);
      } catch (RuntimeException | Error e) {
        arena.close();
        throw e;
      }
    }

    private static long rounded(long bytes, long grain) {
      return (bytes + grain - 1) / grain * grain;
    }

    void copy(Blocks from, int layer, int tokens, CacheShape shape) {
      copyRows(from.keys[layer], from.capacity, keys[layer], tokens, shape);
      copyRows(from.values[layer], from.capacity, values[layer], tokens, shape);
    }

    // [K, fromCapacity, d] -> [K, capacity, d], the first `tokens` rows of each head
    private void copyRows(
        MemorySegment from, int fromCapacity, MemorySegment to, int tokens, CacheShape shape) {
      long row = (long) shape.headSize() * Float.BYTES;
      for (int head = 0; head < shape.kvHeads(); head++) {
        MemorySegment.copy(
            from, row * fromCapacity * head, to, row * capacity * head, row * tokens);
      }
    }
  }
}
