package org.radialog.dialog;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.language.LanguageDecoder;
import org.radialog.text.TextTokenizer;

/**
 * Chooses the next token of one sequence from its logits [V]. If a vocabulary is padded, V is
 * larger than the number of tokens; the padding is never chosen.
 */
final class Sampler {
  private final Decoding how;
  private final int choices;
  private final SplittableRandom random;

  /** Chooses among the ids less than {@code choices}. */
  Sampler(Decoding how, int choices) {
    this.how = how;
    this.choices = choices;
    this.random = new SplittableRandom(how.seed());
  }

  /**
   * Refuses to bar every token.
   *
   * @throws RadialogException if no token could be chosen
   */
  void requireChoice(Set<Integer> barred) {
    if (barred.stream().filter(id -> id >= 0 && id < choices).count() >= choices) {
      throw new RadialogException(
          Kind.BAD_INPUT,
          "all " + choices + " tokens of the vocabulary are barred, expected one that is not");
    }
  }

  /** Skips a token that was chosen elsewhere, including the random number that it used. */
  void skip() {
    if (how.temperature() != 0) {
      random.nextDouble();
    }
  }

  /** The next token, excluding barred tokens. */
  int choose(float[] logits, Set<Integer> barred) {
    if (barred.isEmpty()) {
      return choose(logits);
    }
    float[] allowed = logits.clone();
    for (int id : barred) {
      if (id >= 0 && id < allowed.length) {
        allowed[id] = Float.NEGATIVE_INFINITY;
      }
    }
    return choose(allowed);
  }

  /** How likely a token is, and the {@code count} most likely ones. */
  TokenLikelihood likelihood(float[] logits, int token, int count, TextTokenizer tokenizer) {
    int n = Math.min(choices, logits.length);
    float top = logits[LanguageDecoder.likeliest(logits, n)];
    double sum = 0;
    for (int i = 0; i < n; i++) {
      sum += Math.exp(logits[i] - top);
    }
    double all = top + Math.log(sum);
    List<TokenLikelihood> likeliest = new ArrayList<>();
    float[] left = count > 0 ? Arrays.copyOf(logits, n) : logits;
    for (int i = 0; i < Math.min(count, n); i++) {
      int best = LanguageDecoder.likeliest(left, n);
      likeliest.add(
          new TokenLikelihood(
              best, tokenizer.decode(new int[] {best}), logits[best] - all, List.of()));
      left[best] = Float.NEGATIVE_INFINITY;
    }
    return new TokenLikelihood(
        token, tokenizer.decode(new int[] {token}), Math.min(0, logits[token] - all), likeliest);
  }

  int choose(float[] logits) {
    int best = LanguageDecoder.likeliest(logits, Math.min(choices, logits.length));
    if (how.temperature() == 0) {
      return best;
    }
    return draw(logits, logits[best]);
  }

  private int draw(float[] logits, float top) {
    double[] p = new double[Math.min(choices, logits.length)];
    double sum = 0;
    for (int i = 0; i < p.length; i++) {
      p[i] = Math.exp((logits[i] - top) / how.temperature());
      sum += p[i];
    }
    // At most 1 - topP is outside the nucleus, so a token with less than (1 - topP) / V of the
    // total can be excluded before sorting: all such tokens together have less than that.
    double least = (1 - how.topP()) / p.length * sum;
    long[] order = new long[p.length];
    int count = 0;
    for (int i = 0; i < p.length; i++) {
      if (p[i] >= least && p[i] > 0) {
        // Positive floats are ordered like their bits; equal ones by the lower id.
        order[count++] = ((long) Float.floatToIntBits((float) p[i]) << 32) | (~i & 0xffffffffL);
      }
    }
    Arrays.sort(order, 0, count);
    double nucleus = 0;
    int first = count;
    while (first > 0 && nucleus < how.topP() * sum) {
      first--;
      nucleus += p[~(int) order[first]];
    }
    double left = random.nextDouble() * nucleus;
    for (int k = count - 1; k > first; k--) {
      int id = ~(int) order[k];
      left -= p[id];
      if (left < 0) {
        return id;
      }
    }
    return ~(int) order[first];
  }
}
