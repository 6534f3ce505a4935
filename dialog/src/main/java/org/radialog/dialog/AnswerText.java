package org.radialog.dialog;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.radialog.text.TextTokenizer;

/**
 * The tokens of an answer in progress and their text. Without a guide, text may be shown as soon as
 * it cannot be the beginning of a stop text; with one, sentence by sentence as they stand.
 *
 * <p>A sentence that does not stand is decoded again at most {@value #TRIES} times: first the
 * earliest token with which it does not stand is barred, then its first token. After that it is
 * left out, and another one is decoded; with {@value #LEFT_OUT} of them the answer ends.
 */
final class AnswerText {
  private static final int TRIES = 3;
  private static final int LEFT_OUT = 3;

  // The end of a sentence that is followed by another one.
  private static final Pattern END = Pattern.compile("[.!?][\"')\\]]*(?=\\s)|\\n");

  /**
   * How to go on after a sentence that does not stand.
   *
   * @param kept number of tokens that stay
   * @param barred tokens that must not follow them
   */
  record Retry(int kept, Set<Integer> barred) {}

  /**
   * Decides while an answer is decoded which sentences may stand. A sentence that may not is taken
   * back before anybody has seen it, and decoded again in another way.
   */
  @FunctionalInterface
  interface Guide {
    /**
     * Whether an answer may continue after {@code text}, whose sentences before the last one may
     * stand. Called by the thread of the engine, so it should take microseconds.
     */
    boolean stands(String text);
  }

  private final TextTokenizer tokenizer;
  private final List<String> stops;
  private final Optional<Guide> guide;
  private final List<Integer> ids = new ArrayList<>();
  private final List<Integer> lengths = new ArrayList<>(); // of the text after each token
  private final StringBuilder text = new StringBuilder();
  private TextTokenizer.Decoder decoder;
  private StopText stop;
  private int decoded; // length of the text of all tokens, including what may become a stop text
  private int passed; // length of the text that may be shown
  private boolean ended;

  // Of the sentence after `passed`:
  private boolean refused;
  private int tries; // to decode it again
  private String refusedFirst = ""; // the sentence as it was decoded first
  private final Set<Integer> barredFirst = new HashSet<>();

  private int again;
  private final List<String> leftOut = new ArrayList<>();

  AnswerText(TextTokenizer tokenizer, List<String> stops, Optional<Guide> guide) {
    this.tokenizer = tokenizer;
    this.stops = stops;
    this.guide = guide;
    this.decoder = tokenizer.decoder();
    this.stop = new StopText(stops);
  }

  /** Adds a token; returns the text that may now be shown. */
  String add(int id) {
    append(id);
    return passing(false);
  }

  /** Ends the text; returns the rest of it that may be shown. */
  String end() {
    if (!ended) {
      ended = true;
      text.append(stop.add(decoder.end())).append(stop.finish());
    }
    return passing(true);
  }

  private void append(int id) {
    ids.add(id);
    String piece = decoder.next(id);
    decoded += piece.length();
    lengths.add(decoded);
    text.append(stop.add(piece));
  }

  private String passing(boolean whole) {
    int from = passed;
    if (guide.isEmpty()) {
      passed = text.length();
      return text.substring(from);
    }
    Matcher ends = END.matcher(text);
    while (!refused && ends.find(passed)) {
      pass(ends.end());
    }
    if (!refused && whole && passed < text.length()) {
      pass(text.length());
    }
    return text.substring(from, passed);
  }

  private void pass(int end) {
    String sentence = text.substring(passed, end);
    if (sentence.isBlank() || stands(end)) {
      passed = end;
      tries = 0;
      barredFirst.clear();
    } else {
      refused = true;
    }
  }

  private boolean stands(int end) {
    return guide.map(one -> one.stands(text.substring(0, end))).orElse(true);
  }

  /** Whether the answer has come to a stop text. */
  boolean stopped() {
    return stop.found();
  }

  /** Whether the sentence after the text that may be shown does not stand. */
  boolean refused() {
    return refused;
  }

  /**
   * Takes back tokens of the refused sentence; empty if none of the ways is left, in which case the
   * answer must end.
   *
   * @param ends tokens that end an answer, which must not be empty
   */
  Optional<Retry> retry(Set<Integer> ends) {
    int first = firstToken();
    if (tries == 0) {
      refusedFirst = text.substring(passed).strip();
    }
    tries++;
    if (tries > TRIES) {
      leftOut.add(refusedFirst);
      refusedFirst = text.substring(passed).strip();
      tries = 1;
    }
    if (first == ids.size() || leftOut.size() == LEFT_OUT) {
      return Optional.empty();
    }
    again++;
    int deciding = decidingToken(first);
    if (barredFirst.isEmpty() && deciding > first) {
      Set<Integer> barred = Set.of(ids.get(deciding));
      cut(deciding);
      return Optional.of(new Retry(deciding, barred));
    }
    barredFirst.add(ids.get(first));
    Set<Integer> barred = new HashSet<>(barredFirst);
    if (first == 0) {
      barred.addAll(ends);
    }
    cut(first);
    return Optional.of(new Retry(first, barred));
  }

  /** Leaves out the refused sentence, with which the answer ends. */
  void drop() {
    if (leftOut.size() < LEFT_OUT) {
      leftOut.add(tries == 0 ? text.substring(passed).strip() : refusedFirst);
    }
    cut(firstToken());
    ended = true;
    text.setLength(Math.min(passed, text.length()));
  }

  // The first token of the sentence after `passed`.
  private int firstToken() {
    for (int i = 0; i < ids.size(); i++) {
      if ((i == 0 ? 0 : lengths.get(i - 1)) >= passed) {
        return i;
      }
    }
    return ids.size(); // the last token belongs to both
  }

  // The earliest token of the sentence with which it does not stand.
  private int decidingToken(int first) {
    for (int i = first; i < ids.size(); i++) {
      int end = Math.min(lengths.get(i), text.length());
      if (end > passed && !stands(end)) {
        return i;
      }
    }
    return first;
  }

  private void cut(int kept) {
    List<Integer> before = List.copyOf(ids.subList(0, kept));
    ids.clear();
    lengths.clear();
    text.setLength(0);
    decoder = tokenizer.decoder();
    stop = new StopText(stops);
    decoded = 0;
    ended = false;
    refused = false;
    before.forEach(this::append);
  }

  /** The tokens. */
  List<Integer> ids() {
    return ids;
  }

  /** The text so far, of which a part may not have been shown. */
  String text() {
    return text.toString();
  }

  /** Where guidance stepped in. */
  Guidance guidance() {
    return new Guidance(again, leftOut);
  }
}
