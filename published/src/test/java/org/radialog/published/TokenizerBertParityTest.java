package org.radialog.published;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.radialog.base.RadialogException;
import org.radialog.language.Bert;
import org.radialog.testing.Golden;
import org.radialog.testing.GoldenCase;
import org.radialog.text.WordPiece;
import tools.jackson.databind.JsonNode;

/** BERT's tokens, and reports as CheXbert and the Q-Former read them, against transformers. */
class TokenizerBertParityTest {
  @TestFactory
  Stream<DynamicTest> ids() {
    return Golden.tests(
        "tokenizer-bert",
        c -> {
          JsonNode values = c.json().required("values");
          List<DynamicTest> tests = new ArrayList<>();
          values
              .required("cases")
              .forEach(one -> {
                String text = one.required("text").stringValue();
                tests.add(exact(c, "cases", text, one.required("ids"), text));
              });
          values
              .required("chexbert_cases")
              .forEach(one -> {
                String text = one.required("text").stringValue();
                tests.add(
                    dynamicTest(
                        c + "/prepared " + tests.size(),
                        () ->
                            assertThat(CheXbert.prepared(text))
                                .isEqualTo(one.required("prepared").stringValue())));
                tests.add(
                    exact(c, "chexbert_cases", text, one.required("ids"), CheXbert.prepared(text)));
              });
          JsonNode text = values.required("qformer_text");
          tests.add(
              exact(
                  c,
                  "qformer_text",
                  "",
                  text.required("ids_without_padding"),
                  text.required("text").stringValue()));
          tests.add(
              dynamicTest(
                  c + "/chexbert_truncation",
                  () -> {
                    JsonNode cut = values.required("chexbert_truncation");
                    String report =
                        String.join(
                            " ",
                            Collections.nCopies(
                                cut.required("repeats").intValue(),
                                cut.required("sentence").stringValue()));
                    int[] ids = encoded(c, report, Bert.Config.BASE.positions());
                    assertThat(ids).hasSize(cut.required("length").intValue());
                    assertThat(Arrays.copyOfRange(ids, ids.length - 8, ids.length))
                        .isEqualTo(integers(cut.required("last_8")));
                    byte[] joined =
                        IntStream.of(ids)
                            .mapToObj(String::valueOf)
                            .collect(Collectors.joining(","))
                            .getBytes(StandardCharsets.UTF_8);
                    assertThat(
                            HexFormat.of()
                                .formatHex(MessageDigest.getInstance("SHA-256").digest(joined)))
                        .isEqualTo(cut.required("sha256_of_comma_joined_ids").stringValue());
                    System.out.println("parity " + c + "/chexbert_truncation 0 (exact)");
                  }));
          return tests.stream();
        });
  }

  @Test
  void aVocabularyWithoutSpecialTokensIsRefused() {
    assertThatThrownBy(() -> WordPiece.of(List.of("lung", "heart")))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining("[PAD]");
  }

  private static DynamicTest exact(
      GoldenCase c, String list, String name, JsonNode ids, String text) {
    return dynamicTest(
        c + "/" + list + " " + name,
        () -> {
          assertThat(encoded(c, text, Bert.Config.BASE.positions())).isEqualTo(integers(ids));
          System.out.println("parity " + c + "/" + list + " 0 (exact)");
        });
  }

  private static int[] encoded(GoldenCase c, String text, int longest) throws Exception {
    List<String> vocabulary = Files.readAllLines(Golden.file(c + "/vocab.txt"));
    try (WordPiece tokenizer = WordPiece.of(vocabulary)) {
      return tokenizer.encode(text, longest);
    }
  }

  private static int[] integers(JsonNode list) {
    return list.valueStream().mapToInt(JsonNode::intValue).toArray();
  }
}
