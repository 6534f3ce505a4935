package org.radialog.weights;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SequencedCollection;
import java.util.SequencedMap;
import org.radialog.base.RadialogException;
import org.radialog.base.WholeFile;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Writes safetensors files that the reference library of the format can read. */
public final class SafetensorsWriter {
  private static final int CHUNK = 1 << 16;
  private static final int ALIGNMENT = 64;

  private SafetensorsWriter() {}

  /**
   * A tensor to write.
   *
   * @param dtype a plain type, not a quantised block type
   * @param shape row-major, outermost dimension first
   * @param bytes the little-endian elements, row-major without gaps
   */
  @SuppressWarnings("ArrayRecordComponent") // read once by write
  public record Entry(DType dtype, long[] shape, MemorySegment bytes) {
    /** Checks that shape and bytes are consistent. */
    public Entry {
      shape = shape.clone();
      TensorInfo info = new TensorInfo("entry", dtype, shape);
      if (dtype.quantised() || dtype == DType.FOREIGN || info.bytes() != bytes.byteSize()) {
        throw new RadialogException(
            "cannot write " + info + " of " + bytes.byteSize() + " bytes as safetensors");
      }
    }

    /** Values rounded (to nearest, ties to even) to {@code F32}, {@code F16} or {@code BF16}. */
    public static Entry of(DType dtype, float[] values, long... shape) {
      return switch (dtype) {
        case F32 -> {
          MemorySegment bytes =
              MemorySegment.ofArray(new byte[Math.multiplyExact(4, values.length)]);
          MemorySegment.copy(values, 0, bytes, Bytes.FLOAT, 0, values.length);
          yield new Entry(dtype, shape, bytes);
        }
        case F16, BF16 -> {
          MemorySegment bytes =
              MemorySegment.ofArray(new byte[Math.multiplyExact(2, values.length)]);
          for (int i = 0; i < values.length; i++) {
            short half =
                dtype == DType.F16 ? Float.floatToFloat16(values[i]) : DType.bfloat16(values[i]);
            bytes.set(Bytes.SHORT, 2L * i, half);
          }
          yield new Entry(dtype, shape, bytes);
        }
        case F64,
            I64,
            I32,
            I16,
            I8,
            U64,
            U32,
            U16,
            U8,
            BOOL,
            Q4_0,
            Q4_1,
            Q5_0,
            Q5_1,
            Q8_0,
            Q2_K,
            Q3_K,
            Q4_K,
            Q5_K,
            Q6_K,
            FOREIGN ->
            throw new RadialogException("floats are written as F32, F16 or BF16, not as " + dtype);
      };
    }

    /** 64-bit integers. */
    public static Entry of(long[] values, long... shape) {
      MemorySegment bytes = MemorySegment.ofArray(new byte[Math.multiplyExact(8, values.length)]);
      MemorySegment.copy(values, 0, bytes, Bytes.LONG, 0, values.length);
      return new Entry(DType.I64, shape, bytes);
    }
  }

  /**
   * Writes {@code file} atomically. Tensors of wide types come first, so that each is aligned to
   * its own element size; otherwise the order is kept. The same input gives the same bytes.
   *
   * @throws RadialogException if it cannot be written
   */
  public static void write(
      Path file, Map<String, String> metadata, SequencedMap<String, Entry> tensors) {
    SequencedMap<String, TensorInfo> infos = new LinkedHashMap<>();
    tensors.forEach((name, e) -> infos.put(name, new TensorInfo(name, e.dtype(), e.shape())));
    List<TensorInfo> ordered = ordered(infos.sequencedValues());
    byte[] header = header(file, metadata, ordered);
    WholeFile.write(
        file,
        out -> {
          out.write(header);
          for (TensorInfo info : ordered) {
            pieces(Objects.requireNonNull(tensors.get(info.name())).bytes(), out::write);
          }
        });
  }

  /** Produces the tensors of a file. */
  @FunctionalInterface
  public interface Placing {
    /** Writes every tensor to the file, in any order. */
    void put(Places file) throws IOException;
  }

  /** A file that is being written. */
  @FunctionalInterface
  public interface Places {
    /**
     * Writes a tensor.
     *
     * @param bytes all of it, little-endian, row-major
     */
    void put(String name, MemorySegment bytes) throws IOException;
  }

  /**
   * Writes {@code file} atomically, one tensor at a time as they are produced: for content that is
   * larger than memory. The layout is that of {@link #write}.
   *
   * @throws RadialogException if it cannot be written or the file system is too full
   */
  public static void place(
      Path file,
      Map<String, String> metadata,
      SequencedCollection<TensorInfo> tensors,
      Placing content) {
    List<TensorInfo> ordered = ordered(tensors);
    byte[] header = header(file, metadata, ordered);
    Map<String, Long> begins = new LinkedHashMap<>();
    long end = header.length;
    for (TensorInfo info : ordered) {
      begins.put(info.name(), end);
      end += info.bytes();
    }
    WholeFile.place(
        file,
        end,
        places -> {
          places.put(0, MemorySegment.ofArray(header));
          content.put(
              (name, bytes) -> places.put(Objects.requireNonNull(begins.get(name), name), bytes));
        });
  }

  private static List<TensorInfo> ordered(SequencedCollection<TensorInfo> tensors) {
    return tensors.stream()
        .sorted(Comparator.comparingInt(info -> -info.dtype().blockBytes()))
        .toList();
  }

  // The length, the JSON, and spaces, so that the tensors begin at a multiple of a cache line.
  private static byte[] header(Path file, Map<String, String> metadata, List<TensorInfo> ordered) {
    ObjectNode header = Safetensors.JSON.createObjectNode();
    if (!metadata.isEmpty()) {
      ObjectNode texts = header.putObject(Safetensors.METADATA);
      metadata.forEach(texts::put);
    }
    long offset = 0;
    for (TensorInfo info : ordered) {
      if (info.name().equals(Safetensors.METADATA)
          || info.dtype().quantised()
          || info.foreign().isPresent()) {
        throw new RadialogException("cannot write " + file + ": safetensors has no tensor " + info);
      }
      ObjectNode node = header.putObject(info.name());
      node.put("dtype", info.dtype().name());
      ArrayNode shape = node.putArray("shape");
      for (long dimension : info.shape()) {
        shape.add(dimension);
      }
      node.putArray("data_offsets").add(offset).add(offset += info.bytes());
    }
    byte[] json = header.toString().getBytes(StandardCharsets.UTF_8);
    int length = (8 + json.length + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    byte[] bytes = new byte[length];
    Arrays.fill(bytes, (byte) ' ');
    MemorySegment.ofArray(bytes).set(Bytes.LONG, 0, (long) length - 8);
    System.arraycopy(json, 0, bytes, 8, json.length);
    return bytes;
  }

  /** Receives a part of a buffer. */
  @FunctionalInterface
  interface Sink {
    void take(byte[] buffer, int from, int length) throws IOException;
  }

  /** Gives all {@code bytes} to {@code sink}, one buffer after another. */
  static void pieces(MemorySegment bytes, Sink sink) throws IOException {
    byte[] chunk = new byte[CHUNK];
    for (long at = 0; at < bytes.byteSize(); at += CHUNK) {
      int length = (int) Math.min(CHUNK, bytes.byteSize() - at);
      MemorySegment.copy(bytes, ValueLayout.JAVA_BYTE, at, chunk, 0, length);
      sink.take(chunk, 0, length);
    }
  }
}
