package org.radialog.dialog;

import java.util.HashSet;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import org.radialog.text.TextTokenizer;

/**
 * Chooses the tokens of an answer with a {@link TextConstraint}. A token that may not follow is
 * barred and another one is chosen, which draws from the same distribution as if all such tokens
 * had been barred at once. After {@value #DRAWS} of them, every token of the vocabulary is tried.
 */
final class Constrained {
  private static final int DRAWS = 32;

  private final TextTokenizer tokenizer;
  private final Set<Integer> ends;
  private final int most;
  private TextConstraint.Place place;
  private OptionalInt last = OptionalInt.empty();
  private boolean ending;

  Constrained(TextConstraint wanted, TextTokenizer tokenizer, Set<Integer> ends, Decoding how) {
    this.tokenizer = tokenizer;
    this.ends = ends;
    this.most = how.maxNewTokens();
    this.place = wanted.start();
  }

  /**
   * The next token; an end token if none may follow.
   *
   * @param chosen number of tokens so far
   */
  int choose(float[] logits, Set<Integer> barred, Sampler sampler, int chosen) {
    int left = most - chosen - 1; // after this one
    Set<Integer> refused = new HashSet<>(barred);
    for (int draw = 0; draw < DRAWS && !ending; draw++) {
      int token = sampler.choose(logits, refused);
      if (accepted(token, left)) {
        return token;
      }
      refused.add(token);
    }
    if (!ending) {
      for (int token = 0; token < tokenizer.size(); token++) {
        if (!refused.contains(token) && next(token, left).isEmpty()) {
          refused.add(token);
        }
      }
      if (refused.size() < tokenizer.size()) {
        int token = sampler.choose(logits, refused);
        accepted(token, left);
        return token;
      }
      ending = true;
    }
    return shortest();
  }

  // Whether so many tokens suffice for the shortest ending. A token is at least a character; the
  // longest tokens that fit need about as many as the tokenizer's own.
  private boolean fits(TextConstraint.Place after, int left) {
    String rest = after.ending();
    return rest.length() <= left || tokenizer.encode(rest, false).length * 5 / 4 + 4 <= left;
  }

  // The token with the longest text at the beginning of the shortest ending.
  private int shortest() {
    String rest = place.ending();
    int best = ends.iterator().next();
    int length = 0;
    if (!rest.isEmpty()) {
      for (int token = 0; token < tokenizer.size(); token++) {
        String text = text(token);
        if (text.length() > length && rest.startsWith(text)) {
          best = token;
          length = text.length();
        }
      }
    }
    accepted(best, Integer.MAX_VALUE);
    return best;
  }

  // The place after a token; empty if it may not follow, or leaves too few tokens for the ending.
  private Optional<TextConstraint.Place> next(int token, int left) {
    if (ends.contains(token)) {
      return place.whole() ? Optional.of(place) : Optional.empty();
    }
    String text = text(token);
    // A special token, or a part of a character.
    return text.isEmpty() || text.indexOf('\uFFFD') >= 0
        ? Optional.empty()
        : place.after(text).filter(after -> fits(after, left));
  }

  private boolean accepted(int token, int left) {
    Optional<TextConstraint.Place> next = next(token, left);
    next.ifPresent(found -> {
      place = found;
      last = OptionalInt.of(token);
    });
    return next.isPresent();
  }

  // The text of a token behind the last one; some tokenizers write the space before it only there.
  private String text(int token) {
    if (tokenizer.special(token)) {
      return "";
    }
    TextTokenizer.Decoder decoder = tokenizer.decoder();
    last.ifPresent(decoder::next);
    return decoder.next(token) + decoder.end();
  }
}
