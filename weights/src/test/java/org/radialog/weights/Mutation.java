package org.radialog.weights;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/** A seeded way to change a file, which notes what it did. */
interface Mutation {
  /** The changed bytes; {@code original} stays as it is. */
  byte[] apply(byte[] original, SplittableRandom random, StringBuilder log);

  /** Numbers at which sizes overflow, wrap, or just stop to fit. */
  List<Long> EXTREMES =
      List.of(
          0L,
          1L,
          -1L,
          2L,
          31L,
          32L,
          33L,
          0x7fL,
          0xffL,
          0x100L,
          0xffffL,
          0x10000L,
          (long) Integer.MAX_VALUE,
          0x80000000L,
          0xffffffffL,
          0x100000000L,
          1L << 40,
          1L << 60,
          1L << 61,
          Long.MAX_VALUE,
          Long.MIN_VALUE);

  /** Names that a file should not have, or that mean something at another place. */
  List<String> NAMES =
      List.of(
          "",
          "..",
          "../../etc/passwd",
          "/etc/passwd",
          "a/b",
          ".",
          "C:\\x",
          "\u0000",
          "\uffff",
          "os",
          "system",
          "builtins",
          "eval",
          "subprocess",
          "torch",
          "FloatStorage",
          "float32",
          "storage",
          "cpu",
          "f4",
          "<",
          "latin1",
          "__metadata__",
          "__class__",
          "data.pkl",
          "tensor",
          "x".repeat(300));

  static long extreme(SplittableRandom random) {
    return EXTREMES.get(random.nextInt(EXTREMES.size()));
  }

  static String name(SplittableRandom random) {
    return NAMES.get(random.nextInt(NAMES.size()));
  }

  /** A number like {@code value}, or far from it. */
  static long number(long value, SplittableRandom random) {
    return switch (random.nextInt(6)) {
      case 0 -> value + 1;
      case 1 -> value - 1;
      case 2 -> value * 2;
      case 3 -> random.nextInt(64);
      case 4 -> random.nextLong();
      default -> extreme(random);
    };
  }

  /** A field of a binary format. */
  record Field(String name, int at, int width) {
    long get(byte[] bytes) {
      long value = 0;
      for (int i = width - 1; i >= 0; i--) {
        value = (value << 8) | (bytes[at + i] & 0xff);
      }
      return value;
    }

    void set(byte[] bytes, long value) {
      for (int i = 0; i < width; i++) {
        bytes[at + i] = (byte) (value >>> (8 * i));
      }
    }
  }

  /** Changes one to three of a file's fields; a field wider than 8 bytes is a text. */
  record Fields(List<Field> fields) implements Mutation {
    @Override
    public byte[] apply(byte[] original, SplittableRandom random, StringBuilder log) {
      byte[] bytes = original.clone();
      int changes = 1 + random.nextInt(3);
      for (int i = 0; i < changes; i++) {
        Field field = fields.get(random.nextInt(fields.size()));
        if (field.width > Long.BYTES) {
          text(field, bytes, random, log);
          continue;
        }
        Field other = fields.get(random.nextInt(fields.size()));
        long value =
            random.nextInt(4) == 0 && other.width <= Long.BYTES
                ? other.get(original)
                : number(field.get(original), random);
        field.set(bytes, value);
        log.append(field.name).append(" at ").append(field.at).append(" = ").append(value);
        log.append("; ");
      }
      return bytes;
    }

    private static void text(
        Field field, byte[] bytes, SplittableRandom random, StringBuilder log) {
      byte[] name = name(random).getBytes(StandardCharsets.UTF_8);
      int at = field.at + random.nextInt(field.width);
      int length = Math.min(name.length, field.at + field.width - at);
      System.arraycopy(name, 0, bytes, at, length);
      log.append(field.name).append(": ").append(length).append(" bytes of a name at ").append(at);
      log.append("; ");
    }
  }

  /** Flipped bits, cuts, insertions and exchanged blocks anywhere. */
  enum Blind implements Mutation {
    FLIPPED {
      @Override
      public byte[] apply(byte[] original, SplittableRandom random, StringBuilder log) {
        byte[] bytes = original.clone();
        int flips = 1 + random.nextInt(6);
        for (int i = 0; i < flips && bytes.length > 0; i++) {
          int at = place(bytes.length, random);
          int bit = random.nextInt(8);
          bytes[at] ^= (byte) (1 << bit);
          log.append("bit ").append(bit).append(" of byte ").append(at).append(" flipped; ");
        }
        return bytes;
      }
    },
    CHANGED {
      @Override
      public byte[] apply(byte[] original, SplittableRandom random, StringBuilder log) {
        byte[] bytes = original.clone();
        int width = 1 << random.nextInt(4);
        if (bytes.length >= width) {
          int at = place(bytes.length - width + 1, random);
          long value = extreme(random);
          new Field("field", at, width).set(bytes, value);
          log.append(width).append(" bytes at ").append(at).append(" = ").append(value);
        }
        return bytes;
      }
    },
    CUT {
      @Override
      public byte[] apply(byte[] original, SplittableRandom random, StringBuilder log) {
        int length = random.nextInt(original.length);
        log.append("cut to ").append(length);
        return Arrays.copyOf(original, length);
      }
    },
    REMOVED {
      @Override
      public byte[] apply(byte[] original, SplittableRandom random, StringBuilder log) {
        int at = place(original.length, random);
        int length = Math.min(1 + random.nextInt(64), original.length - at);
        log.append(length).append(" bytes removed at ").append(at);
        return joined(
            Arrays.copyOf(original, at),
            Arrays.copyOfRange(original, at + length, original.length));
      }
    },
    INSERTED {
      @Override
      public byte[] apply(byte[] original, SplittableRandom random, StringBuilder log) {
        int at = place(original.length, random);
        byte[] inserted = new byte[1 + random.nextInt(64)];
        if (random.nextBoolean()) {
          random.nextBytes(inserted);
        } else {
          int from = random.nextInt(original.length);
          inserted = Arrays.copyOfRange(original, from, Math.min(original.length, from + 64));
        }
        log.append(inserted.length).append(" bytes inserted at ").append(at);
        return joined(
            Arrays.copyOf(original, at),
            inserted,
            Arrays.copyOfRange(original, at, original.length));
      }
    },
    EXCHANGED {
      @Override
      public byte[] apply(byte[] original, SplittableRandom random, StringBuilder log) {
        byte[] bytes = original.clone();
        int length = Math.min(1 + random.nextInt(64), bytes.length);
        int one = place(bytes.length - length + 1, random);
        int two = random.nextInt(bytes.length - length + 1);
        System.arraycopy(original, one, bytes, two, length);
        System.arraycopy(original, two, bytes, one, length);
        log.append(length).append(" bytes at ").append(one).append(" and ").append(two);
        log.append(" exchanged");
        return bytes;
      }
    };

    /** Half of the places are in the first tenth, where headers lie. */
    private static int place(int length, SplittableRandom random) {
      return random.nextInt(random.nextBoolean() ? length : Math.max(1, length / 10));
    }
  }

  static byte[] joined(byte[]... parts) {
    return joined(Arrays.asList(parts));
  }

  static byte[] joined(List<byte[]> parts) {
    byte[] all = new byte[parts.stream().mapToInt(p -> p.length).sum()];
    int at = 0;
    for (byte[] part : parts) {
      System.arraycopy(part, 0, all, at, part.length);
      at += part.length;
    }
    return all;
  }

  /** Little-endian bytes. */
  static byte[] little(long value, int width) {
    byte[] bytes = new byte[width];
    new Field("", 0, width).set(bytes, value);
    return bytes;
  }

  /** The fields of a GGUF file, walked from its begin to the end of its tensor list. */
  final class Gguf {
    private final byte[] bytes;
    private final List<Field> fields = new ArrayList<>();
    private int at = 4;

    private Gguf(byte[] bytes) {
      this.bytes = bytes;
    }

    static Mutation of(byte[] bytes) {
      Gguf gguf = new Gguf(bytes);
      gguf.number("version", 4);
      long tensors = gguf.number("tensor count", 8);
      long entries = gguf.number("metadata count", 8);
      for (long i = 0; i < entries; i++) {
        gguf.text("key");
        gguf.value(gguf.number("value type", 4));
      }
      for (long i = 0; i < tensors; i++) {
        gguf.text("tensor name");
        long dimensions = gguf.number("dimension count", 4);
        for (long d = 0; d < dimensions; d++) {
          gguf.number("dimension", 8);
        }
        gguf.number("tensor type", 4);
        gguf.number("tensor offset", 8);
      }
      return new Fields(gguf.fields);
    }

    private long number(String name, int width) {
      Field field = new Field(name, at, width);
      at += width;
      fields.add(field);
      return field.get(bytes);
    }

    private void text(String name) {
      int length = (int) number(name + " length", 8);
      if (length > Long.BYTES) {
        fields.add(new Field(name, at, length));
      }
      at += length;
    }

    private void value(long type) {
      switch ((int) type) {
        case 0, 1, 7 -> number("byte", 1);
        case 2, 3 -> number("short", 2);
        case 4, 5, 6 -> number("int", 4);
        case 8 -> text("text");
        case 9 -> {
          long element = number("element type", 4);
          long length = number("list length", 8);
          for (long i = 0; i < length; i++) {
            value(element);
          }
        }
        default -> number("long", 8);
      }
    }
  }
}
