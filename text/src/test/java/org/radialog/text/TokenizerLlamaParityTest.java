package org.radialog.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.radialog.base.RadialogException;
import org.radialog.testing.Golden;
import org.radialog.testing.GoldenCase;
import org.radialog.testing.LlamaVocabulary;
import org.radialog.text.SentencePieceTokenizer.Spaces;
import tools.jackson.databind.JsonNode;

/** LLaMA's tokens as SentencePiece and three versions of transformers give them. */
class TokenizerLlamaParityTest {
  private static final int IMAGE = -200;
  private static final Map<Spaces, SentencePieceTokenizer> PLAIN = new EnumMap<>(Spaces.class);
  private static final Map<Spaces, SentencePieceTokenizer> WITH_IMG = new EnumMap<>(Spaces.class);

  @AfterAll
  static void close() {
    PLAIN.values().forEach(SentencePieceTokenizer::close);
    WITH_IMG.values().forEach(SentencePieceTokenizer::close);
  }

  @TestFactory
  Stream<DynamicTest> ids() {
    return Golden.tests("tokenizer-llama", TokenizerLlamaParityTest::ids);
  }

  private static Stream<DynamicTest> ids(GoldenCase c) {
    if (!c.name().equals("tokenizer-llama")) {
      return Stream.empty();
    }
    return cases(c)
        .flatMap(one -> {
          String text = one.required("text").stringValue();
          List<DynamicTest> tests = new ArrayList<>();
          tests.add(
              exact(
                  c,
                  "sentencepiece",
                  text,
                  () ->
                      assertThat(plain(Spaces.LEGACY).encode(text, false))
                          .isEqualTo(integers(one.required("sentencepiece")))));
          for (Spaces spaces : List.of(Spaces.LEGACY, Spaces.FIXED)) {
            String name = spaces == Spaces.LEGACY ? "legacy" : "fixed";
            SentencePieceTokenizer t = tokenizer(spaces, text);
            tests.add(
                exact(
                    c,
                    name,
                    text,
                    () -> assertThat(withBos(t, text)).isEqualTo(integers(one.required(name)))));
            tests.add(
                exact(
                    c,
                    name + "_decoded",
                    text,
                    () ->
                        assertThat(t.decode(integers(one.required(name))))
                            .isEqualTo(one.required(name + "_decoded").stringValue())));
            if (one.has(name + "_image_split")) {
              tests.add(
                  exact(
                      c,
                      name + "_image_split",
                      text,
                      () ->
                          assertThat(split(t, text))
                              .isEqualTo(integers(one.required(name + "_image_split")))));
            }
          }
          return tests.stream();
        });
  }

  @TestFactory
  Stream<DynamicTest> idsOfTheFirstVersion() {
    return Golden.tests("tokenizer-llama-v1", TokenizerLlamaParityTest::idsOfTheFirstVersion);
  }

  private static Stream<DynamicTest> idsOfTheFirstVersion(GoldenCase c) {
    return cases(c)
        .flatMap(one -> {
          String text = one.required("text").stringValue();
          SentencePieceTokenizer t = tokenizer(Spaces.V1, text);
          return Stream.of(
              exact(
                  c,
                  "ids",
                  text,
                  () -> assertThat(withBos(t, text)).isEqualTo(integers(one.required("ids")))),
              exact(
                  c,
                  "decoded",
                  text,
                  () ->
                      assertThat(t.decode(integers(one.required("ids"))))
                          .isEqualTo(one.required("decoded").stringValue())));
        });
  }

  @Test
  void aDamagedFileIsReadOrRefusedInOneClearError() throws Exception {
    byte[] whole = Files.readAllBytes(LlamaVocabulary.file());
    Random random = new Random(1);
    for (int i = 0; i < 3000; i++) {
      byte[] bytes =
          Arrays.copyOf(
              whole, random.nextInt(10) == 0 ? random.nextInt(whole.length) : whole.length);
      for (int flips = random.nextInt(4); flips > 0 && bytes.length > 0; flips--) {
        bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
      }
      try {
        SentencePieceModel.of("a file", bytes);
      } catch (RadialogException e) {
        assertThat(e).hasMessageStartingWith("a file: expected");
      }
    }
    assertThatThrownBy(() -> SentencePieceModel.of("a file", new byte[0]))
        .isInstanceOf(RadialogException.class);
  }

  // The reference adds the token only for the texts that hold it.
  private static SentencePieceTokenizer tokenizer(Spaces spaces, String text) {
    return text.contains("<IMG>")
        ? WITH_IMG.computeIfAbsent(
            spaces, s -> SentencePieceTokenizer.of(LlamaVocabulary.file(), s, List.of("<IMG>")))
        : plain(spaces);
  }

  private static SentencePieceTokenizer plain(Spaces spaces) {
    return PLAIN.computeIfAbsent(
        spaces, s -> SentencePieceTokenizer.of(LlamaVocabulary.file(), s, List.of()));
  }

  private static int[] withBos(SentencePieceTokenizer t, String text) {
    return IntStream.concat(
            IntStream.of(t.beginning().orElseThrow()), Arrays.stream(t.encode(text, true)))
        .toArray();
  }

  // LLaVA's way: the pieces of the prompt alone, a mark for the image between them
  private static int[] split(SentencePieceTokenizer t, String text) {
    IntStream.Builder ids = IntStream.builder().add(t.beginning().orElseThrow());
    String[] parts = text.split("<image>", -1);
    for (int i = 0; i < parts.length; i++) {
      if (i > 0) {
        ids.add(IMAGE);
      }
      Arrays.stream(t.encode(parts[i], true)).forEach(ids::add);
    }
    return ids.build().toArray();
  }

  private static Stream<JsonNode> cases(GoldenCase c) {
    return c.json().required("values").required("cases").valueStream();
  }

  private static DynamicTest exact(GoldenCase c, String list, String text, Runnable check) {
    return dynamicTest(
        c + "/" + list + " " + text,
        () -> {
          check.run();
          System.out.println("parity " + c + "/" + list + " 0 (exact)");
        });
  }

  private static int[] integers(JsonNode list) {
    return list.valueStream().mapToInt(JsonNode::intValue).toArray();
  }
}
