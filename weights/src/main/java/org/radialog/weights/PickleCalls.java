package org.radialog.weights;

import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** The calls that a pickle may make. Each of them is implemented here; all others are refused. */
final class PickleCalls {
  // Modules that no checkpoint has a reason to name, even without a call.
  private static final Set<String> FORBIDDEN =
      Set.of(
          "os",
          "posix",
          "nt",
          "subprocess",
          "sys",
          "shutil",
          "socket",
          "runpy",
          "importlib",
          "ctypes",
          "pty",
          "code",
          "codeop",
          "timeit",
          "pdb",
          "bdb",
          "pip",
          "imp",
          "operator",
          "_posixsubprocess",
          "builtins",
          "__builtin__",
          "pickle",
          "marshal",
          "webbrowser",
          "multiprocessing");

  private static final Set<String> PLAIN_BUILTINS =
      Set.of(
          "set",
          "frozenset",
          "object",
          "dict",
          "list",
          "tuple",
          "int",
          "float",
          "str",
          "bool",
          "bytes",
          "complex");

  // Constructors without side effects, represented by their name and arguments.
  private static final Set<String> KEPT =
      Set.of(
          "builtins.set",
          "builtins.frozenset",
          "builtins.complex",
          "__builtin__.set",
          "__builtin__.frozenset",
          "collections.defaultdict",
          "copyreg._reconstructor",
          "copy_reg._reconstructor",
          "datetime.date",
          "datetime.datetime",
          "datetime.timedelta",
          "pathlib.PosixPath",
          "pathlib.PurePosixPath",
          "pathlib.WindowsPath",
          "pathlib.PureWindowsPath",
          "pathlib._local.PosixPath",
          "torch.device");

  private static final String ADVICE =
      "Nothing was executed. Do not load the file in another program; get it from"
          + " its publisher, as safetensors if available";

  private static final int MAX_DIMENSIONS = 64;

  private final Bytes in;
  private final Map<String, Pickle.Storage> storages = new HashMap<>();
  private long copied;

  PickleCalls(Bytes in) {
    this.in = in;
  }

  /** All storages that the pickle has referenced so far. */
  Map<String, Pickle.Storage> storages() {
    return storages;
  }

  Pickle.Global global(String module, String name) {
    int dot = module.indexOf('.');
    String root = dot < 0 ? module : module.substring(0, dot);
    boolean plain = root.contains("builtin") && PLAIN_BUILTINS.contains(name);
    if (FORBIDDEN.contains(root) && !plain) {
      throw in.refused(
          "it is malicious: its pickle names "
              + module
              + "."
              + name
              + ", which runs commands or code if the file is loaded with Python. "
              + ADVICE);
    }
    return new Pickle.Global(module, name);
  }

  /** A refusal of a call, by any opcode, that is not implemented here. */
  WeightsRefused refusedCall(Object function) {
    String name = function instanceof Pickle.Global global ? global.dotted() : "an object";
    return in.refused(
        "it may be malicious: its pickle calls "
            + name
            + " if the file is loaded with Python, which no tensor needs. "
            + ADVICE);
  }

  Object call(Pickle.Global function, List<Object> arguments) {
    String name = function.dotted();
    return switch (name) {
      case "collections.OrderedDict" -> orderedDict(arguments);
      case "torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2" ->
          tensor(name, arguments, Optional.empty());
      case "torch._utils._rebuild_tensor_v3" ->
          tensor(name, arguments, Optional.of(torchType(argument(name, arguments, 6))));
      case "torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state" ->
          parameter(name, arguments);
      case "torch.Size" -> size(name, arguments);
      case "numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct" ->
          numpyArray(name, arguments);
      case "numpy.core.numeric._frombuffer", "numpy._core.numeric._frombuffer" ->
          numpyBuffer(name, arguments);
      case "numpy.dtype" -> numpyType(name, arguments);
      case "numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar" ->
          numpyScalar(name, arguments);
      case "_codecs.encode" -> encoded(name, arguments);
      default -> {
        if (!KEPT.contains(name)) {
          throw refusedCall(function);
        }
        yield new Pickle.Opaque(function, arguments);
      }
    };
  }

  Object newObject(Pickle.Global type, List<Object> arguments) {
    return type.dotted().equals("collections.OrderedDict")
        ? orderedDict(arguments)
        : new Pickle.Opaque(type, arguments);
  }

  void build(Object target, Object state) {
    switch (target) {
      case Pickle.Opaque opaque -> opaque.state = state;
      case Pickle.NumpyArray array -> buildArray(array, state);
      case Pickle.NumpyType type -> buildType(type, state);
      // Attributes such as _metadata of a state dict are not needed for tensors.
      case Pickle.Dict _, Pickle.Tensor _ -> {}
      default -> throw in.refused("the pickle sets the state of an object that has none");
    }
  }

  /** The persistent ids of PyTorch: ('storage', class, key, location, elements[, view]). */
  Pickle.Storage persistent(Object id) {
    if (id instanceof Pickle.Tuple tuple
        && tuple.items.size() >= 5
        && "storage".equals(tuple.items.get(0))
        && tuple.items.get(1) instanceof Pickle.Global type
        && tuple.items.get(2) instanceof String key
        && tuple.items.get(3) instanceof String
        && tuple.items.get(4) instanceof Long elements) {
      if (tuple.items.size() > 5 && tuple.items.get(5) != Pickle.None.NONE) {
        throw in.refused("storage " + key + " is a view of another: save the file anew");
      }
      if (elements < 0) {
        throw in.refused("storage " + key + " announces " + elements + " elements");
      }
      Pickle.Storage storage = new Pickle.Storage(storageType(type), key, elements);
      Pickle.Storage known = storages.putIfAbsent(key, storage);
      if (known != null && !known.equals(storage)) {
        throw in.refused("storage " + key + " is declared as " + known + " and as " + storage);
      }
      return storage;
    }
    throw in.refused("the pickle has a persistent id that is not a PyTorch storage");
  }

  private DType storageType(Pickle.Global type) {
    String name = type.dotted().replace("torch.cuda.", "torch.");
    return switch (name) {
      case "torch.DoubleStorage" -> DType.F64;
      case "torch.FloatStorage" -> DType.F32;
      case "torch.HalfStorage" -> DType.F16;
      case "torch.BFloat16Storage" -> DType.BF16;
      case "torch.LongStorage" -> DType.I64;
      case "torch.IntStorage" -> DType.I32;
      case "torch.ShortStorage" -> DType.I16;
      case "torch.CharStorage" -> DType.I8;
      case "torch.ByteStorage", "torch.UntypedStorage", "torch.storage.UntypedStorage" -> DType.U8;
      case "torch.BoolStorage" -> DType.BOOL;
      default -> throw in.refused("the pickle has the unknown storage class " + type.dotted());
    };
  }

  private DType torchType(Object dtype) {
    if (dtype instanceof Pickle.Global(String module, String name) && module.equals("torch")) {
      return switch (name) {
        case "float64" -> DType.F64;
        case "float32" -> DType.F32;
        case "float16" -> DType.F16;
        case "bfloat16" -> DType.BF16;
        case "int64" -> DType.I64;
        case "int32" -> DType.I32;
        case "int16" -> DType.I16;
        case "int8" -> DType.I8;
        case "uint64" -> DType.U64;
        case "uint32" -> DType.U32;
        case "uint16" -> DType.U16;
        case "uint8" -> DType.U8;
        case "bool" -> DType.BOOL;
        default -> throw in.refused("the pickle has a tensor of the unknown type torch." + name);
      };
    }
    throw in.refused("the pickle has a tensor whose type is not a torch type");
  }

  private Pickle.Dict orderedDict(List<Object> arguments) {
    Pickle.Dict dict = new Pickle.Dict();
    if (arguments.isEmpty()) {
      return dict;
    }
    // Python 2 wrote OrderedDict([[key, value], ...]).
    if (arguments.size() == 1 && arguments.get(0) instanceof Pickle.Sequence pairs) {
      copy(pairs.items.size());
      for (Object pair : pairs.items) {
        List<Object> items =
            switch (pair) {
              case Pickle.Sequence s -> s.items;
              case Pickle.Tuple t -> t.items;
              default -> List.of();
            };
        if (items.size() != 2) {
          throw in.refused("the pickle creates an OrderedDict from something that is not a pair");
        }
        dict.items.put(items.get(0), items.get(1));
      }
      return dict;
    }
    throw in.refused(
        "the pickle creates an OrderedDict from something that is not a list of pairs");
  }

  // (storage, offset, size, stride, requires_grad, hooks[, metadata or, in v3, dtype])
  private Pickle.Tensor tensor(String name, List<Object> arguments, Optional<DType> dtype) {
    if (argument(name, arguments, 0) instanceof Pickle.Storage storage
        && argument(name, arguments, 1) instanceof Long offset) {
      long[] size = longs(name, argument(name, arguments, 2));
      long[] stride = longs(name, argument(name, arguments, 3));
      if (size.length == stride.length) {
        return new Pickle.Tensor(storage, dtype.orElse(storage.dtype()), offset, size, stride);
      }
    }
    throw wrongArguments(name);
  }

  private Pickle.Tensor parameter(String name, List<Object> arguments) {
    if (argument(name, arguments, 0) instanceof Pickle.Tensor tensor) {
      return tensor;
    }
    throw wrongArguments(name);
  }

  private Pickle.Tuple size(String name, List<Object> arguments) {
    if (argument(name, arguments, 0) instanceof Pickle.Tuple size) {
      return size;
    }
    throw wrongArguments(name);
  }

  private Pickle.NumpyArray numpyArray(String name, List<Object> arguments) {
    if (argument(name, arguments, 0) instanceof Pickle.Global type
        && type.dotted().equals("numpy.ndarray")) {
      return new Pickle.NumpyArray();
    }
    throw wrongArguments(name);
  }

  // (bytes, type, shape, order[, order of the axes]): an array in protocol 5
  private Pickle.NumpyArray numpyBuffer(String name, List<Object> arguments) {
    if (arguments.size() >= 4
        && arguments.size() <= 5
        && arguments.get(0) instanceof MemorySegment bytes
        && arguments.get(1) instanceof Pickle.NumpyType type
        && arguments.get(3) instanceof String order
        && Set.of("C", "F").contains(order)
        && (arguments.size() == 4 || arguments.get(4) == Pickle.None.NONE)) {
      checkOrder(type);
      Pickle.NumpyArray array = new Pickle.NumpyArray();
      array.shape = longs(name, arguments.get(2));
      array.dtype = type.dtype;
      array.columnMajor = order.equals("F");
      array.bytes = bytes;
      return array;
    }
    throw wrongArguments(name);
  }

  private Pickle.NumpyType numpyType(String name, List<Object> arguments) {
    if (argument(name, arguments, 0) instanceof String code) {
      return new Pickle.NumpyType(
          switch (code) {
            case "f8" -> DType.F64;
            case "f4" -> DType.F32;
            case "f2" -> DType.F16;
            case "i8" -> DType.I64;
            case "i4" -> DType.I32;
            case "i2" -> DType.I16;
            case "i1" -> DType.I8;
            case "u8" -> DType.U64;
            case "u4" -> DType.U32;
            case "u2" -> DType.U16;
            case "u1" -> DType.U8;
            case "b1" -> DType.BOOL;
            default -> throw in.refused("the pickle has the unknown numpy type " + code);
          });
    }
    throw wrongArguments(name);
  }

  // (version, byte order, ...)
  private void buildType(Pickle.NumpyType type, Object state) {
    if (state instanceof Pickle.Tuple tuple
        && tuple.items.size() >= 2
        && tuple.items.get(1) instanceof String order
        && Set.of("<", "|", "=", ">").contains(order)) {
      type.bigEndian = order.equals(">");
      return;
    }
    throw in.refused("the pickle has a numpy type of unknown byte order");
  }

  // (version, shape, type, column-major, bytes)
  private void buildArray(Pickle.NumpyArray array, Object state) {
    if (state instanceof Pickle.Tuple tuple
        && tuple.items.size() == 5
        && tuple.items.get(2) instanceof Pickle.NumpyType type
        && tuple.items.get(3) instanceof Boolean columnMajor
        && tuple.items.get(4) instanceof MemorySegment bytes) {
      checkOrder(type);
      array.shape = longs("numpy.ndarray", tuple.items.get(1));
      array.dtype = type.dtype;
      array.columnMajor = columnMajor;
      array.bytes = bytes;
      return;
    }
    throw in.refused("the pickle has a numpy array of unknown state");
  }

  private Object numpyScalar(String name, List<Object> arguments) {
    if (argument(name, arguments, 0) instanceof Pickle.NumpyType type
        && argument(name, arguments, 1) instanceof MemorySegment bytes
        && bytes.byteSize() == type.dtype.blockBytes()) {
      checkOrder(type);
      if (type.dtype == DType.F64) {
        return bytes.get(Bytes.DOUBLE, 0);
      }
      if (type.dtype.floating()) {
        float[] value = new float[1];
        Decoding.floats(type.dtype, bytes, value);
        return (double) value[0];
      }
      long[] value = new long[1];
      Decoding.longs(type.dtype, bytes, value);
      return type.dtype == DType.BOOL ? (Object) (value[0] != 0) : (Object) value[0];
    }
    throw wrongArguments(name);
  }

  private void checkOrder(Pickle.NumpyType type) {
    if (type.bigEndian && type.dtype.blockBytes() > 1) {
      throw in.refused("the pickle has big-endian numpy data: save it little-endian");
    }
  }

  // Protocol 2 stores bytes as a text of the characters 0 to 255.
  private MemorySegment encoded(String name, List<Object> arguments) {
    if (argument(name, arguments, 0) instanceof String text
        && "latin1".equals(argument(name, arguments, 1))
        && latin1(text)) {
      return MemorySegment.ofArray(text.getBytes(StandardCharsets.ISO_8859_1));
    }
    throw wrongArguments(name);
  }

  private boolean latin1(String text) {
    copy(text.length());
    return text.chars().allMatch(c -> c < 256);
  }

  /**
   * Counts the bytes that calls copy. Each text and list is stored in the file once, so a pickle
   * that copies more bytes than it has must copy the same content repeatedly, in order to fill the
   * memory.
   */
  private void copy(long amount) {
    copied += amount;
    if (copied > in.position()) {
      throw in.refused("the pickle makes many copies of the same content");
    }
  }

  private Object argument(String name, List<Object> arguments, int index) {
    if (index >= arguments.size()) {
      throw wrongArguments(name);
    }
    return arguments.get(index);
  }

  private long[] longs(String name, Object tuple) {
    List<Object> items =
        switch (tuple) {
          case Pickle.Tuple t -> t.items;
          case Pickle.Sequence s -> s.items;
          default -> throw wrongArguments(name);
        };
    if (items.size() > MAX_DIMENSIONS) {
      throw wrongArguments(name);
    }
    long[] values = new long[items.size()];
    for (int i = 0; i < values.length; i++) {
      if (!(items.get(i) instanceof Long value)) {
        throw wrongArguments(name);
      }
      values[i] = value;
    }
    return values;
  }

  private WeightsRefused wrongArguments(String name) {
    return in.refused("the pickle calls " + name + " with invalid arguments");
  }
}
