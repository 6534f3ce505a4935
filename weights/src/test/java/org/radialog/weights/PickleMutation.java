package org.radialog.weights;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Changes the opcodes of pickles that stay readable one by one: numbers, texts, names, memo
 * entries; and opcodes left out, repeated, exchanged or added.
 *
 * @param pickles how many stand one behind the other at the file's begin
 */
record PickleMutation(int pickles) implements Mutation {
  private static final String PLAIN =
      "N)]}(012aeltbsduRQ.\u0081\u0085\u0086\u0087\u0088\u0089\u0093";

  private static final String[] GLOBALS = {
    "os\nsystem",
    "posix\nsystem",
    "builtins\neval",
    "builtins\ngetattr",
    "subprocess\nPopen",
    "some.module\nThing",
    "collections\nOrderedDict",
    "torch._utils\n_rebuild_tensor_v2",
    "torch._utils\n_rebuild_parameter",
    "torch\nFloatStorage",
    "torch\nBoolStorage",
    "torch\nSize",
    "numpy.core.multiarray\n_reconstruct",
    "numpy\nndarray",
    "numpy\ndtype",
    "_codecs\nencode",
    "torch._utils\n_rebuild_tensor_v3",
    "numpy.core.multiarray\nscalar",
    "builtins\nset"
  };

  @Override
  public byte[] apply(byte[] original, SplittableRandom random, StringBuilder log) {
    List<byte[]> opcodes = new ArrayList<>();
    int at = 0;
    for (int i = 0; i < pickles; i++) {
      at = split(original, at, opcodes);
    }
    int changes = 1 + random.nextInt(3);
    for (int i = 0; i < changes && !opcodes.isEmpty(); i++) {
      change(opcodes, random, log);
    }
    opcodes.add(Arrays.copyOfRange(original, at, original.length));
    return Mutation.joined(opcodes);
  }

  /** Adds the opcodes of the pickle at {@code at}; returns where it ends. */
  private static int split(byte[] bytes, int at, List<byte[]> opcodes) {
    int begin = at;
    int opcode;
    do {
      opcode = bytes[begin] & 0xff;
      int end = begin + length(bytes, begin);
      opcodes.add(Arrays.copyOfRange(bytes, begin, end));
      begin = end;
    } while (opcode != '.');
    return begin;
  }

  private static int length(byte[] bytes, int at) {
    return switch (bytes[at] & 0xff) {
      case 'K', 'q', 'h', 0x80 -> 2;
      case 'M' -> 3;
      case 'J', 'r', 'j' -> 5;
      case 'G', 0x95 -> 9;
      case 0x8c, 'C', 'U', 0x8a -> 2 + counted(bytes, at, 1);
      case 'X', 'B', 'T', 0x8b -> 5 + counted(bytes, at, 4);
      case 0x8d, 0x8e -> 9 + counted(bytes, at, 8);
      case 'c' -> {
        int end = at + 1;
        for (int lines = 0; lines < 2; end++) {
          lines += bytes[end] == '\n' ? 1 : 0;
        }
        yield end - at;
      }
      default -> 1;
    };
  }

  private static int counted(byte[] bytes, int at, int width) {
    return (int) new Field("", at + 1, width).get(bytes);
  }

  private static void change(List<byte[]> opcodes, SplittableRandom random, StringBuilder log) {
    int at = random.nextInt(opcodes.size());
    log.append("opcode ").append(at).append(' ');
    switch (random.nextInt(10)) {
      case 0 -> {
        opcodes.remove(at);
        log.append("removed; ");
      }
      case 1 -> {
        int times = random.nextInt(20) == 0 ? 1 + 50_000 / (25 + opcodes.get(at).length) : 1;
        for (int i = 0; i < times; i++) {
          opcodes.add(at, opcodes.get(at));
        }
        log.append("repeated ").append(times).append(" times; ");
      }
      case 2 -> {
        int other = random.nextInt(opcodes.size());
        byte[] moved = opcodes.get(at);
        opcodes.set(at, opcodes.get(other));
        opcodes.set(other, moved);
        log.append("exchanged with ").append(other).append("; ");
      }
      case 3 -> {
        opcodes.add(at, made(random));
        log.append("preceded by ").append(shown(opcodes.get(at)));
      }
      case 4 -> {
        opcodes.set(at, opcodes.get(random.nextInt(opcodes.size())));
        log.append("= ").append(shown(opcodes.get(at)));
      }
      default -> {
        opcodes.set(at, like(opcodes.get(at), random));
        log.append("= ").append(shown(opcodes.get(at)));
      }
    }
  }

  private static byte[] made(SplittableRandom random) {
    return switch (random.nextInt(5)) {
      case 0 -> integer(Mutation.extreme(random));
      case 1 -> text(Mutation.name(random));
      case 2 -> global(random);
      case 3 -> new byte[] {'h', (byte) random.nextInt(40)};
      default -> plain(random);
    };
  }

  /** Another opcode of the same kind. */
  private static byte[] like(byte[] opcode, SplittableRandom random) {
    return switch (opcode[0] & 0xff) {
      case 'K', 'M', 'J', 0x8a -> integer(Mutation.number(opcode[1], random));
      case 'X', 0x8c -> text(Mutation.name(random));
      case 'c' -> global(random);
      case 'h', 'q', 0x80 -> new byte[] {opcode[0], (byte) random.nextInt(60)};
      case 'G', 0x95 -> {
        byte[] changed = opcode.clone();
        new Field("", 1, 8).set(changed, Mutation.extreme(random));
        yield changed;
      }
      case 'C', 'B', 0x8e -> {
        byte[] longer = Arrays.copyOf(opcode, opcode.length + 1);
        longer[1]++;
        yield random.nextBoolean() ? longer : new byte[] {'C', 0};
      }
      default -> plain(random);
    };
  }

  private static byte[] integer(long value) {
    return Mutation.joined(new byte[] {(byte) 0x8a, 8}, Mutation.little(value, 8));
  }

  private static byte[] text(String text) {
    byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
    return Mutation.joined(new byte[] {'X'}, Mutation.little(utf8.length, 4), utf8);
  }

  private static byte[] global(SplittableRandom random) {
    String name = GLOBALS[random.nextInt(GLOBALS.length)];
    return ("c" + name + "\n").getBytes(StandardCharsets.US_ASCII);
  }

  private static byte[] plain(SplittableRandom random) {
    return new byte[] {(byte) PLAIN.charAt(random.nextInt(PLAIN.length()))};
  }

  private static String shown(byte[] opcode) {
    String text = new String(opcode, StandardCharsets.ISO_8859_1);
    return (text.length() < 40 ? text : text.substring(0, 40) + " ...") + "; ";
  }
}
