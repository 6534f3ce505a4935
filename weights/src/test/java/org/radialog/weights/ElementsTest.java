package org.radialog.weights;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

class ElementsTest {
  /** Up to four dimensions of a storage whose element i is i. */
  record View(long offset, List<Integer> size, List<Integer> stride) {
    long[] shape() {
      return size.stream().mapToLong(Integer::longValue).toArray();
    }

    long[] strides() {
      return stride.stream().limit(size.size()).mapToLong(Integer::longValue).toArray();
    }

    /** The elements one after the other, straight from the definition. */
    List<Long> elements() {
      List<Long> places = List.of(offset);
      for (int d = 0; d < size.size(); d++) {
        List<Long> next = new ArrayList<>();
        for (long place : places) {
          for (int i = 0; i < size.get(d); i++) {
            next.add(place + (long) i * stride.get(d));
          }
        }
        places = next;
      }
      return places;
    }
  }

  @Property(tries = 500, seed = "20261125")
  void anyRangeOfAViewIsGatheredAndNothingElse(
      @ForAll("view") View view, @ForAll double begin, @ForAll double end) {
    TensorInfo info = new TensorInfo("t", DType.I64, view.shape());
    Elements elements = new Elements.Strided(storage(), view.offset, view.strides());
    List<Long> expected = view.elements();
    int from = (int) (fraction(begin) * expected.size());
    int to = from + (int) (fraction(end) * (expected.size() - from));
    MemorySegment range = elements.range(info, from, to - from);
    assertThat(range.byteSize()).isEqualTo(8L * (to - from));
    assertThat(values(range)).isEqualTo(expected.subList(from, to));
    assertThat(values(elements.contiguous(info))).isEqualTo(expected);
  }

  /** A matrix of 64 MB that is stored turned, read row by row. */
  @Example
  void aRowOfATurnedMatrixCostsARow() {
    int side = 4096;
    long bytes = 4L * side * side;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment storage = arena.allocate(bytes);
      for (int i = 0; i < side; i++) {
        storage.set(Bytes.FLOAT, 4L * ((long) i * side + 5), i);
      }
      TensorInfo info = new TensorInfo("t", DType.F32, new long[] {side, side});
      var tensors = new LinkedHashMap<String, Checkpoint.Stored>();
      tensors.put(
          "t", new Checkpoint.Stored(info, new Elements.Strided(storage, 0, new long[] {1, side})));
      Checkpoint checkpoint =
          Checkpoint.of(
              Path.of("turned"),
              new Checkpoint.Contents("PyTorch zip", new LinkedHashMap<>(), tensors));
      checkpoint.floats("t", 0, side);
      ThreadMXBean thread = (ThreadMXBean) ManagementFactory.getThreadMXBean();
      long before = thread.getCurrentThreadAllocatedBytes();
      float[] row = checkpoint.floats("t", 5L * side, side);
      assertThat(thread.getCurrentThreadAllocatedBytes() - before).isLessThan(8L * side);
      for (int i = 0; i < side; i++) {
        assertThat(row[i]).isEqualTo(i);
      }
      MemorySegment gathered =
          new Elements.Strided(storage, 0, new long[] {1, side}).range(info, 5L * side, side);
      assertThat(gathered.byteSize()).isEqualTo(4L * side);
    }
  }

  @Example
  void aRangeOfATensorWithoutGapsIsAView() {
    MemorySegment bytes = storage();
    TensorInfo info = new TensorInfo("t", DType.I64, new long[] {10, 10});
    MemorySegment range = new Elements.Contiguous(bytes).range(info, 20, 10);
    assertThat(range.address()).isEqualTo(bytes.address() + 160);
    assertThat(range.byteSize()).isEqualTo(80);
  }

  @Provide
  Arbitrary<View> view() {
    Arbitrary<Integer> size = Arbitraries.integers().between(1, 5);
    Arbitrary<Integer> stride = Arbitraries.integers().between(0, 12);
    return Combinators.combine(
            Arbitraries.integers().between(0, 9),
            size.list().ofMaxSize(4),
            Arbitraries.oneOf(
                stride.list().ofSize(4),
                // Dimensions that lie together, the usual case.
                Arbitraries.of(List.of(8, 4, 2, 1), List.of(1, 1, 3, 1), List.of(24, 6, 2, 1))))
        .as((offset, sizes, strides) -> new View(offset, sizes, strides));
  }

  private static double fraction(double any) {
    double part = Math.abs(any % 1);
    return Double.isNaN(part) ? 0 : part;
  }

  private static MemorySegment storage() {
    MemorySegment storage = Arena.ofAuto().allocate(8 * 1000, 8);
    for (int i = 0; i < 1000; i++) {
      storage.set(Bytes.LONG, 8L * i, i);
    }
    return storage;
  }

  private static List<Long> values(MemorySegment bytes) {
    List<Long> values = new ArrayList<>();
    for (long at = 0; at < bytes.byteSize(); at += 8) {
      values.add(bytes.get(Bytes.LONG, at));
    }
    return values;
  }
}
