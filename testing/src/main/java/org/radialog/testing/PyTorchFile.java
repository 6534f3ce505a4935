package org.radialog.testing;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import org.radialog.base.WholeFile;
import org.radialog.weights.DType;

/**
 * Writes a file in the format of {@code torch.save} since PyTorch 1.6: a zip of {@code data.pkl}
 * (pickle protocol 2) and one entry per storage. The tree consists of {@link Map} (a dict), {@link
 * List}, {@link String}, {@link Integer}, {@link Long}, {@link Double}, {@link Boolean}, {@link
 * Weight} (a tensor with a separate storage) and the types below. If the same object occurs twice,
 * it is one object in the file, so two entries can share a tensor, like tied weights.
 */
public final class PyTorchFile {
  private static final int BATCH = 1000;

  /** A Python object that has no Java equivalent. */
  public sealed interface Python {}

  /** Python's None. */
  public enum None implements Python {
    NONE
  }

  /**
   * A {@code collections.OrderedDict}.
   *
   * @param items the entries
   */
  public record OrderedDict(Map<?, ?> items) implements Python {}

  /**
   * A tuple.
   *
   * @param items the elements
   */
  public record Tuple(List<?> items) implements Python {}

  /**
   * A class, as a value or key.
   *
   * @param module name of the module
   * @param name name of the class
   */
  public record ClassName(String module, String name) implements Python {}

  /**
   * An object that is created without calling its constructor.
   *
   * @param type the class
   * @param items dict entries, if the class is a subclass of dict
   * @param state attributes
   */
  public record Instance(ClassName type, Map<?, ?> items, Map<?, ?> state) implements Python {}

  /**
   * A view of the storage of a tensor.
   *
   * @param storage the tensor that owns the storage
   * @param offset offset in elements
   * @param shape dimensions, outermost first
   * @param stride strides in elements
   */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  public record View(Weight storage, long offset, long[] shape, long[] stride) implements Python {}

  /**
   * A {@code torch.nn.Parameter}.
   *
   * @param tensor its tensor
   */
  public record Parameter(Weight tensor) implements Python {}

  private static final ClassName ORDERED_DICT = new ClassName("collections", "OrderedDict");
  private static final ClassName TENSOR = new ClassName("torch._utils", "_rebuild_tensor_v2");
  private static final ClassName PARAMETER = new ClassName("torch._utils", "_rebuild_parameter");

  private final Fields pickle = new Fields();
  private final String location;
  private final List<Weight> storages = new ArrayList<>();
  private final IdentityHashMap<Weight, Integer> storageKeys = new IdentityHashMap<>();
  // Texts and classes are memoised by value, all other objects by identity.
  private final Map<Object, Integer> names = new HashMap<>();
  private final IdentityHashMap<Object, Integer> objects = new IdentityHashMap<>();
  private int remembered;

  private PyTorchFile(String location) {
    this.location = location;
  }

  /**
   * Writes {@code tree}.
   *
   * @param location device of the tensors when they were saved: {@code cpu}, {@code cuda:0}
   */
  public static void write(Path file, String location, Object tree) {
    String name = file.getFileName().toString();
    int dot = name.lastIndexOf('.');
    WholeFile.write(
        file, out -> write(out, dot < 0 ? name : name.substring(0, dot), location, tree));
  }

  static void write(OutputStream out, String root, String location, Object tree)
      throws IOException {
    PyTorchFile content = new PyTorchFile(location);
    content.opcode(0x80);
    content.opcode(2);
    content.value(tree);
    content.opcode('.');
    var zip = new TorchZip(out, root);
    zip.entry("data.pkl", content.pickle.toArray());
    zip.entry("byteorder", ascii("little"));
    for (int key = 0; key < content.storages.size(); key++) {
      zip.entry("data/" + key, content.storages.get(key));
    }
    zip.entry("version", ascii("3\n"));
    zip.entry(".data/serialization_id", ascii("0".repeat(40)));
    zip.finish();
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }

  private void value(Object value) {
    switch (value) {
      case String text -> text(text);
      case Boolean b -> opcode(b ? 0x88 : 0x89);
      case Integer n -> integer(n);
      case Long n -> integer(n);
      case Double d -> bytes('G', Long.reverseBytes(Double.doubleToRawLongBits(d)), Long.BYTES);
      case None _ -> opcode('N');
      case ClassName name -> global(name);
      case Map<?, ?> map -> once(map, () -> dict(map));
      case List<?> list -> once(list, () -> list(list));
      case Tuple tuple -> once(tuple, () -> tuple(tuple.items));
      case OrderedDict dict -> once(dict, () -> orderedDict(dict));
      case Instance instance -> once(instance, () -> instance(instance));
      case Weight weight -> once(weight, () -> tensor(weight, 0, weight.shape(), strides(weight)));
      case View v -> once(v, () -> tensor(v.storage, v.offset, v.shape, v.stride));
      case Parameter parameter -> once(parameter, () -> parameter(parameter));
      default -> throw new IllegalArgumentException("no pickle of " + value.getClass());
    }
  }

  private interface Content {
    void write();
  }

  private void once(Object value, Content content) {
    Integer known = objects.get(value);
    if (known == null) {
      content.write();
      if (!objects.containsKey(value)) {
        objects.put(value, remember());
      }
    } else {
      recall(known);
    }
  }

  /**
   * Memoises a container before its content, as Python's pickler does, because it may contain
   * itself.
   */
  private void noteContainer(Object value) {
    objects.put(value, remember());
  }

  private void dict(Map<?, ?> map) {
    opcode('}');
    noteContainer(map);
    items(map);
  }

  private void list(List<?> list) {
    opcode(']');
    noteContainer(list);
    for (int at = 0; at < list.size(); at += BATCH) {
      opcode('(');
      list.subList(at, Math.min(list.size(), at + BATCH)).forEach(this::value);
      opcode('e');
    }
  }

  private void orderedDict(OrderedDict dict) {
    global(ORDERED_DICT);
    opcode(')');
    opcode('R');
    noteContainer(dict);
    items(dict.items);
  }

  private void instance(Instance instance) {
    global(instance.type);
    opcode(')');
    opcode(0x81);
    noteContainer(instance);
    items(instance.items);
    if (!instance.state.isEmpty()) {
      dict(instance.state);
      opcode('b');
    }
  }

  private void items(Map<?, ?> map) {
    int open = 0;
    for (Map.Entry<?, ?> entry : map.entrySet()) {
      if (open == 0) {
        opcode('(');
      }
      value(entry.getKey());
      value(entry.getValue());
      if (++open == BATCH) {
        opcode('u');
        open = 0;
      }
    }
    if (open > 0) {
      opcode('u');
    }
  }

  private void tuple(List<?> items) {
    if (items.size() > 3) {
      opcode('(');
    }
    items.forEach(this::value);
    switch (items.size()) {
      case 0 -> opcode(')');
      case 1 -> opcode(0x85);
      case 2 -> opcode(0x86);
      case 3 -> opcode(0x87);
      default -> opcode('t');
    }
  }

  // _rebuild_tensor_v2(storage, offset, size, stride, requires_grad, backward_hooks)
  private void tensor(Weight storage, long offset, long[] shape, long[] stride) {
    global(TENSOR);
    opcode('(');
    storage(storage);
    integer(offset);
    longs(shape);
    longs(stride);
    opcode(0x89);
    hooks();
    opcode('t');
    remember();
    opcode('R');
  }

  // _rebuild_parameter(tensor, requires_grad, backward_hooks)
  private void parameter(Parameter parameter) {
    global(PARAMETER);
    value(parameter.tensor);
    opcode(0x88);
    hooks();
    opcode(0x87);
    remember();
    opcode('R');
  }

  private void hooks() {
    global(ORDERED_DICT);
    opcode(')');
    opcode('R');
    remember();
  }

  // ('storage', class, key, location, elements)
  private void storage(Weight weight) {
    Integer key = storageKeys.get(weight);
    if (key == null) {
      key = storages.size();
      storageKeys.put(weight, key);
      storages.add(weight);
    }
    opcode('(');
    text("storage");
    global(new ClassName("torch", storageClass(weight.dtype())));
    text(Integer.toString(key));
    text(location);
    integer(weight.elements());
    opcode('t');
    remember();
    opcode('Q');
  }

  private static String storageClass(DType dtype) {
    return switch (dtype) {
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
          throw new IllegalArgumentException("no storage of " + dtype + " is written");
    };
  }

  private void longs(long[] values) {
    List<Long> list = new ArrayList<>();
    for (long value : values) {
      list.add(value);
    }
    tuple(list);
    if (values.length > 0) {
      remember();
    }
  }

  private static long[] strides(Weight weight) {
    long[] shape = weight.shape();
    long[] stride = new long[shape.length];
    long step = 1;
    for (int i = shape.length - 1; i >= 0; i--) {
      stride[i] = step;
      step *= shape[i];
    }
    return stride;
  }

  private void text(String text) {
    Integer known = names.get(text);
    if (known != null) {
      recall(known);
      return;
    }
    byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
    bytes('X', utf8.length, Integer.BYTES);
    pickle.raw(utf8);
    names.put(text, remember());
  }

  private void global(ClassName name) {
    Integer known = names.get(name);
    if (known != null) {
      recall(known);
      return;
    }
    opcode('c');
    pickle.raw((name.module + "\n" + name.name + "\n").getBytes(StandardCharsets.UTF_8));
    names.put(name, remember());
  }

  private void integer(long value) {
    if (value >= 0 && value <= 0xff) {
      bytes('K', value, 1);
    } else if (value >= 0 && value <= 0xffff) {
      bytes('M', value, 2);
    } else if (value == (int) value) {
      bytes('J', value, Integer.BYTES);
    } else {
      opcode(0x8a);
      bytes(Long.BYTES, value, Long.BYTES);
    }
  }

  private int remember() {
    if (remembered <= 0xff) {
      bytes('q', remembered, 1);
    } else {
      bytes('r', remembered, Integer.BYTES);
    }
    return remembered++;
  }

  private void recall(int index) {
    if (index <= 0xff) {
      bytes('h', index, 1);
    } else {
      bytes('j', index, Integer.BYTES);
    }
  }

  private void opcode(int opcode) {
    pickle.u8(opcode);
  }

  private void bytes(int opcode, long value, int width) {
    pickle.u8(opcode).number(value, width);
  }
}
