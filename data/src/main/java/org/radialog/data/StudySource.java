package org.radialog.data;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.imaging.Radiograph;

/**
 * Studies with reports, in the published layout of a data set.
 *
 * <p>Reading is streamed: a study is passed on when it is complete and is not kept, so a data set
 * need not fit in memory. For tables that a reader joins by key it keeps a few words per row, but
 * no texts. A missing or broken file or row is reported as one {@link Rejected} and does not affect
 * the rest. Reading fails only if a table is missing or has another format.
 */
public interface StudySource {
  /** The name of the data set, for tables and settings. */
  String name();

  /**
   * Reads all studies, in the order of the data set.
   *
   * @param studies receives each study once
   * @param rejected receives items that could not be used, in the order of reading
   * @return the counts
   * @throws RadialogException if a table is missing, cannot be read or lacks a column
   */
  Tally read(Consumer<? super ReportedStudy> studies, Consumer<? super Rejected> rejected);

  /**
   * Opens a data set and detects its layout from its files: a folder of MIMIC-CXR (with its split
   * table), CheXpert Plus or Indiana University (tables or XML), {@code NLMCXR_reports.tgz},
   * ReXrank JSON, or a plain table.
   *
   * @param images folder that image names are relative to, if it is not the data set's folder
   * @throws RadialogException if the layout is none of these
   */
  static StudySource open(Path path, Optional<Path> images) {
    String name = String.valueOf(path.getFileName()).toLowerCase(Locale.ROOT);
    if (Files.isDirectory(path)) {
      if (has(path, "mimic-cxr-2.0.0-split.csv") || has(path, "mimic-cxr-2.0.0-split.csv.gz")) {
        return MimicCxr.of(path);
      }
      if (holds(path, file -> file.startsWith("df_chexpert_plus"))) {
        ChexpertPlus set = ChexpertPlus.of(path);
        return images.map(set::withImages).orElse(set);
      }
      if (has(path, "indiana_reports.csv")) {
        IuXray set = IuXray.tables(path);
        return images.map(set::withImages).orElse(set);
      }
      if (has(path, "ecgen-radiology") || holds(path, file -> file.endsWith(".xml"))) {
        IuXray set = IuXray.xml(path);
        return images.map(set::withImages).orElse(set);
      }
    } else if (name.endsWith(".tgz") || name.endsWith(".tar.gz")) {
      IuXray set = IuXray.xml(path);
      return images.map(set::withImages).orElse(set);
    } else if (name.endsWith(".json")) {
      RexRank set = RexRank.of(path);
      return images.map(set::withImages).orElse(set);
    } else if (name.matches(".*\\.(csv|tsv|tab)(\\.gz)?")) {
      return new PlainTable(path);
    }
    throw new RadialogException(
        Kind.REFUSED_DATA,
        path
            + " is not a data set with a known layout: expected a folder of MIMIC-CXR"
            + " (mimic-cxr-2.0.0-split.csv), CheXpert Plus (df_chexpert_plus….csv) or Indiana"
            + " University (indiana_reports.csv or XML files), NLMCXR_reports.tgz, a ReXrank"
            + " JSON file, or a CSV with the columns image and report");
  }

  private static boolean has(Path folder, String name) {
    return Files.exists(folder.resolve(name));
  }

  private static boolean holds(Path folder, Predicate<String> name) {
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(file -> String.valueOf(file.getFileName())).anyMatch(name);
    } catch (IOException e) {
      throw new RadialogException(
          Kind.REFUSED_DATA, "cannot list the folder " + folder + ": " + e, e);
    }
  }

  /**
   * The counts of a reading.
   *
   * @param studies number of studies
   * @param images number of images of these studies
   * @param rejected number of rejections that were reported
   */
  record Tally(long studies, long images, long rejected) {
    /** The summary line that a command prints. */
    @Override
    public String toString() {
      return "%,d studies with %,d images; %,d left out".formatted(studies, images, rejected);
    }
  }

  /** Reads everything into memory. */
  default StudySet readAll() {
    var studies = new ArrayList<ReportedStudy>();
    var rejected = new ArrayList<Rejected>();
    read(studies::add, rejected::add);
    return new StudySet(name(), studies, rejected);
  }

  /**
   * The same studies without images that cannot be decoded; each of these is reported as a {@link
   * Rejected}. Every image is decoded once, which takes as long as decoding in a run over all
   * images.
   */
  default StudySource decodable() {
    StudySource all = this;
    return new StudySource() {
      @Override
      public String name() {
        return all.name();
      }

      @Override
      public Tally read(
          Consumer<? super ReportedStudy> studies, Consumer<? super Rejected> rejected) {
        var out = new StudySink(studies, rejected);
        all.read(
            study -> {
              var images = new ArrayList<StudyImage>();
              for (StudyImage image : study.images()) {
                try {
                  Radiograph.read(image.file());
                  images.add(image);
                } catch (RadialogException e) {
                  out.reject(image.file(), 0, "study " + study.id() + ": " + e.getMessage());
                }
              }
              out.study(study.withImages(images));
            },
            out::reject);
        return out.tally();
      }
    };
  }
}
