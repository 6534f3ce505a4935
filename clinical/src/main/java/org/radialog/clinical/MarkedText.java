package org.radialog.clinical;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The tokens of a report with everything that the tables find in them: the cues that begin at each
 * token, section names, form answers, and mentions of findings.
 *
 * <p>All tables are looked up in one pass. Later stages also record their results here: positions
 * that no scope crosses, and mentions that have a form answer.
 */
final class MarkedText implements PhraseTable.Hits {
  /** The bits that are kept when an answer has been assigned to its question. */
  private static final long KEPT = Cue.COMPARES.bit | Cue.COMPARES_NOTHING.bit;

  final Tokens tokens;
  private final PhraseTable table;
  private final long[] marks; // [tokens] bits of the cues that begin here
  private final int[] cueEnds; // [tokens] position after the cue that begins here
  private final int[] nameEnds; // [tokens] position after the section name that begins here, or 0
  private final int[] answerEnds; // [tokens] position after the answer that begins here, or 0
  private final boolean[] cut; // [tokens + 1] no scope crosses the position before it
  // [tokens + 1] beginning of the longest mention that ends there, or -1
  private final int[] longest;
  private final boolean[] begins; // [tokens] a mention begins here

  private int mentions;
  private int[] mentionFrom = new int[16];
  private int[] mentionTo = new int[16];
  private int[] mentionOutput = new int[16];
  private @Nullable FindingState[] answered = new @Nullable FindingState[16];

  // The phrases that begin at one token: the best one per output.
  private final int[] bestEnd = new int[LabelerRules.OUTPUTS];
  private final int[] bestSkipped = new int[LabelerRules.OUTPUTS];
  private final int[] touched = new int[LabelerRules.OUTPUTS];
  private int touchedCount;
  // position up to which all tokens are decided
  private final int[] covered = new int[Finding.COUNT];
  private long steps;

  MarkedText(Tokens tokens, PhraseTable table) {
    this.tokens = tokens;
    this.table = table;
    int count = tokens.count();
    marks = new long[count];
    cueEnds = new int[count];
    nameEnds = new int[count];
    answerEnds = new int[count];
    cut = new boolean[count + 1];
    longest = new int[count + 1];
    Arrays.fill(longest, -1);
    begins = new boolean[count];
    for (int s = 0; s < tokens.sentences(); s++) {
      sentence(tokens.first(s), tokens.behind(s));
    }
  }

  private void sentence(int first, int end) {
    Arrays.fill(covered, first);
    int free = first; // cues do not overlap: the leftmost, then the longest
    for (int i = first; i < end; i++) {
      cueEnds[i] = i + 1;
      steps += table.find(tokens, i, end, this);
      if (touchedCount == 0) {
        continue;
      }
      int cueEnd = cues(i);
      if (i >= free && cueEnd > 0) {
        long kinds = 0;
        for (int t = 0; t < touchedCount; t++) {
          int output = touched[t];
          if (output < LabelerRules.MENTION
              && ((1L << output) & Cue.EXCLUSIVE) != 0
              && bestEnd[output] == cueEnd) {
            kinds |= 1L << output;
          }
        }
        marks[i] |= is(kinds, Cue.NO_CUE) ? Cue.NO_CUE.bit : kinds;
        cueEnds[i] = cueEnd;
        free = cueEnd;
      }
      findings(i);
      for (int t = 0; t < touchedCount; t++) {
        bestEnd[touched[t]] = 0;
      }
      touchedCount = 0;
    }
  }

  @Override
  public void hit(int output, int end, int skipped) {
    if (bestEnd[output] == 0) {
      touched[touchedCount++] = output;
    } else if (skipped > bestSkipped[output]
        || (skipped == bestSkipped[output] && end <= bestEnd[output])) {
      return;
    }
    bestEnd[output] = end;
    bestSkipped[output] = skipped;
  }

  /** Marks the cues that apply independently; returns the end of the longest of the others. */
  private int cues(int at) {
    int longestCue = 0;
    for (int t = 0; t < touchedCount; t++) {
      int output = touched[t];
      if (output < LabelerRules.MENTION) {
        long bit = 1L << output;
        if ((bit & Cue.EXCLUSIVE) == 0) {
          int end = bestEnd[output];
          if (bit == Cue.READ.bit || bit == Cue.UNREAD.bit) {
            if (end > nameEnds[at]) { // the longer name is used
              marks[at] &= ~(Cue.READ.bit | Cue.UNREAD.bit);
              nameEnds[at] = end;
              marks[at] |= bit;
            }
          } else if ((bit & Cue.ANSWERS) != 0) {
            if (end > answerEnds[at]) {
              marks[at] &= ~Cue.ANSWERS;
              answerEnds[at] = end;
              marks[at] |= bit;
            }
          } else {
            marks[at] |= bit;
          }
        } else {
          longestCue = Math.max(longestCue, bestEnd[output]);
        }
      }
    }
    return longestCue;
  }

  private void findings(int at) {
    for (int t = 0; t < touchedCount; t++) {
      int output = touched[t];
      if (output < LabelerRules.MENTION) {
        continue;
      }
      int f = (output - LabelerRules.MENTION) % Finding.COUNT;
      if (at < covered[f] || !best(f, output)) {
        continue;
      }
      covered[f] = bestEnd[output];
      if (output < LabelerRules.OTHER) {
        mention(at, bestEnd[output], output);
      }
    }
  }

  /**
   * Selects among the phrases of a finding at one token: a phrase that only looks like a mention if
   * it covers the others, otherwise the one with the fewest skipped words, then the longest.
   */
  private boolean best(int finding, int output) {
    for (int rival = LabelerRules.MENTION + finding;
        rival < LabelerRules.OUTPUTS;
        rival += Finding.COUNT) {
      if (rival != output && bestEnd[rival] > 0 && !beats(output, rival)) {
        return false;
      }
    }
    return true;
  }

  private boolean beats(int output, int rival) {
    int longer = bestEnd[output] - bestEnd[rival];
    if (output >= LabelerRules.OTHER || rival >= LabelerRules.OTHER) {
      return output >= LabelerRules.OTHER ? longer >= 0 : longer > 0;
    }
    int fewer = bestSkipped[rival] - bestSkipped[output];
    return fewer > 0 || (fewer == 0 && (longer > 0 || (longer == 0 && output < rival)));
  }

  private void mention(int from, int to, int output) {
    if (mentions == mentionFrom.length) {
      mentionFrom = Arrays.copyOf(mentionFrom, 2 * mentions);
      mentionTo = Arrays.copyOf(mentionTo, 2 * mentions);
      mentionOutput = Arrays.copyOf(mentionOutput, 2 * mentions);
      answered = Arrays.copyOf(answered, 2 * mentions);
    }
    mentionFrom[mentions] = from;
    mentionTo[mentions] = to;
    mentionOutput[mentions] = output;
    mentions++;
    if (output < LabelerRules.NORMAL) {
      begins[from] = true;
      if (longest[to] < 0) {
        longest[to] = from; // the first one found is the leftmost
      }
    }
  }

  /** The number of words that were looked up in the tables. */
  long steps() {
    return steps;
  }

  static boolean is(long marks, Cue cue) {
    return (marks & cue.bit) != 0;
  }

  boolean is(int token, Cue cue) {
    return (marks[token] & cue.bit) != 0;
  }

  /** The bits of the cues that begin at {@code token}. */
  long marks(int token) {
    return marks[token];
  }

  void mark(int token, long bits) {
    marks[token] |= bits;
  }

  /** The position after the cue that begins at {@code token}. */
  int cueEnd(int token) {
    return cueEnds[token];
  }

  /** The position after the section name that begins at {@code token}; 0 if there is none. */
  int nameEnd(int token) {
    return nameEnds[token];
  }

  /** The position after the answer that begins at {@code token}; 0 if there is none. */
  int answerEnd(int token) {
    return answerEnds[token];
  }

  /** Whether no scope crosses the position before {@code token}. */
  boolean isCut(int token) {
    return cut[token];
  }

  /** Ends all scopes before {@code token}. */
  void cut(int token) {
    cut[token] = true;
  }

  /**
   * Marks an answer from {@code from} up to {@code to}: its words do not affect the text around
   * them.
   */
  void answer(int from, int to) {
    cut[from] = true;
    cut[to] = true;
    for (int i = from; i < to; i++) {
      marks[i] &= KEPT;
      cueEnds[i] = i + 1;
    }
  }

  int mentions() {
    return mentions;
  }

  int mentionFrom(int mention) {
    return mentionFrom[mention];
  }

  int mentionTo(int mention) {
    return mentionTo[mention];
  }

  /**
   * The output of the table, from {@link LabelerRules#MENTION} up to {@link LabelerRules#OTHER}.
   */
  int mentionOutput(int mention) {
    return mentionOutput[mention];
  }

  /** The column of the finding of the mention. */
  int mentionFinding(int mention) {
    return (mentionOutput[mention] - LabelerRules.MENTION) % Finding.COUNT;
  }

  /** The state that a form answer gives to the mention; null if it is in a statement. */
  @Nullable FindingState answered(int mention) {
    return answered[mention];
  }

  /** Records a form answer for the mentions from {@code from} up to {@code to}. */
  void answer(int from, int to, FindingState state) {
    for (int m = firstMention(from); m < mentions && mentionFrom[m] < to; m++) {
      if (mentionTo[m] <= to && mentionOutput[m] < LabelerRules.NORMAL) {
        answered[m] = state;
      }
    }
  }

  /** The first mention that begins at {@code token} or later. */
  int firstMention(int token) {
    int low = 0;
    int high = mentions;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (mentionFrom[middle] < token) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  /** The beginning of the longest mention that ends before {@code token}; -1 if none ends there. */
  int mentionEndingAt(int token) {
    return longest[token];
  }

  /** Whether a mention begins at {@code token}. */
  boolean mentionBegins(int token) {
    return begins[token];
  }
}
