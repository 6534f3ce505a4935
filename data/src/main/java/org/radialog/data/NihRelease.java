package org.radialog.data;

import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.clinical.Finding;
import org.radialog.clinical.View;

/**
 * NIH ChestX-ray14 from the folder of its release (Wang et al., CVPR 2017): 112,120 frontal films
 * of 30,805 patients.
 *
 * <pre>
 * Data_Entry_2017_v2020.csv or Data_Entry_2017.csv
 * train_val_list.txt, test_list.txt        optional
 * BBox_List_2017.csv                       optional
 * images/00000001_000.png                  or images_001/images/… to images_012/images/…
 * </pre>
 *
 * <p>Labels are mapped to CheXpert labels as in {@link NihDataSet}: Infiltration is Lung Opacity,
 * Mass and Nodule are Lung Lesion, Effusion is Pleural Effusion, Pleural_Thickening is Pleural
 * Other; Emphysema, Fibrosis and Hernia have no counterpart.
 *
 * @param folder folder of the release
 */
public record NihRelease(Path folder) {
  // 58 in the 2020 version; 058Y, or with M or D for months or days, in the 2017 version.
  private static final Pattern AGE = Pattern.compile("(\\d{1,3})([YMD]?)");

  /**
   * A film and its split.
   *
   * @param film the film
   * @param split the split of the release that contains the film
   */
  public record Released(Film film, StudySplit split) {}

  /**
   * A bounding box drawn by a radiologist.
   *
   * @param image file name of the film
   * @param label NIH name of the finding in the box
   * @param finding corresponding CheXpert finding, if any
   * @param x left edge in pixels of the 1024×1024 film
   * @param y top edge in pixels of the 1024×1024 film
   * @param width in pixels of the 1024×1024 film
   * @param height in pixels of the 1024×1024 film
   */
  public record Box(
      String image,
      String label,
      Optional<Finding> finding,
      double x,
      double y,
      double width,
      double height) {}

  /**
   * The counts of a reading.
   *
   * @param films number of films that were read
   * @param rejected number of rejections that were reported
   */
  public record Tally(long films, long rejected) {}

  private static final String TABLE = "Data_Entry_2017*.csv{,.gz}";
  private static final String BOXES = "BBox_List_2017.csv{,.gz}";

  /** Whether a folder contains the table of the release. */
  public static boolean in(Path folder) {
    return Files.isDirectory(folder) && !CsvTable.matching(folder, TABLE).isEmpty();
  }

  /** Whether a folder of the release has its table of boxes. */
  public static boolean hasBoxes(Path folder) {
    return in(folder) && !CsvTable.matching(folder, BOXES).isEmpty();
  }

  /** Whether a folder contains films of the NIH, either prepared by this project or as released. */
  public static boolean filmsIn(Path folder) {
    return NihDataSet.in(folder) || in(folder);
  }

  /**
   * All films of a folder in either layout, in the order of the table; prepared films have no
   * split.
   *
   * @param rejected receives what {@link #read} rejects
   * @throws RadialogException if the table is missing or has another format, or if a row of a
   *     prepared table cannot be read
   */
  public static List<Released> films(Path folder, Consumer<? super Rejected> rejected) {
    if (NihDataSet.in(folder) || !in(folder)) {
      return NihDataSet.read(folder).films().stream()
          .map(film -> new Released(film, StudySplit.NONE))
          .toList();
    }
    var films = new ArrayList<Released>();
    new NihRelease(folder).read(films::add, rejected);
    return List.copyOf(films);
  }

  /**
   * The path of the table of films and labels.
   *
   * @throws RadialogException if it does not exist
   */
  public Path table() {
    return CsvTable.find(folder, TABLE);
  }

  /**
   * Reads all films, in the order of the table.
   *
   * @param films receives each film once; those of {@code train_val_list.txt} are {@link
   *     StudySplit#TRAIN}
   * @param rejected receives films without an image and rows that cannot be read
   * @throws RadialogException if the table is missing or has another format
   */
  public Tally read(Consumer<? super Released> films, Consumer<? super Rejected> rejected) {
    Map<String, Path> images = images();
    Map<String, StudySplit> splits = new HashMap<>();
    list("train_val_list.txt").forEach(name -> splits.put(name, StudySplit.TRAIN));
    list("test_list.txt").forEach(name -> splits.put(name, StudySplit.TEST));
    Path table = table();
    var seen = new HashSet<String>();
    long[] counts = {0, 0};
    Consumer<Rejected> lines =
        line -> {
          counts[1]++;
          rejected.accept(line);
        };
    CsvTable.of(
            table, "Image Index", "Finding Labels", "Patient ID", "Patient Age", "View Position")
        .read(
            row -> {
              String image = row.get("Image Index");
              try {
                if (!seen.add(image)) {
                  throw new RadialogException(
                      Kind.BAD_INPUT, "image %s is in the table twice".formatted(image));
                }
                Film film = film(row, images);
                counts[0]++;
                films.accept(new Released(film, splits.getOrDefault(image, StudySplit.NONE)));
              } catch (RadialogException e) {
                lines.accept(new Rejected(table, row.number(), e.getMessage()));
              }
            },
            lines);
    return new Tally(counts[0], counts[1]);
  }

  /**
   * The boxes of {@code BBox_List_2017.csv}, in the order of the file.
   *
   * @param rejected receives rows that cannot be read
   * @throws RadialogException if the table is missing or has another format
   */
  public List<Box> boxes(Consumer<? super Rejected> rejected) {
    var boxes = new ArrayList<Box>();
    Path table = CsvTable.find(folder, BOXES);
    // The header is "Image Index,Finding Label,Bbox [x,y,w,h],,,", so the cells are read by index.
    CsvTable.of(table, "Image Index", "Finding Label")
        .read(
            row -> {
              try {
                String label = row.get(1);
                boxes.add(
                    new Box(
                        row.get(0),
                        label,
                        findingOfBox(label),
                        number(row.get(2)),
                        number(row.get(3)),
                        number(row.get(4)),
                        number(row.get(5))));
              } catch (RadialogException e) {
                rejected.accept(new Rejected(table, row.number(), e.getMessage()));
              }
            },
            rejected::accept);
    return List.copyOf(boxes);
  }

  private static Film film(CsvTable.Row row, Map<String, Path> images) {
    String image = row.get("Image Index");
    Path file = images.get(image);
    if (file == null) {
      throw new RadialogException(
          Kind.BAD_INPUT,
          "the image %s is not in any images* folder of the release".formatted(image));
    }
    var truth = new EnumMap<Finding, Truth>(Finding.class);
    truth.put(Finding.NO_FINDING, Truth.ABSENT);
    Finding.NIH_MAPPED.forEach(finding -> truth.put(finding, Truth.ABSENT));
    for (String label : row.get("Finding Labels").split("\\|", -1)) {
      NihLabels.finding(label).ifPresent(finding -> truth.put(finding, Truth.PRESENT));
    }
    String sex = row.get("Patient Gender");
    return new Film(
        image,
        file,
        row.get("Patient ID"),
        age(row.get("Patient Age")),
        sex.isEmpty() ? row.get("Patient Sex") : sex,
        View.of(row.get("View Position")),
        truth);
  }

  /** What a box's label means; the boxes abbreviate one of the names. */
  static Optional<Finding> findingOfBox(String label) {
    return NihLabels.finding(label.strip().equals("Infiltrate") ? "Infiltration" : label);
  }

  private static int age(String text) {
    Matcher age = AGE.matcher(text.strip());
    if (!age.matches()) {
      throw new RadialogException(
          Kind.BAD_INPUT, "expected an age like 58 or 058Y, found \"%s\"".formatted(text));
    }
    boolean years = age.group(2).isEmpty() || age.group(2).equals("Y");
    return years ? Integer.parseInt(age.group(1)) : 0;
  }

  static double number(String text) {
    try {
      double number = Double.parseDouble(text.strip());
      if (Double.isFinite(number)) {
        return number;
      }
    } catch (NumberFormatException e) {
      throw new RadialogException(
          Kind.BAD_INPUT, "expected a number of pixels, found \"%s\"".formatted(text), e);
    }
    throw new RadialogException(
        Kind.BAD_INPUT, "expected a number of pixels, found \"%s\"".formatted(text));
  }

  private List<String> list(String name) {
    Path file = folder.resolve(name);
    if (!Files.exists(file)) {
      return List.of();
    }
    var names = new ArrayList<String>();
    try (Reader text = TextFile.open(file)) {
      var lines = new TextLines(text);
      for (String line = lines.next(); line != null; line = lines.next()) {
        if (!line.isBlank()) {
          names.add(line.strip());
        }
      }
      return names;
    } catch (IOException e) {
      throw new RadialogException(Kind.REFUSED_DATA, "cannot read the list " + file + ": " + e, e);
    }
  }

  // Maps file names to paths in images/ or in images_001/images/ and so on.
  private Map<String, Path> images() {
    var found = new HashMap<String, Path>();
    for (Path top : CsvTable.matching(folder, "images*")) {
      Path inner = top.resolve("images");
      Path images = Files.isDirectory(inner) ? inner : top;
      if (Files.isDirectory(images)) {
        try (Stream<Path> files = Files.list(images)) {
          files.forEach(file -> found.put(file.getFileName().toString(), file));
        } catch (IOException e) {
          throw new RadialogException(Kind.REFUSED_DATA, "cannot list " + images + ": " + e, e);
        }
      }
    }
    return found;
  }
}
