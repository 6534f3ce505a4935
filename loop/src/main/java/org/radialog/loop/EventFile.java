package org.radialog.loop;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.Set;
import java.util.zip.CRC32C;
import org.radialog.base.RadialogException;

/**
 * The rows of a run's table as scalars for TensorBoard, an event a row. A cell becomes the scalar
 * {@code stage/column} at the row's step.
 *
 * <p>Written by hand, since the format is small and the libraries that write it bring a machine
 * learning framework with them. A file is a sequence of records (TensorFlow's {@code
 * core/lib/io/record_writer}), each of which holds a message {@code Event} ({@code
 * core/util/event.proto}, {@code core/framework/summary.proto}).
 */
final class EventFile {
  /** TensorBoard reads every file with {@code .tfevents.} in its name. */
  static final String NAME = "events.out.tfevents.radialog";

  // Columns that are no scalars. TensorBoard takes the time from the events.
  private static final Set<String> NO_SCALARS = Set.of("row", "stage", "step", "seconds");

  // Fields of the messages, by their names in the .proto files.
  private static final int EVENT_WALL_TIME = 1;
  private static final int EVENT_STEP = 2;
  private static final int EVENT_FILE_VERSION = 3;
  private static final int EVENT_SUMMARY = 5;
  private static final int SUMMARY_VALUE = 1;
  private static final int VALUE_TAG = 1;
  private static final int VALUE_SIMPLE_VALUE = 2;

  // Wire types of protocol buffers.
  private static final int VARINT = 0;
  private static final int EIGHT_BYTES = 1;
  private static final int COUNTED = 2;
  private static final int FOUR_BYTES = 5;

  private static final int WALL_TIME_AT = 8 + 4 + 1; // of a record: after length, checksum and key
  private static final int CRC_MASK = 0xa282ead8;

  private EventFile() {}

  /**
   * Makes a file hold these rows and nothing else. Events of rows that it already has keep their
   * times, and what follows them is cut off: rows that a resumed run will repeat, or an event that
   * a killed run wrote only in part. The file is never replaced, because a TensorBoard that shows
   * the run keeps it open.
   *
   * @throws RadialogException if it cannot be written
   */
  static void follow(Path file, List<SequencedMap<String, String>> rows) {
    List<byte[]> records = new ArrayList<>();
    double now = System.currentTimeMillis() / 1e3;
    records.add(record(now, field(EVENT_FILE_VERSION, "brain.Event:2".getBytes(UTF_8))));
    rows.forEach(row -> records.add(record(now, event(row))));
    try (FileChannel channel =
        FileChannel.open(
            file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      byte[] there = Channels.newInputStream(channel).readAllBytes();
      int end = 0;
      int kept = 0;
      while (kept < records.size() && stands(records.get(kept), there, end)) {
        end += records.get(kept).length;
        kept++;
      }
      if (end < there.length) {
        channel.truncate(end);
      }
      var rest = new ByteArrayOutputStream();
      records.subList(kept, records.size()).forEach(rest::writeBytes);
      ByteBuffer left = ByteBuffer.wrap(rest.toByteArray());
      while (left.hasRemaining()) {
        channel.write(left, end + left.position());
      }
    } catch (IOException e) {
      throw new RadialogException("cannot write " + file + ": " + e, e);
    }
  }

  /** Whether the file has a record at a position, apart from the time at which it was written. */
  private static boolean stands(byte[] record, byte[] file, int at) {
    if (file.length - at < record.length) {
      return false;
    }
    double time = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).getDouble(at + WALL_TIME_AT);
    int content = WALL_TIME_AT + Double.BYTES;
    byte[] same = record(time, Arrays.copyOfRange(record, content, record.length - Integer.BYTES));
    return Arrays.equals(same, 0, same.length, file, at, at + same.length);
  }

  private static byte[] event(SequencedMap<String, String> row) {
    var summary = new ByteArrayOutputStream();
    for (Map.Entry<String, String> cell : row.entrySet()) {
      if (!NO_SCALARS.contains(cell.getKey()) && !cell.getValue().isEmpty()) {
        var value = new ByteArrayOutputStream();
        value.writeBytes(
            field(VALUE_TAG, (row.get("stage") + "/" + cell.getKey()).getBytes(UTF_8)));
        key(VALUE_SIMPLE_VALUE, FOUR_BYTES, value);
        value.writeBytes(bytes(4).putFloat(Float.parseFloat(cell.getValue())).array());
        summary.writeBytes(field(SUMMARY_VALUE, value.toByteArray()));
      }
    }
    var event = new ByteArrayOutputStream();
    key(EVENT_STEP, VARINT, event);
    varint(Long.parseLong(row.get("step")), event);
    event.writeBytes(field(EVENT_SUMMARY, summary.toByteArray()));
    return event.toByteArray();
  }

  /** An event as a record: its length, the length's checksum, the event, the event's checksum. */
  private static byte[] record(double wallTime, byte[] content) {
    var event = new ByteArrayOutputStream();
    key(EVENT_WALL_TIME, EIGHT_BYTES, event);
    event.writeBytes(bytes(Double.BYTES).putDouble(wallTime).array());
    event.writeBytes(content);
    byte[] length = bytes(Long.BYTES).putLong(event.size()).array();
    return bytes(Long.BYTES + Integer.BYTES + event.size() + Integer.BYTES)
        .put(length)
        .putInt(checksum(length))
        .put(event.toByteArray())
        .putInt(checksum(event.toByteArray()))
        .array();
  }

  // The format masks its checksums, since the CRC of data that contain CRCs is weak.
  private static int checksum(byte[] bytes) {
    var crc = new CRC32C();
    crc.update(bytes);
    return Integer.rotateRight((int) crc.getValue(), 15) + CRC_MASK;
  }

  private static byte[] field(int number, byte[] content) {
    var field = new ByteArrayOutputStream();
    key(number, COUNTED, field);
    varint(content.length, field);
    field.writeBytes(content);
    return field.toByteArray();
  }

  private static void key(int field, int type, ByteArrayOutputStream out) {
    varint((field << 3) | type, out);
  }

  private static void varint(long value, ByteArrayOutputStream out) {
    long left = value;
    while (left > 0x7f) {
      out.write((int) ((left & 0x7f) | 0x80));
      left >>>= 7;
    }
    out.write((int) left);
  }

  private static ByteBuffer bytes(int count) {
    return ByteBuffer.allocate(count).order(ByteOrder.LITTLE_ENDIAN);
  }
}
