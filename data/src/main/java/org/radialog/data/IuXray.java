package org.radialog.data;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.stream.Stream;
import javax.xml.stream.XMLStreamException;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.clinical.ReportSections;
import org.radialog.clinical.ReportSections.Section;
import org.radialog.data.StudyImage.Orientation;

/**
 * The Indiana University chest X-ray collection (Open-i): 3,955 reports with 7,470 images
 * (Demner-Fushman et al., JAMIA 2016).
 *
 * <p>Each report has the sections comparison, indication, findings and impression. Their text is
 * kept exactly as published, with some parts replaced by XXXX; a section without text is present
 * but empty. The collection has no patients, splits or labels; its codes are attributes ({@link
 * #MESH}).
 */
public final class IuXray implements StudySource {
  /**
   * Attribute: the manually assigned codes, separated by {@code ;} as in the re-published table.
   */
  public static final String MESH = "mesh";

  /** Attribute: the automatically assigned codes, separated by {@code ;}. */
  public static final String AUTOMATIC_MESH = "mesh automatic";

  /** Attribute: the examination, for example "Xray Chest PA and Lateral". */
  public static final String CAPTION = "caption";

  private enum Layout {
    XML,
    TABLES
  }

  private final Layout layout;
  private final Path reports;
  private final Optional<Path> projections;
  private final ImageFolder images;

  private IuXray(Layout layout, Path reports, Optional<Path> projections, ImageFolder images) {
    this.layout = layout;
    this.reports = reports;
    this.projections = projections;
    this.images = images;
  }

  /**
   * The reports as published by the collection: {@code NLMCXR_reports.tgz}, or a folder that
   * contains its XML files.
   */
  public static IuXray xml(Path reports) {
    return new IuXray(Layout.XML, reports, Optional.empty(), new ImageFolder(Optional.empty()));
  }

  /**
   * The two tables of the re-published collection: {@code indiana_reports.csv} and {@code
   * indiana_projections.csv} in {@code folder}.
   */
  public static IuXray tables(Path folder) {
    return new IuXray(
        Layout.TABLES,
        folder.resolve("indiana_reports.csv"),
        Optional.of(folder.resolve("indiana_projections.csv")),
        new ImageFolder(Optional.empty()));
  }

  /**
   * This source with a folder of images: the content of {@code NLMCXR_png.tgz} for XML reports, or
   * {@code images_normalized} for the tables. A missing image is rejected.
   */
  public IuXray withImages(Path folder) {
    return new IuXray(layout, reports, projections, new ImageFolder(Optional.of(folder)));
  }

  /**
   * This source with {@code indiana_projections.csv}, which states whether an image is frontal or
   * lateral.
   */
  public IuXray withProjections(Path table) {
    return new IuXray(layout, reports, Optional.of(table), images);
  }

  @Override
  public String name() {
    return "iu-xray";
  }

  @Override
  public Tally read(Consumer<? super ReportedStudy> studies, Consumer<? super Rejected> rejected) {
    var out = new StudySink(studies, rejected);
    switch (layout) {
      case XML -> readXml(out);
      case TABLES -> readTables(out);
    }
    return out.tally();
  }

  /** An image of the projections table: {@code 1_IM-0001-4001.dcm.png}. */
  private record Projection(String filename, Orientation orientation, long row) {
    /** {@code 1_IM-0001-4001}. */
    static String key(String filename) {
      int dot = filename.indexOf('.');
      return dot < 0 ? filename : filename.substring(0, dot);
    }
  }

  private void readXml(StudySink out) {
    var orientations = new HashMap<String, Orientation>();
    projections.ifPresent(table ->
        projections(table, out)
            .values()
            .forEach(list ->
                list.forEach(
                    p -> orientations.put(Projection.key(p.filename()), p.orientation()))));
    try {
      if (Files.isDirectory(reports)) {
        for (Path file : xmlFiles()) {
          try {
            xml(file, Files.readAllBytes(file), "", orientations, out);
          } catch (IOException e) {
            out.reject(file, 0, "cannot be read: " + e);
          }
        }
      } else {
        TarGz.read(
            reports,
            ".xml",
            (name, content) -> xml(reports, content, name + ": ", orientations, out),
            out::reject);
      }
    } catch (IOException e) {
      throw new RadialogException(
          Kind.REFUSED_DATA,
          "cannot read the reports %s: %s; expected NLMCXR_reports.tgz or a folder of its XML files"
              .formatted(reports, e),
          e);
    }
  }

  // Sorted by number, which is the order of the collection.
  private List<Path> xmlFiles() throws IOException {
    try (Stream<Path> files = Files.walk(reports)) {
      List<Path> found =
          files
              .filter(file -> file.getFileName().toString().endsWith(".xml"))
              .sorted(
                  Comparator.comparingInt((Path file) -> file.getFileName().toString().length())
                      .thenComparing(Comparator.naturalOrder()))
              .toList();
      if (found.isEmpty()) {
        throw new RadialogException(
            Kind.REFUSED_DATA,
            reports + " contains no XML files: expected those of NLMCXR_reports.tgz");
      }
      return found;
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }

  private void xml(
      Path source,
      byte[] content,
      String where,
      Map<String, Orientation> orientations,
      StudySink out) {
    IuXrayReport report;
    try {
      report = IuXrayReport.parse(content);
    } catch (XMLStreamException e) {
      out.reject(source, 0, where + "is not a report of the collection: " + e.getMessage());
      return;
    }
    var list = new ArrayList<StudyImage>();
    for (String id : report.images()) {
      switch (images.find(List.of(id + ".png"))) {
        case ImageFolder.Found.At(Path file) -> {
          list.add(StudyImage.of(id, file, orientation(id, report.uid(), orientations)));
        }
        case ImageFolder.Found.Not(String reason) -> out.reject(source, 0, where + reason);
      }
    }
    var attributes = new TreeMap<String, String>();
    attributes.put(MESH, String.join(";", report.mesh()));
    attributes.put(AUTOMATIC_MESH, String.join(";", report.automatic()));
    attributes.put(CAPTION, report.caption());
    out.study(
        new ReportedStudy(
            report.uid(),
            report.uid(),
            list,
            new ReportSections(report.sections()),
            StudySplit.NONE,
            new TreeMap<>(),
            attributes));
  }

  // The XML prefixes 10_IM-0002-1001 of the table with CXR, but calls 1_IM-0001-3001 of the first
  // study CXR1_1_IM-0001-3001.
  private static Orientation orientation(
      String id, String uid, Map<String, Orientation> orientations) {
    String plain = id.startsWith("CXR") ? id.substring(3) : id;
    String doubled = id.startsWith(uid + "_") ? id.substring(uid.length() + 1) : id;
    return orientations.getOrDefault(
        plain, orientations.getOrDefault(doubled, Orientation.UNKNOWN));
  }

  private Map<String, List<Projection>> projections(Path table, StudySink out) {
    var byStudy = new HashMap<String, List<Projection>>();
    CsvTable.of(table, "uid", "filename", "projection")
        .read(
            row ->
                byStudy
                    .computeIfAbsent(row.get("uid"), uid -> new ArrayList<>())
                    .add(
                        new Projection(
                            row.get("filename"),
                            Orientation.of(row.get("projection")),
                            row.number())),
            out);
    return byStudy;
  }

  private void readTables(StudySink out) {
    Path table = projections.orElseThrow();
    Map<String, List<Projection>> byStudy = projections(table, out);
    CsvTable.of(reports, "uid", "findings", "impression")
        .read(
            row -> {
              String uid = row.get("uid");
              var list = new ArrayList<StudyImage>();
              List<Projection> own = byStudy.remove(uid);
              for (Projection p : own == null ? List.<Projection>of() : own) {
                switch (images.find(List.of(p.filename()))) {
                  case ImageFolder.Found.At(Path file) ->
                      list.add(StudyImage.of(p.filename(), file, p.orientation()));
                  case ImageFolder.Found.Not(String reason) -> out.reject(table, p.row(), reason);
                }
              }
              var sections = new ArrayList<Section>();
              for (String name : List.of("comparison", "indication", "findings", "impression")) {
                sections.add(new Section(name, row.get(name)));
              }
              var attributes = new TreeMap<String, String>();
              attributes.put(MESH, row.get("MeSH"));
              attributes.put(CAPTION, row.get("image"));
              // The XML calls study 1 CXR1.
              String id = "CXR" + uid;
              out.study(
                  new ReportedStudy(
                      id,
                      id,
                      list,
                      new ReportSections(sections),
                      StudySplit.NONE,
                      new TreeMap<>(),
                      attributes));
            },
            out);
    byStudy
        .values()
        .forEach(list ->
            list.forEach(
                p -> out.reject(table, p.row(), "no report has the uid of " + p.filename())));
  }
}
