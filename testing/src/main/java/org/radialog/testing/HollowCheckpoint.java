package org.radialog.testing;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import java.util.SequencedMap;
import org.radialog.weights.DType;
import org.radialog.weights.TensorInfo;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Writes sparse safetensors files of any size, without values. */
public final class HollowCheckpoint {
  private HollowCheckpoint() {}

  public static Path write(Path file, SequencedMap<String, long[]> shapes) {
    ObjectNode header = JsonMapper.shared().createObjectNode();
    long end = 0;
    for (Map.Entry<String, long[]> tensor : shapes.entrySet()) {
      boolean counter = tensor.getKey().endsWith("num_batches_tracked");
      TensorInfo info =
          new TensorInfo(tensor.getKey(), counter ? DType.I64 : DType.F16, tensor.getValue());
      ObjectNode entry = header.putObject(info.name());
      entry.put("dtype", info.dtype().name());
      entry.putPOJO("shape", info.shape());
      entry.putPOJO("data_offsets", new long[] {end, end + info.bytes()});
      end += info.bytes();
    }
    byte[] json = header.toString().getBytes(StandardCharsets.UTF_8);
    try (RandomAccessFile out = new RandomAccessFile(file.toFile(), "rw")) {
      out.write(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(json.length).array());
      out.write(json);
      out.setLength(8 + json.length + end);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return file;
  }
}
