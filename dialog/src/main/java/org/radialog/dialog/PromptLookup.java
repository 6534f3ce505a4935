package org.radialog.dialog;

import java.util.Arrays;

/**
 * Guesses how a conversation goes on: as it did where its last tokens stood before (prompt lookup,
 * a draft without a model; arXiv 2304.04487). It remembers what the conversation replaced, too, so
 * that a report that is asked for anew is guessed from the one before.
 *
 * <p>The more tokens agree, the likelier a guess is right; how likely, it learns from every token
 * of an answer, guessed or not, and keeps a guess that is hardly ever right to itself.
 *
 * <p>A code of 0 or more is a token; others stand for what cannot be guessed, such as a position of
 * a film, and agree where they are equal.
 */
final class PromptLookup {
  private static final int LONGEST = 16; // tokens compared: a longer agreement says no more
  private static final int CANDIDATES = 64; // latest places looked at
  private static final int MOST = 1 << 16; // codes remembered
  private static final long BREAK = Long.MIN_VALUE; // between two texts

  // A guess is made where its chance is above this, and above as much more for each before it:
  // the first ones wait for the memory with the token before them, further ones cost arithmetic.
  private static final double WORTH = 0.15;

  private static final double PRIOR = 4; // tokens that the chances start with
  private static final double MEMORY = 0.98; // what a token weighs after another one

  private long[] codes = new long[512];
  private int size;
  private int begin; // of the text under way
  private int[] latest = empty(1024); // by hash of a code: its last place that is followed
  private int[] earlier = new int[512]; // by place: the one before it of the same hash

  // By the logarithm of the tokens that agree: guesses seen, and right ones.
  private final double[] seen = new double[log(LONGEST) + 1];
  private final double[] right = new double[log(LONGEST) + 1];

  // What was found for the text up to `foundFor`:
  private int foundFor = -1;
  private int place; // that agrees best, or -1
  private int agreed; // tokens there

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
   * The text is now the first {@code length} codes of {@code text}: what was said so far and more,
   * or another text, which then stands behind the old one.
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

  /** An answer goes on with {@code token}. */
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
    // A place is found for what follows it, so it is entered when something does.
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
   * What followed the earlier place that agrees with the end of the text over most tokens, the
   * latest of such places; as far as it is likely enough.
   *
   * @param most tokens wanted
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

  // Over how many codes the text up to `end` ends as the whole text does.
  private int agreed(int end) {
    int n = 0;
    while (n < LONGEST && n <= end && codes[end - n] == codes[size - 1 - n]) {
      n++;
    }
    return n;
  }
}
