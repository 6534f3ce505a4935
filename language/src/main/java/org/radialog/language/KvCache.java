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
 * <p>Per layer and kind one block [K, capacity, d] row-major, keys after the rotary embedding. A
 * forward pass reserves, writes rows {@code length() … length() + n − 1} of every layer, then calls
 * {@link #advance}. The memory grows with what is held, by half at least, so that a conversation of
 * a hundred tokens costs a hundred tokens, and a token of a long one is copied twice on the
 * average. {@link #reserve} may so move the blocks: ask for {@link #keys} and {@link #values} after
 * it. Not thread-safe; kernels may read and write disjoint parts from several threads.
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

  /** An empty cache for a sequence of a network whose caches have that shape. */
  public KvCache(CacheShape shape) {
    this.shape = shape;
    this.blocks = Blocks.none(shape);
  }

  /** What it holds for each position. */
  public CacheShape shape() {
    return shape;
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
    if (tokens > shape.positions()) {
      throw new RadialogException(
          "the conversation needs %d positions, the language model has %d: start a new one or ask for fewer new tokens"
              .formatted(tokens, shape.positions()));
    }
    grow(capacity(shape, Math.max(tokens, blocks.capacity + blocks.capacity / 2L)));
  }

  private static int capacity(CacheShape shape, long wanted) {
    return (int) Math.min((wanted + GRAIN - 1) / GRAIN * GRAIN, shape.positions());
  }

  /** Bytes that a cache takes at most which never held more than {@code tokens} tokens. */
  public static long mostBytes(CacheShape shape, int tokens) {
    return shape.bytes(capacity(shape, tokens + tokens / 2L));
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
    KvCache copy = new KvCache(shape);
    copy.reserve(tokens);
    for (int layer = 0; layer < shape.layers(); layer++) {
      copy.blocks.copy(blocks, layer, tokens, shape);
    }
    copy.length = tokens;
    return copy;
  }

  /** Bytes of off-heap memory, room for tokens to come included. */
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

  // Layer by layer: at no time is more than one of them in memory twice.
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
   * @param memory of each layer: its keys, then its values
   * @param keys of each layer, [K, capacity, d]
   * @param values of each layer, [K, capacity, d]
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
