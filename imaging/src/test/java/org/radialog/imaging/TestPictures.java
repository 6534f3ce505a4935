package org.radialog.imaging;

import java.awt.image.BufferedImage;
import java.awt.image.IndexColorModel;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.zip.CRC32;
import java.util.zip.Deflater;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageWriteParam;
import javax.imageio.ImageWriter;
import javax.imageio.stream.MemoryCacheImageOutputStream;

/** Small PNG and JPEG files: by the JDK's writers, and PNGs of any kind chunk by chunk. */
final class TestPictures {
  private TestPictures() {}

  /** A lung-like pattern without any symmetry. */
  static BufferedImage film(int width, int height, int type) {
    var image = new BufferedImage(width, height, type);
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        int level = level(x, y, width, height);
        for (int band = 0; band < image.getRaster().getNumBands(); band++) {
          image.getRaster().setSample(x, y, band, band == 3 ? 255 : level);
        }
      }
    }
    return image;
  }

  private static int level(int x, int y, int width, int height) {
    double dx = Math.abs(x - 0.48 * width) / width;
    double dy = (double) y / height;
    double lung = Math.exp(-50 * ((dx - 0.22) * (dx - 0.22) + (dy - 0.45) * (dy - 0.45) / 2));
    return (int) Math.clamp(210 - 160 * lung - 40 * dx + 20 * dy, 0, 255);
  }

  /** What {@link #film} draws: [height, width]. */
  static int[] levels(int width, int height) {
    int[] levels = new int[width * height];
    for (int i = 0; i < levels.length; i++) {
      levels[i] = level(i % width, i / width, width, height);
    }
    return levels;
  }

  static byte[] write(BufferedImage image, String format, boolean progressive) {
    ImageWriter writer = ImageIO.getImageWritersByFormatName(format).next();
    var bytes = new ByteArrayOutputStream();
    try (var out = new MemoryCacheImageOutputStream(bytes)) {
      ImageWriteParam parameters = writer.getDefaultWriteParam();
      if (progressive) {
        parameters.setProgressiveMode(ImageWriteParam.MODE_DEFAULT);
      }
      writer.setOutput(out);
      writer.write(null, new IIOImage(image, null, null), parameters);
    } catch (IOException e) {
      throw new AssertionError(e);
    } finally {
      writer.dispose();
    }
    return bytes.toByteArray();
  }

  static byte[] png(BufferedImage image) {
    return write(image, "png", false);
  }

  static byte[] jpeg(BufferedImage image) {
    return write(image, "jpeg", false);
  }

  static BufferedImage palette(int bits, int... colours) {
    int size = 1 << bits;
    byte[][] parts = new byte[4][size];
    for (int i = 0; i < size; i++) {
      int colour = colours[Math.min(i, colours.length - 1)];
      for (int part = 0; part < 4; part++) {
        parts[part][i] = (byte) (colour >> (24 - 8 * part));
      }
    }
    var model = new IndexColorModel(bits, size, parts[1], parts[2], parts[3], parts[0]);
    var image =
        new BufferedImage(
            colours.length,
            1,
            bits == 8 ? BufferedImage.TYPE_BYTE_INDEXED : BufferedImage.TYPE_BYTE_BINARY,
            model);
    for (int x = 0; x < colours.length; x++) {
      image.getRaster().setSample(x, 0, 0, x);
    }
    return image;
  }

  /** A PNG of one row of raw scan line bytes. */
  static byte[] rawPng(int width, int height, int depth, int colour, byte[] scanLines) {
    var deflater = new Deflater();
    deflater.setInput(scanLines);
    deflater.finish();
    byte[] packed = new byte[scanLines.length + 1000];
    byte[] data = Arrays.copyOf(packed, deflater.deflate(packed));
    deflater.end();
    ByteBuffer ihdr = ByteBuffer.allocate(13).putInt(width).putInt(height);
    ihdr.put((byte) depth).put((byte) colour);
    return join(
        new byte[] {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'},
        chunk("IHDR", ihdr.array()),
        chunk("IDAT", data),
        chunk("IEND", new byte[0]));
  }

  static byte[] chunk(String type, byte[] content) {
    ByteBuffer chunk = ByteBuffer.allocate(12 + content.length).putInt(content.length);
    chunk.put(type.getBytes(StandardCharsets.US_ASCII)).put(content);
    var crc = new CRC32();
    crc.update(chunk.array(), 4, 4 + content.length);
    return chunk.putInt((int) crc.getValue()).array();
  }

  /** EXIF data with one entry: the orientation. */
  static byte[] exif(int orientation, boolean little) {
    ByteBuffer tiff = ByteBuffer.allocate(26);
    tiff.order(little ? ByteOrder.LITTLE_ENDIAN : ByteOrder.BIG_ENDIAN);
    tiff.put(little ? (byte) 'I' : (byte) 'M').put(little ? (byte) 'I' : (byte) 'M');
    tiff.putShort((short) 42).putInt(8).putShort((short) 1);
    tiff.putShort((short) 0x0112).putShort((short) 3).putInt(1);
    tiff.putShort((short) orientation).putShort((short) 0).putInt(0);
    return tiff.array();
  }

  static byte[] withExif(byte[] file, byte[] exif) {
    if (file[0] == (byte) 0x89) {
      int afterIhdr = 8 + 25;
      return join(
          Arrays.copyOf(file, afterIhdr),
          chunk("eXIf", exif),
          Arrays.copyOfRange(file, afterIhdr, file.length));
    }
    int length = exif.length + 8;
    return join(
        Arrays.copyOf(file, 2),
        new byte[] {
          (byte) 0xFF, (byte) 0xE1, (byte) (length >> 8), (byte) length, 'E', 'x', 'i', 'f', 0, 0
        },
        exif,
        Arrays.copyOfRange(file, 2, file.length));
  }

  static byte[] join(byte[]... parts) {
    var out = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      out.writeBytes(part);
    }
    return out.toByteArray();
  }
}
