package org.radialog.clinical;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.zip.GZIPInputStream;
import javax.xml.stream.XMLInputFactory;
import javax.xml.stream.XMLStreamException;
import javax.xml.stream.XMLStreamReader;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.radialog.testing.TestData;

/**
 * The rule labeler beside people: the 1,922 reports of the Indiana University collection that were
 * coded for NegBio (Peng et al. 2018), findings and impression as input.
 *
 * <p>The codes name what is positive and nothing else. A cell that the labeler calls uncertain is
 * left out of the scores and counted; the scores with uncertain as negative and as positive stand
 * beside them.
 */
class LabelerGoldTest {
  /** A label of ours and the columns of the gold file that mean the same. */
  private record Column(Finding finding, List<String> gold, boolean gated, double mostUncertain) {}

  private static final List<Column> COLUMNS =
      List.of(
          new Column(Finding.CARDIOMEGALY, List.of("Cardiomegaly"), true, 0.05),
          new Column(Finding.EDEMA, List.of("Edema"), true, 0.05),
          new Column(Finding.CONSOLIDATION, List.of("Consolidation"), true, 0.05),
          new Column(Finding.PNEUMONIA, List.of("Pneumonia"), true, 0.05),
          new Column(Finding.ATELECTASIS, List.of("Atelectasis"), true, 0.08),
          new Column(Finding.PNEUMOTHORAX, List.of("Pneumothorax"), true, 0.05),
          new Column(Finding.PLEURAL_EFFUSION, List.of("Effusion"), true, 0.05),
          new Column(Finding.LUNG_LESION, List.of("Mass", "Nodule"), false, 0.05),
          // The gold has no opacity; an infiltration is the nearest, and one opacity of many.
          new Column(Finding.LUNG_OPACITY, List.of("Infiltration"), false, 0.05),
          new Column(Finding.PLEURAL_OTHER, List.of("Pleural_Thickening"), false, 0.05));

  private static final double MICRO = 0.97;
  private static final double EACH = 0.85;
  private static final int FEW = 50;

  /** Counts of one label. */
  private static final class Score {
    private int[] certain = new int[4]; // true +, false +, false -, true -
    private final int[] uncertain = new int[2]; // gold negative, gold positive

    void add(FindingState state, boolean gold) {
      if (state == FindingState.UNCERTAIN) {
        uncertain[gold ? 1 : 0]++;
      } else if (state == FindingState.PRESENT) {
        certain[gold ? 0 : 1]++;
      } else {
        certain[gold ? 2 : 3]++;
      }
    }

    void add(Score other) {
      for (int i = 0; i < 4; i++) {
        certain[i] += other.certain[i];
      }
      uncertain[0] += other.uncertain[0];
      uncertain[1] += other.uncertain[1];
    }

    int positives() {
      return certain[0] + certain[2] + uncertain[1];
    }

    double uncertainShare() {
      return (uncertain[0] + uncertain[1])
          / (double) (Arrays.stream(certain).sum() + uncertain[0] + uncertain[1]);
    }

    double precision() {
      return certain[0] / (double) (certain[0] + certain[1]);
    }

    double recall() {
      return certain[0] / (double) (certain[0] + certain[2]);
    }

    double f1() {
      return f1(certain[0], certain[1], certain[2]);
    }

    double f1UncertainNegative() {
      return f1(certain[0], certain[1], certain[2] + uncertain[1]);
    }

    double f1UncertainPositive() {
      return f1(certain[0] + uncertain[1], certain[1] + uncertain[0], certain[2]);
    }

    private static double f1(int truePositive, int falsePositive, int falseNegative) {
      return 2.0 * truePositive / (2 * truePositive + falsePositive + falseNegative);
    }

    String line(String name) {
      return String.format(
          Locale.ROOT,
          "%-17s %5d %5d %5d %5d %6.1f%% %6.3f %6.3f %6.3f %9.3f %9.3f",
          name,
          positives(),
          certain[0],
          certain[1],
          certain[2],
          100 * uncertainShare(),
          precision(),
          recall(),
          f1(),
          f1UncertainNegative(),
          f1UncertainPositive());
    }
  }

  private static final Map<String, String> REPORTS = new HashMap<>();
  private static final Map<Finding, Score> SCORES = new HashMap<>();

  @BeforeAll
  static void label() throws IOException, XMLStreamException {
    Path data = TestData.assumeFolder().resolve("data");
    reports(data.resolve("reports/iu/NLMCXR_reports.tgz"));
    RuleLabeler labeler = new RuleLabeler();
    List<String> lines = Files.readAllLines(data.resolve("labels/iu-negbio14.csv"));
    List<String> header = List.of(lines.getFirst().split(",", -1));
    for (String line : lines.subList(1, lines.size())) {
      List<String> cells = List.of(line.split(",", -1));
      String report = REPORTS.get(cells.getFirst());
      assertThat(report).as("the report of %s", cells.getFirst()).isNotNull();
      Labels labels = labeler.label(report == null ? "" : report);
      for (Column column : COLUMNS) {
        boolean gold =
            column.gold().stream().anyMatch(g -> cells.get(header.indexOf(g)).equals("1"));
        SCORES
            .computeIfAbsent(column.finding(), f -> new Score())
            .add(labels.state(column.finding()), gold);
      }
    }
    System.out.printf(
        "%-17s %5s %5s %5s %5s %7s %6s %6s %6s %9s %9s%n",
        "label", "gold", "tp", "fp", "fn", "unc", "P", "R", "F1", "unc=neg", "unc=pos");
    for (Column column : COLUMNS) {
      System.out.println(score(column.finding()).line(column.finding().label()));
    }
    System.out.println(micro().line("micro of 7"));
  }

  private static Score score(Finding finding) {
    Score score = SCORES.get(finding);
    if (score == null) {
      throw new IllegalStateException("no score of " + finding);
    }
    return score;
  }

  private static Score micro() {
    Score all = new Score();
    COLUMNS.stream().filter(Column::gated).forEach(c -> all.add(score(c.finding())));
    return all;
  }

  @Test
  void everyReportOfTheGoldStandardIsScored() {
    for (Column column : COLUMNS) {
      Score score = score(column.finding());
      assertThat(Arrays.stream(score.certain).sum() + Arrays.stream(score.uncertain).sum())
          .isEqualTo(1922);
    }
  }

  @Test
  void theSevenLabelsTogetherAgreeWithPeople() {
    assertThat(micro().f1()).isGreaterThanOrEqualTo(MICRO);
  }

  @Test
  void everyLabelWithEnoughPositivesAgreesWithPeople() {
    for (Column column : COLUMNS) {
      Score score = score(column.finding());
      if (column.gated() && score.positives() >= FEW) {
        assertThat(score.f1()).as(column.finding().label()).isGreaterThanOrEqualTo(EACH);
      }
    }
  }

  @Test
  void fewCellsAreLeftUncertain() {
    for (Column column : COLUMNS) {
      assertThat(score(column.finding()).uncertainShare())
          .as(column.finding().label())
          .isLessThanOrEqualTo(column.mostUncertain());
    }
  }

  /** Findings and impression of every report in a tar of XML files, by its id. */
  private static void reports(Path archive) throws IOException, XMLStreamException {
    XMLInputFactory xml = XMLInputFactory.newFactory();
    xml.setProperty(XMLInputFactory.SUPPORT_DTD, false);
    xml.setProperty(XMLInputFactory.IS_SUPPORTING_EXTERNAL_ENTITIES, false);
    try (InputStream tar = new GZIPInputStream(Files.newInputStream(archive))) {
      // ustar: 512 bytes of header with the size in octal at 124, then the file in blocks of 512
      byte[] head = tar.readNBytes(512);
      while (head.length == 512 && head[0] != 0) {
        String octal = new String(head, 124, 12, java.nio.charset.StandardCharsets.US_ASCII);
        int size = Integer.parseInt(octal.replace('\0', ' ').strip(), 8);
        byte[] content = tar.readNBytes(size);
        tar.skipNBytes((512 - size % 512) % 512);
        if (head[156] == '0' && size > 0) {
          report(xml.createXMLStreamReader(new ByteArrayInputStream(content)));
        }
        head = tar.readNBytes(512);
      }
    }
  }

  private static void report(XMLStreamReader reader) throws XMLStreamException {
    String id = "";
    var sections = new ArrayList<String>();
    while (reader.hasNext()) {
      if (reader.next() == XMLStreamReader.START_ELEMENT) {
        if (reader.getLocalName().equals("uId")) {
          id = reader.getAttributeValue(null, "id");
        } else if (reader.getLocalName().equals("AbstractText")) {
          String label = reader.getAttributeValue(null, "Label");
          if (label.equals("FINDINGS") || label.equals("IMPRESSION")) {
            sections.add(reader.getElementText());
          }
        }
      }
    }
    REPORTS.put(id, String.join("\n\n", sections));
  }
}
