package org.radialog.weights;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.radialog.base.RadialogException;
import org.radialog.base.WholeFile;

/**
 * Writes tensors in the format of {@code torch.save} since PyTorch 1.6: a zip of {@code data.pkl}
 * (pickle protocol 2) and the elements of each tensor. {@code torch.load} reads it with {@code
 * weights_only}.
 */
public final class PyTorchWriter {
  private static final String ROOT = "archive/";

  // opcodes of pickle protocol 2
  private static final byte[] PROTOCOL_2 = {(byte) 0x80, 2};
  private static final char MARK = '(';
  private static final char EMPTY_DICT = '}';
  private static final char SET_ITEMS = 'u';
  private static final char UNICODE = 'X';
  private static final char INT_32 = 'J';
  private static final int LONG_1 = 0x8a;
  private static final int FALSE = 0x89;
  private static final char GLOBAL = 'c';
  private static final char EMPTY_TUPLE = ')';
  private static final char TUPLE = 't';
  private static final char CALL = 'R';
  private static final char PERSISTENT = 'Q';
  private static final char STOP = '.';

  private final ByteArrayOutputStream pickle = new ByteArrayOutputStream();
  private final List<MemorySegment> storages = new ArrayList<>();

  private PyTorchWriter() {}

  /**
   * Writes a dict to {@code file} atomically. The same input gives the same bytes.
   *
   * @param dict tensors ({@link SafetensorsWriter.Entry} of the types F32, F16, BF16 and I64),
   *     texts ({@link String}) and dicts of these, by name
   * @throws RadialogException if the file cannot be written
   * @throws IllegalArgumentException if a value has another type
   */
  public static void write(Path file, SequencedMap<String, ?> dict) {
    PyTorchWriter writer = new PyTorchWriter();
    writer.pickle.writeBytes(PROTOCOL_2);
    writer.dict(dict);
    writer.pickle.write(STOP);
    WholeFile.write(file, writer::archive);
  }

  private void archive(OutputStream out) throws IOException {
    ZipOutputStream zip = new ZipOutputStream(out);
    entry(zip, "data.pkl", MemorySegment.ofArray(pickle.toByteArray()));
    entry(zip, "byteorder", ascii("little"));
    for (int i = 0; i < storages.size(); i++) {
      entry(zip, "data/" + i, storages.get(i));
    }
    entry(zip, "version", ascii("3\n"));
    zip.finish();
  }

  private static MemorySegment ascii(String text) {
    return MemorySegment.ofArray(text.getBytes(StandardCharsets.US_ASCII));
  }

  // Stored, not compressed; the header has the checksum, so the bytes are read twice.
  private static void entry(ZipOutputStream zip, String name, MemorySegment bytes)
      throws IOException {
    CRC32 checksum = new CRC32();
    SafetensorsWriter.pieces(bytes, checksum::update);
    ZipEntry entry = new ZipEntry(ROOT + name);
    entry.setMethod(ZipEntry.STORED);
    entry.setSize(bytes.byteSize());
    entry.setCrc(checksum.getValue());
    entry.setTimeLocal(LocalDateTime.of(1980, 1, 1, 0, 0)); // the first that the format can state
    zip.putNextEntry(entry);
    SafetensorsWriter.pieces(bytes, zip::write);
    zip.closeEntry();
  }

  private void dict(Map<?, ?> dict) {
    pickle.write(EMPTY_DICT);
    pickle.write(MARK);
    dict.forEach((name, value) -> {
      value(name);
      value(value);
    });
    pickle.write(SET_ITEMS);
  }

  private void value(Object value) {
    switch (value) {
      case String text -> text(text);
      case SafetensorsWriter.Entry tensor -> tensor(tensor);
      case Map<?, ?> dict -> dict(dict);
      default ->
          throw new IllegalArgumentException(
              "a value of " + value.getClass() + ": expected a tensor, a text or a dict");
    }
  }

  private void text(String text) {
    byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
    pickle.write(UNICODE);
    littleEndian(Integer.BYTES, utf8.length);
    pickle.writeBytes(utf8);
  }

  // torch._utils._rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks)
  private void tensor(SafetensorsWriter.Entry tensor) {
    long[] shape = tensor.shape();
    long[] strides = new long[shape.length];
    long elements = 1;
    for (int i = shape.length - 1; i >= 0; i--) {
      strides[i] = elements;
      elements *= shape[i];
    }
    global("torch._utils", "_rebuild_tensor_v2");
    pickle.write(MARK);
    pickle.write(MARK);
    text("storage");
    global("torch", storage(tensor.dtype()));
    text(Integer.toString(storages.size()));
    text("cpu");
    integer(elements);
    pickle.write(TUPLE);
    pickle.write(PERSISTENT);
    integer(0);
    tuple(shape);
    tuple(strides);
    pickle.write(FALSE);
    global("collections", "OrderedDict");
    pickle.write(EMPTY_TUPLE);
    pickle.write(CALL);
    pickle.write(TUPLE);
    pickle.write(CALL);
    storages.add(tensor.bytes());
  }

  private static String storage(DType type) {
    return switch (type) {
      case F32 -> "FloatStorage";
      case F16 -> "HalfStorage";
      case BF16 -> "BFloat16Storage";
      case I64 -> "LongStorage";
      case F64,
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
          throw new IllegalArgumentException(
              "a tensor of " + type + ": expected F32, F16, BF16 or I64");
    };
  }

  private void global(String module, String name) {
    pickle.write(GLOBAL);
    pickle.writeBytes((module + "\n" + name + "\n").getBytes(StandardCharsets.US_ASCII));
  }

  private void tuple(long[] values) {
    pickle.write(MARK);
    for (long value : values) {
      integer(value);
    }
    pickle.write(TUPLE);
  }

  private void integer(long value) {
    if (value == (int) value) {
      pickle.write(INT_32);
      littleEndian(Integer.BYTES, value);
    } else {
      pickle.write(LONG_1);
      pickle.write(Long.BYTES);
      littleEndian(Long.BYTES, value);
    }
  }

  private void littleEndian(int bytes, long value) {
    byte[] all =
        ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN).putLong(value).array();
    pickle.write(all, 0, bytes);
  }
}
