package org.radialog.weights;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.SplittableRandom;

/**
 * Changes an archive of stored entries: fields of its headers and directory, the pickle in it, or
 * its entries as a whole.
 */
record ZipMutation(SequencedMap<String, byte[]> entries, Mutation headers) implements Mutation {
  static ZipMutation of(byte[] zip) {
    SequencedMap<String, byte[]> entries = new LinkedHashMap<>();
    List<Field> fields = new ArrayList<>();
    int end = zip.length - 22;
    number(fields, "entries", end + 10, 2);
    int length = (int) number(fields, "directory length", end + 12, 4).get(zip);
    int at = (int) number(fields, "directory offset", end + 16, 4).get(zip);
    number(fields, "comment length", end + 20, 2);
    if (new Field("", end - 20, 4).get(zip) == 0x07064b50L) {
      number(fields, "zip64 offset", end - 12, 8);
      number(fields, "zip64 entries", end - 20 - 24, 8);
      number(fields, "zip64 directory length", end - 20 - 16, 8);
      number(fields, "zip64 directory offset", end - 20 - 8, 8);
    }
    for (int stop = at + length; at < stop; ) {
      number(fields, "signature", at, 4);
      number(fields, "flags", at + 8, 2);
      number(fields, "method", at + 10, 2);
      number(fields, "compressed", at + 20, 4);
      int size = (int) number(fields, "size", at + 24, 4).get(zip);
      int name = (int) number(fields, "name length", at + 28, 2).get(zip);
      int extra = (int) number(fields, "extra length", at + 30, 2).get(zip);
      number(fields, "comment length", at + 32, 2);
      int offset = (int) number(fields, "offset", at + 42, 4).get(zip);
      fields.add(new Field("name", at + 46, name));
      String text = new String(zip, at + 46, name, StandardCharsets.UTF_8);
      at += 46 + name + extra;
      number(fields, "local signature", offset, 4);
      number(fields, "local size", offset + 22, 4);
      int localName = (int) number(fields, "local name length", offset + 26, 2).get(zip);
      int localExtra = (int) number(fields, "local extra length", offset + 28, 2).get(zip);
      fields.add(new Field("local name", offset + 30, localName));
      int data = offset + 30 + localName + localExtra;
      entries.put(text, Arrays.copyOfRange(zip, data, data + size));
    }
    return new ZipMutation(entries, new Fields(fields));
  }

  private static Field number(List<Field> fields, String name, int at, int width) {
    Field field = new Field(name, at, width);
    fields.add(field);
    return field;
  }

  @Override
  public byte[] apply(byte[] original, SplittableRandom random, StringBuilder log) {
    int kind = random.nextInt(10);
    if (kind < 3) {
      return headers.apply(original, random, log);
    }
    Map<String, byte[]> changed = new LinkedHashMap<>(entries);
    if (kind < 9) {
      changed.replaceAll((name, content) ->
          name.endsWith("/data.pkl") ? new PickleMutation(1).apply(content, random, log) : content);
    } else {
      String name = List.copyOf(entries.keySet()).get(random.nextInt(entries.size()));
      byte[] content = entries.getOrDefault(name, new byte[0]);
      log.append("entry ").append(name).append(' ');
      switch (random.nextInt(4)) {
        case 0 -> {
          changed.remove(name);
          log.append("removed");
        }
        case 1 -> {
          changed.remove(name);
          changed.put(Mutation.name(random), content);
          log.append("renamed");
        }
        case 2 -> {
          changed.put(name, Arrays.copyOf(content, random.nextInt(content.length + 8)));
          log.append("of another length");
        }
        default -> {
          changed.put("second/data.pkl", content);
          log.append("also as a second pickle");
        }
      }
    }
    return zip(changed);
  }

  /** An archive of stored entries without checksums. */
  static byte[] zip(Map<String, byte[]> entries) {
    List<byte[]> parts = new ArrayList<>();
    List<byte[]> directory = new ArrayList<>();
    int offset = 0;
    for (Map.Entry<String, byte[]> entry : entries.entrySet()) {
      byte[] name = entry.getKey().getBytes(StandardCharsets.UTF_8);
      int size = entry.getValue().length;
      byte[] local = new byte[30];
      new Field("", 0, 4).set(local, 0x04034b50);
      new Field("", 18, 4).set(local, size);
      new Field("", 22, 4).set(local, size);
      new Field("", 26, 2).set(local, name.length);
      byte[] central = new byte[46];
      new Field("", 0, 4).set(central, 0x02014b50);
      new Field("", 20, 4).set(central, size);
      new Field("", 24, 4).set(central, size);
      new Field("", 28, 2).set(central, name.length);
      new Field("", 42, 4).set(central, offset);
      parts.addAll(List.of(local, name, entry.getValue()));
      directory.addAll(List.of(central, name));
      offset += local.length + name.length + size;
    }
    byte[] names = Mutation.joined(directory);
    byte[] end = new byte[22];
    new Field("", 0, 4).set(end, 0x06054b50);
    new Field("", 8, 2).set(end, entries.size());
    new Field("", 10, 2).set(end, entries.size());
    new Field("", 12, 4).set(end, names.length);
    new Field("", 16, 4).set(end, offset);
    parts.add(names);
    parts.add(end);
    return Mutation.joined(parts);
  }
}
