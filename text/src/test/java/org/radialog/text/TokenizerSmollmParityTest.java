package org.radialog.text;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.radialog.testing.BaseGguf;
import org.radialog.testing.Golden;
import org.radialog.testing.GoldenCase;
import org.radialog.testing.Parity;
import org.radialog.weights.Checkpoint;
import tools.jackson.databind.JsonNode;

/** Token ids against Hugging Face's tokenizers, and the text back. */
class TokenizerSmollmParityTest {
  @TestFactory
  Stream<DynamicTest> idsAndTextEqualTheReference() {
    TextTokenizer tokenizer = tokenizer();
    return Golden.tests("tokenizer-smollm", golden -> tests(golden, tokenizer))
        .onClose(tokenizer::close);
  }

  private static Stream<DynamicTest> tests(GoldenCase golden, TextTokenizer tokenizer) {
    JsonNode cases = golden.values().required("cases");
    return IntStream.range(0, cases.size())
        .boxed()
        .flatMap(i -> {
          String text = cases.get(i).required("text").stringValue();
          int[] ids =
              Arrays.stream(GoldenCase.longs(cases.get(i).required("ids")))
                  .mapToInt(Math::toIntExact)
                  .toArray();
          String label = golden.name() + "/cases." + i;
          return Stream.of(
              DynamicTest.dynamicTest(
                  label + ".ids",
                  () ->
                      Parity.equal(
                          label + ".ids", boxed(tokenizer.encode(text, true)), boxed(ids))),
              DynamicTest.dynamicTest(
                  label + ".text",
                  () -> Parity.equal(label + ".text", tokenizer.decode(ids), text)));
        });
  }

  private static TextTokenizer tokenizer() {
    try (Checkpoint gguf = BaseGguf.open()) {
      return TextTokenizer.of(gguf);
    }
  }

  private static List<Integer> boxed(int[] ids) {
    return Arrays.stream(ids).boxed().toList();
  }
}
