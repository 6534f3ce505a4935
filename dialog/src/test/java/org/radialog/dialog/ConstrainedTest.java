package org.radialog.dialog;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.radialog.language.KvCache;
import org.radialog.language.Llama;
import org.radialog.language.LlamaInput;
import org.radialog.language.LlamaLoading;
import org.radialog.language.LlamaWeights;
import org.radialog.language.Precision;
import org.radialog.testmodel.TinyModel;
import org.radialog.text.TextTokenizer;
import org.radialog.weights.Checkpoint;

/** Answers with a constraint, and the likelihoods of tokens, on a random language model. */
class ConstrainedTest {
  private static Checkpoint checkpoint;
  private static Llama llama;
  private static TextTokenizer tokenizer;

  @BeforeAll
  static void load() {
    checkpoint = Checkpoint.open(TinyModel.folder().resolve("base.gguf"));
    llama = LlamaLoading.of(LlamaWeights.of(checkpoint), Precision.FP32);
    tokenizer = TextTokenizer.of(checkpoint);
  }

  @AfterAll
  static void free() {
    tokenizer.close();
    llama.close();
    checkpoint.close();
  }

  /** Letters in round brackets, any number of them: {@code (aBc)(d)}. */
  private record Brackets(boolean open, boolean begun) implements TextConstraint.Place {
    @Override
    public Optional<TextConstraint.Place> after(String text) {
      boolean inside = open;
      boolean any = begun;
      for (int at = 0; at < text.length(); at++) {
        char c = text.charAt(at);
        boolean letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (inside ? !letter && c != ')' : c != '(') {
          return Optional.empty();
        }
        inside = inside ? c != ')' : true;
        any = true;
      }
      return Optional.of(new Brackets(inside, any));
    }

    @Override
    public boolean whole() {
      return begun && !open;
    }

    @Override
    public String ending() {
      return whole() ? "" : open ? ")" : "()";
    }
  }

  private static final TextConstraint BRACKETS = () -> new Brackets(false, false);

  private static Engine.Completion answer(Decoding how, List<String> pieces) {
    int[] prompt = tokenizer.encode("a prompt", false);
    try (Engine engine =
            new Engine(llama, tokenizer, Set.of(tokenizer.endOfTurn()), Engine.Limits.NONE);
        Engine.Sequence sequence = engine.open()) {
      return sequence.generate(List.of(new LlamaInput.Tokens(prompt)), how, pieces::add);
    }
  }

  @Test
  void everyTextIsOfTheKindThatWasAskedForWhateverTheNumberOfTokens() {
    for (int tokens = 2; tokens < 14; tokens++) {
      for (int seed = 0; seed < 6; seed++) {
        Decoding how =
            seed == 0 ? Decoding.greedy(tokens) : Decoding.greedy(tokens).sampled(1.5, 1, seed);
        List<String> pieces = new ArrayList<>();
        Engine.Completion answer = answer(how.constrained(BRACKETS), pieces);
        assertThat(answer.text()).matches("(\\([a-zA-Z]*\\))+");
        assertThat(String.join("", pieces)).isEqualTo(answer.text());
        assertThat(answer.usage().completionTokens()).isLessThanOrEqualTo(tokens);
      }
    }
  }

  @Test
  void theFirstTokenIsTheMostLikelyOfThoseThatAreAllowed() {
    int[] prompt = tokenizer.encode("a prompt", false);
    int best = -1;
    try (KvCache cache = new KvCache(llama.cacheShape())) {
      float[] logits = llama.prefill(cache, List.of(new LlamaInput.Tokens(prompt)));
      for (int token = 0; token < tokenizer.size(); token++) {
        String text = tokenizer.special(token) ? "" : tokenizer.decode(new int[] {token});
        boolean allowed = !text.isEmpty() && new Brackets(false, false).after(text).isPresent();
        if (allowed && (best < 0 || logits[token] > logits[best])) {
          best = token;
        }
      }
    }
    Engine.Completion answer = answer(Decoding.greedy(20).constrained(BRACKETS), new ArrayList<>());
    assertThat(answer.ids().getFirst()).isEqualTo(best);
  }

  @Test
  void theLikelihoodsAreThoseOfTheTokensThatStay() {
    Engine.Completion answer = answer(Decoding.greedy(8).reporting(4), new ArrayList<>());
    assertThat(answer.likelihoods())
        .extracting(TokenLikelihood::id)
        .containsExactlyElementsOf(answer.ids());
    for (TokenLikelihood token : answer.likelihoods()) {
      assertThat(token.logProbability()).isNegative();
      assertThat(token.likeliest()).hasSize(4);
      assertThat(token.likeliest().getFirst().id()).isEqualTo(token.id()); // greedy
      assertThat(token.likeliest().getFirst().logProbability())
          .isCloseTo(token.logProbability(), within(1e-6));
      assertThat(token.likeliest())
          .isSortedAccordingTo((a, b) -> Double.compare(b.logProbability(), a.logProbability()));
      assertThat(
              token.likeliest().stream().mapToDouble(each -> Math.exp(each.logProbability())).sum())
          .isLessThanOrEqualTo(1 + 1e-6);
    }
    assertThat(answer(Decoding.greedy(3).reporting(0), new ArrayList<>()).likelihoods())
        .hasSize(3)
        .allSatisfy(token -> assertThat(token.likeliest()).isEmpty());
    assertThat(answer(Decoding.greedy(3), new ArrayList<>()).likelihoods()).isEmpty();
  }
}
