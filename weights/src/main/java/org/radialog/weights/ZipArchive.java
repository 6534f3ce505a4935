package org.radialog.weights;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The entries of a zip file as views of the mapped file. Only stored entries are supported, as
 * PyTorch writes them. {@code java.util.zip} copies its input and does not give the position of an
 * entry.
 */
final class ZipArchive {
  private static final int LOCAL_HEADER = 0x04034b50;
  private static final int CENTRAL_HEADER = 0x02014b50;
  private static final int END = 0x06054b50;
  private static final int END_64 = 0x06064b50;
  private static final int LOCATOR_64 = 0x07064b50;
  private static final int END_BYTES = 22;
  private static final int LOCATOR_64_BYTES = 20;
  private static final int CENTRAL_BYTES = 46;
  private static final long NARROW_MAX = 0xffffffffL;

  /** Maximum number of entries in the directory; PyTorch writes one entry per storage. */
  private static final int MAX_ENTRIES = 1_000_000;

  private static final long MAX_DIRECTORY = 1 << 27;

  private record Directory(long offset, long length, long entries) {}

  /** The bytes from an entry's local header to the end of its data. */
  private record Extent(String name, long begin, long end) {}

  private final Path file;
  private final MemorySegment bytes;
  private final Map<String, MemorySegment> entries = new LinkedHashMap<>();
  private final List<Extent> extents = new ArrayList<>();

  private ZipArchive(Path file, MemorySegment bytes) {
    this.file = file;
    this.bytes = bytes;
  }

  static ZipArchive read(Path file, MemorySegment bytes) {
    ZipArchive archive = new ZipArchive(file, bytes);
    archive.readEntries();
    return archive;
  }

  static boolean starts(MemorySegment bytes) {
    return bytes.byteSize() >= 4 && bytes.get(Bytes.INT, 0) == LOCAL_HEADER;
  }

  Optional<MemorySegment> entry(String name) {
    return Optional.ofNullable(entries.get(name));
  }

  Iterable<String> names() {
    return entries.keySet();
  }

  private void readEntries() {
    Directory directory = directory(end());
    if (directory.entries > MAX_ENTRIES || directory.length > MAX_DIRECTORY) {
      throw new WeightsRefused(
          file,
          "the zip directory declares "
              + Long.toUnsignedString(directory.entries)
              + " entries in "
              + Long.toUnsignedString(directory.length)
              + " bytes");
    }
    Bytes in = new Bytes(file, slice("zip directory", directory.offset, directory.length));
    for (long i = 0; i < directory.entries; i++) {
      readEntry(in);
    }
    extents.add(new Extent("the directory", directory.offset, directory.offset + directory.length));
    checkDisjoint();
  }

  // Entries that share bytes would expand a small file to a large archive.
  private void checkDisjoint() {
    extents.sort(Comparator.comparingLong(Extent::begin));
    for (int i = 1; i < extents.size(); i++) {
      Extent before = extents.get(i - 1);
      if (extents.get(i).begin < before.end) {
        throw new WeightsRefused(
            file, "the zip entries " + before.name + " and " + extents.get(i).name + " overlap");
      }
    }
  }

  private long end() {
    long last = bytes.byteSize() - END_BYTES;
    for (long at = last; at >= Math.max(0, last - 0xffff); at--) {
      if (bytes.get(Bytes.INT, at) == END
          && at + END_BYTES + (bytes.get(Bytes.SHORT, at + 20) & 0xffff) == bytes.byteSize()) {
        return at;
      }
    }
    throw new WeightsRefused(file, "the zip directory is missing: the file is cut off");
  }

  private Directory directory(long end) {
    Bytes in = new Bytes(file, slice("end of the zip directory", end, END_BYTES));
    in.take(10);
    long entries = in.u16();
    long length = in.u32();
    long offset = in.u32();
    long locator = end - LOCATOR_64_BYTES;
    if (locator < 0 || bytes.get(Bytes.INT, locator) != LOCATOR_64) {
      return new Directory(offset, length, entries);
    }
    Bytes wide = new Bytes(file, slice("zip64 directory", bytes.get(Bytes.LONG, locator + 8), 56));
    if (wide.i32() != END_64) {
      throw wide.refused("the zip64 directory is not at the position that its locator gives");
    }
    wide.take(28);
    long wideEntries = wide.i64();
    long wideLength = wide.i64();
    return new Directory(wide.i64(), wideLength, wideEntries);
  }

  private void readEntry(Bytes in) {
    if (in.left() < CENTRAL_BYTES || in.i32() != CENTRAL_HEADER) {
      throw in.refused("the zip directory is damaged");
    }
    in.take(4);
    int flags = in.u16();
    int method = in.u16();
    in.take(8);
    long compressed = in.u32();
    long length = in.u32();
    int nameLength = in.u16();
    int extraLength = in.u16();
    int commentLength = in.u16();
    in.take(8);
    long offset = in.u32();
    String name = in.utf8(nameLength);
    Bytes extra = new Bytes(file, in.take(extraLength));
    in.take(commentLength);
    // The 64-bit fields are in this order; each is present only if its 32-bit field is full.
    while (extra.left() >= 4) {
      int tag = extra.u16();
      Bytes field = new Bytes(file, extra.take(extra.u16()));
      if (tag == 1) {
        length = length == NARROW_MAX ? field.i64() : length;
        compressed = compressed == NARROW_MAX ? field.i64() : compressed;
        offset = offset == NARROW_MAX ? field.i64() : offset;
      }
    }
    if (method != 0 || compressed != length || (flags & 1) != 0) {
      throw in.refused(
          "the zip entry " + name + " is compressed or encrypted; PyTorch stores entries plainly");
    }
    if (entries.put(name, data(name, offset, length)) != null) {
      throw in.refused("the zip entry " + name + " occurs twice");
    }
  }

  private MemorySegment data(String name, long offset, long length) {
    Bytes local = new Bytes(file, slice("zip entry " + name, offset, 30));
    if (local.i32() != LOCAL_HEADER) {
      throw local.refused(
          "the zip entry " + name + " is not at the position that the directory gives");
    }
    local.take(22);
    int nameLength = local.u16();
    int extraLength = local.u16();
    Bytes localName = new Bytes(file, slice("zip entry " + name, offset + 30, nameLength));
    if (!localName.utf8(nameLength).equals(name)) {
      throw local.refused("the zip entry " + name + " has another name in its local header");
    }
    long begin = offset + 30 + nameLength + extraLength;
    MemorySegment data = slice("zip entry " + name, begin, length);
    extents.add(new Extent(name, offset, begin + length));
    return data;
  }

  private MemorySegment slice(String what, long offset, long length) {
    if (offset < 0 || length < 0 || length > bytes.byteSize() - offset) {
      throw new WeightsRefused(
          file,
          "the "
              + what
              + " reaches from byte "
              + Long.toUnsignedString(offset)
              + " over "
              + Long.toUnsignedString(length)
              + " bytes, the file has "
              + bytes.byteSize());
    }
    return bytes.asSlice(offset, length);
  }
}
