package org.radialog.loop;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;

/** Reads TensorBoard's event files by their format's description, and verifies every checksum. */
public final class EventReader {
  private EventReader() {}

  /** An event of the scalars of one step, or of none. */
  public record Event(double wallTime, long step, String version, Map<String, Float> scalars) {}

  /** All events of a file. */
  public static List<Event> read(Path file) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    List<Event> events = new ArrayList<>();
    while (bytes.hasRemaining()) {
      ByteBuffer length = taken(bytes, 8);
      assertThat(bytes.getInt()).as("checksum of a length").isEqualTo(masked(length));
      ByteBuffer event = taken(bytes, Math.toIntExact(length.getLong(0)));
      assertThat(bytes.getInt()).as("checksum of an event").isEqualTo(masked(event));
      events.add(event(event));
    }
    return events;
  }

  private static ByteBuffer taken(ByteBuffer from, int count) {
    ByteBuffer taken = from.slice(from.position(), count).order(ByteOrder.LITTLE_ENDIAN);
    from.position(from.position() + count);
    return taken;
  }

  // CRC32C bit by bit, by its polynomial, then the mask of the format.
  private static int masked(ByteBuffer bytes) {
    int crc = -1;
    for (int i = 0; i < bytes.limit(); i++) {
      crc ^= bytes.get(i) & 0xff;
      for (int bit = 0; bit < 8; bit++) {
        crc = (crc & 1) == 0 ? crc >>> 1 : (crc >>> 1) ^ 0x82f63b78;
      }
    }
    crc = ~crc;
    return ((crc >>> 15) | (crc << 17)) + 0xa282ead8;
  }

  private static Event event(ByteBuffer message) {
    double wallTime = Double.NaN;
    long step = 0;
    String version = "";
    SequencedMap<String, Float> scalars = new LinkedHashMap<>();
    while (message.hasRemaining()) {
      int number = (int) (varint(message.duplicate()) >>> 3);
      Object content = field(message);
      switch (number) {
        case 1 -> wallTime = (double) content;
        case 2 -> step = (long) content;
        case 3 -> version = UTF_8.decode((ByteBuffer) content).toString();
        case 5 -> {
          ByteBuffer summary = (ByteBuffer) content;
          while (summary.hasRemaining()) {
            scalar((ByteBuffer) field(summary), scalars);
          }
        }
        default -> throw new AssertionError("an event with a field " + number);
      }
    }
    return new Event(wallTime, step, version, scalars);
  }

  private static void scalar(ByteBuffer value, Map<String, Float> to) {
    String tag = UTF_8.decode((ByteBuffer) field(value)).toString();
    assertThat(to.put(tag, (Float) field(value))).as("a second %s in one event", tag).isNull();
    assertThat(value.hasRemaining()).isFalse();
  }

  /** The content of the next field, by its wire type. */
  private static Object field(ByteBuffer message) {
    long key = varint(message);
    return switch ((int) (key & 7)) {
      case 0 -> varint(message);
      case 1 -> message.getDouble();
      case 2 -> taken(message, (int) varint(message));
      case 5 -> message.getFloat();
      default -> throw new AssertionError("a field of wire type " + (key & 7));
    };
  }

  private static long varint(ByteBuffer message) {
    long value = 0;
    for (int shift = 0; ; shift += 7) {
      byte b = message.get();
      value |= (b & 0x7fL) << shift;
      if (b >= 0) {
        return value;
      }
    }
  }
}
