package org.radialog.data;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import org.radialog.base.RadialogException;
import org.radialog.clinical.Finding;
import org.radialog.imaging.Radiograph;

/**
 * What radiologists marked on films of the NIH, in parts of a film's width and height, so that it
 * does not matter at which size the film lies there.
 *
 * <p>Of a release: {@code BBox_List_2017.csv}. Of a folder with {@code labels.csv}, where they are
 * there, in pixels of the film's own file: {@code boxes.csv} (image, label of the NIH, x, y, w, h),
 * and {@code rsna2018.csv} (image, boxes as {@code x y w h} with {@code ;} between them), whose
 * boxes are around opacities that look like pneumonia.
 */
public final class FilmBoxes {
  private static final double RELEASED = 1024; // pixels of a film of the release, either way

  private final Path images;
  private final Consumer<? super Rejected> rejected;
  private final Map<String, List<Marked>> boxes = new HashMap<>();
  private final Map<String, double[]> sizes = new HashMap<>();

  private FilmBoxes(Path images, Consumer<? super Rejected> rejected) {
    this.images = images;
    this.rejected = rejected;
  }

  /**
   * A box around a finding.
   *
   * @param left as part of the film's width, from 0 at the left edge of the picture
   * @param top as part of its height, from 0 at the top
   * @param right at least {@code left}
   * @param bottom at least {@code top}
   */
  public record Marked(Finding finding, double left, double top, double right, double bottom) {
    // A chest is seldom in the very middle of its film.
    private static final double SLACK = 0.03;
    private static final double MIDDLE = 0.5;

    /**
     * Whether a position lies in the box or no further from it than the given distances.
     *
     * @param x as part of the film's width
     * @param y as part of its height
     * @param across distance as part of the width
     * @param down distance as part of the height
     */
    public boolean contains(double x, double y, double across, double down) {
      return x >= left - across && x <= right + across && y >= top - down && y <= bottom + down;
    }

    /**
     * The half of the picture that the box lies in; empty if it lies in both. It may reach over the
     * middle by 3 % of the film's width.
     */
    public Optional<Half> half() {
      if (left < MIDDLE - SLACK && right < MIDDLE + SLACK) {
        return Optional.of(Half.LEFT);
      }
      return left > MIDDLE - SLACK && right > MIDDLE + SLACK
          ? Optional.of(Half.RIGHT)
          : Optional.empty();
    }

    /** The third of the lungs in which the centre of the box lies. */
    public LungZone zone() {
      return LungZone.at((top + bottom) / 2);
    }
  }

  /** A half of the picture; the left half shows the right side of the patient. */
  public enum Half {
    LEFT,
    RIGHT
  }

  /**
   * The boxes of a folder by the film's file name; empty where it has none. A box around something
   * that no label of CheXpert names is left out.
   *
   * @param rejected gets a row that cannot be read, also because its film cannot
   */
  public static Map<String, List<Marked>> in(Path folder, Consumer<? super Rejected> rejected) {
    var found = new FilmBoxes(folder.resolve("images"), rejected);
    if (NihRelease.hasBoxes(folder)) {
      for (NihRelease.Box box : new NihRelease(folder).boxes(rejected)) {
        double[] numbers = {box.x(), box.y(), box.width(), box.height()};
        box.finding().ifPresent(finding -> found.add(box.image(), finding, numbers));
      }
      return found.boxes;
    }
    found.read(
        folder.resolve("boxes.csv"),
        List.of("image", "label", "x", "y", "w", "h"),
        row -> {
          Optional<Finding> finding = NihRelease.findingOfBox(row.get("label"));
          double[] box = numbers(row.get("x"), row.get("y"), row.get("w"), row.get("h"));
          finding.ifPresent(f -> found.addScaled(row.get("image"), f, box));
        });
    found.read(
        folder.resolve("rsna2018.csv"),
        List.of("image", "boxes"),
        row -> {
          for (String box : row.get("boxes").split(";", -1)) {
            if (!box.isBlank()) {
              double[] numbers = numbers(box.strip().split("\\s+", -1));
              found.addScaled(row.get("image"), Finding.LUNG_OPACITY, numbers);
            }
          }
        });
    return found.boxes;
  }

  private void read(Path table, List<String> columns, Consumer<CsvTable.Row> use) {
    if (!Files.exists(table)) {
      return;
    }
    new CsvTable(table, columns, List.of())
        .read(
            row -> {
              try {
                use.accept(row);
              } catch (RadialogException e) {
                rejected.accept(new Rejected(table, row.number(), e.getMessage()));
              }
            },
            rejected::accept);
  }

  private void add(String image, Finding finding, double[] box) {
    boxes
        .computeIfAbsent(image, name -> new ArrayList<>())
        .add(scaled(finding, box, RELEASED, RELEASED));
  }

  private void addScaled(String image, Finding finding, double[] box) {
    double[] size =
        sizes.computeIfAbsent(
            image,
            name -> {
              if (name.contains("/") || name.contains("\\") || name.contains("..")) {
                throw new RadialogException(
                    "expected a file name in the column image, found \"" + name + "\"");
              }
              Radiograph film = Radiograph.read(images.resolve(name));
              return new double[] {film.width(), film.height()};
            });
    boxes
        .computeIfAbsent(image, name -> new ArrayList<>())
        .add(scaled(finding, box, size[0], size[1]));
  }

  private static Marked scaled(Finding finding, double[] box, double width, double height) {
    var marked =
        new Marked(
            finding,
            box[0] / width,
            box[1] / height,
            (box[0] + box[2]) / width,
            (box[1] + box[3]) / height);
    // Drawn by hand: a pixel over the edge is none outside.
    double slack = 0.01;
    if (!(box[2] > 0 && box[3] > 0)
        || marked.left() < -slack
        || marked.top() < -slack
        || marked.right() > 1 + slack
        || marked.bottom() > 1 + slack) {
      throw new RadialogException(
          "the box %s %s %s %s does not lie on the film of %.0f x %.0f pixels"
              .formatted(box[0], box[1], box[2], box[3], width, height));
    }
    return marked;
  }

  private static double[] numbers(String... cells) {
    if (cells.length != 4) {
      throw new RadialogException(
          "expected a box as x y w h, found %d numbers".formatted(cells.length));
    }
    var numbers = new double[cells.length];
    for (int i = 0; i < cells.length; i++) {
      numbers[i] = NihRelease.number(cells[i]);
    }
    return numbers;
  }
}
