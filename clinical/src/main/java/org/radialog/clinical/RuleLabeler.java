package org.radialog.clinical;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;

/**
 * Reads the 14 findings out of a report by rules, in the manner of NegBio (Peng et al. 2018) and of
 * CheXpert's labeler (Irvin et al. 2019).
 *
 * <p>The phrases stand in tables under {@code labeler/}: what mentions a finding, what denies it by
 * itself ("the lungs are clear"), what only looks like a mention, and the cues that deny, doubt or
 * ask, with what ends their reach. A sentence is worked on by itself. A mention is
 *
 * <ul>
 *   <li>left out where it is asked about or belongs to the past ("evaluate for", "history of");
 *   <li>absent where a denial reaches it, from before ("no … or …") or from behind ("has
 *       resolved");
 *   <li>uncertain where a doubt reaches it ("may represent", "cannot be excluded", "A versus B");
 *   <li>present otherwise, "likely", "consistent with", mild and minimal ones included.
 * </ul>
 *
 * <p>Over a report present outweighs uncertain, and uncertain outweighs absent. No Finding is
 * present where nothing else but Support Devices is present or uncertain, absent where something
 * is, and not mentioned in a report without a word. A parent in the tree of labels is not inferred
 * from its child: see {@link Labels#withParents}.
 *
 * <p>The time for a report grows with its length alone. Safe for use by several threads.
 */
public final class RuleLabeler implements ReportLabeler {
  /** The tables take a tenth of a second: they are read with the first report, not before it. */
  private static final class Tables {
    static final LabelerRules RULES = new LabelerRules();
  }

  /** A labeler with the tables of this version. */
  public RuleLabeler() {}

  @Override
  public Labels label(String report) {
    var reading = new Reading(report);
    reading.run();
    return reading.labels();
  }

  /**
   * The words of a report that compare with an earlier film ("unchanged", "interval", "since the
   * prior"), each with its sentence. A statement that there is no earlier film is none.
   */
  public List<Labels.Passage> comparisons(String report) {
    var reading = new Reading(report);
    reading.run();
    return List.copyOf(reading.comparisons);
  }

  /** Words that were looked up in the tables for {@code report}: what its reading costs. */
  static long steps(String report) {
    var reading = new Reading(report);
    reading.run();
    return reading.steps;
  }

  /** What reaches a word from a cue. */
  private enum Reach {
    NOTHING,
    DENIAL,
    DOUBT,
    QUESTION,
    PAST
  }

  /** A comma of an enumeration, as a mark beside those of the cues. */
  private static final int LISTED = 1 << 30;

  /** Cues that end what reaches back over them. */
  private static final int ENDS_BEHIND =
      Cue.ENDS.bit
          | Cue.ENDS_DENIAL.bit
          | Cue.VERB.bit
          | Cue.DENIES_AHEAD.bit
          | Cue.DOUBTS_AHEAD.bit
          | Cue.DOUBTS_ITEMS.bit
          | Cue.ASKS.bit
          | Cue.PAST.bit;

  private static boolean is(int marks, Cue cue) {
    return (marks & cue.bit) != 0;
  }

  /** One report being read. */
  private static final class Reading implements PhraseTable.Hits {
    private final String report;
    private final Tokens tokens;
    private final PhraseTable table = Tables.RULES.table();
    private final int[] marks; // [tokens] bits of the cues that begin here
    private final int[] cueEnds; // [tokens] behind the cue that begins here
    private final Reach[] ahead; // [tokens] what reaches it from before
    private final Reach[] behind; // [tokens + 1] what reaches a mention that ends before it
    private final List<List<Labels.Evidence>> said = new ArrayList<>(Finding.COUNT);
    final List<Labels.Passage> comparisons = new ArrayList<>();

    // The phrases that begin at one token: the best of each output.
    private final int[] bestEnd = new int[LabelerRules.OUTPUTS];
    private final int[] bestSkipped = new int[LabelerRules.OUTPUTS];
    private final int[] touched = new int[LabelerRules.OUTPUTS];
    private int touchedCount;
    private long steps;

    private final int[] covered = new int[Finding.COUNT]; // token up to which it is decided

    Reading(String report) {
      this.report = report;
      tokens = Tokens.of(report, table, Tables.RULES);
      int count = tokens.count();
      marks = new int[count];
      cueEnds = new int[count];
      ahead = new Reach[count];
      behind = new Reach[count + 1];
      for (int f = 0; f < Finding.COUNT; f++) {
        said.add(new ArrayList<>(0));
      }
    }

    void run() {
      boolean read = true;
      for (int s = 0; s < tokens.sentences(); s++) {
        int first = tokens.first(s);
        int end = tokens.behind(s);
        if (tokens.beginsParagraph(s)) {
          read = true;
        }
        cues(first, end);
        if (is(marks[first], Cue.READ)) {
          read = true;
        } else if (is(marks[first], Cue.UNREAD)) {
          read = false;
        }
        if (read) {
          lists(first, end);
          reachAhead(first, end);
          reachBehind(first, end);
          mentions(first, end);
          compare(first, end);
        }
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

    private void forget() {
      for (int t = 0; t < touchedCount; t++) {
        bestEnd[touched[t]] = 0;
      }
      touchedCount = 0;
    }

    /** Marks what begins at each token. */
    private void cues(int first, int end) {
      int free = first; // cues do not overlap: the leftmost, then the longest
      for (int i = first; i < end; i++) {
        cueEnds[i] = i + 1;
        steps += table.find(tokens, i, end, this);
        int longest = 0;
        for (int t = 0; t < touchedCount; t++) {
          int output = touched[t];
          if (output < LabelerRules.MENTION) {
            if (((1 << output) & Cue.EXCLUSIVE) == 0) {
              marks[i] |= 1 << output;
            } else {
              longest = Math.max(longest, bestEnd[output]);
            }
          }
        }
        if (i >= free && longest > 0) {
          int kinds = 0;
          for (int t = 0; t < touchedCount; t++) {
            int output = touched[t];
            if (output < LabelerRules.MENTION
                && ((1 << output) & Cue.EXCLUSIVE) != 0
                && bestEnd[output] == longest) {
              kinds |= 1 << output;
            }
          }
          marks[i] |= is(kinds, Cue.NO_CUE) ? Cue.NO_CUE.bit : kinds;
          cueEnds[i] = longest;
          free = longest;
        }
        forget();
      }
    }

    /** From left to right: a cue reaches on until something ends its reach. */
    private void reachAhead(int first, int end) {
      Reach reach = Reach.NOTHING;
      boolean items = false;
      for (int i = first; i < end; ) {
        int mark = marks[i];
        if (separates(i)
            || goesOn(i, end, Cue.BEGINS)
            || (reach == Reach.DENIAL && endsDenial(i, first, end))
            || (reach == Reach.DOUBT
                && !items
                && tokens.letter(i) == ','
                && (mark & LISTED) == 0)) {
          reach = Reach.NOTHING;
        }
        if (is(mark, Cue.ENDS)) {
          reach = Reach.NOTHING;
        } else if (is(mark, Cue.DENIES_AHEAD)) {
          reach = Reach.DENIAL;
        } else if (is(mark, Cue.DOUBTS_AHEAD)
            || is(mark, Cue.DOUBTS_ITEMS)
            || is(mark, Cue.ALTERNATIVES)) {
          // "no evidence to suggest": what is denied is not doubted
          reach = reach == Reach.DENIAL ? reach : Reach.DOUBT;
          items |= is(mark, Cue.DOUBTS_ITEMS);
        } else if (is(mark, Cue.ASKS)) {
          reach = Reach.QUESTION;
        } else if (is(mark, Cue.PAST)) {
          reach = Reach.PAST;
        }
        for (int next = (mark & Cue.EXCLUSIVE) == 0 ? i + 1 : cueEnds[i]; i < next; i++) {
          ahead[i] = reach;
        }
      }
    }

    private boolean endsDenial(int token, int first, int end) {
      boolean joint = tokens.letter(token) == ',' || is(marks[token], Cue.AND);
      return is(marks[token], Cue.ENDS_DENIAL)
          || goesOn(token, end, Cue.POSITIVE)
          || (joint && token > first && is(marks[token - 1], Cue.SEEN));
    }

    /** Marks the commas of an enumeration: those with an "and" or "or" behind them. */
    private void lists(int first, int end) {
      boolean list = false;
      for (int i = end - 1; i >= first; i--) {
        if (separates(i) || is(marks[i], Cue.ENDS) || is(marks[i], Cue.VERB)) {
          list = false;
        } else if (is(marks[i], Cue.AND) || is(marks[i], Cue.OR)) {
          list = true;
        } else if (list && tokens.letter(i) == ',') {
          marks[i] |= LISTED;
        }
      }
    }

    /** From right to left: a cue reaches back to the subject of its verb. */
    private void reachBehind(int first, int end) {
      Reach reach = Reach.NOTHING;
      Reach beforeAside = Reach.NOTHING; // what reached the comma that may close an aside
      behind[end] = reach;
      for (int i = end - 1; i >= first; i--) {
        int mark = marks[i];
        boolean comma = tokens.letter(i) == ',';
        if (is(mark, Cue.DENIES_BEHIND)) {
          reach = Reach.DENIAL;
        } else if (is(mark, Cue.DOUBTS_BEHIND) || is(mark, Cue.ALTERNATIVES)) {
          reach = Reach.DOUBT;
        } else if (separates(i)) {
          reach = Reach.NOTHING;
          beforeAside = Reach.NOTHING;
        } else if (comma && i + 1 < end && is(marks[i + 1], Cue.ASIDE)) {
          reach = beforeAside;
        } else if (comma && (mark & LISTED) == 0) {
          beforeAside = reach;
          reach = Reach.NOTHING;
        } else if ((mark & ENDS_BEHIND) != 0) {
          reach = Reach.NOTHING;
        }
        behind[i] = reach;
      }
    }

    private boolean separates(int token) {
      return switch (tokens.letter(token)) {
        case ';', ':', '(', ')', '[', ']', '–', '—', '-' -> true;
        default -> false;
      };
    }

    /** A comma or an "and" behind which {@code kind} stands. */
    private boolean goesOn(int token, int end, Cue kind) {
      if (tokens.letter(token) != ',' && !is(marks[token], Cue.AND)) {
        return false;
      }
      int next = token + 1;
      if (next < end && is(marks[next], Cue.AND)) {
        next++;
      }
      return next < end && is(marks[next], kind);
    }

    private void mentions(int first, int end) {
      Arrays.fill(covered, first);
      Labels.Span sentence = null;
      for (int i = first; i < end; i++) {
        steps += table.find(tokens, i, end, this);
        for (int t = 0; t < touchedCount; t++) {
          int output = touched[t];
          if (output < LabelerRules.MENTION) {
            continue;
          }
          int f = (output - LabelerRules.MENTION) % Finding.COUNT;
          if (i < covered[f] || !best(f, output)) {
            continue;
          }
          int to = bestEnd[output];
          covered[f] = to;
          FindingState state =
              output >= LabelerRules.OTHER
                  ? FindingState.NOT_MENTIONED
                  : output >= LabelerRules.NORMAL
                      ? normal(to)
                      : mention(to, output >= LabelerRules.SIGN);
          if (state != FindingState.NOT_MENTIONED) {
            if (sentence == null) {
              sentence = sentence(first, end);
            }
            boolean limited = state == FindingState.ABSENT && limited(first, i, to, end);
            said.get(f)
                .add(
                    new Labels.Evidence(
                        state,
                        new Labels.Passage(
                            new Labels.Span(tokens.start(i), tokens.end(to - 1)), sentence),
                        limited));
          }
        }
        forget();
      }
    }

    /**
     * Of a finding's phrases at one token what only looks like a mention, where it covers the rest;
     * else the one with fewest words skipped, then the longest.
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

    private FindingState mention(int to, boolean sign) {
      Reach before = ahead[to - 1];
      Reach after = behind[to];
      return switch (before) {
        case QUESTION, PAST -> FindingState.NOT_MENTIONED;
        case DENIAL -> FindingState.ABSENT;
        case DOUBT -> after == Reach.DENIAL ? FindingState.ABSENT : FindingState.UNCERTAIN;
        case NOTHING ->
            switch (after) {
              case DENIAL -> FindingState.ABSENT;
              case DOUBT -> FindingState.UNCERTAIN;
              case NOTHING, QUESTION, PAST -> sign ? FindingState.UNCERTAIN : FindingState.PRESENT;
            };
      };
    }

    /** "The heart is normal" denies, but not where it is itself denied, doubted or asked. */
    private FindingState normal(int to) {
      return ahead[to - 1] == Reach.NOTHING ? FindingState.ABSENT : FindingState.NOT_MENTIONED;
    }

    /** Whether a denial speaks of a side, a place, a size or of what is new. */
    private boolean limited(int first, int from, int to, int end) {
      for (int i = from - 1; i >= Math.max(first, from - 4) && tokens.isWord(i); i--) {
        if (is(marks[i], Cue.LIMITS)) {
          return true;
        }
      }
      for (int i = from; i < Math.min(end, to + 4) && tokens.isWord(i); i++) {
        if (is(marks[i], Cue.LIMITS)) {
          return true;
        }
      }
      return false;
    }

    private void compare(int first, int end) {
      for (int i = first; i < end; i++) {
        if (is(marks[i], Cue.COMPARES_NOTHING)) {
          return;
        }
      }
      for (int i = first; i < end; i++) {
        if (is(marks[i], Cue.COMPARES)) {
          comparisons.add(
              new Labels.Passage(
                  new Labels.Span(tokens.start(i), tokens.end(i)), sentence(first, end)));
        }
      }
    }

    private Labels.Span sentence(int first, int end) {
      int to = tokens.end(end - 1);
      if (to < report.length() && ".!?".indexOf(report.charAt(to)) >= 0) {
        to++;
      }
      return new Labels.Span(tokens.start(first), to);
    }

    Labels labels() {
      var entries = new EnumMap<Finding, Labels.Entry>(Finding.class);
      boolean abnormal = false;
      for (Finding finding : Finding.ALL) {
        List<Labels.Evidence> evidence = said.get(finding.column());
        if (!evidence.isEmpty()) {
          Labels.Entry entry = Labels.Entry.of(evidence);
          entries.put(finding, entry);
          abnormal |= entry.state() != FindingState.ABSENT && finding != Finding.SUPPORT_DEVICES;
        }
      }
      if (!report.isBlank()) {
        entries.put(
            Finding.NO_FINDING,
            new Labels.Entry(abnormal ? FindingState.ABSENT : FindingState.PRESENT, List.of()));
      }
      return new Labels(entries);
    }
  }
}
