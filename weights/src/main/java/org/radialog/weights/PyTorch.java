package org.radialog.weights;

import java.lang.foreign.MemorySegment;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;

/**
 * Reads files written by {@code torch.save} (current archives and the streams from before PyTorch
 * 1.6) and pickled dicts of numpy arrays.
 */
final class PyTorch {
  private static final BigInteger LEGACY_MAGIC = new BigInteger("1950a86a20f9469cfc6c", 16);
  private static final long LEGACY_PROTOCOL = 1001;

  /** The keys under which a training checkpoint stores the state dict. */
  private static final List<String> WRAPPERS = List.of("state_dict", "model_state_dict", "model");

  private static final int MAX_NESTING = 100;

  /**
   * Maximum number of values in all dicts and lists, counting each reference. Every opcode creates
   * or references one value, so far more are possible only if containers contain the same container
   * many times.
   */
  private static final int MAX_VALUES = 2_000_000;

  private static final int FEW_VALUES = 5000;
  private static final int MAX_NAME = 2000;
  private static final long MAX_ALL_NAMES = 1 << 26;

  /**
   * A view that repeats elements may always have this many bytes; beyond that it may not be larger
   * than the file.
   */
  private static final long SMALL_VIEW = 1 << 20;

  private final Path file;
  private final long fileBytes;
  private final Map<String, MemorySegment> storages = new HashMap<>();
  private final SequencedMap<String, Checkpoint.Stored> tensors = new LinkedHashMap<>();
  private long maxValues;
  private long maxNameCharacters;
  private int values;
  private long nameCharacters;

  private PyTorch(Path file, MemorySegment bytes) {
    this.file = file;
    this.fileBytes = bytes.byteSize();
  }

  static boolean isPickle(MemorySegment bytes) {
    return bytes.byteSize() >= 2 && (bytes.get(Bytes.SHORT, 0) & 0xff) == 0x80;
  }

  static Checkpoint.Contents readZip(Path file, MemorySegment bytes) {
    PyTorch reader = new PyTorch(file, bytes);
    ZipArchive zip = ZipArchive.read(file, bytes);
    String root = root(file, zip);
    if (zip.entry(root + "byteorder").map(PyTorch::text).orElse("little").equals("big")) {
      throw new WeightsRefused(file, "it is big-endian: save it on a little-endian machine");
    }
    MemorySegment pickle = zip.entry(root + "data.pkl").orElseThrow();
    Bytes in = new Bytes(file, pickle);
    Pickle.Result content = Pickle.read(in);
    StorageSource source =
        storage ->
            zip.entry(root + "data/" + storage.key())
                .orElseThrow(() ->
                    new WeightsRefused(
                        file, "the archive has no storage " + root + "data/" + storage.key()));
    return reader.contents("PyTorch zip", content, source);
  }

  static Checkpoint.Contents readPickle(Path file, MemorySegment bytes) {
    PyTorch reader = new PyTorch(file, bytes);
    Bytes in = new Bytes(file, bytes);
    Pickle.Result first = Pickle.read(in);
    if (first.value().equals(LEGACY_MAGIC)) {
      return reader.readLegacy(in);
    }
    if (in.left() != 0) {
      throw in.refused(in.left() + " bytes follow the pickle");
    }
    StorageSource none =
        storage -> {
          throw new WeightsRefused(file, "a bare pickle cannot contain storage " + storage.key());
        };
    return reader.contents("pickle", first, none);
  }

  /** Gives the bytes of a storage. */
  private interface StorageSource {
    MemorySegment bytes(Pickle.Storage storage);
  }

  private static String text(MemorySegment bytes) {
    return new String(
        Pickle.array(bytes.asSlice(0, Math.min(bytes.byteSize(), 16))), StandardCharsets.US_ASCII);
  }

  private static String root(Path file, ZipArchive zip) {
    List<String> roots = new ArrayList<>();
    for (String name : zip.names()) {
      if (name.endsWith("/data.pkl") && name.indexOf('/') == name.length() - "/data.pkl".length()) {
        roots.add(name.substring(0, name.length() - "data.pkl".length()));
      }
    }
    if (roots.size() != 1) {
      throw new WeightsRefused(
          file, "the archive has " + roots.size() + " entries */data.pkl, expected one");
    }
    return roots.getFirst();
  }

  // Pickles of magic number, protocol, machine, content and storage keys; then, for each key, the
  // number of elements and the elements.
  private Checkpoint.Contents readLegacy(Bytes in) {
    if (!Pickle.read(in).value().equals(LEGACY_PROTOCOL)) {
      throw in.refused("the protocol is not " + LEGACY_PROTOCOL);
    }
    if (!(Pickle.read(in).value() instanceof Pickle.Dict machine
        && Boolean.TRUE.equals(machine.items.get("little_endian")))) {
      throw in.refused("it is not little-endian");
    }
    Pickle.Result content = Pickle.read(in);
    if (!(Pickle.read(in).value() instanceof Pickle.Sequence keys)) {
      throw in.refused("the list of storage keys is missing");
    }
    Map<Object, MemorySegment> data = new HashMap<>();
    for (Object key : keys.items) {
      Pickle.Storage storage = content.storages().get(key);
      if (storage == null) {
        throw in.refused("a storage is in the list of keys, but no tensor has it");
      }
      DType type = storage.dtype();
      long elements = in.i64();
      if (elements < 0 || elements > in.left() / type.blockBytes()) {
        throw in.refused(
            "storage "
                + key
                + " has "
                + Long.toUnsignedString(elements)
                + " elements of "
                + type
                + ", but "
                + in.left()
                + " bytes are left");
      }
      if (data.put(key, in.take(elements * type.blockBytes())) != null) {
        throw in.refused("storage " + key + " occurs twice");
      }
    }
    if (in.left() != 0) {
      throw in.refused(in.left() + " bytes follow the last storage");
    }
    return contents(
        "PyTorch legacy",
        content,
        storage -> {
          MemorySegment bytes = data.get(storage.key());
          if (bytes == null) {
            throw new WeightsRefused(file, "there is no storage " + storage.key());
          }
          return bytes;
        });
  }

  private Checkpoint.Contents contents(String format, Pickle.Result content, StorageSource source) {
    maxValues = Math.min(MAX_VALUES, FEW_VALUES + 2L * content.opcodes());
    maxNameCharacters = Math.min(MAX_ALL_NAMES, (1 << 21) + 100L * content.opcodes());
    Map<String, Object> metadata = new LinkedHashMap<>();
    switch (content.value()) {
      case Pickle.Tensor _, Pickle.NumpyArray _ -> walk("tensor", content.value(), source, 0);
      case Pickle.Dict dict -> {
        Optional<String> wrapper = wrapper(dict);
        for (Map.Entry<Object, Object> entry : dict.items.entrySet()) {
          String key = key(entry.getKey());
          String path = wrapper.equals(Optional.of(key)) ? "" : key;
          put(metadata, key, walk(path, entry.getValue(), source, 1));
        }
      }
      case Pickle.Opaque opaque -> put(metadata, opaque.type.dotted(), walk("", opaque, source, 0));
      default -> throw new WeightsRefused(file, "its pickle holds neither a dict nor a tensor");
    }
    if (tensors.isEmpty()) {
      throw new WeightsRefused(file, "its pickle holds no tensor");
    }
    return new Checkpoint.Contents(format, metadata, tensors);
  }

  private static Optional<String> wrapper(Pickle.Dict dict) {
    for (String name : WRAPPERS) {
      if (dict.items.get(name) instanceof Pickle.Dict inner
          && inner.items.values().stream().anyMatch(Pickle.Tensor.class::isInstance)) {
        return Optional.of(name);
      }
    }
    return Optional.empty();
  }

  /** The metadata representation of a value; tensors in it are recorded under {@code path}. */
  private Object walk(String path, Object value, StorageSource source, int depth) {
    if (depth > MAX_NESTING) {
      throw new WeightsRefused(file, "its pickle is nested more than " + MAX_NESTING + " deep");
    }
    if (++values > maxValues) {
      throw new WeightsRefused(
          file, "its pickle holds, or refers to, more than " + maxValues + " values");
    }
    return switch (value) {
      case Pickle.None _ -> Optional.empty();
      case Pickle.Tensor tensor -> note(path, stored(path, tensor, source));
      case Pickle.NumpyArray array -> note(path, stored(path, array));
      case Pickle.Dict dict -> map(path, dict, source, depth, new LinkedHashMap<>());
      case Pickle.Tuple tuple -> list(path, tuple.items, source, depth);
      case Pickle.Sequence sequence -> list(path, sequence.items, source, depth);
      case Pickle.Opaque opaque -> opaque(path, opaque, source, depth);
      case Pickle.Global global -> "class " + global.dotted();
      case Pickle.Storage storage -> storage.toString();
      case Pickle.NumpyType type -> type.dtype.name();
      case MemorySegment bytes -> bytes.byteSize() + " bytes";
      default -> value;
    };
  }

  private Map<String, Object> map(
      String path, Pickle.Dict dict, StorageSource source, int depth, Map<String, Object> into) {
    for (Map.Entry<Object, Object> entry : dict.items.entrySet()) {
      String key = key(entry.getKey());
      put(into, key, walk(child(path, key), entry.getValue(), source, depth + 1));
    }
    return into;
  }

  private List<Object> list(String path, List<Object> items, StorageSource source, int depth) {
    List<Object> list = new ArrayList<>(items.size());
    for (int i = 0; i < items.size(); i++) {
      list.add(walk(child(path, Integer.toString(i)), items.get(i), source, depth + 1));
    }
    return list;
  }

  private Map<String, Object> opaque(
      String path, Pickle.Opaque opaque, StorageSource source, int depth) {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put(Checkpoint.CLASS, opaque.type.dotted());
    if (!opaque.arguments.isEmpty()) {
      fields.put("__arguments__", list(path, opaque.arguments, source, depth));
    }
    map(path, opaque.items, source, depth, fields);
    if (!opaque.sequence.items.isEmpty()) {
      fields.put("__items__", list(path, opaque.sequence.items, source, depth));
    }
    switch (opaque.state) {
      case Pickle.None _ -> {}
      case Pickle.Dict dict -> map(path, dict, source, depth, fields);
      default -> put(fields, "__state__", walk(path, opaque.state, source, depth + 1));
    }
    return fields;
  }

  /** Tensors are listed separately, so they are omitted from dicts in the metadata. */
  private static void put(Map<String, Object> map, String key, Object value) {
    if (!(value instanceof TensorInfo)) {
      map.put(key, value);
    }
  }

  private String child(String path, String key) {
    String child = path.isEmpty() ? key : path + "." + key;
    if (child.length() > MAX_NAME) {
      throw new WeightsRefused(file, "a name has more than " + MAX_NAME + " characters: " + child);
    }
    return child;
  }

  private String key(Object key) {
    return switch (key) {
      case String text -> text;
      case Long _, Boolean _, Double _, BigInteger _ -> key.toString();
      case Pickle.None _ -> "None";
      case Pickle.Global global -> "class " + global.dotted();
      case Pickle.Opaque opaque -> "object of " + opaque.type.dotted();
      case Pickle.Tuple tuple when tuple.items.stream().allMatch(PyTorch::plain) -> key(tuple);
      default ->
          throw new WeightsRefused(
              file, "its pickle has a dict key that is neither a string nor a number");
    };
  }

  // The same long text may occur in it many times.
  private String key(Pickle.Tuple tuple) {
    long length =
        tuple.items.stream().mapToLong(i -> i instanceof String text ? text.length() : 1).sum();
    if (length > MAX_NAME) {
      throw new WeightsRefused(
          file, "its pickle has a tuple of more than " + MAX_NAME + " characters as a dict key");
    }
    return tuple.items.toString();
  }

  private static boolean plain(Object value) {
    return value instanceof String || value instanceof Long || value instanceof Double;
  }

  private TensorInfo note(String name, Checkpoint.Stored stored) {
    nameCharacters += name.length();
    if (nameCharacters > maxNameCharacters) {
      throw new WeightsRefused(
          file, "the names of its tensors have more than " + maxNameCharacters + " characters");
    }
    if (tensors.put(name, stored) != null) {
      throw new WeightsRefused(file, "two tensors have the name " + name);
    }
    return stored.info();
  }

  private Checkpoint.Stored stored(String name, Pickle.Tensor tensor, StorageSource source) {
    MemorySegment storage =
        storages.computeIfAbsent(
            tensor.storage.key(), _ -> storageBytes(tensor.storage, source.bytes(tensor.storage)));
    TensorInfo info = info(name, tensor.dtype, tensor.size);
    long bytes = Sizes.bytes(file, info);
    int each = tensor.dtype.blockBytes();
    long capacity = storage.byteSize() / each;
    long end = end(info, tensor);
    if (end > capacity) {
      throw new WeightsRefused(
          file,
          "tensor "
              + info
              + " reaches to element "
              + end
              + " of its storage, which has "
              + capacity
              + " elements");
    }
    if (rowMajor(tensor.size, tensor.stride)) {
      long begin = bytes == 0 ? 0 : tensor.offset * each;
      return new Checkpoint.Stored(info, new Elements.Contiguous(storage.asSlice(begin, bytes)));
    }
    checkView(info, bytes);
    return new Checkpoint.Stored(
        info, new Elements.Strided(storage, tensor.offset, tensor.stride.clone()));
  }

  private MemorySegment storageBytes(Pickle.Storage storage, MemorySegment bytes) {
    int each = storage.dtype().blockBytes();
    if (storage.elements() > bytes.byteSize() / each) {
      throw new WeightsRefused(
          file,
          "storage "
              + storage.key()
              + " announces "
              + storage.elements()
              + " elements of "
              + storage.dtype()
              + ", the file has "
              + bytes.byteSize()
              + " bytes of it");
    }
    return bytes.asSlice(0, storage.elements() * each);
  }

  /** One past the last element of the storage that the tensor uses. */
  private long end(TensorInfo info, Pickle.Tensor tensor) {
    if (tensor.offset < 0 || Arrays.stream(tensor.stride).anyMatch(s -> s < 0)) {
      throw new WeightsRefused(
          file,
          "tensor "
              + info
              + " has the offset "
              + tensor.offset
              + " and the strides "
              + Arrays.toString(tensor.stride)
              + ", expected none below 0");
    }
    if (info.elements() == 0) {
      return 0;
    }
    try {
      long last = tensor.offset;
      for (int i = 0; i < tensor.size.length; i++) {
        last = Math.addExact(last, Math.multiplyExact(tensor.size[i] - 1, tensor.stride[i]));
      }
      return Math.addExact(last, 1);
    } catch (ArithmeticException e) {
      throw new WeightsRefused(file, "tensor " + info + " reaches beyond 2^63 elements", e);
    }
  }

  private Checkpoint.Stored stored(String name, Pickle.NumpyArray array) {
    TensorInfo info = info(name, array.dtype, array.shape);
    long bytes = Sizes.bytes(file, info);
    if (bytes != array.bytes.byteSize()) {
      throw new WeightsRefused(
          file, "array " + info + " needs " + bytes + " bytes, has " + array.bytes.byteSize());
    }
    if (!array.columnMajor) {
      return new Checkpoint.Stored(info, new Elements.Contiguous(array.bytes.asReadOnly()));
    }
    long[] stride = new long[array.shape.length];
    long step = 1;
    for (int i = 0; i < stride.length; i++) {
      stride[i] = step;
      step *= array.shape[i];
    }
    return new Checkpoint.Stored(info, new Elements.Strided(array.bytes, 0, stride));
  }

  private TensorInfo info(String name, DType dtype, long[] shape) {
    if (Arrays.stream(shape).anyMatch(d -> d < 0)) {
      throw new WeightsRefused(
          file, "tensor " + name + " has the negative shape " + Arrays.toString(shape));
    }
    return new TensorInfo(name, dtype, shape);
  }

  /** Row-major without gaps; dimensions of one element may have any stride. */
  private static boolean rowMajor(long[] size, long[] stride) {
    if (Arrays.stream(size).anyMatch(d -> d == 0)) {
      return true;
    }
    long step = 1;
    for (int i = size.length - 1; i >= 0; i--) {
      if (size[i] != 1 && stride[i] != step) {
        return false;
      }
      step *= size[i];
    }
    return true;
  }

  // With strides of 0, any number of elements can refer to one.
  private void checkView(TensorInfo info, long bytes) {
    if (bytes > Math.max(SMALL_VIEW, fileBytes)) {
      throw new WeightsRefused(
          file,
          "tensor " + info + " has " + bytes + " bytes when written out, the file " + fileBytes);
    }
  }
}
