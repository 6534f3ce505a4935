package org.radialog.weights;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Changes values and names of a JSON text that stays well-formed: the header of a safetensors file
 * behind its length, or a whole file.
 */
record JsonMutation(boolean header) implements Mutation {
  private static final String[] WORDS = {
    "F32", "F16", "BF16", "F64", "I64", "U8", "BOOL", "Q4_0", "F8_E4M3", "model.safetensors"
  };

  /** A place in the tree: a field of an object or an element of an array. */
  private record Slot(JsonNode parent, String name, int index) {
    JsonNode get() {
      return parent.isObject() ? parent.required(name) : parent.required(index);
    }

    void set(JsonNode value) {
      switch (parent) {
        case ObjectNode object -> object.set(name, value);
        case ArrayNode array -> array.set(index, value);
        default -> throw new AssertionError(parent);
      }
    }

    void remove() {
      switch (parent) {
        case ObjectNode object -> object.remove(name);
        case ArrayNode array -> array.remove(index);
        default -> throw new AssertionError(parent);
      }
    }
  }

  @Override
  public byte[] apply(byte[] original, SplittableRandom random, StringBuilder log) {
    int end = header ? 8 + (int) new Field("", 0, 8).get(original) : original.length;
    byte[] json = Arrays.copyOfRange(original, header ? 8 : 0, end);
    JsonNode root = Safetensors.JSON.readTree(json);
    int changes = 1 + random.nextInt(3);
    for (int i = 0; i < changes; i++) {
      change(root, random, log);
    }
    byte[] changed = root.toString().getBytes(StandardCharsets.UTF_8);
    if (!header) {
      return changed;
    }
    byte[] data = Arrays.copyOfRange(original, end, original.length);
    return Mutation.joined(Mutation.little(changed.length, 8), changed, data);
  }

  private static void change(JsonNode root, SplittableRandom random, StringBuilder log) {
    List<Slot> slots = new ArrayList<>();
    collect(root, slots);
    if (slots.isEmpty()) {
      return;
    }
    Slot slot = slots.get(random.nextInt(slots.size()));
    Slot other = slots.get(random.nextInt(slots.size()));
    log.append(slot.parent.isObject() ? slot.name : "[" + slot.index + "]");
    switch (random.nextInt(8)) {
      case 0 -> {
        slot.remove();
        log.append(" removed; ");
        return;
      }
      case 1 -> {
        if (slot.parent instanceof ObjectNode object) {
          JsonNode value = slot.get();
          object.remove(slot.name);
          object.set(Mutation.name(random), value);
        }
        log.append(" renamed; ");
        return;
      }
      case 2 -> slot.set(other.get().deepCopy());
      case 3 -> {
        JsonNode value = slot.get();
        slot.set(other.get().deepCopy());
        other.set(value.deepCopy());
      }
      default -> slot.set(value(slot.get(), random));
    }
    log.append(" = ").append(shortened(slot.get().toString())).append("; ");
  }

  private static String shortened(String text) {
    return text.length() < 60 ? text : text.substring(0, 60) + " ...";
  }

  private static JsonNode value(JsonNode old, SplittableRandom random) {
    var nodes = Safetensors.JSON.getNodeFactory();
    return switch (random.nextInt(10)) {
      case 0 -> nodes.nullNode();
      case 1 -> nodes.booleanNode(random.nextBoolean());
      case 2 -> nodes.numberNode(0.5);
      case 3 -> nodes.numberNode(Double.POSITIVE_INFINITY);
      case 4 -> nodes.stringNode(Mutation.name(random));
      case 5 -> nodes.stringNode(WORDS[random.nextInt(WORDS.length)]);
      case 6 -> nested(1 + random.nextInt(80));
      case 7 -> nodes.numberNode(new java.math.BigInteger("9".repeat(1 + random.nextInt(60))));
      default -> nodes.numberNode(Mutation.number(old.isNumber() ? old.asLong(0) : 1, random));
    };
  }

  private static JsonNode nested(int depth) {
    ArrayNode inner = Safetensors.JSON.createArrayNode();
    for (int i = 0; i < depth; i++) {
      ArrayNode outer = Safetensors.JSON.createArrayNode();
      outer.add(inner);
      inner = outer;
    }
    return inner;
  }

  private static void collect(JsonNode node, List<Slot> slots) {
    for (String name : node.propertyNames()) {
      slots.add(new Slot(node, name, 0));
      collect(node.required(name), slots);
    }
    for (int i = 0; node.isArray() && i < node.size(); i++) {
      slots.add(new Slot(node, "", i));
      collect(node.required(i), slots);
    }
  }
}
