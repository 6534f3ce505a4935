package org.radialog.dialog;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import org.radialog.base.WholeFile;

/** Writes a GGUF file, version 3, with F32 tensors. */
final class GgufFile {
  private static final int ALIGNMENT = 32;

  private final SequencedMap<String, Object> metadata = new LinkedHashMap<>();
  private final SequencedMap<String, Tensor> tensors = new LinkedHashMap<>();

  /** Values row-major, dimensions in PyTorch's order. */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Tensor(float[] values, long[] shape) {}

  /** An Integer (UINT32), Float, Boolean, String, or a list of Strings or Integers (INT32). */
  GgufFile put(String key, Object value) {
    metadata.put(key, value);
    return this;
  }

  GgufFile tensor(String name, float[] values, long... shape) {
    tensors.put(name, new Tensor(values, shape));
    return this;
  }

  void write(Path file) {
    var out = new Bytes();
    out.raw("GGUF".getBytes(StandardCharsets.US_ASCII));
    out.u32(3);
    out.u64(tensors.size());
    out.u64(metadata.size());
    metadata.forEach((key, value) -> {
      out.string(key);
      out.value(value);
    });
    long offset = 0;
    for (Map.Entry<String, Tensor> e : tensors.entrySet()) {
      long[] shape = e.getValue().shape;
      out.string(e.getKey());
      out.u32(shape.length);
      for (int i = shape.length - 1; i >= 0; i--) {
        out.u64(shape[i]);
      }
      out.u32(0); // F32
      out.u64(offset);
      offset += aligned(e.getValue().values.length * 4L);
    }
    out.pad();
    for (Tensor t : tensors.values()) {
      var buffer = ByteBuffer.allocate(t.values.length * 4).order(ByteOrder.LITTLE_ENDIAN);
      buffer.asFloatBuffer().put(t.values);
      out.raw(buffer.array());
      out.pad();
    }
    byte[] bytes = out.bytes.toByteArray();
    WholeFile.write(file, stream -> stream.write(bytes));
  }

  private static long aligned(long n) {
    return (n + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  }

  private static final class Bytes {
    final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    void raw(byte[] b) {
      bytes.writeBytes(b);
    }

    void u32(int n) {
      raw(ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(n).array());
    }

    void u64(long n) {
      raw(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(n).array());
    }

    void string(String s) {
      byte[] utf8 = s.getBytes(StandardCharsets.UTF_8);
      u64(utf8.length);
      raw(utf8);
    }

    void value(Object value) {
      switch (value) {
        case Integer n -> {
          u32(4);
          u32(n);
        }
        case Float f -> {
          u32(6);
          u32(Float.floatToIntBits(f));
        }
        case Boolean b -> {
          u32(7);
          bytes.write(b ? 1 : 0);
        }
        case String s -> {
          u32(8);
          string(s);
        }
        case List<?> list -> {
          u32(9);
          u32(list.getFirst() instanceof String ? 8 : 5);
          u64(list.size());
          list.forEach(item -> {
            if (item instanceof String s) {
              string(s);
            } else {
              u32((Integer) item);
            }
          });
        }
        default -> throw new IllegalArgumentException("no GGUF type for " + value);
      }
    }

    void pad() {
      while (bytes.size() % ALIGNMENT != 0) {
        bytes.write(0);
      }
    }
  }
}
