package org.radialog.testing;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import java.util.SequencedMap;
import org.radialog.base.WholeFile;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Writes safetensors files like Hugging Face's {@code save_pretrained}; elements are generated
 * during writing.
 */
public final class SafetensorsFile {
  private SafetensorsFile() {}

  /** Writes {@code tensors} in order, without gaps. */
  public static void write(Path file, SequencedMap<String, Weight> tensors) {
    ObjectNode header = Golden.JSON.createObjectNode();
    header.putObject("__metadata__").put("format", "pt");
    long offset = 0;
    for (Map.Entry<String, Weight> tensor : tensors.entrySet()) {
      Weight weight = tensor.getValue();
      ObjectNode node = header.putObject(tensor.getKey()).put("dtype", weight.dtype().name());
      ArrayNode shape = node.putArray("shape");
      for (long dimension : weight.shape()) {
        shape.add(dimension);
      }
      node.putArray("data_offsets").add(offset).add(offset += weight.bytes());
    }
    String json = header.toString();
    byte[] padded =
        (json + " ".repeat(Math.floorMod(-json.getBytes(StandardCharsets.UTF_8).length, 8)))
            .getBytes(StandardCharsets.UTF_8);
    WholeFile.write(
        file,
        out -> {
          out.write(new Fields().u64(padded.length).toArray());
          out.write(padded);
          for (Weight weight : tensors.values()) {
            weight.writeTo(out);
          }
        });
  }
}
