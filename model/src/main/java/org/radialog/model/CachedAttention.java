package org.radialog.model;

import static org.radialog.model.FloatLanes.F;
import static org.radialog.model.FloatLanes.LANES;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;

/**
 * Attention of one new position over a {@link KvCache}, in chunks of {@value #CHUNK} positions that
 * any thread may take: each leaves a maximum, a sum and a weighted row of values, and whoever needs
 * the result merges the chunks in their order. So the result depends neither on the number of
 * threads nor on other sequences.
 *
 * <p>L positions · H heads · K key/value heads · G = H/K · d head size · N chunks.
 */
final class CachedAttention {
  /** Positions of a chunk. */
  static final int CHUNK = 64;

  private static final ByteOrder LE = ByteOrder.LITTLE_ENDIAN;
  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(LE);

  private final LlamaConfig config;
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
    private final float[] scores = new float[CHUNK];

    Scratch(LlamaConfig config) {
      this.queries = new float[config.group() * config.headSize()];
    }
  }

  /** Prepares for {@code length} positions, the new one included. */
  void begin(int length) {
    chunks = (length + CHUNK - 1) / CHUNK;
    if (largest.length < chunks * config.heads()) {
      largest = new float[chunks * config.heads()];
      sums = new float[chunks * config.heads()];
      rows = new float[chunks * config.queryRows()];
    }
  }

  /** N: work items of each key/value head. */
  int chunks() {
    return chunks;
  }

  /**
   * The G query heads of one key/value head against one chunk. The last chunk first appends the new
   * key, rotated, and the new value to the cache.
   *
   * @param cache reserved for position {@code position}, the new one
   * @param q [H · d] of the new position, not rotated
   * @param k [K · d]
   * @param v [K · d]
   * @param cos [d/2] of the new position
   * @param sin [d/2]
   */
  void attend(
      KvCache cache,
      int layer,
      int position,
      int kvHead,
      int chunk,
      float[] q,
      float[] k,
      float[] v,
      float[] cos,
      float[] sin,
      Scratch scratch) {
    int d = config.headSize();
    int group = config.group();
    MemorySegment keys = cache.keys(layer);
    MemorySegment values = cache.values(layer);
    long head = (long) kvHead * cache.capacity() * d * Float.BYTES; // of the cache's block
    int first = chunk * CHUNK;
    int count = Math.min(CHUNK, position + 1 - first);
    if (chunk == chunks - 1) {
      long row = head + (long) position * d * Float.BYTES;
      rotate(k, kvHead * d, cos, sin, 1, scratch.queries, 0, d);
      MemorySegment.copy(scratch.queries, 0, keys, FLOAT, row, d);
      MemorySegment.copy(v, kvHead * d, values, FLOAT, row, d);
    }
    float scale = 1 / (float) Math.sqrt(d);
    for (int g = 0; g < group; g++) {
      rotate(q, (kvHead * group + g) * d, cos, sin, scale, scratch.queries, g * d, d);
    }
    long at = head + (long) first * d * Float.BYTES;
    for (int g = 0; g < group; g++) {
      int h = kvHead * group + g;
      score(keys, at, count, scratch.queries, g * d, d, scratch.scores);
      softmax(scratch.scores, count, chunk * config.heads() + h);
      weigh(values, at, count, scratch.scores, d, rows, (chunk * config.heads() + h) * d);
    }
  }

  // to = scale · (x turned by its position's angles), pairs (i, i + d/2)
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

  // scores[p] = query · keys[p]
  private static void score(
      MemorySegment keys, long at, int count, float[] query, int from, int d, float[] scores) {
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
      scores[p] = sum;
    }
  }

  // scores -> e^(score − largest); notes the largest and the sum
  private void softmax(float[] scores, int count, int slot) {
    float max = Float.NEGATIVE_INFINITY;
    for (int p = 0; p < count; p++) {
      max = Math.max(max, scores[p]);
    }
    for (int p = count; p < scores.length; p++) {
      scores[p] = Float.NEGATIVE_INFINITY; // e^… = 0
    }
    FloatVector sum = FloatVector.zero(F);
    for (int p = 0; p < scores.length; p += LANES) {
      FloatVector e = FloatLanes.exp(FloatVector.fromArray(F, scores, p).sub(max));
      e.intoArray(scores, p);
      sum = sum.add(e);
    }
    largest[slot] = max;
    sums[slot] = FloatLanes.sum(sum);
  }

  // to[…] = Σ_p weights[p] · values[p]
  private static void weigh(
      MemorySegment values, long at, int count, float[] weights, int d, float[] to, int from) {
    long row = (long) d * Float.BYTES;
    int i = 0;
    for (; i + 4 * LANES <= d; i += 4 * LANES) {
      FloatVector a = FloatVector.zero(F);
      FloatVector b = FloatVector.zero(F);
      FloatVector c = FloatVector.zero(F);
      FloatVector e = FloatVector.zero(F);
      long v = at + (long) i * Float.BYTES;
      for (int p = 0; p < count; p++, v += row) {
        FloatVector w = FloatVector.broadcast(F, weights[p]);
        long next = (long) LANES * Float.BYTES;
        a = FloatVector.fromMemorySegment(F, values, v, LE).fma(w, a);
        b = FloatVector.fromMemorySegment(F, values, v + next, LE).fma(w, b);
        c = FloatVector.fromMemorySegment(F, values, v + 2 * next, LE).fma(w, c);
        e = FloatVector.fromMemorySegment(F, values, v + 3 * next, LE).fma(w, e);
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
                .fma(FloatVector.broadcast(F, weights[p]), a);
      }
      a.intoArray(to, from + i);
    }
    for (; i < d; i++) {
      float sum = 0;
      for (int p = 0; p < count; p++) {
        sum += values.get(FLOAT, at + p * row + (long) i * Float.BYTES) * weights[p];
      }
      to[from + i] = sum;
    }
  }

  /** The result of all chunks, [H · d]. */
  void merge(float[] to) {
    int d = config.headSize();
    int heads = config.heads();
    for (int h = 0; h < heads; h++) {
      float max = largest[h];
      for (int c = 1; c < chunks; c++) {
        max = Math.max(max, largest[c * heads + h]);
      }
      float sum = 0;
      for (int c = 0; c < chunks; c++) {
        sum += sums[c * heads + h] * share(c * heads + h, max);
      }
      for (int c = 0; c < chunks; c++) {
        float weight = share(c * heads + h, max) / sum;
        int from = (c * heads + h) * d;
        for (int i = 0; i < d; i++) {
          float before = c == 0 ? 0 : to[h * d + i];
          to[h * d + i] = before + weight * rows[from + i];
        }
      }
    }
  }

  private float share(int slot, float max) {
    return (float) Math.exp(largest[slot] - max);
  }
}
