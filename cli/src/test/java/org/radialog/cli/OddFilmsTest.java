package org.radialog.cli;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Films as other programs write them, and films through a pipe: findings of a plain file. */
class OddFilmsTest {
  private static final Path CASES = CommandLineRun.ROOT.resolve("imaging/src/test/resources/cases");

  @Test
  void oddFilesHaveTheFindingsOfTheirPlainPicture() throws IOException {
    Map<String, String> plain = new HashMap<>();
    for (String folder :
        List.of(
            "dicom-bits",
            "dicom-excess-padding",
            "dicom-headers",
            "dicom-lenient-elements",
            "dicom-lenient-elements-2",
            "dicom-meta-implicit",
            "dicom-sequences",
            "dicom-syntax-misdeclared")) {
      plain.put(folder, "dicom-bits/ref8.png");
    }
    for (String folder : List.of("jpeg-harmless-warnings", "jpeg-icc", "jpeg-no-jfif")) {
      plain.put(folder, folder + "/refj.jpg");
    }
    plain.put("png-variants", "png-variants/ref8.png");
    plain.put("dicom-voilut-depth", "dicom-voilut-depth/d42_voilut12.dcm");
    List<String> arguments = new ArrayList<>(List.of("findings", "--csv"));
    for (String folder : plain.keySet()) {
      try (Stream<Path> files = Files.list(CASES.resolve(folder))) {
        files
            .filter(file -> !file.endsWith("j31b_trunc90_EOI.jpg"))
            .map(Path::toString)
            .sorted()
            .forEach(arguments::add);
      }
    }

    CommandLineRun run = CommandLineRun.of(arguments.toArray(new String[0]));

    assertThat(run.code()).as(run.err()).isEqualTo(Main.DONE);
    Map<String, double[]> found = table(run.out());
    assertThat(found).hasSize(arguments.size() - 2);
    found.forEach((file, probabilities) -> {
      Path name = CASES.relativize(Path.of(file));
      String folder = name.getName(0).toString();
      double[] expected =
          requireNonNull(found.get(CASES.resolve(requireNonNull(plain.get(folder))).toString()));
      for (int i = 0; i < expected.length; i++) {
        assertThat(probabilities[i])
            .as("%s, finding %d", name, i)
            .isBetween(expected[i] - 0.06, expected[i] + 0.06);
      }
    });
  }

  @Test
  void anImageMayComeThroughStandardInput() throws IOException {
    byte[] file = Files.readAllBytes(Path.of(CommandLineRun.sample("no-finding.jpg")));

    String named = CommandLineRun.sample("no-finding.jpg");

    CommandLineRun run = CommandLineRun.withInput(file, "findings", "--csv", "-", named, "-");

    Map<String, double[]> found = table(run.out());
    assertThat(found.get("-")).isEqualTo(found.get(named));
    // It can be read once only.
    assertThat(run.code()).isEqualTo(Main.SOME_FAILED);
    assertThat(run.err()).contains("-: no data");
  }

  @Test
  void aReportNamesItsImageAsItWasGiven() throws IOException {
    byte[] file = Files.readAllBytes(Path.of(CommandLineRun.sample("no-finding.jpg")));

    CommandLineRun report =
        CommandLineRun.withInput(file, "report", "--json", "--max-new-tokens", "8", "-");

    assertThat(report.code()).as(report.err()).isEqualTo(Main.DONE);
    assertThat(report.json().getFirst().path("image").path("path").asString()).isEqualTo("-");
  }

  @Test
  void chatCannotReadBothFilmAndTurnsFromStandardInput() {
    for (String image : List.of("-", "/dev/stdin", "/dev/fd/0")) {
      CommandLineRun run = CommandLineRun.of("chat", image);
      assertThat(run.code()).isEqualTo(2);
      assertThat(run.err()).contains("it cannot read the image from there");
    }
    CommandLineRun prior =
        CommandLineRun.of("chat", CommandLineRun.sample("no-finding.jpg"), "--prior", "-");
    assertThat(prior.code()).isEqualTo(2);
  }

  /** Probabilities by image. */
  private static Map<String, double[]> table(String csv) {
    Map<String, double[]> rows = new HashMap<>();
    csv.lines()
        .skip(1)
        .map(line -> line.split(",", -1))
        .forEach(cells ->
            rows.put(
                cells[0],
                Arrays.stream(cells)
                    .skip(1)
                    .mapToDouble(cell -> cell.isEmpty() ? 0 : Double.parseDouble(cell))
                    .toArray()));
    return rows;
  }
}
