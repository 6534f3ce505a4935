package org.radialog.dialog;

import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
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
 * @param constraint what the text must be; such an answer is not guided
 * @param likeliest number of the most likely tokens that are reported with each token of the
 *     answer; empty reports no likelihoods
 */
public record Decoding(
    int maxNewTokens,
    double temperature,
    double topP,
    long seed,
    List<String> stop,
    Guidance.Wanted guidance,
    Optional<TextConstraint> constraint,
    OptionalInt likeliest) {
  /** The highest number of most likely tokens. */
  public static final int MOST_LIKELIEST = 20;

  /** The most likely token each time, at most {@code maxNewTokens} tokens. */
  public static Decoding greedy(int maxNewTokens) {
    return new Decoding(
        maxNewTokens,
        0,
        1,
        0,
        List.of(),
        Guidance.Wanted.AS_MODEL,
        Optional.empty(),
        OptionalInt.empty());
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
    Objects.requireNonNull(constraint, "constraint");
    Objects.requireNonNull(likeliest, "likeliest");
    if (likeliest.isPresent()
        && (likeliest.getAsInt() < 0 || likeliest.getAsInt() > MOST_LIKELIEST)) {
      throw new RadialogException(
          Kind.BAD_INPUT,
          "the number of most likely tokens is %d, expected 0 to %d"
              .formatted(likeliest.getAsInt(), MOST_LIKELIEST));
    }
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
    return new Decoding(
        maxNewTokens, newTemperature, newTopP, newSeed, stop, guidance, constraint, likeliest);
  }

  /** This, but also ending before any of {@code texts}. */
  public Decoding stoppingAt(String... texts) {
    Objects.requireNonNull(texts, "texts");
    for (String text : texts) {
      Objects.requireNonNull(text, "texts");
    }
    return new Decoding(
        maxNewTokens, temperature, topP, seed, List.of(texts), guidance, constraint, likeliest);
  }

  /** This, but guided or not. */
  public Decoding with(Guidance.Wanted wanted) {
    return new Decoding(
        maxNewTokens,
        temperature,
        topP,
        seed,
        stop,
        Objects.requireNonNull(wanted, "wanted"),
        constraint,
        likeliest);
  }

  /** This, but with a text of this kind. */
  public Decoding constrained(TextConstraint wanted) {
    return new Decoding(
        maxNewTokens,
        temperature,
        topP,
        seed,
        stop,
        guidance,
        Optional.of(Objects.requireNonNull(wanted, "wanted")),
        likeliest);
  }

  /**
   * This, but reporting the likelihood of each token and the most likely tokens in its place.
   *
   * @param count 0 to {@link #MOST_LIKELIEST}
   */
  public Decoding reporting(int count) {
    return new Decoding(
        maxNewTokens, temperature, topP, seed, stop, guidance, constraint, OptionalInt.of(count));
  }
}
