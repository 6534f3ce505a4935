package org.radialog.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;

class ZipArchiveTest {
  private static final Path NAME = Path.of("model.pt");

  @Test
  void storedEntriesAreViewsOfTheFile() throws IOException {
    byte[] zip = zipped(ZipEntry.STORED, "model/data.pkl", "model/data/0");
    ZipArchive archive = ZipArchive.read(NAME, MemorySegment.ofArray(zip));
    assertThat(archive.names()).containsExactly("model/data.pkl", "model/data/0");
    assertThat(Pickle.array(archive.entry("model/data/0").orElseThrow()))
        .isEqualTo("content of model/data/0".getBytes(StandardCharsets.UTF_8));
    assertThat(archive.entry("model/data/1")).isEmpty();
  }

  @Test
  void compressedEntriesAreRefused() throws IOException {
    byte[] zip = zipped(ZipEntry.DEFLATED, "model/data.pkl");
    assertThatThrownBy(() -> ZipArchive.read(NAME, MemorySegment.ofArray(zip)))
        .isInstanceOf(WeightsRefused.class)
        .hasMessageContaining("model/data.pkl is compressed");
  }

  /** Files beyond 4 GiB keep their sizes and places in 64-bit fields; small ones may do so too. */
  @Test
  void sixtyFourBitFieldsAreRead() throws IOException {
    byte[] zip = zip64("model/data.pkl", "content");
    ZipArchive archive = ZipArchive.read(NAME, MemorySegment.ofArray(zip));
    assertThat(Pickle.array(archive.entry("model/data.pkl").orElseThrow()))
        .isEqualTo("content".getBytes(StandardCharsets.UTF_8));
  }

  private static byte[] zipped(int method, String... names) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
      for (String name : names) {
        byte[] content = ("content of " + name).getBytes(StandardCharsets.UTF_8);
        CRC32 crc = new CRC32();
        crc.update(content);
        ZipEntry entry = new ZipEntry(name);
        entry.setMethod(method);
        entry.setSize(content.length);
        entry.setCrc(crc.getValue());
        zip.putNextEntry(entry);
        zip.write(content);
        zip.closeEntry();
      }
    }
    return bytes.toByteArray();
  }

  // Local header, directory with the 64-bit extra field, zip64 end and locator, end.
  private static byte[] zip64(String name, String content) {
    byte[] rawName = name.getBytes(StandardCharsets.UTF_8);
    byte[] raw = content.getBytes(StandardCharsets.UTF_8);
    ByteBuffer out = ByteBuffer.allocate(1000).order(ByteOrder.LITTLE_ENDIAN);
    out.putInt(0x04034b50).putShort((short) 45).putShort((short) 0).putShort((short) 0);
    out.putInt(0).putInt(0).putInt(raw.length).putInt(raw.length);
    out.putShort((short) rawName.length).putShort((short) 0).put(rawName).put(raw);
    int directory = out.position();
    out.putInt(0x02014b50).putShort((short) 45).putShort((short) 45);
    out.putShort((short) 0).putShort((short) 0).putInt(0).putInt(0).putInt(-1).putInt(-1);
    out.putShort((short) rawName.length).putShort((short) 28).putShort((short) 0);
    out.putShort((short) 0).putShort((short) 0).putInt(0).putInt(-1).put(rawName);
    out.putShort((short) 1).putShort((short) 24);
    out.putLong(raw.length).putLong(raw.length).putLong(0);
    int end = out.position();
    out.putInt(0x06064b50).putLong(44).putShort((short) 45).putShort((short) 45);
    out.putInt(0).putInt(0).putLong(1).putLong(1).putLong(end - directory).putLong(directory);
    out.putInt(0x07064b50).putInt(0).putLong(end).putInt(1);
    out.putInt(0x06054b50).putShort((short) 0).putShort((short) 0);
    out.putShort((short) -1).putShort((short) -1).putInt(-1).putInt(-1).putShort((short) 0);
    byte[] zip = new byte[out.position()];
    out.flip().get(zip);
    return zip;
  }
}
