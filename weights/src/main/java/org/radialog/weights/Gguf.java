package org.radialog.weights;

import java.lang.foreign.MemorySegment;
import java.math.BigInteger;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;

/** Reads GGUF, versions 2 and 3, little-endian: metadata, tensor list, aligned data. */
final class Gguf {
  private static final String ALIGNMENT = "general.alignment";
  private static final int MAX_DIMENSIONS = 4;
  private static final int MAX_NESTING = 4;

  /**
   * Maximum number of entries in all lists of the metadata; the largest vocabularies need about a
   * million.
   */
  private static final long MAX_LIST_ENTRIES = 1 << 22;

  /** Maximum bytes of metadata and tensor list; the largest vocabularies need about 20 MB. */
  private static final long MAX_HEADER = 1 << 27;

  private final Path file;
  private final Bytes in;
  private long listEntries;

  private record Placed(TensorInfo info, long offset) {}

  private Gguf(Path file, MemorySegment bytes) {
    this.file = file;
    // Longer headers are treated as ending beyond the file, so that no header can cause a heap of
    // gigabytes.
    this.in = new Bytes(file, bytes.asSlice(0, Math.min(bytes.byteSize(), MAX_HEADER)));
  }

  static Checkpoint.Contents read(Path file, MemorySegment bytes) {
    return new Gguf(file, bytes).read(bytes);
  }

  private Checkpoint.Contents read(MemorySegment bytes) {
    in.take(4);
    long version = in.u32();
    if (version != 2 && version != 3) {
      throw in.refused("GGUF version " + version + ", known are 2 and 3, little-endian");
    }
    // The shortest tensor entry has 24 bytes, the shortest metadata entry 13.
    long tensorCount = count("tensors", in.i64(), 24);
    long metadataCount = count("metadata entries", in.i64(), 13);
    Map<String, Object> metadata = new LinkedHashMap<>();
    for (long i = 0; i < metadataCount; i++) {
      String key = text();
      Object value = value(in.u32(), 0);
      if (metadata.put(key, value) != null) {
        throw in.refused("metadata " + key + " occurs twice");
      }
    }
    long alignment = alignment(metadata);
    List<Placed> placed = new ArrayList<>();
    for (long i = 0; i < tensorCount; i++) {
      placed.add(tensor());
    }
    long dataBegin = (in.position() + alignment - 1) / alignment * alignment;
    SequencedMap<String, Checkpoint.Stored> tensors = new LinkedHashMap<>();
    for (Placed p : placed) {
      MemorySegment data = data(bytes, dataBegin, alignment, p);
      Checkpoint.Stored stored = new Checkpoint.Stored(p.info, new Elements.Contiguous(data));
      if (tensors.put(p.info.name(), stored) != null) {
        throw new WeightsRefused(file, "tensor " + p.info.name() + " occurs twice");
      }
    }
    checkDisjoint(placed);
    return new Checkpoint.Contents("GGUF v" + version, metadata, tensors);
  }

  private long count(String what, long count, int bytesEach) {
    if (count < 0 || count > in.left() / bytesEach) {
      throw in.refused(
          Long.toUnsignedString(count)
              + " "
              + what
              + " are declared, but only "
              + in.left()
              + " bytes are left");
    }
    return count;
  }

  private String text() {
    return in.utf8(in.i64());
  }

  private long alignment(Map<String, Object> metadata) {
    Object value = metadata.getOrDefault(ALIGNMENT, 32L);
    if (value instanceof Long alignment
        && alignment > 0
        && alignment <= 1 << 20
        && Long.bitCount(alignment) == 1) {
      return alignment;
    }
    throw in.refused(ALIGNMENT + " is " + value + ", expected a power of two up to 2^20");
  }

  private Object value(long type, int nesting) {
    return switch ((int) type) {
      case 0 -> (long) in.u8();
      case 1 -> (long) in.i8();
      case 2 -> (long) in.u16();
      case 3 -> (long) in.i16();
      case 4 -> in.u32();
      case 5 -> (long) in.i32();
      case 6 -> (double) in.f32();
      case 7 -> bool();
      case 8 -> text();
      case 9 -> list(nesting);
      case 10 -> unsigned(in.i64());
      case 11 -> in.i64();
      case 12 -> in.f64();
      default -> throw in.refused("unknown metadata type " + type);
    };
  }

  private Boolean bool() {
    int value = in.u8();
    if (value > 1) {
      throw in.refused("a boolean is " + value + ", expected 0 or 1");
    }
    return value == 1;
  }

  private static Object unsigned(long value) {
    return value >= 0 ? (Object) value : new BigInteger(Long.toUnsignedString(value));
  }

  private List<Object> list(int nesting) {
    if (nesting == MAX_NESTING) {
      throw in.refused("lists nested more than " + MAX_NESTING + " deep");
    }
    long type = in.u32();
    long length = count("list entries", in.i64(), shortest(type));
    listEntries += length;
    if (listEntries > MAX_LIST_ENTRIES) {
      throw in.refused("more than " + MAX_LIST_ENTRIES + " list entries in the metadata");
    }
    List<Object> values = new ArrayList<>((int) length);
    for (long i = 0; i < length; i++) {
      values.add(value(type, nesting + 1));
    }
    return Collections.unmodifiableList(values);
  }

  /** The number of bytes of the shortest value of a type. */
  private int shortest(long type) {
    return switch ((int) type) {
      case 0, 1, 7 -> 1;
      case 2, 3 -> 2;
      case 4, 5, 6 -> 4;
      case 8, 10, 11, 12 -> 8;
      case 9 -> 12;
      default -> throw in.refused("unknown metadata type " + type);
    };
  }

  private Placed tensor() {
    String name = text();
    long dimensions = in.u32();
    if (dimensions > MAX_DIMENSIONS) {
      throw in.refused(
          "tensor " + name + " has " + dimensions + " dimensions, at most " + MAX_DIMENSIONS);
    }
    long[] shape = new long[(int) dimensions];
    for (int i = shape.length - 1; i >= 0; i--) {
      shape[i] = in.i64();
      if (shape[i] < 0) {
        throw in.refused(
            "tensor " + name + " has a dimension of " + Long.toUnsignedString(shape[i]));
      }
    }
    long type = in.u32();
    TensorInfo info =
        DType.ofGguf((int) type)
            .map(dtype -> new TensorInfo(name, dtype, shape))
            .or(() ->
                ForeignType.ofGguf((int) type).map(foreign -> new TensorInfo(name, foreign, shape)))
            .orElseThrow(() -> in.refused("tensor " + name + " has the unknown type " + type));
    return new Placed(info, in.i64());
  }

  private MemorySegment data(MemorySegment bytes, long dataBegin, long alignment, Placed p) {
    long length = Sizes.bytes(file, p.info);
    if (p.offset % alignment != 0) {
      throw new WeightsRefused(
          file,
          "tensor " + p.info + " lies at offset " + p.offset + ", not a multiple of " + alignment);
    }
    long data = Math.max(bytes.byteSize() - dataBegin, 0);
    if (p.offset < 0 || length > data || p.offset > data - length) {
      throw new WeightsRefused(
          file,
          "tensor "
              + p.info
              + " needs "
              + length
              + " bytes at offset "
              + Long.toUnsignedString(p.offset)
              + ", the file has "
              + data
              + " bytes of data");
    }
    return length == 0 ? MemorySegment.NULL : bytes.asSlice(dataBegin + p.offset, length);
  }

  private void checkDisjoint(List<Placed> placed) {
    List<Placed> sorted = new ArrayList<>(placed);
    sorted.sort(Comparator.comparingLong(Placed::offset));
    long end = 0;
    for (Placed p : sorted) {
      if (p.offset < end) {
        throw new WeightsRefused(file, "tensor " + p.info + " overlaps the one before it");
      }
      end = p.offset + p.info.bytes();
    }
  }
}
