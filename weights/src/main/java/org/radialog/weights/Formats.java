package org.radialog.weights;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.radialog.base.Printable;

/** Recognises the format of a checkpoint by its content and reads its headers. */
final class Formats {
  private static final String INDEX = ".index.json";
  private static final String GGUF = "GGUF";

  /** The files to look for in a folder, in this order. */
  private static final List<String> PREFERENCE =
      List.of(".safetensors" + INDEX, ".safetensors", ".bin" + INDEX, ".gguf");

  private static final int BEGINNING = 200; // bytes that are examined to recognise a text

  private Formats() {}

  static Checkpoint.Contents read(Path path, Arena arena) throws IOException {
    if (Files.isDirectory(path)) {
      return read(onlyCheckpoint(path), arena);
    }
    if (!path.toString().endsWith(INDEX)) {
      return readFile(path, arena);
    }
    return Sharded.read(
        path,
        Sharded.bytes(path),
        shard -> {
          if (!Files.isRegularFile(shard)) {
            throw new WeightsRefused(
                path, "its shard " + shard.getFileName() + " is missing from the same folder");
          }
          return readFile(shard, arena);
        });
  }

  /** Reads a single file that is not an index of others. */
  static Checkpoint.Contents readFile(Path path, Arena arena) throws IOException {
    if (!Files.isRegularFile(path)) {
      throw new WeightsRefused(path, "there is no such file");
    }
    MemorySegment file;
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      file = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena).asReadOnly();
    }
    return readBytes(path, file);
  }

  /** Reads the content of a single file. */
  static Checkpoint.Contents readBytes(Path path, MemorySegment file) {
    if (file.byteSize() >= 4 && new Bytes(path, file).ascii(4).equals(GGUF)) {
      return Gguf.read(path, file);
    }
    if (ZipArchive.starts(file)) {
      return PyTorch.readZip(path, file);
    }
    // A pickle begins with 0x80 and its protocol number. The length of a safetensors header may
    // begin the same way, but JSON follows it.
    if ((PyTorch.isPickle(file) || Pickle.namesFirst(file)) && !Safetensors.starts(file)) {
      return PyTorch.readPickle(path, file);
    }
    if (!Safetensors.starts(file)) {
      no(path, file);
    }
    return Safetensors.read(path, file);
  }

  // Content that a failed download often leaves under the name of a checkpoint.
  private static void no(Path path, MemorySegment file) {
    byte[] first =
        file.asSlice(0, Math.min(file.byteSize(), BEGINNING)).toArray(ValueLayout.JAVA_BYTE);
    if (first.length == 0) {
      throw new WeightsRefused(path, "it is empty; download it again");
    }
    String text = new String(first, StandardCharsets.UTF_8).replaceFirst("^\\uFEFF?\\s*", "");
    String lower = text.toLowerCase(Locale.ROOT);
    if (text.startsWith("version https://git-lfs.github.com/spec/")
        || text.startsWith("version https://hawser.github.com/spec/")) {
      throw new WeightsRefused(
          path,
          "it is a Git LFS pointer, not the weights; run git lfs pull in its repository,"
              + " or download the file itself");
    }
    if (lower.startsWith("<!doctype") || lower.startsWith("<html") || lower.startsWith("<head")) {
      throw new WeightsRefused(
          path,
          "it is a web page, not the weights; download the file itself, logging in if"
              + " required");
    }
    if (lower.startsWith("<?xml") || lower.startsWith("<error")) {
      throw new WeightsRefused(path, "it is an XML file, not the weights; download the file again");
    }
    if (text.startsWith("{") && text.replaceFirst("^\\{\\s*", "").startsWith("\"")) {
      throw new WeightsRefused(path, "it is a JSON file, not the weights; download the file again");
    }
    if (text.chars()
        .allMatch(c -> (c >= ' ' && c != 0x7f && c != 0xfffd) || Character.isWhitespace(c))) {
      throw new WeightsRefused(
          path,
          "it is a text file, not the weights: it begins with \""
              + Printable.of(text.strip())
              + "\"; download the file again");
    }
    if (allZero(file)) {
      throw new WeightsRefused(
          path, "it contains only zeros, not the weights; download the file again");
    }
  }

  private static boolean allZero(MemorySegment file) {
    return file.get(ValueLayout.JAVA_BYTE, 0) == 0
        && file.asSlice(1).mismatch(file.asSlice(0, file.byteSize() - 1)) < 0;
  }

  private static Path onlyCheckpoint(Path folder) throws IOException {
    List<Path> files;
    try (Stream<Path> children = Files.list(folder)) {
      files = children.sorted().toList();
    }
    for (String end : PREFERENCE) {
      List<Path> found = files.stream().filter(f -> f.toString().endsWith(end)).toList();
      if (found.size() == 1) {
        return found.getFirst();
      }
      if (!found.isEmpty()) {
        throw new WeightsRefused(
            folder, "the folder has " + found.size() + " checkpoints *" + end + ": name the file");
      }
    }
    throw new WeightsRefused(
        folder, "the folder has no checkpoint *" + String.join(", *", PREFERENCE));
  }
}
