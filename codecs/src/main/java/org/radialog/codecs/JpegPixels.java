package org.radialog.codecs;

import static org.radialog.codecs.ImageRefused.Reason.CORRUPT;

import java.awt.image.BufferedImage;
import java.awt.image.ComponentSampleModel;
import java.awt.image.DataBufferByte;
import java.io.IOException;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.stream.ImageInputStream;
import javax.imageio.stream.MemoryCacheImageInputStream;

/**
 * Decodes JPEG with the JDK's decoder. Samples are read directly from the raster, because the
 * colour conversion of {@code BufferedImage} would change grey values.
 */
public final class JpegPixels {
  private JpegPixels() {}

  /** Decodes {@code file}; the image is refused if its size differs from its header. */
  public static Samples decode(String image, JpegFile file) {
    PictureHeader header = file.header();
    var complaint = new AtomicReference<String>();
    ImageReader reader = ImageIO.getImageReadersByFormatName("JPEG").next();
    BufferedImage decoded;
    try (ImageInputStream in = new MemoryCacheImageInputStream(file.stream())) {
      reader.setInput(in, true, true);
      reader.addIIOReadWarningListener((source, warning) -> {
        if (complaint.get() == null) {
          complaint.set(warning);
        }
      });
      decoded = reader.read(0);
    } catch (IOException
        | IllegalArgumentException
        | IllegalStateException
        | IndexOutOfBoundsException
        | NegativeArraySizeException
        | ArithmeticException
        | NullPointerException
        | ClassCastException e) {
      // The ways in which the decoder reports a file that contradicts itself.
      throw new ImageRefused(CORRUPT, image, "the JPEG cannot be decoded: " + deepest(e), e);
    } finally {
      reader.dispose();
    }
    // It warns if it fills in missing data, but also about superfluous bytes.
    Optional<String> damage = Optional.ofNullable(complaint.get()).filter(c -> !file.isWhole());
    if (damage.isPresent()) {
      throw new ImageRefused(CORRUPT, image, "the JPEG is damaged: " + damage.get());
    }
    return samples(image, decoded, header);
  }

  private static String deepest(Throwable e) {
    Throwable cause = e;
    for (Throwable next = e; next != null; next = next.getCause()) {
      cause = next;
    }
    String message = cause.getMessage();
    return message != null ? message : cause.getClass().getSimpleName();
  }

  /** The array of the raster, with channels in the order red, green, blue. */
  private static Samples samples(String image, BufferedImage decoded, PictureHeader header) {
    int channels = header.channels();
    if (!(decoded.getRaster().getDataBuffer() instanceof DataBufferByte bytes)
        || !(decoded.getSampleModel() instanceof ComponentSampleModel model)
        || decoded.getWidth() != header.width()
        || decoded.getHeight() != header.height()
        || model.getNumBands() != channels
        || model.getPixelStride() != channels
        || model.getScanlineStride() != channels * header.width()) {
      throw new ImageRefused(
          CORRUPT,
          image,
          "the JPEG was decoded as %s, expected %d×%d pixels of %d channels"
              .formatted(decoded.getSampleModel(), header.width(), header.height(), channels));
    }
    byte[] values = bytes.getData();
    if (channels == 3 && model.getBandOffsets()[0] == 2) {
      for (int i = 0; i < values.length; i += 3) {
        byte blue = values[i];
        values[i] = values[i + 2];
        values[i + 2] = blue;
      }
    }
    return new Samples.Bytes(header.width(), header.height(), channels, values);
  }
}
