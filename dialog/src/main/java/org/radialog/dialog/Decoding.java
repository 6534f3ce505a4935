package org.radialog.dialog;

import java.util.List;
import java.util.Objects;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;

/**
 * How tokens are chosen and when an answer ends.
 *
 * @param maxNewTokens maximum number of tokens of the answer
 * @param temperature 0 takes the most likely token; otherwise logits are divided by it and a token
 *     is drawn
 * @param topP the token is drawn from the smallest set of most likely tokens whose probabilities
 *     reach this sum, from 0 to 1
 * @param seed the same seed draws the same tokens
 * @param stop the answer ends before any of these texts
 * @param guidance whether sentences that contradict the findings are decoded again
 */
public record Decoding(
    int maxNewTokens,
    double temperature,
    double topP,
    long seed,
    List<String> stop,
    Guidance.Wanted guidance) {
  /** The most likely token each time, at most {@code maxNewTokens} tokens. */
  public static Decoding greedy(int maxNewTokens) {
    return new Decoding(maxNewTokens, 0, 1, 0, List.of(), Guidance.Wanted.AS_MODEL);
  }

  /**
   * Checks the ranges.
   *
   * @throws RadialogException if one is out of range
   */
  public Decoding {
    if (maxNewTokens < 1) {
      throw new RadialogException(
          Kind.BAD_INPUT, "the number of new tokens is " + maxNewTokens + ", expected at least 1");
    }
    if (!(temperature >= 0 && temperature <= 100)) {
      throw new RadialogException(
          Kind.BAD_INPUT, "the temperature is " + temperature + ", expected 0 to 100");
    }
    if (!(topP > 0 && topP <= 1)) {
      throw new RadialogException(
          Kind.BAD_INPUT, "top-p is " + topP + ", expected above 0, at most 1");
    }
    Objects.requireNonNull(guidance, "guidance");
    Objects.requireNonNull(stop, "stop");
    stop.forEach(text -> Objects.requireNonNull(text, "stop"));
    stop = List.copyOf(stop);
    if (stop.stream().anyMatch(String::isEmpty)) {
      throw new RadialogException(
          Kind.BAD_INPUT, "a stop text is empty, expected at least one character");
    }
  }

  /** This, but sampling at {@code temperature} with {@code seed}. */
  public Decoding sampled(double newTemperature, double newTopP, long newSeed) {
    return new Decoding(maxNewTokens, newTemperature, newTopP, newSeed, stop, guidance);
  }

  /** This, but also ending before any of {@code texts}. */
  public Decoding stoppingAt(String... texts) {
    Objects.requireNonNull(texts, "texts");
    for (String text : texts) {
      Objects.requireNonNull(text, "texts");
    }
    return new Decoding(maxNewTokens, temperature, topP, seed, List.of(texts), guidance);
  }

  /** This, but guided or not. */
  public Decoding with(Guidance.Wanted wanted) {
    return new Decoding(
        maxNewTokens, temperature, topP, seed, stop, Objects.requireNonNull(wanted, "wanted"));
  }
}
