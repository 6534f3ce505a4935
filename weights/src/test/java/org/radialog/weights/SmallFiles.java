package org.radialog.weights;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SequencedMap;

/** Well-formed files of a few hundred bytes that hold what the golden ones lack. */
final class SmallFiles {
  private SmallFiles() {}

  static Map<String, byte[]> all(Path folder) throws IOException {
    Map<String, byte[]> files = new LinkedHashMap<>();
    files.put("small.safetensors", safetensors(folder, "a", "b"));
    files.put("small-1-of-2.safetensors", safetensors(folder, "a"));
    files.put("small-2-of-2.safetensors", safetensors(folder, "b"));
    files.put(
        "small.index.json",
        ("{\"metadata\": {\"total_size\": 64}, \"weight_map\": {\"a\": \"small-1-of-2.safetensors\","
                + " \"b\": \"small-2-of-2.safetensors\"}}")
            .getBytes(StandardCharsets.UTF_8));
    files.put("small-v2.gguf", gguf(2));
    files.put("small-v3.gguf", gguf(3));
    files.put("small.pt", views());
    files.put("small.pkl", Pickles.bytes(numpy()));
    return files;
  }

  private static byte[] safetensors(Path folder, String... names) throws IOException {
    SequencedMap<String, SafetensorsWriter.Entry> tensors = new LinkedHashMap<>();
    for (String name : names) {
      tensors.put(name, SafetensorsWriter.Entry.of(DType.F32, new float[] {1, 2, 3, 4}, 2, 2));
      tensors.put(name + ".n", SafetensorsWriter.Entry.of(new long[] {7}, 1));
      tensors.put(name + ".h", SafetensorsWriter.Entry.of(DType.BF16, new float[] {1, 2, 3}, 3));
    }
    Path file = folder.resolve("small.safetensors");
    SafetensorsWriter.write(file, Map.of("format", "pt"), tensors);
    return Files.readAllBytes(file);
  }

  /** Metadata of every type, nested lists, and tensors of several. */
  private static byte[] gguf(int version) {
    var out = new ByteArrayOutputStream();
    out.writeBytes("GGUF".getBytes(StandardCharsets.US_ASCII));
    number(out, version, 4);
    number(out, 4, 8);
    number(out, 15, 8);
    for (int type = 0; type < 13; type++) {
      string(out, "key." + type);
      number(out, type, 4);
      switch (type) {
        case 0, 1, 7 -> number(out, 1, 1);
        case 2, 3 -> number(out, 300, 2);
        case 4, 5, 6 -> number(out, 70_000, 4);
        case 8 -> string(out, "a text of some length");
        case 9 -> {
          number(out, 4, 4);
          number(out, 3, 8);
          number(out, 1, 4);
          number(out, 2, 4);
          number(out, 3, 4);
        }
        default -> number(out, 1L << 40, 8);
      }
    }
    string(out, "general.alignment");
    number(out, 4, 4);
    number(out, 64, 4);
    // A list of two lists of texts.
    string(out, "nested");
    number(out, 9, 4);
    number(out, 9, 4);
    number(out, 2, 8);
    for (int i = 0; i < 2; i++) {
      number(out, 8, 4);
      number(out, 2, 8);
      string(out, "one");
      string(out, "two");
    }
    tensor(out, "f32", 0, 0, 4, 2);
    tensor(out, "q8_0", 8, 64, 32, 2);
    tensor(out, "q4_k", 12, 192, 256);
    tensor(out, "i32", 26, 384, 3);
    number(out, 0, (64 - out.size() % 64) % 64);
    number(out, 0x3f800000, 4);
    out.writeBytes(new byte[400]);
    return out.toByteArray();
  }

  private static void tensor(
      ByteArrayOutputStream out, String name, int type, int offset, long... dimensions) {
    string(out, name);
    number(out, dimensions.length, 4);
    for (long dimension : dimensions) {
      number(out, dimension, 8);
    }
    number(out, type, 4);
    number(out, offset, 8);
  }

  private static void string(ByteArrayOutputStream out, String text) {
    byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
    number(out, utf8.length, 8);
    out.writeBytes(utf8);
  }

  private static void number(ByteArrayOutputStream out, long value, int width) {
    for (int i = 0; i < width; i++) {
      out.write(i < Long.BYTES ? (int) (value >>> (8 * i)) : 0);
    }
  }

  /**
   * A storage seen whole, turned, in part and repeated; a parameter; an object, a class, a path.
   */
  private static byte[] views() {
    String pickle =
        "\u0080\2ccollections\nOrderedDict\n)R("
            + Pickles.text("whole")
            + Pickles.tensor("K\0", "K\2K\3\u0086", "K\3K\1\u0086")
            + Pickles.text("turned")
            + Pickles.tensor("K\0", "K\3K\2\u0086", "K\1K\3\u0086")
            + Pickles.text("part")
            + Pickles.tensor("K\1", "K\2\u0085", "K\2\u0085")
            + Pickles.text("repeated")
            + Pickles.tensor("K\0", "K\4K\6\u0086", "K\0K\1\u0086")
            + Pickles.text("parameter")
            + "ctorch._utils\n_rebuild_parameter\n"
            + Pickles.tensor("K\0", "K\6\u0085", "K\1\u0085")
            + "\u0088N\u0087R"
            + Pickles.text("object")
            + "cm\nSettings\n)\u0081}"
            + Pickles.text("rate")
            + "G?PbM\322\361\251\374sb"
            + Pickles.text("class")
            + "cm\nCallback\n"
            + Pickles.text("path")
            + "cpathlib\nPosixPath\n"
            + Pickles.text("a")
            + "\u0085R"
            + Pickles.text("list")
            + "](NK\1M\1\1J\1\1\1\1\u008a\1\1\u0088e"
            + Pickles.text("tuple")
            + "(K\1K\2K\3K\4t"
            + "u.";
    Map<String, byte[]> entries = new LinkedHashMap<>();
    entries.put("small/data.pkl", Pickles.bytes(pickle));
    entries.put("small/byteorder", Pickles.bytes("little"));
    byte[] storage = new byte[24];
    MemorySegment.copy(
        new float[] {1, 2, 3, 4, 5, 6}, 0, MemorySegment.ofArray(storage), Bytes.FLOAT, 0, 6);
    entries.put("small/data/0", storage);
    entries.put("small/version", Pickles.bytes("3\n"));
    return ZipMutation.zip(entries);
  }

  /** Bytes as protocol 2 writes them, a column-major array, a scalar. */
  private static String numpy() {
    String encoded =
        "c_codecs\nencode\n" + Pickles.text("\0\0\u0080?") + Pickles.text("latin1") + "\u0086R";
    return "\u0080\2}("
        + Pickles.text("one")
        + Pickles.array("f4", "<", "K\1\u0085", "\u0089", encoded)
        + Pickles.text("columns")
        + Pickles.array("u1", "|", "K\2K\3\u0086", "\u0088", "C\6\1\2\3\4\5\6")
        + Pickles.text("scalar")
        + "cnumpy.core.multiarray\nscalar\n"
        + Pickles.numpyType("f4", "<")
        + "C\4\0\0\0\0\u0086R"
        + "u.";
  }
}
