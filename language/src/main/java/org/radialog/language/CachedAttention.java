package org.radialog.language;

import static org.radialog.kernels.FloatLanes.F;
import static org.radialog.kernels.FloatLanes.LANES;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import org.radialog.kernels.FloatLanes;

/**
 * Attention of one new position over a {@link KvCache}, in chunks of {@value #CHUNK} positions that
 * any thread may process. Each chunk gives a maximum, a sum and a weighted row of values; the
 * reader of the result merges the chunks in order. The result therefore depends neither on the
 * number of threads nor on other sequences.
 *
 * <p>L positions · H heads · K key/value heads · G = H/K · d head size · N chunks.
 */
final class CachedAttention {
  /** Number of positions of a chunk. */
  static final int CHUNK = 64;

  private static final int TILE = 4 * LANES; // floats of a row that are processed together
  // number of query heads whose accumulators fit in 16 registers
  private static final int TOGETHER = 3;
  private static final long BYTES = (long) LANES * Float.BYTES;
  private static final ByteOrder LE = ByteOrder.LITTLE_ENDIAN;
  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(LE);

  private final LlamaConfig config;
  private int length; // L, including the new position
  private int chunks; // N
  private float[] largest = {}; // [N, H]
  private float[] sums = {}; // [N, H]
  private float[] rows = {}; // [N, H, d]

  CachedAttention(LlamaConfig config) {
    this.config = config;
  }

  /** Buffers of one thread. */
  static final class Scratch {
    private final float[] queries; // [G, d]
    private final float[] scores; // [G, CHUNK]
    private float[] shares = {}; // [N]

    Scratch(LlamaConfig config) {
      this.queries = new float[config.group() * config.headSize()];
      this.scores = new float[config.group() * CHUNK];
    }
  }

  /** Prepares for {@code newLength} positions, of which the new one is the last. */
  void begin(int newLength) {
    length = newLength;
    chunks = (length + CHUNK - 1) / CHUNK;
    if (largest.length < chunks * config.heads()) {
      largest = new float[chunks * config.heads()];
      sums = new float[chunks * config.heads()];
      rows = new float[chunks * config.queryRows()];
    }
  }

  /** N; the new position is in the last chunk. */
  int chunks() {
    return chunks;
  }

  /**
   * Stores the rotated key and the value of the new position in the cache, for one key/value head.
   *
   * @param cache reserved for the position
   * @param k [K · d] of the new position, not rotated
   * @param v [K · d]
   * @param cos [d/2] of the new position
   * @param sin [d/2]
   */
  void append(
      KvCache cache,
      int layer,
      int kvHead,
      float[] k,
      float[] v,
      float[] cos,
      float[] sin,
      Scratch scratch) {
    int d = config.headSize();
    long row = ((long) kvHead * cache.capacity() + length - 1) * d * Float.BYTES;
    rotate(k, kvHead * d, cos, sin, 1, scratch.queries, 0, d);
    MemorySegment.copy(scratch.queries, 0, cache.keys(layer), FLOAT, row, d);
    MemorySegment.copy(v, kvHead * d, cache.values(layer), FLOAT, row, d);
  }

  /**
   * Attends from the G query heads of one key/value head to one chunk, whose keys and values are in
   * the cache.
   *
   * @param q [H · d] of the new position, not rotated
   * @param cos [d/2] of the new position
   * @param sin [d/2]
   */
  void attend(
      KvCache cache,
      int layer,
      int kvHead,
      int chunk,
      float[] q,
      float[] cos,
      float[] sin,
      Scratch scratch) {
    int d = config.headSize();
    int group = config.group();
    MemorySegment keys = cache.keys(layer);
    MemorySegment values = cache.values(layer);
    long head = (long) kvHead * cache.capacity() * d * Float.BYTES; // of the block in the cache
    int first = chunk * CHUNK;
    int count = Math.min(CHUNK, length - first);
    float scale = 1 / (float) Math.sqrt(d);
    for (int g = 0; g < group; g++) {
      rotate(q, (kvHead * group + g) * d, cos, sin, scale, scratch.queries, g * d, d);
    }
    long at = head + (long) first * d * Float.BYTES;
    int slot = chunk * config.heads() + kvHead * group;
    float[] scores = scratch.scores;
    // The KV cache is read from memory, not from a processor cache, so heads that share it are
    // processed three at a time, as many as fit in registers. In SmolLM2 these are all heads that
    // share a key; in a group of another size the remaining heads are processed one by one.
    int together = d % TILE == 0 ? group / TOGETHER * TOGETHER : 0;
    for (int g = 0; g < together; g += TOGETHER) {
      scoreThree(keys, at, count, scratch.queries, g * d, d, scores, g * CHUNK);
    }
    for (int g = together; g < group; g++) {
      score(keys, at, count, scratch.queries, g * d, d, scores, g * CHUNK);
    }
    for (int g = 0; g < group; g++) {
      softmax(scores, g * CHUNK, count, slot + g);
    }
    for (int g = 0; g < together; g += TOGETHER) {
      weighThree(values, at, count, scores, g * CHUNK, d, rows, (slot + g) * d);
    }
    for (int g = together; g < group; g++) {
      weigh(values, at, count, scores, g * CHUNK, d, rows, (slot + g) * d);
    }
  }

  // to = scale · (x rotated by the angles of its position), pairs (i, i + d/2)
  private static void rotate(
      float[] x, int from, float[] cos, float[] sin, float scale, float[] to, int at, int d) {
    int half = d / 2;
    for (int i = 0; i < half; i++) {
      float a = x[from + i];
      float b = x[from + half + i];
      to[at + i] = (a * cos[i] - b * sin[i]) * scale;
      to[at + half + i] = (b * cos[i] + a * sin[i]) * scale;
    }
  }

  // scores[to + p] = query · keys[p]
  private static void score(
      MemorySegment keys,
      long at,
      int count,
      float[] query,
      int from,
      int d,
      float[] scores,
      int to) {
    int whole = F.loopBound(d);
    for (int p = 0; p < count; p++, at += (long) d * Float.BYTES) {
      FloatVector a = FloatVector.zero(F);
      FloatVector b = FloatVector.zero(F);
      int i = 0;
      for (; i + 2 * LANES <= d; i += 2 * LANES) {
        long k = at + (long) i * Float.BYTES;
        a =
            FloatVector.fromMemorySegment(F, keys, k, LE)
                .fma(FloatVector.fromArray(F, query, from + i), a);
        b =
            FloatVector.fromMemorySegment(F, keys, k + (long) LANES * Float.BYTES, LE)
                .fma(FloatVector.fromArray(F, query, from + i + LANES), b);
      }
      for (; i < whole; i += LANES) {
        a =
            FloatVector.fromMemorySegment(F, keys, at + (long) i * Float.BYTES, LE)
                .fma(FloatVector.fromArray(F, query, from + i), a);
      }
      float sum = FloatLanes.sum(a.add(b));
      for (; i < d; i++) {
        sum += keys.get(FLOAT, at + (long) i * Float.BYTES) * query[from + i];
      }
      scores[to + p] = sum;
    }
  }

  // The same for three queries, d a multiple of TILE: each key is loaded once, and the queries stay
  // in registers.
  private static void scoreThree(
      MemorySegment keys,
      long at,
      int count,
      float[] query,
      int from,
      int d,
      float[] scores,
      int to) {
    long row = (long) d * Float.BYTES;
    for (int i = 0; i < d; i += TILE) {
      FloatVector a0 = FloatVector.fromArray(F, query, from + i);
      FloatVector a1 = FloatVector.fromArray(F, query, from + i + LANES);
      FloatVector a2 = FloatVector.fromArray(F, query, from + i + 2 * LANES);
      FloatVector a3 = FloatVector.fromArray(F, query, from + i + 3 * LANES);
      FloatVector b0 = FloatVector.fromArray(F, query, from + d + i);
      FloatVector b1 = FloatVector.fromArray(F, query, from + d + i + LANES);
      FloatVector b2 = FloatVector.fromArray(F, query, from + d + i + 2 * LANES);
      FloatVector b3 = FloatVector.fromArray(F, query, from + d + i + 3 * LANES);
      FloatVector c0 = FloatVector.fromArray(F, query, from + 2 * d + i);
      FloatVector c1 = FloatVector.fromArray(F, query, from + 2 * d + i + LANES);
      FloatVector c2 = FloatVector.fromArray(F, query, from + 2 * d + i + 2 * LANES);
      FloatVector c3 = FloatVector.fromArray(F, query, from + 2 * d + i + 3 * LANES);
      long key = at + (long) i * Float.BYTES;
      for (int p = to; p < to + count; p++, key += row) {
        FloatVector k = FloatVector.fromMemorySegment(F, keys, key, LE);
        FloatVector a = k.mul(a0);
        FloatVector b = k.mul(b0);
        FloatVector c = k.mul(c0);
        k = FloatVector.fromMemorySegment(F, keys, key + BYTES, LE);
        a = k.fma(a1, a);
        b = k.fma(b1, b);
        c = k.fma(c1, c);
        k = FloatVector.fromMemorySegment(F, keys, key + 2 * BYTES, LE);
        a = k.fma(a2, a);
        b = k.fma(b2, b);
        c = k.fma(c2, c);
        k = FloatVector.fromMemorySegment(F, keys, key + 3 * BYTES, LE);
        a = k.fma(a3, a);
        b = k.fma(b3, b);
        c = k.fma(c3, c);
        float before = i == 0 ? 0 : scores[p];
        scores[p] = before + FloatLanes.sum(a);
        before = i == 0 ? 0 : scores[p + CHUNK];
        scores[p + CHUNK] = before + FloatLanes.sum(b);
        before = i == 0 ? 0 : scores[p + 2 * CHUNK];
        scores[p + 2 * CHUNK] = before + FloatLanes.sum(c);
      }
    }
  }

  // replaces scores from `from` on by e^(score − largest) and records the largest and the sum
  private void softmax(float[] scores, int from, int count, int slot) {
    float max = Float.NEGATIVE_INFINITY;
    for (int p = 0; p < count; p++) {
      max = Math.max(max, scores[from + p]);
    }
    for (int p = count; p < CHUNK; p++) {
      scores[from + p] = Float.NEGATIVE_INFINITY; // e^… = 0
    }
    FloatVector sum = FloatVector.zero(F);
    for (int p = from; p < from + CHUNK; p += LANES) {
      FloatVector e = FloatLanes.exp(FloatVector.fromArray(F, scores, p).sub(max));
      e.intoArray(scores, p);
      sum = sum.add(e);
    }
    largest[slot] = max;
    sums[slot] = FloatLanes.sum(sum);
  }

  // to[from …] = Σ_p weights[first + p] · values[p]
  private static void weigh(
      MemorySegment values,
      long at,
      int count,
      float[] weights,
      int first,
      int d,
      float[] to,
      int from) {
    long row = (long) d * Float.BYTES;
    int i = 0;
    for (; i + TILE <= d; i += TILE) {
      FloatVector a = FloatVector.zero(F);
      FloatVector b = FloatVector.zero(F);
      FloatVector c = FloatVector.zero(F);
      FloatVector e = FloatVector.zero(F);
      long v = at + (long) i * Float.BYTES;
      for (int p = 0; p < count; p++, v += row) {
        FloatVector w = FloatVector.broadcast(F, weights[first + p]);
        a = FloatVector.fromMemorySegment(F, values, v, LE).fma(w, a);
        b = FloatVector.fromMemorySegment(F, values, v + BYTES, LE).fma(w, b);
        c = FloatVector.fromMemorySegment(F, values, v + 2 * BYTES, LE).fma(w, c);
        e = FloatVector.fromMemorySegment(F, values, v + 3 * BYTES, LE).fma(w, e);
      }
      a.intoArray(to, from + i);
      b.intoArray(to, from + i + LANES);
      c.intoArray(to, from + i + 2 * LANES);
      e.intoArray(to, from + i + 3 * LANES);
    }
    for (; i + LANES <= d; i += LANES) {
      FloatVector a = FloatVector.zero(F);
      long v = at + (long) i * Float.BYTES;
      for (int p = 0; p < count; p++, v += row) {
        a =
            FloatVector.fromMemorySegment(F, values, v, LE)
                .fma(FloatVector.broadcast(F, weights[first + p]), a);
      }
      a.intoArray(to, from + i);
    }
    for (; i < d; i++) {
      float sum = 0;
      for (int p = 0; p < count; p++) {
        sum += values.get(FLOAT, at + p * row + (long) i * Float.BYTES) * weights[first + p];
      }
      to[from + i] = sum;
    }
  }

  // The same for three heads, d a multiple of TILE.
  private static void weighThree(
      MemorySegment values,
      long at,
      int count,
      float[] weights,
      int first,
      int d,
      float[] to,
      int from) {
    long row = (long) d * Float.BYTES;
    for (int i = 0; i < d; i += TILE) {
      FloatVector a0 = FloatVector.zero(F);
      FloatVector a1 = a0;
      FloatVector a2 = a0;
      FloatVector a3 = a0;
      FloatVector b0 = a0;
      FloatVector b1 = a0;
      FloatVector b2 = a0;
      FloatVector b3 = a0;
      FloatVector c0 = a0;
      FloatVector c1 = a0;
      FloatVector c2 = a0;
      FloatVector c3 = a0;
      long value = at + (long) i * Float.BYTES;
      for (int p = first; p < first + count; p++, value += row) {
        FloatVector a = FloatVector.broadcast(F, weights[p]);
        FloatVector b = FloatVector.broadcast(F, weights[p + CHUNK]);
        FloatVector c = FloatVector.broadcast(F, weights[p + 2 * CHUNK]);
        FloatVector v = FloatVector.fromMemorySegment(F, values, value, LE);
        a0 = v.fma(a, a0);
        b0 = v.fma(b, b0);
        c0 = v.fma(c, c0);
        v = FloatVector.fromMemorySegment(F, values, value + BYTES, LE);
        a1 = v.fma(a, a1);
        b1 = v.fma(b, b1);
        c1 = v.fma(c, c1);
        v = FloatVector.fromMemorySegment(F, values, value + 2 * BYTES, LE);
        a2 = v.fma(a, a2);
        b2 = v.fma(b, b2);
        c2 = v.fma(c, c2);
        v = FloatVector.fromMemorySegment(F, values, value + 3 * BYTES, LE);
        a3 = v.fma(a, a3);
        b3 = v.fma(b, b3);
        c3 = v.fma(c, c3);
      }
      a0.intoArray(to, from + i);
      a1.intoArray(to, from + i + LANES);
      a2.intoArray(to, from + i + 2 * LANES);
      a3.intoArray(to, from + i + 3 * LANES);
      b0.intoArray(to, from + d + i);
      b1.intoArray(to, from + d + i + LANES);
      b2.intoArray(to, from + d + i + 2 * LANES);
      b3.intoArray(to, from + d + i + 3 * LANES);
      c0.intoArray(to, from + 2 * d + i);
      c1.intoArray(to, from + 2 * d + i + LANES);
      c2.intoArray(to, from + 2 * d + i + 2 * LANES);
      c3.intoArray(to, from + 2 * d + i + 3 * LANES);
    }
  }

  /** The result of all chunks, [H · d]. */
  void merge(float[] to, Scratch scratch) {
    if (scratch.shares.length < chunks) {
      scratch.shares = new float[chunks];
    }
    float[] shares = scratch.shares;
    int d = config.headSize();
    int heads = config.heads();
    for (int h = 0; h < heads; h++) {
      float max = largest[h];
      for (int c = 1; c < chunks; c++) {
        max = Math.max(max, largest[c * heads + h]);
      }
      float sum = 0;
      for (int c = 0; c < chunks; c++) {
        shares[c] = (float) Math.exp(largest[c * heads + h] - max);
        sum += sums[c * heads + h] * shares[c];
      }
      Arrays.fill(to, h * d, (h + 1) * d, 0);
      for (int c = 0; c < chunks; c++) {
        float weight = shares[c] / sum;
        int from = (c * heads + h) * d;
        for (int i = 0; i < d; i++) {
          to[h * d + i] += weight * rows[from + i];
        }
      }
    }
  }
}
