package org.radialog.data;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.clinical.Finding;
import org.radialog.clinical.FindingState;
import org.radialog.clinical.ReportSections;
import org.radialog.clinical.ReportSections.Section;
import org.radialog.clinical.SectionExceptions;
import org.radialog.clinical.View;

/**
 * MIMIC-CXR with the images of MIMIC-CXR-JPG (Johnson et al., 2019): 377,110 images of 227,835
 * studies, in PhysioNet's layout.
 *
 * <pre>
 * mimic-cxr-2.*-split.csv(.gz)       dicom_id, study_id, subject_id, split
 * mimic-cxr-2.*-metadata.csv(.gz)    dicom_id, ViewPosition, …              optional
 * mimic-cxr-2.*-chexpert.csv(.gz)    subject_id, study_id, 14 labels        optional
 * mimic-cxr-2.*-negbio.csv(.gz)      the same columns                       optional
 * files/p10/p10000032/s50414267/DICOM_ID.jpg
 * files/p10/p10000032/s50414267.txt                                         the reports
 * </pre>
 *
 * <p>The tables are joined in memory (230 bytes per image); reports are read one by one. Label
 * sources are named after their tables: {@code chexpert}, {@code negbio}, {@code chexbert}.
 */
public final class MimicCxr implements StudySource {
  private final Path folder;
  private final Optional<Path> reports;
  private final Optional<Path> sectioned;
  private final Optional<Path> chexbert;
  private final SectionExceptions exceptions;
  private final ImageFolder images;

  private MimicCxr(
      Path folder,
      Optional<Path> reports,
      Optional<Path> sectioned,
      Optional<Path> chexbert,
      SectionExceptions exceptions,
      ImageFolder images) {
    this.folder = folder;
    this.reports = reports;
    this.sectioned = sectioned;
    this.chexbert = chexbert;
    this.exceptions = exceptions;
    this.images = images;
  }

  /** The release in a folder that contains tables, images and reports. */
  public static MimicCxr of(Path folder) {
    return new MimicCxr(
        folder,
        Optional.of(folder),
        Optional.empty(),
        Optional.empty(),
        SectionExceptions.NONE,
        new ImageFolder(Optional.of(folder)));
  }

  /** This source with the reports of another folder, which contains {@code files/p10/…}. */
  public MimicCxr withReports(Path other) {
    return new MimicCxr(folder, Optional.of(other), sectioned, chexbert, exceptions, images);
  }

  /**
   * This source with the sections of {@code mimic_cxr_sectioned.csv} (columns study, impression,
   * findings, last_paragraph, comparison) instead of the reports. Studies are read in the order of
   * this table.
   */
  public MimicCxr withSectioned(Path table) {
    return new MimicCxr(folder, Optional.empty(), Optional.of(table), chexbert, exceptions, images);
  }

  /** This source without reports: only images, splits and labels. */
  public MimicCxr withoutReports() {
    return new MimicCxr(folder, Optional.empty(), Optional.empty(), chexbert, exceptions, images);
  }

  /**
   * This source with CheXbert labels: a table of the 14 labels by {@code study_id} or {@code
   * dicom_id}, as in RaDialog's {@code finding_chexbert_labels.csv}.
   */
  public MimicCxr withChexbert(Path table) {
    return new MimicCxr(folder, reports, sectioned, Optional.of(table), exceptions, images);
  }

  /**
   * This source with other rules for studies whose text is in unusual sections, see {@link
   * SectionExceptions}.
   */
  public MimicCxr withExceptions(SectionExceptions other) {
    return new MimicCxr(folder, reports, sectioned, chexbert, other, images);
  }

  /** This source without checking that the images exist, if only text is needed. */
  public MimicCxr withoutImages() {
    return new MimicCxr(
        folder, reports, sectioned, chexbert, exceptions, new ImageFolder(Optional.empty()));
  }

  @Override
  public String name() {
    return "mimic-cxr";
  }

  private static final List<String> SOURCES = List.of("chexpert", "negbio", "chexbert");

  private record Image(String dicom, View view, int row) {}

  // The data of a study from the tables.
  private static final class Entry {
    private static final int NONE = -1;

    final long subject;
    final StudySplit split;
    final List<Image> images = new ArrayList<>(2);

    /** Packed labels by source. */
    final int[] labels = {NONE, NONE, NONE};

    Entry(long subject, StudySplit split) {
      this.subject = subject;
      this.split = split;
    }

    int place(String dicom) {
      for (int i = 0; i < images.size(); i++) {
        if (images.get(i).dicom().equals(dicom)) {
          return i;
        }
      }
      return -1;
    }

    String folder(long study) {
      String subjectName = "p" + subject;
      String group = subjectName.substring(0, Math.min(3, subjectName.length()));
      return "files/%s/%s/s%d".formatted(group, subjectName, study);
    }
  }

  @Override
  public Tally read(Consumer<? super ReportedStudy> studies, Consumer<? super Rejected> rejected) {
    var out = new StudySink(studies, rejected);
    Path splits = CsvTable.find(folder, "mimic-cxr-2.*-split.csv{,.gz}");
    Map<Long, Entry> index = splits(splits, out);
    views(index, out);
    for (String source : List.of("chexpert", "negbio")) {
      for (Path table : CsvTable.matching(folder, "mimic-cxr-2.*-" + source + ".csv{,.gz}")) {
        labels(table, source, index, out);
      }
    }
    chexbert.ifPresent(table -> labels(table, "chexbert", index, out));
    if (sectioned.isPresent()) {
      sectioned(sectioned.get(), index, splits, out);
    } else {
      index.forEach((study, entry) ->
          report(study, entry, out).ifPresent(text -> emit(study, entry, text, splits, out)));
    }
    return out.tally();
  }

  private static Map<Long, Entry> splits(Path table, StudySink out) {
    var index = new LinkedHashMap<Long, Entry>();
    CsvTable.of(table, "dicom_id", "study_id", "subject_id", "split")
        .read(
            row -> {
              Optional<Long> study = id(row.get("study_id"));
              Optional<Long> subject = id(row.get("subject_id"));
              StudySplit split = StudySplit.of(row.get("split"));
              if (study.isEmpty() || subject.isEmpty()) {
                out.reject(
                    table,
                    row.number(),
                    "expected numbers in study_id and subject_id, found \"%s\" and \"%s\""
                        .formatted(row.get("study_id"), row.get("subject_id")));
                return;
              }
              Entry entry =
                  index.computeIfAbsent(study.get(), s -> new Entry(subject.get(), split));
              if (entry.subject != subject.get() || entry.split != split) {
                out.reject(
                    table,
                    row.number(),
                    "study %d belongs to patient %d and %s above, here to %d and %s"
                        .formatted(
                            study.get(),
                            entry.subject,
                            entry.split.label(),
                            subject.get(),
                            split.label()));
                return;
              }
              entry.images.add(new Image(row.get("dicom_id"), View.UNKNOWN, (int) row.number()));
            },
            out);
    return index;
  }

  private void views(Map<Long, Entry> index, StudySink out) {
    for (Path table : CsvTable.matching(folder, "mimic-cxr-2.*-metadata.csv{,.gz}")) {
      CsvTable.of(table, "dicom_id", "study_id", "ViewPosition")
          .read(
              row -> {
                Entry entry = id(row.get("study_id")).map(index::get).orElse(null);
                int image = entry == null ? -1 : entry.place(row.get("dicom_id"));
                if (entry == null || image < 0) {
                  out.reject(
                      table,
                      row.number(),
                      "image %s of study %s is in no split"
                          .formatted(row.get("dicom_id"), row.get("study_id")));
                } else {
                  Image plain = entry.images.get(image);
                  entry.images.set(
                      image,
                      new Image(plain.dicom(), View.of(row.get("ViewPosition")), plain.row()));
                }
              },
              out);
    }
  }

  private static void labels(Path table, String source, Map<Long, Entry> index, StudySink out) {
    List<String> header = CsvTable.of(table).header();
    Map<String, Finding> columns = FindingColumns.among(header);
    boolean byImage = !header.contains("study_id");
    if (columns.isEmpty()) {
      throw new RadialogException(
          Kind.REFUSED_DATA,
          "%s has no column of the 14 findings, found %s".formatted(table, header));
    }
    var byDicom = new HashMap<String, Entry>();
    if (byImage) {
      index
          .values()
          .forEach(entry -> entry.images.forEach(image -> byDicom.put(image.dicom(), entry)));
    }
    String key = byImage ? "dicom_id" : "study_id";
    CsvTable.of(table, key)
        .read(
            row -> {
              String id = row.get(key);
              Entry entry = byImage ? byDicom.get(id) : id(id).map(index::get).orElse(null);
              if (entry == null) {
                out.reject(table, row.number(), key + " " + id + " is in no split");
                return;
              }
              try {
                entry.labels[SOURCES.indexOf(source)] = FindingColumns.pack(columns, row::get);
              } catch (RadialogException e) {
                out.reject(table, row.number(), e.getMessage());
              }
            },
            out);
  }

  private void sectioned(Path table, Map<Long, Entry> index, Path splits, StudySink out) {
    CsvTable.of(table, "study", "impression", "findings", "last_paragraph", "comparison")
        .read(
            row -> {
              String name = row.get("study");
              Optional<Long> study = id(name.startsWith("s") ? name.substring(1) : name);
              Entry entry = study.map(index::remove).orElse(null);
              if (entry == null) {
                out.reject(table, row.number(), "study " + name + " is in no split, or twice here");
                return;
              }
              var sections = new ArrayList<Section>();
              for (String section :
                  List.of("comparison", "findings", "impression", "last_paragraph")) {
                if (!row.get(section).isBlank()) {
                  sections.add(new Section(section, row.get(section)));
                }
              }
              emit(study.orElseThrow(), entry, new ReportSections(sections), splits, out);
            },
            out);
    index.keySet().forEach(study -> out.reject(table, 0, "has no row for study s" + study));
  }

  private Optional<ReportSections> report(long study, Entry entry, StudySink out) {
    if (reports.isEmpty()) {
      return Optional.of(new ReportSections(List.of()));
    }
    Path file = reports.get().resolve(entry.folder(study) + ".txt");
    try {
      String text =
          StandardCharsets.UTF_8
              .newDecoder()
              .onMalformedInput(CodingErrorAction.REPORT)
              .onUnmappableCharacter(CodingErrorAction.REPORT)
              .decode(ByteBuffer.wrap(Files.readAllBytes(file)))
              .toString();
      if (text.isBlank()) {
        out.reject(file, 0, "the report is empty");
        return Optional.empty();
      }
      // The sections were extracted in Python, which converts every line ending to \n.
      String lines = text.replace("\r\n", "\n").replace('\r', '\n');
      return Optional.of(exceptions.mimic("s" + study, lines));
    } catch (NoSuchFileException e) {
      out.reject(file, 0, "the report is missing");
    } catch (CharacterCodingException e) {
      out.reject(file, 0, "the report is not UTF-8 text");
    } catch (IOException e) {
      out.reject(file, 0, "the report cannot be read: " + e);
    }
    return Optional.empty();
  }

  private void emit(long study, Entry entry, ReportSections report, Path splits, StudySink out) {
    var list = new ArrayList<StudyImage>();
    for (Image image : entry.images) {
      switch (images.find(List.of(entry.folder(study) + "/" + image.dicom() + ".jpg"))) {
        case ImageFolder.Found.At(Path file) ->
            list.add(StudyImage.of(image.dicom(), file, image.view()));
        case ImageFolder.Found.Not(String reason) -> out.reject(splits, image.row(), reason);
      }
    }
    var labels = new TreeMap<String, Map<Finding, FindingState>>();
    for (int i = 0; i < SOURCES.size(); i++) {
      if (entry.labels[i] != Entry.NONE) {
        labels.put(SOURCES.get(i), FindingColumns.unpack(entry.labels[i]));
      }
    }
    out.study(
        new ReportedStudy(
            "s" + study, "p" + entry.subject, list, report, entry.split, labels, new TreeMap<>()));
  }

  private static Optional<Long> id(String text) {
    return text.matches("\\d{1,18}") ? Optional.of(Long.parseLong(text)) : Optional.empty();
  }
}
