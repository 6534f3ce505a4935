package org.radialog.weights;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.stream.Stream;

/** Tells a checkpoint's format by its content and reads its headers. */
final class Formats {
  private static final String INDEX = ".safetensors.index.json";
  private static final String GGUF = "GGUF";

  private Formats() {}

  static Checkpoint.Contents read(Path path, Arena arena) throws IOException {
    if (Files.isDirectory(path)) {
      return read(onlyCheckpoint(path), arena);
    }
    if (path.getFileName().toString().endsWith(INDEX)) {
      return Sharded.read(path, arena);
    }
    MemorySegment file = map(path, arena);
    Bytes start = new Bytes(path, file);
    if (file.byteSize() >= 4 && start.ascii(4).equals(GGUF)) {
      return Gguf.read(path, file);
    }
    if (ZipArchive.starts(file)) {
      return PyTorch.readZip(path, file);
    }
    // A safetensors file begins with the length of its header, a pickle with 0x80 and its protocol;
    // a header of that many bytes would be one of 128 plus a multiple of 256 that no JSON follows.
    if (PyTorch.isPickle(file) && !Safetensors.starts(file)) {
      return PyTorch.readPickle(path, file);
    }
    return Safetensors.read(path, file);
  }

  static MemorySegment map(Path path, Arena arena) throws IOException {
    if (!Files.isRegularFile(path)) {
      throw new WeightsRefused(path, "there is no such file");
    }
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      return channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena).asReadOnly();
    }
  }

  private static Path onlyCheckpoint(Path folder) throws IOException {
    try (Stream<Path> children = Files.list(folder)) {
      List<Path> files = children.sorted().toList();
      List<Path> indices = ending(files, INDEX);
      List<Path> candidates = indices.isEmpty() ? ending(files, ".safetensors") : indices;
      if (candidates.size() != 1) {
        throw new WeightsRefused(
            folder,
            "the folder has "
                + candidates.size()
                + " checkpoints (*"
                + INDEX
                + ", else *.safetensors), expected one: name the file");
      }
      return candidates.getFirst();
    }
  }

  private static List<Path> ending(List<Path> files, String end) {
    return files.stream().filter(f -> f.getFileName().toString().endsWith(end)).toList();
  }
}
