package org.radialog.weights;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SequencedMap;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;

/**
 * The memory-mapped tensors of a checkpoint file or of a sharded checkpoint. Opening reads headers
 * only.
 *
 * <p>Files are treated as hostile: every size is compared with the bytes that exist before anything
 * is allocated, and nothing in a file can run code. A file that cannot be read completely is
 * refused when it is opened.
 *
 * <p>Safe for use by several threads until closed.
 */
public final class Checkpoint implements AutoCloseable {
  /** The metadata key for the class name of an object of an unknown class. */
  static final String CLASS = "__class__";

  /** A tensor and the location of its elements. */
  record Stored(TensorInfo info, Elements elements) {}

  /** The result of reading one format. */
  record Contents(
      String format, Map<String, Object> metadata, SequencedMap<String, Stored> tensors) {}

  private final Path file;
  private final Arena arena;
  private final Contents contents;
  private final SequencedMap<String, TensorInfo> tensors = new LinkedHashMap<>();

  private Checkpoint(Path file, Arena arena, Contents contents) {
    this.file = file;
    this.arena = arena;
    this.contents = contents;
    contents.tensors.forEach((name, stored) -> tensors.put(name, stored.info));
  }

  /**
   * Opens a checkpoint. The format is recognised by the content: safetensors, GGUF, a PyTorch
   * archive, a PyTorch file from before 1.6, or a pickled dict of numpy arrays. A {@code
   * *.index.json} stands for the shards that it lists, a folder for its only index, safetensors or
   * GGUF file.
   *
   * <p>The tensors of a pickle are named by their path: {@code optimizer_states.0.state.0.exp_avg}.
   * The tensors in the {@code state_dict}, {@code model_state_dict} or {@code model} of a training
   * checkpoint have their plain names; a single tensor is called {@code tensor}.
   *
   * @throws WeightsRefused if the file is missing, damaged, of an unknown format or not trustworthy
   */
  @SuppressWarnings("MustBeClosedChecker") // the arena is closed by close
  public static Checkpoint open(Path fileOrFolder) {
    Arena arena = Arena.ofShared();
    try {
      return new Checkpoint(fileOrFolder, arena, Formats.read(fileOrFolder, arena));
    } catch (IOException e) {
      arena.close();
      throw new WeightsRefused(fileOrFolder, "it cannot be read: " + e, e);
    } catch (RuntimeException | Error e) {
      arena.close();
      throw e;
    }
  }

  /** A checkpoint in memory, which needs no closing. */
  static Checkpoint of(Path name, Contents contents) {
    return new Checkpoint(name, Arena.global(), contents);
  }

  /**
   * {@code safetensors}, {@code GGUF v2}, {@code GGUF v3}, {@code PyTorch zip}, {@code PyTorch
   * legacy} or {@code pickle}, followed by {@code , sharded} if an index was opened.
   */
  public String format() {
    return contents.format;
  }

  /**
   * The metadata of the file. From safetensors: strings. From GGUF: {@code String}, {@code
   * Boolean}, {@code Long} (every integer type; {@code BigInteger} from 2^63 on), {@code Double}
   * (both float types) or a {@code List} of these. From a pickle: the same, where a {@code List} is
   * a list, tuple or size, an empty {@code Optional} is None, and a {@code Map} is a dict without
   * its tensors or an object of an unknown class. The name of that class is stored under {@code
   * __class__}, and none of its code has been run.
   */
  public Map<String, Object> metadata() {
    return Collections.unmodifiableMap(contents.metadata);
  }

  /** The tensors by name, in the order of the file. */
  public SequencedMap<String, TensorInfo> tensors() {
    return Collections.unmodifiableSequencedMap(tensors);
  }

  /**
   * The description of one tensor.
   *
   * @throws RadialogException if there is no such tensor
   */
  public TensorInfo tensor(String name) {
    return stored(name).info;
  }

  /**
   * The raw little-endian bytes of a tensor, row-major without gaps, read-only: a view of the
   * mapped file if they are stored like this. Valid until {@link #close}.
   *
   * @throws RadialogException if there is no such tensor
   */
  public MemorySegment bytes(String name) {
    return stored(name).elements.contiguous(stored(name).info);
  }

  /**
   * A floating-point or quantised tensor in fp32, row-major.
   *
   * @throws RadialogException if there is no such tensor, if it is an integer tensor, or if it has
   *     more than 2^31 - 9 elements
   */
  public float[] floats(String name) {
    return floats(name, 0, arrayLength(stored(name).info));
  }

  /**
   * {@code count} elements of a floating-point or quantised tensor in fp32, starting at the flat
   * row-major index {@code from}; both are multiples of the block size of the type.
   *
   * @throws RadialogException if there is no such tensor or if it is an integer tensor
   * @throws IndexOutOfBoundsException if the range exceeds the tensor
   */
  public float[] floats(String name, long from, int count) {
    TensorInfo info = computable(name);
    if (info.dtype().integer()) {
      throw new RadialogException(
          Kind.REFUSED_WEIGHTS,
          "tensor " + info + " of " + file + " is an integer tensor: read it with longs");
    }
    float[] values = new float[checkedRange(info, from, count)];
    Decoding.floats(info.dtype(), stored(name).elements.range(info, from, count), values);
    return values;
  }

  /**
   * A tensor of any plain type in double precision, row-major; a quantised tensor is converted
   * through fp32.
   *
   * @throws RadialogException if there is no such tensor or if it has more than 2^31 - 9 elements
   */
  public double[] doubles(String name) {
    TensorInfo info = computable(name);
    double[] values = new double[arrayLength(info)];
    if (info.dtype() == DType.F64) {
      MemorySegment.copy(bytes(name), Bytes.DOUBLE, 0, values, 0, values.length);
    } else if (info.dtype().integer()) {
      long[] longs = longs(name);
      Arrays.setAll(values, i -> longs[i]);
    } else {
      float[] floats = floats(name);
      Arrays.setAll(values, i -> floats[i]);
    }
    return values;
  }

  /**
   * An integer or boolean tensor as 64-bit integers, row-major; U64 values wrap.
   *
   * @throws RadialogException if there is no such tensor, if it is not an integer tensor, or if it
   *     has more than 2^31 - 9 elements
   */
  public long[] longs(String name) {
    TensorInfo info = computable(name);
    if (!info.dtype().integer()) {
      throw new RadialogException(
          Kind.REFUSED_WEIGHTS,
          "tensor " + info + " of " + file + " is not an integer tensor: read it with floats");
    }
    long[] values = new long[arrayLength(info)];
    Decoding.longs(info.dtype(), bytes(name), values);
    return values;
  }

  /**
   * Returns the pages of the tensors read so far to the system, so that they no longer count as
   * memory of this process. All tensors remain readable; pages that are needed again are read from
   * the file.
   */
  public void unload() {
    for (Stored stored : contents.tensors.values()) {
      MemorySegment memory = stored.elements.memory();
      if (memory.isMapped()) {
        memory.unload();
      }
    }
  }

  /** Unmaps the file; segments returned earlier become invalid. */
  @Override
  public void close() {
    if (arena.scope().isAlive()) {
      arena.close();
    }
  }

  private TensorInfo computable(String name) {
    TensorInfo info = stored(name).info;
    if (info.foreign().isPresent()) {
      throw new RadialogException(
          Kind.REFUSED_WEIGHTS,
          "tensor "
              + info
              + " of "
              + file
              + " is of the type "
              + info.type()
              + ", which this program can list but cannot compute with; use the model in"
              + " another type");
    }
    return info;
  }

  private static int checkedRange(TensorInfo info, long from, int count) {
    int block = info.blockElements();
    if (from < 0
        || count < 0
        || from > info.elements() - count
        || from % block != 0
        || count % block != 0) {
      throw new IndexOutOfBoundsException(
          count + " elements from " + from + " of " + info + " in blocks of " + block);
    }
    return count;
  }

  private int arrayLength(TensorInfo info) {
    long elements = info.elements();
    if (elements > Integer.MAX_VALUE - 8) {
      throw new RadialogException(
          Kind.REFUSED_WEIGHTS,
          "tensor "
              + info
              + " of "
              + file
              + " has too many elements for one array: read it by rows");
    }
    return (int) elements;
  }

  private Stored stored(String name) {
    Stored stored = contents.tensors.get(name);
    if (stored == null) {
      throw new RadialogException(
          Kind.REFUSED_WEIGHTS,
          file + " has no tensor " + name + " among its " + tensors.size() + " tensors");
    }
    return stored;
  }
}
