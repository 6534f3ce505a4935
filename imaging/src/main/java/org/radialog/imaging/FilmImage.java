package org.radialog.imaging;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Iterator;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageWriter;
import javax.imageio.stream.MemoryCacheImageOutputStream;
import org.radialog.base.WholeFile;
import org.radialog.codecs.ImageRefused;

/** A film drawn for display, optionally with a heat map, which can be written as PNG. Immutable. */
public final class FilmImage {
  // opacity of the hottest place
  private static final double STRONGEST = 0.55;

  private final int filmWidth;
  private final int filmHeight;
  private final BufferedImage image;

  private FilmImage(int filmWidth, int filmHeight, BufferedImage image) {
    this.filmWidth = filmWidth;
    this.filmHeight = filmHeight;
    this.image = image;
  }

  /**
   * The film as in {@link Radiograph#display()}, with its shorter side reduced to {@code
   * shorterSide} pixels; never enlarged.
   *
   * @throws ImageRefused if one side is more than 20 times the other
   */
  public static FilmImage of(Radiograph film, int shorterSide) {
    if (shorterSide < 1) {
      throw new IllegalArgumentException("the shorter side must be positive, got " + shorterSide);
    }
    Limits.refuseStrip(film.name(), film.width(), film.height());
    int shorter = Math.min(film.width(), film.height());
    double scale = Math.min(1, (double) shorterSide / shorter);
    int width = (int) Math.max(1, Math.round(film.width() * scale));
    int height = (int) Math.max(1, Math.round(film.height() * scale));
    byte[] grey =
        Resampling.resizeAndCrop(
            film.display(),
            film.width(),
            film.height(),
            width,
            height,
            new Resampling.Crop(0, 0, width, height));
    var image = new BufferedImage(width, height, BufferedImage.TYPE_BYTE_GRAY);
    image.getRaster().setDataElements(0, 0, width, height, grey);
    return new FilmImage(film.width(), film.height(), image);
  }

  /**
   * The same film with a heat map, which is transparent where it is cold and yellow to red where it
   * is hot.
   *
   * @param heat [rows, columns], row-major, values in [0, 1], over the square that the network saw
   * @param seen the preprocessing that cropped this square from the film
   */
  public FilmImage withHeat(float[] heat, int rows, int columns, Preprocessing seen) {
    if (rows < 1 || columns < 1 || heat.length != rows * columns) {
      throw new IllegalArgumentException(
          "expected a heat map of %d×%d values, got %d".formatted(rows, columns, heat.length));
    }
    for (float value : heat) {
      if (!(value >= 0 && value <= 1)) {
        throw new IllegalArgumentException("expected heat in [0, 1], got " + value);
      }
    }
    int width = image.getWidth();
    int height = image.getHeight();
    Preprocessing.Placement square = seen.placement(filmWidth, filmHeight);
    var drawn = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
    for (int y = 0; y < height; y++) {
      double v = ((y + 0.5) * square.height() / height - square.top()) / seen.crop();
      for (int x = 0; x < width; x++) {
        double u = ((x + 0.5) * square.width() / width - square.left()) / seen.crop();
        boolean inside = u >= 0 && u < 1 && v >= 0 && v < 1;
        double warm = inside ? bilinear(heat, rows, columns, v * rows - 0.5, u * columns - 0.5) : 0;
        drawn.setRGB(x, y, blend(rgb(x, y), warm));
      }
    }
    return new FilmImage(filmWidth, filmHeight, drawn);
  }

  private int rgb(int x, int y) {
    // The values of a grey raster, because getRGB would convert them with the grey colour space.
    if (image.getType() == BufferedImage.TYPE_BYTE_GRAY) {
      return image.getRaster().getSample(x, y, 0) * 0x010101;
    }
    return image.getRGB(x, y) & 0xFFFFFF;
  }

  private static double bilinear(float[] heat, int rows, int columns, double row, double column) {
    double y = Math.clamp(row, 0, rows - 1);
    double x = Math.clamp(column, 0, columns - 1);
    int top = Math.min((int) y, Math.max(0, rows - 2));
    int left = Math.min((int) x, Math.max(0, columns - 2));
    int bottom = Math.min(top + 1, rows - 1);
    int right = Math.min(left + 1, columns - 1);
    double down = y - top;
    double across = x - left;
    double above = heat[top * columns + left] * (1 - across) + heat[top * columns + right] * across;
    double below =
        heat[bottom * columns + left] * (1 - across) + heat[bottom * columns + right] * across;
    return above * (1 - down) + below * down;
  }

  /** Grey mixed with a colour between yellow (warm) and red (hot). */
  private static int blend(int rgb, double warm) {
    double share = STRONGEST * warm;
    double red = (rgb >> 16 & 0xFF) * (1 - share) + 255 * share;
    double green = (rgb >> 8 & 0xFF) * (1 - share) + 230 * (1 - warm) * share;
    double blue = (rgb & 0xFF) * (1 - share);
    return (int) Math.round(red) << 16 | (int) Math.round(green) << 8 | (int) Math.round(blue);
  }

  /** Width in pixels. */
  public int width() {
    return image.getWidth();
  }

  /** Rows. */
  public int height() {
    return image.getHeight();
  }

  /** The picture as a PNG file. */
  public byte[] png() {
    Iterator<ImageWriter> writers = ImageIO.getImageWritersByFormatName("PNG");
    ImageWriter writer = writers.next();
    var bytes = new ByteArrayOutputStream();
    try (var out = new MemoryCacheImageOutputStream(bytes)) {
      writer.setOutput(out);
      writer.write(new IIOImage(image, null, null));
    } catch (IOException e) {
      throw new UncheckedIOException(e); // writing to memory does not fail
    } finally {
      writer.dispose();
    }
    return bytes.toByteArray();
  }

  /**
   * Writes the image atomically as PNG.
   *
   * @throws org.radialog.base.RadialogException if it cannot be written
   */
  public void write(Path file) {
    byte[] png = png();
    WholeFile.write(file, out -> out.write(png));
  }
}
