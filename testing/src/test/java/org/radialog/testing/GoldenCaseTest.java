package org.radialog.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import org.opentest4j.TestAbortedException;

class GoldenCaseTest {
  private static final Pattern NAME = Pattern.compile("`([^`]+)`");

  /** Every stored tensor has as many elements as its shape and step imply. */
  @TestFactory
  Stream<DynamicTest> storedElementsFitShapeAndStep() {
    return Stream.of("biovilt", "classifier", "llama", "lora", "qformer", "projector", "chexbert")
        .flatMap(family -> Golden.tests(family, GoldenCaseTest::storedElements));
  }

  private static Stream<DynamicTest> storedElements(GoldenCase golden) {
    return golden.expected().values().stream()
        .map(e ->
            DynamicTest.dynamicTest(
                golden.name() + "/" + e.name(),
                () ->
                    assertThat((long) e.stored().length)
                        .isEqualTo((e.elements() + e.step() - 1) / e.step())));
  }

  @Test
  void picturesAreEnlargedFromTheirCells() {
    GoldenCase golden = Golden.theCase("biovilt");
    GoldenCase.Floats image = golden.floats("single");
    String rule =
        golden.json().required("inputs").required("single").required("rule").stringValue();
    int cell = Integer.parseInt(rule.replaceFirst(".*y/(\\d+),.*", "$1"));
    int width = (int) image.shape()[3];
    float first = image.values()[0];
    assertThat(image.values())
        .hasSize((int) Arrays.stream(image.shape()).reduce(1, (a, b) -> a * b));
    assertThat(image.values()[(cell - 1) * width + cell - 1]).isEqualTo(first);
    assertThat(image.values()[cell]).isNotEqualTo(first);
    assertThat(image.values()[cell * width]).isNotEqualTo(first);
  }

  @Test
  void idsByFormulaAreThoseWrittenOut() {
    for (GoldenCase golden : Golden.cases("llama")) {
      GoldenCase.Ids prompt = golden.ids("prompt");
      assertThat(prompt.values()).hasSize((int) (prompt.shape()[0] * prompt.shape()[1]));
    }
  }

  @Test
  void parityPassesAtTheToleranceAndFailsBeyond() {
    GoldenCase golden = Golden.theCase("projector-tiny");
    GoldenCase.Expected expected = golden.expected("tokens");
    // The elements between the stored ones are not compared.
    double[] exact = new double[(int) expected.elements()];
    int step = expected.step();
    for (int i = 0; i < expected.stored().length; i++) {
      exact[i * step] = expected.stored()[i];
    }
    Parity.check("check-of-parity/tokens", exact, golden, 0);
    exact[7 * step] += 2e-5 * expected.absmax();
    Parity.check("check-of-parity/tokens", exact, golden, 3e-5);
    assertThatThrownBy(() -> Parity.check("check-of-parity/tokens", exact, golden, 1e-5))
        .isInstanceOf(AssertionError.class);
    exact[7 * step] = Double.NaN;
    assertThatThrownBy(() -> Parity.check("check-of-parity/tokens", exact, golden, 1e-5))
        .isInstanceOf(AssertionError.class);
    assertThatThrownBy(() -> Parity.check("check-of-parity/tokens", new double[3], golden, 1))
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("number of elements");
  }

  @Test
  void aFamilyWithoutCasesFailsInTheRepositoryAndIsSkippedByNameElsewhere(@TempDir Path elsewhere) {
    String before = System.setProperty("radialog.golden", "");
    try {
      Class<AssertionError> failed = AssertionError.class;
      assertThatThrownBy(() -> Golden.cases("no-such")).isInstanceOf(failed);
      assertThatThrownBy(() -> Golden.theCase("no-such")).isInstanceOf(failed);
      assertThatThrownBy(() -> Golden.tests("no-such", _ -> Stream.of())).isInstanceOf(failed);
      assertThatThrownBy(() -> Golden.tests("llama", _ -> Stream.of())).isInstanceOf(failed);

      System.setProperty("radialog.golden", elsewhere.toString());
      assertThatThrownBy(() -> Golden.cases("llama"))
          .isInstanceOf(TestAbortedException.class)
          .hasMessageContaining("no golden case llama in " + elsewhere);
      assertThat(Golden.tests("llama", _ -> Stream.of()))
          .singleElement()
          .satisfies(test -> {
            assertThat(test.getDisplayName()).isEqualTo("llama");
            assertThatThrownBy(() -> test.getExecutable().execute())
                .isInstanceOf(TestAbortedException.class);
          });
    } finally {
      System.setProperty("radialog.golden", before == null ? "" : before);
    }
  }

  /** The table of golden/README.md lists all cases, so that a missing case is detected. */
  @Test
  void theFolderHasEveryCaseOfItsTableAndNoOther() throws IOException {
    assumeTrue(Golden.isRepositorys(), "the cases are not those of the repository");
    List<String> named =
        Files.readString(Golden.folder().resolve("README.md"))
            .lines()
            .dropWhile(line -> !line.startsWith("## 3."))
            .filter(line -> line.startsWith("| `"))
            .flatMap(line -> NAME.matcher(line.split("\\|", 3)[1]).results().map(m -> m.group(1)))
            .sorted()
            .toList();
    assertThat(named).isNotEmpty();
    try (Stream<Path> files = Files.list(Golden.folder())) {
      assertThat(
              files
                  .map(file -> file.getFileName().toString())
                  .filter(file -> file.endsWith(".json") && !file.endsWith("-keys.json"))
                  .map(file -> file.replace(".json", ""))
                  .sorted())
          .isEqualTo(named);
    }
  }

  @Test
  void publishedKeyListsAreNotCases() {
    assertThat(Golden.cases("biovilt")).extracting(GoldenCase::name).isEqualTo(List.of("biovilt"));
    assertThat(Golden.keys("biovilt").getFirst().name()).isEqualTo("encoder.missing_previous_emb");
  }
}
