package org.radialog.imaging;

import static org.radialog.imaging.ImageRefused.Reason.CORRUPT;

import java.awt.image.BufferedImage;
import java.awt.image.ColorModel;
import java.awt.image.ComponentSampleModel;
import java.awt.image.DataBuffer;
import java.awt.image.DataBufferByte;
import java.awt.image.DataBufferUShort;
import java.awt.image.IndexColorModel;
import java.awt.image.Raster;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.stream.ImageInputStream;
import javax.imageio.stream.MemoryCacheImageInputStream;

/**
 * PNG and JPEG through the JDK's decoders. Samples are taken from the raster as they are: the
 * colour conversion of {@code BufferedImage} would bend grey values.
 */
final class Pictures {
  private Pictures() {}

  /** Decodes {@code file}; the picture has the size that {@code header} promised, or is refused. */
  static Samples decode(String image, byte[] file, String format, PictureHeader header) {
    List<String> complaints = new ArrayList<>();
    ImageReader reader = ImageIO.getImageReadersByFormatName(format).next();
    try (ImageInputStream in = new MemoryCacheImageInputStream(new ByteArrayInputStream(file))) {
      reader.setInput(in, true, true);
      if (reader.getWidth(0) != header.width() || reader.getHeight(0) != header.height()) {
        throw new ImageRefused(
            CORRUPT,
            image,
            "the %s has two sizes, %d×%d and %d×%d"
                .formatted(
                    format,
                    header.width(),
                    header.height(),
                    reader.getWidth(0),
                    reader.getHeight(0)));
      }
      // A decoder warns where it fills what is missing: such a picture is not whole.
      reader.addIIOReadWarningListener((source, warning) -> {
        if (!warning.contains("ICC") && !warning.contains("thumbnail")) {
          complaints.add(warning);
        }
      });
      BufferedImage decoded = reader.read(0);
      if (!complaints.isEmpty()) {
        throw new ImageRefused(
            CORRUPT, image, "the " + format + " is damaged: " + complaints.getFirst());
      }
      return samples(image, decoded);
    } catch (IOException
        | IllegalArgumentException
        | IllegalStateException
        | IndexOutOfBoundsException
        | NegativeArraySizeException
        | ArithmeticException
        | NullPointerException
        | ClassCastException e) {
      // The decoder's ways to say that a file contradicts itself.
      throw new ImageRefused(
          CORRUPT, image, "the " + format + " cannot be decoded: " + deepest(e), e);
    } finally {
      reader.dispose();
    }
  }

  private static String deepest(Throwable e) {
    Throwable cause = e;
    for (Throwable next = e; next != null; next = next.getCause()) {
      cause = next;
    }
    String message = cause.getMessage();
    return message != null ? message : cause.getClass().getSimpleName();
  }

  private static Samples samples(String image, BufferedImage decoded) {
    Raster raster = decoded.getRaster();
    ColorModel colours = decoded.getColorModel();
    if (colours instanceof IndexColorModel palette) {
      return fromPalette(raster, palette);
    }
    if (!(raster.getSampleModel() instanceof ComponentSampleModel model)
        || model.getNumBands() > 4) {
      throw new ImageRefused(
          ImageRefused.Reason.UNSUPPORTED, image, "pixels laid out as " + raster.getSampleModel());
    }
    int width = model.getWidth();
    int height = model.getHeight();
    int channels = model.getNumBands();
    int[] offsets = model.getBandOffsets();
    int pixel = model.getPixelStride();
    int line = model.getScanlineStride();
    DataBuffer buffer = raster.getDataBuffer();
    return switch (buffer) {
      case DataBufferByte bytes -> {
        byte[] from = bytes.getData();
        if (channels == 1 && line == width && from.length == width * height) {
          yield new Samples.Bytes(width, height, 1, from);
        }
        byte[] values = new byte[width * height * channels];
        for (int y = 0, to = 0; y < height; y++) {
          for (int x = 0; x < width; x++) {
            for (int c = 0; c < channels; c++) {
              values[to++] = from[y * line + x * pixel + offsets[c]];
            }
          }
        }
        yield new Samples.Bytes(width, height, channels, values);
      }
      case DataBufferUShort words -> {
        short[] from = words.getData();
        short[] values = new short[width * height * channels];
        for (int y = 0, to = 0; y < height; y++) {
          for (int x = 0; x < width; x++) {
            for (int c = 0; c < channels; c++) {
              values[to++] = from[y * line + x * pixel + offsets[c]];
            }
          }
        }
        yield new Samples.Words(width, height, channels, values);
      }
      default ->
          throw new ImageRefused(
              ImageRefused.Reason.UNSUPPORTED, image, "samples of type " + buffer.getDataType());
    };
  }

  /** A palette becomes grey where all its colours are, else RGB, or RGBA where it holds alpha. */
  private static Samples fromPalette(Raster raster, IndexColorModel palette) {
    int[] colours = new int[palette.getMapSize()];
    palette.getRGBs(colours);
    boolean grey = true;
    boolean opaque = true;
    for (int colour : colours) {
      grey &= (colour & 0xFF) == (colour >> 8 & 0xFF) && (colour & 0xFF) == (colour >> 16 & 0xFF);
      opaque &= colour >>> 24 == 0xFF;
    }
    int channels = (grey ? 1 : 3) + (opaque ? 0 : 1);
    int width = raster.getWidth();
    int height = raster.getHeight();
    byte[] values = new byte[width * height * channels];
    int[] row = new int[width];
    for (int y = 0, to = 0; y < height; y++) {
      raster.getSamples(0, y, width, 1, 0, row);
      for (int index : row) {
        int colour = colours[index];
        if (!grey) {
          values[to++] = (byte) (colour >> 16);
          values[to++] = (byte) (colour >> 8);
        }
        values[to++] = (byte) colour;
        if (!opaque) {
          values[to++] = (byte) (colour >>> 24);
        }
      }
    }
    return new Samples.Bytes(width, height, channels, values);
  }
}
