package org.radialog.testing;

import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32;

/**
 * The zip format of PyTorch: entries are stored uncompressed; an extra field with the tag FB aligns
 * the data of each entry to a multiple of 64 bytes; checksums are in a data descriptor after the
 * data; 64-bit fields are used where 32 bits are not sufficient.
 */
final class TorchZip {
  private static final long NARROW_MAX = 0xffffffffL;
  private static final int ALIGNMENT = 64;
  private static final int PADDING_TAG = 0x4246; // FB
  private static final int FLAGS = 0x0808; // descriptor, UTF-8

  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Entry(byte[] name, long offset, long size, long crc) {}

  private interface Content {
    void writeTo(OutputStream out) throws IOException;
  }

  private final Counted out;
  private final String root;
  private final List<Entry> entries = new ArrayList<>();

  TorchZip(OutputStream out, String root) {
    this.out = new Counted(out);
    this.root = root;
  }

  void entry(String name, byte[] content) throws IOException {
    entry(name, content.length, o -> o.write(content));
  }

  void entry(String name, Weight content) throws IOException {
    entry(name, content.bytes(), content::writeTo);
  }

  private void entry(String name, long size, Content content) throws IOException {
    byte[] rawName = (root + "/" + name).getBytes(StandardCharsets.UTF_8);
    long offset = out.count;
    byte[] wide = wideFields(size, offset, false);
    int plain = 30 + rawName.length + wide.length + 4;
    int padding = (int) Math.floorMod(-(offset + plain), (long) ALIGNMENT);
    Fields header = new Fields().u32(0x04034b50).u16(0).u16(FLAGS);
    header.u16(0).u32(0).u32(0).u32(0).u32(0); // method, time, checksum and sizes: see descriptor
    header.u16(rawName.length).u16(wide.length + 4 + padding).raw(rawName).raw(wide);
    header.u16(PADDING_TAG).u16(padding);
    header.raw("Z".repeat(padding).getBytes(StandardCharsets.US_ASCII));
    out.write(header.toArray());

    out.crc.reset();
    long begin = out.count;
    content.writeTo(out);
    if (out.count - begin != size) {
      throw new IllegalStateException(
          name + " has " + (out.count - begin) + " bytes, announced " + size);
    }
    long crc = out.crc.getValue();
    int width = wide.length > 0 ? Long.BYTES : Integer.BYTES;
    Fields descriptor = new Fields().u32(0x08074b50).u32(crc);
    out.write(descriptor.number(size, width).number(size, width).toArray());
    entries.add(new Entry(rawName, offset, size, crc));
  }

  void finish() throws IOException {
    long begin = out.count;
    for (Entry e : entries) {
      byte[] wide = wideFields(e.size, e.offset, true);
      Fields header = new Fields().u32(0x02014b50).u32(0).u16(FLAGS).u16(0).u32(0);
      header.u32(e.crc).u32(narrow(e.size)).u32(narrow(e.size));
      header.u16(e.name.length).u16(wide.length).u16(0).u16(0).u16(0).u32(0);
      header.u32(narrow(e.offset)).raw(e.name).raw(wide);
      out.write(header.toArray());
    }
    long length = out.count - begin;
    Fields end = new Fields().u32(0x06064b50).u64(44).u16(0x031e).u16(45).u32(0).u32(0);
    end.u64(entries.size()).u64(entries.size()).u64(length).u64(begin);
    end.u32(0x07064b50).u32(0).u64(begin + length).u32(1);
    int count = Math.min(entries.size(), 0xffff);
    end.u32(0x06054b50).u32(0).u16(count).u16(count);
    end.u32(narrow(length)).u32(narrow(begin)).u16(0);
    out.write(end.toArray());
  }

  private static byte[] wideFields(long size, long offset, boolean directory) {
    Fields wide = new Fields();
    if (size >= NARROW_MAX) {
      // The descriptor contains the sizes; here they are zero, like the 32-bit sizes.
      wide.u64(directory ? size : 0).u64(directory ? size : 0);
    }
    if (offset >= NARROW_MAX) {
      wide.u64(offset);
    }
    return wide.size() == 0
        ? new byte[0]
        : new Fields().u16(1).u16(wide.size()).raw(wide.toArray()).toArray();
  }

  private static long narrow(long value) {
    return Math.min(value, NARROW_MAX);
  }

  private static final class Counted extends FilterOutputStream {
    private final CRC32 crc = new CRC32();
    private long count;

    Counted(OutputStream out) {
      super(out);
    }

    @Override
    public void write(int b) throws IOException {
      write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int from, int length) throws IOException {
      out.write(bytes, from, length);
      crc.update(bytes, from, length);
      count += length;
    }
  }
}
