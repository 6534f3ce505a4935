package org.radialog.weights;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * An interpreter for the pickle opcodes that PyTorch and numpy write. It imports nothing and calls
 * nothing: a class is only a name, and a call must be on the allow-list of {@link PickleCalls},
 * otherwise the file is refused. Byte strings stay in the mapped file. It is not recursive, so
 * nesting does not use stack.
 */
final class Pickle {
  /** Python's None. */
  enum None {
    NONE
  }

  /**
   * A class or function by name; comparable, so that a hash table with equal hashes remains a tree.
   */
  record Global(String module, String name) implements Comparable<Global> {
    String dotted() {
      return module + "." + name;
    }

    @Override
    public int compareTo(Global other) {
      int order = module.compareTo(other.module);
      return order != 0 ? order : name.compareTo(other.name);
    }
  }

  // Containers use object identity, so that comparing or hashing one never traverses its content.

  /** A tuple or {@code torch.Size}. */
  static final class Tuple {
    final List<Object> items;

    Tuple(List<Object> items) {
      this.items = items;
    }
  }

  /** A list or set. */
  static final class Sequence {
    final List<Object> items = new ArrayList<>();
  }

  /** A dict or OrderedDict. */
  static final class Dict {
    final Map<Object, Object> items = new LinkedHashMap<>();
  }

  /** An object of an unknown class: only the data that the file contains. */
  static final class Opaque {
    final Global type;
    final List<Object> arguments;
    final Dict items = new Dict();
    final Sequence sequence = new Sequence();
    Object state = None.NONE;

    Opaque(Global type, List<Object> arguments) {
      this.type = type;
      this.arguments = arguments;
    }
  }

  /** A PyTorch storage that is stored elsewhere in the file under {@code key}. */
  record Storage(DType dtype, String key, long elements) {}

  /**
   * A strided view of a storage, as declared; it is checked when the bytes of the storage are
   * known.
   */
  static final class Tensor {
    final Storage storage;
    final DType dtype;
    final long offset;
    final long[] size;
    final long[] stride;

    Tensor(Storage storage, DType dtype, long offset, long[] size, long[] stride) {
      this.storage = storage;
      this.dtype = dtype;
      this.offset = offset;
      this.size = size;
      this.stride = stride;
    }
  }

  /** A numpy element type. */
  static final class NumpyType {
    final DType dtype;
    boolean bigEndian;

    NumpyType(DType dtype) {
      this.dtype = dtype;
    }
  }

  /** A numpy array; empty until its BUILD. */
  static final class NumpyArray {
    DType dtype = DType.U8;
    long[] shape = {0};
    boolean columnMajor;
    MemorySegment bytes = MemorySegment.NULL;
  }

  private static final Object MARK = new Object();

  /** Maximum number of opcodes in a pickle; 400,000 arrays of embeddings need about 10 million. */
  private static final int MAX_OPCODES = 20_000_000;

  /** Maximum bytes of one text and of all texts of a pickle. */
  private static final long MAX_TEXT = 1 << 26;

  private static final int MAX_LINE = 1000;
  private static final int MAX_INTEGER = 255;

  /**
   * Protocols 0 and 1 have no header; a malicious file in one of them begins with the name of its
   * call.
   */
  private static final Pattern NAMES_FIRST =
      Pattern.compile("[ci][A-Za-z_][\\w.]*\n[A-Za-z_][\\w.]*\n");

  private final Bytes in;
  private final List<Object> stack = new ArrayList<>();
  private final Map<Long, Object> memo = new HashMap<>();
  private final PickleCalls calls;
  private long texts;
  private int opcodes;

  private Pickle(Bytes in) {
    this.in = in;
    this.calls = new PickleCalls(in);
  }

  /**
   * The content of a pickle: its object, the storages that it refers to by key, and the number of
   * opcodes that were executed.
   */
  record Result(Object value, Map<String, Storage> storages, int opcodes) {}

  /**
   * Whether the bytes begin like a pickle without a header that first names a class or function.
   */
  static boolean namesFirst(MemorySegment bytes) {
    byte[] first = array(bytes.asSlice(0, Math.min(bytes.byteSize(), 200)));
    return NAMES_FIRST.matcher(new String(first, StandardCharsets.ISO_8859_1)).lookingAt();
  }

  /** Reads the pickle that begins at {@code in}, which is then positioned after its STOP. */
  static Result read(Bytes in) {
    Pickle pickle = new Pickle(in);
    Object value = pickle.run();
    return new Result(value, pickle.calls.storages(), pickle.opcodes);
  }

  private Object run() {
    for (; opcodes < MAX_OPCODES; opcodes++) {
      int opcode = in.u8();
      if (opcode == '.') {
        return stopped();
      }
      execute(opcode);
    }
    throw in.refused("the pickle has more than " + MAX_OPCODES + " opcodes");
  }

  private Object stopped() {
    Object result = pop();
    if (!stack.isEmpty()) {
      throw in.refused("the pickle ends with " + stack.size() + " objects left on its stack");
    }
    return result;
  }

  private void execute(int opcode) {
    switch (opcode) {
      // Frame and protocol
      case 0x80 -> protocol(in.u8());
      case 0x95 -> frame(in.i64());
      // Plain values
      case 'N' -> push(None.NONE);
      case 0x88 -> push(true);
      case 0x89 -> push(false);
      case 'J' -> push((long) in.i32());
      case 'K' -> push((long) in.u8());
      case 'M' -> push((long) in.u16());
      case 0x8a -> push(integer(in.u8()));
      case 0x8b -> push(integer(in.u32()));
      case 'G' -> push(Double.longBitsToDouble(Long.reverseBytes(in.i64())));
      case 'X' -> push(text(in.u32()));
      case 0x8c -> push(text(in.u8()));
      case 0x8d -> push(text(in.i64()));
      case 'T' -> push(latin1(in.u32()));
      case 'U' -> push(latin1(in.u8()));
      case 'B' -> push(in.take(in.u32()));
      case 'C' -> push(in.take(in.u8()));
      case 0x8e, 0x96 -> push(in.take(in.i64())); // bytes, bytearray
      // Stack
      case '(' -> push(MARK);
      case '0' -> pop();
      case '1' -> popToMark();
      case '2' -> push(top());
      // Containers
      case ')' -> push(new Tuple(List.of()));
      case 't' -> push(new Tuple(popToMark()));
      case 0x85 -> push(new Tuple(popMany(1)));
      case 0x86 -> push(new Tuple(popMany(2)));
      case 0x87 -> push(new Tuple(popMany(3)));
      case ']', 0x8f -> push(new Sequence());
      case 'l', 0x91 -> pushSequence(popToMark());
      case 'a' -> append(popMany(1));
      case 'e', 0x90 -> append(popToMark());
      case '}' -> push(new Dict());
      case 'd' -> pushDict(popToMark());
      case 's' -> setItems(popMany(2));
      case 'u' -> setItems(popToMark());
      // Memo
      case 'q' -> memo.put((long) in.u8(), top());
      case 'r' -> memo.put(in.u32(), top());
      case 0x94 -> memo.put((long) memo.size(), top());
      case 'h' -> push(remembered(in.u8()));
      case 'j' -> push(remembered(in.u32()));
      // Names, objects, calls
      case 'c' -> push(calls.global(line(), line()));
      case 0x93 -> stackGlobal(popMany(2));
      case 'i' -> throw calls.refusedCall(calls.global(line(), line()));
      case 'o' -> throw calls.refusedCall(first(popToMark()));
      case 'R' -> call(popMany(2));
      case 0x81 -> newObject(popMany(2));
      case 0x92 -> newObject(popMany(3).subList(0, 2));
      case 'b' -> build(pop());
      case 'Q' -> push(calls.persistent(pop()));
      case 0x97 ->
          throw in.refused(
              "the data of the pickle are in external buffers (protocol 5): save it in one"
                  + " piece");
      case 0x98 -> top(); // a read-only view of the bytes on top
      default ->
          throw in.refused(String.format("the pickle has the unknown opcode 0x%02x", opcode));
    }
  }

  private void protocol(int version) {
    if (version < 2 || version > 5) {
      throw in.refused("pickle protocol " + version + ", known are 2 to 5");
    }
  }

  private void frame(long length) {
    if (length < 0 || length > in.left()) {
      throw in.refused(
          "a pickle frame of "
              + Long.toUnsignedString(length)
              + " bytes, but "
              + in.left()
              + " are left");
    }
  }

  private Object integer(long length) {
    if (length > MAX_INTEGER) {
      throw in.refused("an integer of " + length + " bytes, at most " + MAX_INTEGER);
    }
    byte[] bytes = in.copy(length);
    if (bytes.length == 0) {
      return 0L;
    }
    for (int i = 0, j = bytes.length - 1; i < j; i++, j--) {
      byte swapped = bytes[i];
      bytes[i] = bytes[j];
      bytes[j] = swapped;
    }
    BigInteger value = new BigInteger(bytes);
    return value.bitLength() < Long.SIZE ? (Object) value.longValue() : value;
  }

  private String text(long length) {
    countText(length);
    return in.utf8(length);
  }

  private String latin1(long length) {
    countText(length);
    return in.ascii(length);
  }

  private void countText(long length) {
    if (length < 0 || length > MAX_TEXT || (texts += length) > MAX_TEXT) {
      throw in.refused(
          "a text of "
              + Long.toUnsignedString(length)
              + " bytes, all texts of a pickle may have "
              + MAX_TEXT);
    }
  }

  private String line() {
    StringBuilder line = new StringBuilder();
    for (int c = in.u8(); c != '\n'; c = in.u8()) {
      if (line.length() == MAX_LINE) {
        throw in.refused("a name of more than " + MAX_LINE + " bytes");
      }
      line.append((char) c);
    }
    return line.toString();
  }

  private void push(Object value) {
    stack.add(value);
  }

  private Object top() {
    if (stack.isEmpty() || stack.getLast() == MARK) {
      throw in.refused("the pickle takes an object from an empty stack");
    }
    return stack.getLast();
  }

  private Object pop() {
    Object top = top();
    stack.removeLast();
    return top;
  }

  private List<Object> popMany(int count) {
    Object[] values = new Object[count];
    for (int i = count - 1; i >= 0; i--) {
      values[i] = pop();
    }
    return List.of(values);
  }

  private List<Object> popToMark() {
    List<Object> values = new ArrayList<>();
    while (!stack.isEmpty()) {
      Object value = stack.removeLast();
      if (value == MARK) {
        Collections.reverse(values);
        return values;
      }
      values.add(value);
    }
    throw in.refused("the pickle refers to a mark that does not exist");
  }

  private Object remembered(long index) {
    Object value = memo.get(index);
    if (value == null) {
      throw in.refused("the pickle reads memo entry " + index + ", which was never written");
    }
    return value;
  }

  private void pushSequence(List<Object> values) {
    Sequence sequence = new Sequence();
    sequence.items.addAll(values);
    push(sequence);
  }

  private void append(List<Object> values) {
    switch (top()) {
      case Sequence sequence -> sequence.items.addAll(values);
      case Opaque opaque -> opaque.sequence.items.addAll(values);
      default -> throw in.refused("the pickle appends to something that is not a list");
    }
  }

  private void pushDict(List<Object> pairs) {
    push(new Dict());
    setItems(pairs);
  }

  private void setItems(List<Object> pairs) {
    Map<Object, Object> items =
        switch (top()) {
          case Dict dict -> dict.items;
          case Opaque opaque -> opaque.items.items;
          default -> throw in.refused("the pickle sets items of something that is not a dict");
        };
    if (pairs.size() % 2 != 0) {
      throw in.refused("the pickle sets a key without a value");
    }
    for (int i = 0; i < pairs.size(); i += 2) {
      items.put(pairs.get(i), pairs.get(i + 1));
    }
  }

  private void stackGlobal(List<Object> names) {
    if (names.get(0) instanceof String module && names.get(1) instanceof String name) {
      push(calls.global(module, name));
    } else {
      throw in.refused("the pickle names a class by something that is not a string");
    }
  }

  private Object first(List<Object> classAndArguments) {
    return classAndArguments.isEmpty() ? None.NONE : classAndArguments.getFirst();
  }

  private void call(List<Object> functionAndArguments) {
    if (functionAndArguments.get(0) instanceof Global function
        && functionAndArguments.get(1) instanceof Tuple arguments) {
      push(calls.call(function, arguments.items));
    } else {
      throw in.refused("the pickle calls something that is not a function");
    }
  }

  private void newObject(List<Object> typeAndArguments) {
    if (typeAndArguments.get(0) instanceof Global type
        && typeAndArguments.get(1) instanceof Tuple arguments) {
      push(calls.newObject(type, arguments.items));
    } else {
      throw in.refused("the pickle creates an object of something that is not a class");
    }
  }

  private void build(Object state) {
    calls.build(top(), state);
  }

  /** The bytes of a bytes object. */
  static byte[] array(MemorySegment bytes) {
    return bytes.toArray(ValueLayout.JAVA_BYTE);
  }
}
