package org.radialog.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.zip.GZIPOutputStream;
import javax.xml.parsers.DocumentBuilder;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.radialog.base.RadialogException;
import org.radialog.clinical.ReportSections;
import org.radialog.clinical.ReportSections.Section;
import org.radialog.clinical.View;
import org.radialog.data.StudyImage.Orientation;
import org.radialog.testing.TestData;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

class IuXrayTest {
  private static final String ONE =
      """
      <?xml version="1.0" encoding="utf-8"?>
      <eCitation>
         <uId id="CXR1"/>
         <MedlineCitation><Article><Abstract>
            <AbstractText Label="COMPARISON">None.</AbstractText>
            <AbstractText Label="INDICATION"> Pain &lt; 1 day &amp; fever </AbstractText>
            <AbstractText Label="FINDINGS"/>
            <AbstractText Label="IMPRESSION">Clear <b>lungs</b>.
      No <![CDATA[<effusion>]]>.</AbstractText>
         </Abstract></Article></MedlineCitation>
         <MeSH><major>Granuloma/lung</major><major>Scoliosis</major><automatic>granuloma</automatic></MeSH>
         <parentImage id="CXR1_1_IM-0001-3001"><caption>Chest PA</caption></parentImage>
         <parentImage id="CXR1_1_IM-0001-4001"><caption>Lateral</caption></parentImage>
      </eCitation>
      """;

  @TempDir Path folder;

  @Test
  void aReportKeepsEveryCharacterOfItsSections() throws IOException {
    write("ecgen-radiology/1.xml", ONE);
    StudySet set = IuXray.xml(folder).readAll();
    assertThat(set.rejected()).isEmpty();
    ReportedStudy study = set.studies().getFirst();
    assertThat(study.id()).isEqualTo("CXR1");
    assertThat(study.report().sections())
        .containsExactly(
            new Section("comparison", "None."),
            new Section("indication", " Pain < 1 day & fever "),
            new Section("findings", ""),
            new Section("impression", "Clear lungs.\nNo <effusion>."));
    assertThat(study.report().indication()).isEqualTo("Pain < 1 day & fever");
    assertThat(study.attribute(IuXray.MESH)).isEqualTo("Granuloma/lung;Scoliosis");
    assertThat(study.attribute(IuXray.AUTOMATIC_MESH)).isEqualTo("granuloma");
    assertThat(study.attribute(IuXray.CAPTION)).isEqualTo("Chest PA");
    assertThat(study.images())
        .extracting(StudyImage::id)
        .containsExactly("CXR1_1_IM-0001-3001", "CXR1_1_IM-0001-4001");
    assertThat(study.split()).isEqualTo(StudySplit.NONE);
  }

  @Test
  void aBrokenReportOrAMissingImageIsOneLineAndTheRestIsRead() throws IOException {
    write("reports/1.xml", ONE);
    write("reports/2.xml", ONE.replace("CXR1", "CXR2").replace("</eCitation>", ""));
    write("reports/3.xml", "<html/>");
    write("reports/4.xml", ONE.replace("CXR1\"", "CXR4\""));
    write(
        "reports/5.xml", "<!DOCTYPE eCitation [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>" + ONE);
    write("reports/10.xml", ONE.replace("id=\"CXR1\"", "no=\"CXR1\""));
    write("images/CXR1_1_IM-0001-3001.png", "pixels");
    write("images/CXR1_1_IM-0001-4001.png", "");
    var studies = new ArrayList<ReportedStudy>();
    var lines = new ArrayList<String>();
    StudySource.Tally tally =
        IuXray.xml(folder.resolve("reports"))
            .withImages(folder.resolve("images"))
            .read(studies::add, line -> lines.add(line.toString()));
    assertThat(studies).extracting(ReportedStudy::id).containsExactly("CXR1", "CXR4");
    assertThat(studies.getFirst().images())
        .containsExactly(
            StudyImage.of(
                "CXR1_1_IM-0001-3001",
                folder.resolve("images/CXR1_1_IM-0001-3001.png"),
                Orientation.UNKNOWN));
    assertThat(lines).hasSize(6);
    assertThat(lines.get(0)).contains("1.xml", "CXR1_1_IM-0001-4001.png", "empty");
    assertThat(lines.get(1)).contains("2.xml", "not a report of the collection");
    assertThat(lines.get(2)).contains("3.xml", "expected an eCitation, found html");
    assertThat(lines.get(3)).contains("4.xml", "CXR1_1_IM-0001-4001.png", "empty");
    assertThat(lines.get(4)).contains("5.xml", "document type");
    assertThat(lines.get(5)).contains("10.xml", "uId");
    assertThat(tally).hasToString("2 studies with 2 images; 6 left out");
  }

  @Test
  void theArchiveIsReadWithoutExtractingIt() throws IOException {
    Path archive = folder.resolve("r.tgz");
    var files = new LinkedHashMap<String, String>();
    files.put("ecgen-radiology/1.xml", ONE);
    files.put("ecgen-radiology/notes.txt", "no report");
    files.put("../../2.xml", ONE.replace("CXR1", "CXR2"));
    files.put("x/".repeat(60) + "3.xml", ONE.replace("CXR1", "CXR3"));
    files.put("broken.xml", "<eCitation>");
    byte[] whole = tar(files);
    writeGz(archive, whole);
    StudySet set = IuXray.xml(archive).readAll();
    assertThat(set.studies()).extracting(ReportedStudy::id).containsExactly("CXR1", "CXR2", "CXR3");
    assertThat(set.rejected()).hasSize(1);
    assertThat(set.rejected().getFirst().toString()).contains("r.tgz", "broken.xml");
    assertThat(folder.resolve("../../2.xml")).doesNotExist();

    // Truncated in the middle of the second report, and with a damaged header after the first.
    int entry = 512 + (ONE.length() + 511) / 512 * 512;
    writeGz(archive, Arrays.copyOf(whole, entry + 2 * 512 + 512 + 100));
    set = IuXray.xml(archive).readAll();
    assertThat(set.studies()).extracting(ReportedStudy::id).containsExactly("CXR1");
    assertThat(set.rejected().getFirst().reason()).contains("damaged after ../../2.xml");
    whole[entry + 3] ^= 1;
    writeGz(archive, whole);
    set = IuXray.xml(archive).readAll();
    assertThat(set.studies()).hasSize(1);
    assertThat(set.rejected().getFirst().reason()).contains("checksum");
  }

  @Test
  void whatIsNoCollectionIsRefused() throws IOException {
    write("r.tgz", "not gzip");
    Path empty = Files.createDirectory(folder.resolve("empty"));
    assertRefused(IuXray.xml(folder.resolve("r.tgz")), "r.tgz", "NLMCXR_reports.tgz");
    writeGz(folder.resolve("r.tgz"), new byte[] {1, 2, 3});
    assertRefused(IuXray.xml(folder.resolve("r.tgz")), "r.tgz");
    assertRefused(IuXray.xml(folder.resolve("nowhere")), "nowhere");
    assertRefused(IuXray.xml(empty), "no XML files");
    assertRefused(IuXray.tables(empty), "indiana_projections.csv");
    write("indiana_projections.csv", "uid,filename,projection\n");
    write("indiana_reports.csv", "uid,text\n1,a\n");
    assertRefused(IuXray.tables(folder), "no column \"findings\"", "[uid, text]");
  }

  @Test
  void theTwoTablesGiveReportsAndViews() throws IOException {
    write(
        "indiana_reports.csv",
        """
        uid,MeSH,Problems,image,indication,comparison,findings,impression
        1,normal,normal,Chest PA,"Cough, ""dry"".",None.,"Clear.
        No effusion.",Normal.
        2,normal,normal,Chest PA
        3,Scoliosis,Scoliosis,Chest PA,,,,Normal.
        """);
    write(
        "indiana_projections.csv",
        """
        uid,filename,projection
        1,1_IM-0001-4001.dcm.png,Frontal
        1,1_IM-0001-3001.dcm.png,Lateral
        4,4_IM-0001-3001.dcm.png,Lateral
        """);
    StudySet set = IuXray.tables(folder).readAll();
    assertThat(set.studies()).extracting(ReportedStudy::id).containsExactly("CXR1", "CXR3");
    ReportedStudy study = set.studies().getFirst();
    assertThat(study.report().findings()).isEqualTo("Clear.\nNo effusion.");
    assertThat(study.report().indication()).isEqualTo("Cough, \"dry\".");
    assertThat(study.images())
        .extracting(StudyImage::orientation)
        .containsExactly(Orientation.FRONTAL, Orientation.LATERAL);
    assertThat(study.images())
        .extracting(StudyImage::view)
        .containsExactly(View.UNKNOWN, View.LATERAL);
    assertThat(set.rejected())
        .extracting(Rejected::toString)
        .satisfiesExactly(
            line -> assertThat(line).contains("indiana_reports.csv, row 3", "8 cells, found 4"),
            line -> assertThat(line).contains("indiana_projections.csv, row 4", "4_IM-0001"));

    write("xml/1.xml", ONE);
    ReportedStudy xml =
        IuXray.xml(folder.resolve("xml"))
            .withProjections(folder.resolve("indiana_projections.csv"))
            .readAll()
            .studies()
            .getFirst();
    assertThat(xml.images())
        .extracting(StudyImage::orientation)
        .containsExactly(Orientation.LATERAL, Orientation.FRONTAL);
  }

  @Test
  void everyReportOfTheCollectionComesOutAsItStandsInTheXml() throws Exception {
    Path reports = TestData.assumeFolder().resolve("data/reports/iu");
    // Compares with the tar program of the system and another XML parser.
    Path extracted = Files.createDirectory(folder.resolve("iu"));
    int rc =
        new ProcessBuilder(
                "tar",
                "xzf",
                reports.resolve("NLMCXR_reports.tgz").toString(),
                "-C",
                extracted.toString())
            .inheritIO()
            .start()
            .waitFor();
    assertThat(rc).isZero();
    Map<String, List<Section>> expected = new LinkedHashMap<>();
    try (var files = Files.walk(extracted)) {
      DocumentBuilder dom = DocumentBuilderFactory.newDefaultNSInstance().newDocumentBuilder();
      for (Path file : files.filter(f -> f.toString().endsWith(".xml")).toList()) {
        Document xml = dom.parse(new ByteArrayInputStream(Files.readAllBytes(file)));
        var sections = new ArrayList<Section>();
        NodeList texts = xml.getElementsByTagName("AbstractText");
        for (int i = 0; i < texts.getLength(); i++) {
          Element text = (Element) texts.item(i);
          sections.add(
              new Section(
                  text.getAttribute("Label").toLowerCase(Locale.ROOT), text.getTextContent()));
        }
        expected.put(
            ((Element) xml.getElementsByTagName("uId").item(0)).getAttribute("id"), sections);
      }
    }
    assertThat(expected).hasSize(3955);
    for (Path source : List.of(extracted, reports.resolve("NLMCXR_reports.tgz"))) {
      StudySet set = IuXray.xml(source).readAll();
      assertThat(set.rejected()).isEmpty();
      assertThat(
              set.studies().stream()
                  .collect(Collectors.toMap(ReportedStudy::id, s -> s.report().sections())))
          .isEqualTo(expected);
      assertThat(set.studies().stream().mapToInt(s -> s.images().size()).sum()).isEqualTo(7470);
    }
    assertThat(
            IuXray.xml(extracted)
                .withProjections(reports.resolve("indiana_projections.csv"))
                .readAll()
                .studies()
                .stream()
                .flatMap(study -> study.images().stream())
                .filter(image -> image.orientation() != Orientation.UNKNOWN))
        .hasSizeGreaterThan(7400);
    StudySet tables = IuXray.tables(reports).readAll();
    assertThat(tables.studies()).hasSize(3851);
    assertThat(tables.rejected()).isEmpty();
    // The re-published collection has the same findings as the XML.
    for (ReportedStudy study : tables.studies()) {
      List<Section> sections = expected.getOrDefault(study.id(), List.of());
      assertThat(new ReportSections(sections).findings().replaceAll("\\s+", " "))
          .as(study.id())
          .isEqualTo(study.report().findings().replaceAll("\\s+", " "));
    }
  }

  private static void assertRefused(IuXray source, String... said) {
    assertThatThrownBy(source::readAll)
        .isInstanceOf(RadialogException.class)
        .hasMessageContainingAll(said);
  }

  private void write(String name, String text) throws IOException {
    Path file = folder.resolve(name);
    Files.createDirectories(file.getParent());
    Files.writeString(file, text);
  }

  private static void writeGz(Path file, byte[] bytes) throws IOException {
    try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(file))) {
      out.write(bytes);
    }
  }

  // POSIX.1-1988, with a GNU entry for a long name.
  private static byte[] tar(Map<String, String> files) throws IOException {
    var out = new ByteArrayOutputStream();
    for (var e : files.entrySet()) {
      byte[] content = e.getValue().getBytes(StandardCharsets.UTF_8);
      if (e.getKey().length() > 100) {
        entry(out, "././@LongLink", 'L', (e.getKey() + "\0").getBytes(StandardCharsets.UTF_8));
      }
      String name = e.getKey();
      entry(out, name.substring(0, Math.min(100, name.length())), '0', content);
    }
    out.write(new byte[1024]);
    return out.toByteArray();
  }

  private static void entry(ByteArrayOutputStream out, String name, char type, byte[] content)
      throws IOException {
    byte[] header = new byte[512];
    put(header, 0, name);
    put(header, 100, "0000644");
    put(header, 124, "%011o".formatted(content.length));
    put(header, 148, "        ");
    header[156] = (byte) type;
    put(header, 257, "ustar");
    put(header, 263, "00");
    int sum = 0;
    for (byte b : header) {
      sum += b & 0xFF;
    }
    put(header, 148, "%06o\0".formatted(sum));
    out.write(header);
    out.write(content);
    out.write(new byte[(512 - content.length % 512) % 512]);
  }

  private static void put(byte[] header, int at, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    System.arraycopy(bytes, 0, header, at, bytes.length);
  }
}
