package org.radialog.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.lifecycle.AfterContainer;
import org.radialog.base.RadialogException;
import org.radialog.clinical.PromptPart;
import org.radialog.testing.BaseGguf;
import org.radialog.testing.LlamaVocabulary;
import org.radialog.testing.Outputs;
import org.radialog.text.SentencePieceTokenizer.Spaces;
import org.radialog.weights.Checkpoint;

/** Texts of thousands and of millions of characters. */
class LongTextTest {
  private static final Map<String, TextTokenizer> TOKENIZERS =
      Map.of("byte level", byteLevel(), "SentencePiece", sentencePiece());

  private static TextTokenizer byteLevel() {
    try (Checkpoint gguf = BaseGguf.open()) {
      return TextTokenizer.of(gguf);
    }
  }

  private static TextTokenizer sentencePiece() {
    return SentencePieceTokenizer.of(LlamaVocabulary.file(), Spaces.NONE, List.of());
  }

  @AfterContainer
  static void close() {
    TOKENIZERS.values().forEach(TextTokenizer::close);
  }

  @Provide
  Arbitrary<String> words() {
    Arbitrary<String> word =
        Arbitraries.oneOf(
            Arbitraries.of(
                " ",
                "  ",
                "\n",
                "\t ",
                " \n",
                "'s",
                "n't",
                "3",
                "1024",
                ".",
                "?!",
                "é",
                "漢字",
                "–",
                "lungs",
                "Clear",
                "effusion",
                "a",
                "I'm",
                "(",
                "\u00a0",
                "😀"),
            Arbitraries.strings().ascii().ofMaxLength(4));
    return word.list().ofMinSize(2).ofMaxSize(30).map(list -> String.join("", list));
  }

  /** The rule by which a long text is cut, on texts short enough for the library to see whole. */
  @Property(tries = 500)
  void aTextCutAtASpaceHasTheTokensOfTheWhole(@ForAll("words") String text) {
    TextTokenizer tokenizer = Outputs.named(TOKENIZERS, "byte level");
    int[] whole = tokenizer.encode(text, false);
    for (int at = 1; at < text.length() - 1; at++) {
      if (TokenizerLibrary.parts(text, at, ' ')) {
        int[] before = tokenizer.encode(text.substring(0, at), false);
        int[] behind = tokenizer.encode(text.substring(at), false);
        assertThat(IntStream.concat(Arrays.stream(before), Arrays.stream(behind)).toArray())
            .as("%s at %d", text, at)
            .isEqualTo(whole);
      }
    }
  }

  @Example
  void aLongTextHasTheTokensOfItsSentences() {
    Random random = new Random(3);
    List<String> words =
        List.of(" the", " lungs", " are", " clear,", " no", " effusion.", " 12", " mm", " T8");
    List<String> sentences = new ArrayList<>();
    for (int i = 0; i < 3000; i++) {
      sentences.add(
          random
              .ints(1 + random.nextInt(20), 0, words.size())
              .mapToObj(words::get)
              .collect(Collectors.joining()));
    }
    TOKENIZERS.forEach((name, tokenizer) -> {
      int[] apart =
          sentences.stream()
              .flatMapToInt(sentence -> Arrays.stream(tokenizer.encode(sentence, false)))
              .toArray();
      assertThat(tokenizer.encode(String.join("", sentences), false)).as(name).isEqualTo(apart);
    });
  }

  @Example
  void aTextWithoutASpaceToCutAtIsReadWhole() {
    TOKENIZERS.forEach((name, tokenizer) -> {
      String text = "漢字、".repeat(9000);
      assertThat(tokenizer.decode(tokenizer.encode(text, false))).as(name).isEqualTo(text);
    });
  }

  @Example
  void aTextLongerThanAnyTokensIsRefusedByItsLengthAtOnce() {
    TOKENIZERS.forEach((name, tokenizer) -> {
      tokenizer.encode("warm", false);
      int longest = tokenizer.longestToken().orElseThrow();
      String text = "a".repeat(16 << 20);
      List<PromptPart> parts = List.of(new PromptPart.Text(text));
      long begun = System.nanoTime();
      assertThatThrownBy(() -> tokenizer.encode(parts, false, 2048))
          .as(name)
          .isInstanceOf(RadialogException.class)
          .hasMessage(
              "the text has 16777216 characters, and the language model's 2048 positions hold "
                  + 2048L * longest
                  + " at most; shorten it");
      assertThatThrownBy(() -> tokenizer.requireRoom(text, 2048))
          .isInstanceOf(RadialogException.class)
          .hasMessageContaining("16777216");
      assertThat(Duration.ofNanos(System.nanoTime() - begun)).isLessThan(Duration.ofMillis(200));
    });
  }

  @Example
  void nothingIsRefusedThatFits() {
    TOKENIZERS.forEach((name, tokenizer) -> {
      for (int id = 0; id < tokenizer.size(); id += 7) {
        String text = tokenizer.decode(new int[] {id});
        int tokens = tokenizer.encode(text, false).length;
        if (tokens > 0) {
          List<PromptPart> parts = List.of(new PromptPart.Text(text));
          assertThat(tokenizer.encode(parts, false, tokens).getFirst()).as(name).hasSize(tokens);
          assertThatThrownBy(() -> tokenizer.encode(parts, false, tokens - 1))
              .isInstanceOf(RadialogException.class)
              .hasMessageContaining("shorten it");
        }
      }
    });
  }

  /** A large model has places for megabytes by their length alone: what shows is their tokens. */
  @Example
  void ofATextWithTooManyTokensNoMoreIsReadThanShowsIt() {
    TextTokenizer tokenizer = Outputs.named(TOKENIZERS, "byte level");
    String text = "the lungs are clear ".repeat(100_000); // 400,000 tokens
    List<PromptPart> parts = List.of(new PromptPart.Text(text));
    int places = text.length() / tokenizer.longestToken().orElseThrow() + 1;
    assertThat(places).isLessThan(40_000);
    long begun = System.nanoTime();
    assertThatThrownBy(() -> tokenizer.encode(parts, false, places))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining("more than " + places + " tokens");
    long refused = System.nanoTime() - begun;
    assertThat(tokenizer.encode(text, false)).hasSizeGreaterThan(400_000 - 1);
    assertThat(refused).isLessThan((System.nanoTime() - begun - refused) / 2);
  }

  @Example
  void aTextEncoderReadsNoMoreOfALongTextThanItKeeps() {
    List<String> vocabulary =
        List.of("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "lungs", "clear", "are", ".");
    try (WordPiece tokenizer = WordPiece.of(vocabulary)) {
      String text = "lungs are clear. ".repeat(1 << 20); // 17 MB
      long begun = System.nanoTime();
      int[] ids = tokenizer.encode(text, 512);
      assertThat(Duration.ofNanos(System.nanoTime() - begun)).isLessThan(Duration.ofSeconds(2));
      assertThat(ids).isEqualTo(tokenizer.encode(text.substring(0, 3000), 512)).hasSize(512);
      assertThat(tokenizer.encode("x".repeat(16 << 20), 512)).containsExactly(2, 1, 3);
    }
  }
}
