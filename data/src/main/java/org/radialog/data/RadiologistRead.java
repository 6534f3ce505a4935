package org.radialog.data;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.radialog.base.Printable;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.clinical.Finding;

/**
 * Films of the NIH of which radiologists have seen some: text-mined labels, and the classes of the
 * RSNA where they exist.
 *
 * @param films with their text-mined labels, in the order of the table
 * @param classes by file name of the film
 * @param lungsOnly whether everything outside the lungs is black
 */
public record RadiologistRead(
    List<Film> films, Map<String, RadiologistClass> classes, boolean lungsOnly) {
  // The findings that are an opacity of the lung, on which the challenge asked the radiologists.
  private static final Set<Finding> OPACITIES =
      Set.of(
          Finding.LUNG_OPACITY,
          Finding.EDEMA,
          Finding.CONSOLIDATION,
          Finding.PNEUMONIA,
          Finding.ATELECTASIS);

  /** Copies the collections. */
  public RadiologistRead {
    films = List.copyOf(films);
    classes = Collections.unmodifiableMap(new HashMap<>(classes));
  }

  /**
   * Reads a folder as {@link NihDataSet} does. The classes are in the column {@code rsna_class} of
   * its table, or in {@code rsna2018.csv} beside it; a table with the column {@code lung_fraction}
   * has films of which only the lungs are shown.
   *
   * @throws RadialogException if the table is missing or a row cannot be read
   */
  public static RadiologistRead read(Path folder) {
    NihDataSet set = NihDataSet.read(folder);
    CsvTable labels = CsvTable.of(NihDataSet.table(folder));
    Path beside = folder.resolve("rsna2018.csv");
    Map<String, RadiologistClass> classes = new HashMap<>();
    if (labels.has("rsna_class")) {
      read(NihDataSet.table(folder), classes);
    } else if (Files.exists(beside)) {
      read(beside, classes);
    }
    return new RadiologistRead(set.films(), classes, labels.has("lung_fraction"));
  }

  /**
   * Reads several folders as one set of films.
   *
   * @throws RadialogException if an image is in two of them, or one shows the lungs only and
   *     another does not
   */
  public static RadiologistRead read(List<Path> folders) {
    List<Film> films = new ArrayList<>();
    Map<String, RadiologistClass> classes = new HashMap<>();
    Map<String, Path> source = new HashMap<>();
    Optional<Boolean> lungs = Optional.empty();
    for (Path folder : folders) {
      RadiologistRead read = read(folder);
      if (lungs.isPresent() && lungs.get() != read.lungsOnly) {
        throw new RadialogException(
            Kind.REFUSED_DATA,
            "%s: some of the folders have films of the lungs only: expected one kind of film"
                .formatted(Printable.escaped(folder.toString())));
      }
      lungs = Optional.of(read.lungsOnly);
      for (Film film : read.films) {
        Path earlier = source.put(film.image(), folder);
        if (earlier != null) {
          throw new RadialogException(
              Kind.REFUSED_DATA,
              "image %s is in %s and in %s: expected each film once"
                  .formatted(
                      Printable.of(film.image()),
                      Printable.escaped(earlier.toString()),
                      Printable.escaped(folder.toString())));
        }
        films.add(film);
      }
      classes.putAll(read.classes);
    }
    return new RadiologistRead(films, classes, lungs.orElse(false));
  }

  private static void read(Path table, Map<String, RadiologistClass> classes) {
    CsvTable.of(table, "image", "rsna_class")
        .read(
            row -> {
              try {
                RadiologistClass.of(row.get("rsna_class"))
                    .ifPresent(found -> classes.put(row.get("image"), found));
              } catch (RadialogException e) {
                throw new RadialogException(
                    Kind.REFUSED_DATA,
                    "%s, row %d: %s"
                        .formatted(
                            Printable.escaped(table.toString()), row.number(), e.getMessage()),
                    e);
              }
            },
            rejected -> {
              throw new RadialogException(Kind.REFUSED_DATA, rejected.toString());
            });
  }

  /** The radiologists' class of a film, if they saw it. */
  public Optional<RadiologistClass> seen(Film film) {
    return Optional.ofNullable(classes.get(film.image()));
  }

  /**
   * The film with the radiologists' word over that of the text mining, which contradicts it often.
   * No Finding then means that radiologists saw nothing abnormal, and is unknown where they did not
   * look. "Normal" excludes the opacities; another finding that the text names on such a film is
   * unknown.
   */
  public Film confirmed(Film film) {
    var truth = new EnumMap<Finding, Truth>(film.truth());
    Optional<RadiologistClass> seen = seen(film);
    if (seen.isEmpty()) {
      truth.put(Finding.NO_FINDING, Truth.UNKNOWN);
    } else {
      switch (seen.get()) {
        case NORMAL -> {
          truth.replaceAll((finding, mined) -> {
            boolean contradicted = mined == Truth.PRESENT && !OPACITIES.contains(finding);
            return mined == Truth.UNKNOWN || contradicted ? Truth.UNKNOWN : Truth.ABSENT;
          });
          truth.put(Finding.NO_FINDING, Truth.PRESENT);
        }
        case NOT_NORMAL -> truth.put(Finding.NO_FINDING, Truth.ABSENT);
        case LUNG_OPACITY -> {
          truth.put(Finding.NO_FINDING, Truth.ABSENT);
          truth.put(Finding.LUNG_OPACITY, Truth.PRESENT);
        }
      }
    }
    return film.with(truth);
  }
}
