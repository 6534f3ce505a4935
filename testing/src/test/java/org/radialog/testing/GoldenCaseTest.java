package org.radialog.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.opentest4j.TestAbortedException;

class GoldenCaseTest {
  /** Every stored tensor has the elements that its shape and step announce. */
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
  void aFamilyWithoutCasesIsSkipped() {
    assertThatThrownBy(() -> Golden.cases("no-such-family"))
        .isInstanceOf(TestAbortedException.class)
        .hasMessageContaining("no golden case no-such-family");
    assertThat(Golden.tests("no-such-family", _ -> Stream.of()))
        .singleElement()
        .satisfies(test -> {
          assertThat(test.getDisplayName()).isEqualTo("no-such-family");
          assertThatThrownBy(() -> test.getExecutable().execute())
              .isInstanceOf(TestAbortedException.class);
        });
  }

  @Test
  void publishedKeyListsAreNotCases() {
    assertThat(Golden.cases("biovilt")).extracting(GoldenCase::name).isEqualTo(List.of("biovilt"));
    assertThat(Golden.keys("biovilt").getFirst().name()).isEqualTo("encoder.missing_previous_emb");
  }
}
