package org.radialog.kernels;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.util.stream.IntStream;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Measures how fast this machine reads memory, which limits the speed of a decode step. Each thread
 * reads several streams at once, like the kernels; with one stream per thread a third of the
 * bandwidth would be unused.
 */
public final class ReadBandwidth {
  private static final VectorSpecies<Long> LANES = LongVector.SPECIES_PREFERRED;
  private static final ByteOrder ORDER = ByteOrder.nativeOrder();
  private static final long BYTES = 1L << 30; // bytes per round, far larger than any cache
  private static final int ROUNDS = 5;
  private static final int PLACES = 4; // streams that a thread reads at once

  private ReadBandwidth() {}

  /** The best of five reads of 1 GiB on {@code threads} threads, in GB/s. */
  public static double gigabytesPerSecond(int threads) {
    try (Arena arena = Arena.ofShared()) {
      MemorySegment memory = arena.allocate(BYTES, 4096);
      memory.fill((byte) 0); // untouched pages would all map to the same page of zeros
      long part = BYTES / threads / (PLACES * 64) * (PLACES * 64);
      sum(memory, 0, part); // compiled
      double best = 0;
      for (int round = 0; round < ROUNDS; round++) {
        long begun = System.nanoTime();
        long sum =
            IntStream.range(0, threads)
                .parallel()
                .mapToLong(t -> sum(memory, t * part, part))
                .sum();
        double seconds = (System.nanoTime() - begun) / 1e9;
        best =
            Math.max(
                best, (sum + threads * part) / seconds / 1e9); // the sum is 0, but must be used
      }
      return best;
    }
  }

  private static long sum(MemorySegment memory, long from, long bytes) {
    long part = bytes / PLACES;
    long step = LANES.vectorByteSize();
    LongVector a = LongVector.zero(LANES);
    LongVector b = LongVector.zero(LANES);
    LongVector c = LongVector.zero(LANES);
    LongVector d = LongVector.zero(LANES);
    for (long at = from; at < from + part; at += step) {
      a = a.add(LongVector.fromMemorySegment(LANES, memory, at, ORDER));
      b = b.add(LongVector.fromMemorySegment(LANES, memory, at + part, ORDER));
      c = c.add(LongVector.fromMemorySegment(LANES, memory, at + 2 * part, ORDER));
      d = d.add(LongVector.fromMemorySegment(LANES, memory, at + 3 * part, ORDER));
    }
    return a.add(b).add(c).add(d).reduceLanes(VectorOperators.ADD);
  }
}
