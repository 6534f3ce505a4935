package org.radialog.dialog;

import java.util.Arrays;

/**
 * Proposes how a conversation continues: like it did where its last tokens occurred before (prompt
 * lookup, a draft without a model; arXiv 2304.04487). It also remembers text that the conversation
 * replaced, so that a report that is requested again is proposed from the previous one.
 *
 * <p>The more tokens agree, the more likely a proposal is correct. Its probability is learned from
 * every token of an answer, proposed or not, and proposals that are hardly ever correct are not
 * made.
 *
 * <p>A code of 0 or more is a token. Other codes stand for positions that cannot be proposed, such
 * as those of a film, and agree if they are equal.
 */
final class PromptLookup {
  // maximum number of tokens compared: a longer match is no more informative
  private static final int LONGEST = 16;
  private static final int CANDIDATES = 64; // number of latest positions examined
  private static final int MOST = 1 << 16; // number of codes remembered
  private static final long BREAK = Long.MIN_VALUE; // separates two texts

  // A proposal is made if its probability is above this, plus the same amount for each proposal
  // before it: the first ones are bandwidth-bound like the token before them, further ones cost
  // arithmetic.
  private static final double WORTH = 0.15;

  // number of tokens that the initial probabilities are worth
  private static final double PRIOR = 4;
  private static final double MEMORY = 0.98; // weight of a token relative to the next one

  private long[] codes = new long[512];
  private int size;
  private int begin; // number of codes of the current text
  private int[] latest = empty(1024); // by hash of a code: its last position with a successor
  private int[] earlier = new int[512]; // by position: the previous position with the same hash

  // By the logarithm of the number of matching tokens: proposals seen, and correct ones.
  private final double[] seen = new double[log(LONGEST) + 1];
  private final double[] right = new double[log(LONGEST) + 1];

  // The result for the text up to `foundFor`:
  private int foundFor = -1;
  private int place; // position of the best match, or -1
  private int agreed; // number of matching tokens there

  PromptLookup() {
    Arrays.fill(seen, PRIOR);
    for (int i = 0; i < right.length; i++) {
      right[i] = PRIOR * (1 - 1.0 / ((1 << i) + 1));
    }
  }

  private static int[] empty(int length) {
    int[] places = new int[length];
    Arrays.fill(places, -1);
    return places;
  }

  private static int log(int n) {
    return 31 - Integer.numberOfLeadingZeros(n);
  }

  /**
   * Sets the text to the first {@code length} codes of {@code text}: a continuation of the previous
   * text, or another text, which is then stored after the previous one.
   */
  void read(long[] text, int length) {
    int known = size - begin;
    if (known > length || !Arrays.equals(codes, begin, size, text, 0, known)) {
      if (size + length > MOST) {
        size = 0;
        foundFor = -1;
        Arrays.fill(latest, -1);
      } else {
        append(BREAK);
      }
      begin = size;
      known = 0;
    }
    for (int i = known; i < length; i++) {
      append(text[i]);
    }
  }

  /** An answer continues with {@code token}. */
  void answer(int token) {
    find();
    if (place >= 0) {
      int level = log(agreed);
      seen[level] = MEMORY * seen[level] + 1;
      right[level] = MEMORY * right[level] + (codes[place + 1] == token ? 1 : 0);
    }
    append(token);
  }

  private void append(long code) {
    if (size == codes.length) {
      grow();
    }
    codes[size++] = code;
    // A position is looked up for its successor, so it is added when it has one.
    if (size > 1) {
      enter(size - 2);
    }
  }

  private void grow() {
    codes = Arrays.copyOf(codes, 2 * codes.length);
    earlier = new int[codes.length];
    latest = empty(2 * codes.length);
    for (int i = 0; i < size - 1; i++) {
      enter(i);
    }
  }

  private void enter(int at) {
    int hash = hash(codes[at]);
    earlier[at] = latest[hash];
    latest[hash] = at;
  }

  private int hash(long code) {
    long mixed = code * 0x9E3779B97F4A7C15L;
    return (int) (mixed >>> (64 - Integer.numberOfTrailingZeros(latest.length)));
  }

  /**
   * The continuation after the earlier position with the longest match of the end of the text, the
   * latest of several, as far as it is likely enough.
   *
   * @param most number of tokens wanted
   * @return that many, fewer, or none
   */
  int[] propose(int most) {
    find();
    int[] draft = new int[Math.max(most, 0)];
    int count = 0;
    double chance = 1;
    while (place >= 0 && count < draft.length && place + 1 + count < size) {
      long next = codes[place + 1 + count];
      int level = log(Math.min(agreed + count, LONGEST));
      chance *= right[level] / seen[level];
      if (next < 0 || chance < WORTH * (count + 1)) {
        break;
      }
      draft[count++] = (int) next;
    }
    return Arrays.copyOf(draft, count);
  }

  private void find() {
    if (foundFor == size) {
      return;
    }
    foundFor = size;
    place = -1;
    agreed = 0;
    int candidate = size == 0 ? -1 : latest[hash(codes[size - 1])];
    for (int n = 0; n < CANDIDATES && candidate >= 0; n++, candidate = earlier[candidate]) {
      int here = agreed(candidate);
      if (here > agreed) {
        agreed = here;
        place = candidate;
      }
    }
  }

  // The length of the common suffix of the text up to `end` and the whole text.
  private int agreed(int end) {
    int n = 0;
    while (n < LONGEST && n <= end && codes[end - n] == codes[size - 1 - n]) {
      n++;
    }
    return n;
  }
}
