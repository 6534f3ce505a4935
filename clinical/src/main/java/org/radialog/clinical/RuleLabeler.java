package org.radialog.clinical;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.radialog.base.RadialogException;

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
  // Kinds of cue; a phrase may be several.
  private static final int DENIES_AHEAD = 1;
  private static final int DENIES_BEHIND = 1 << 1;
  private static final int DOUBTS_AHEAD = 1 << 2;
  private static final int DOUBTS_BEHIND = 1 << 3;
  private static final int ASKS = 1 << 4;
  private static final int PAST = 1 << 5;
  private static final int ENDS = 1 << 6;
  private static final int ALTERNATIVES = 1 << 7;
  private static final int NO_CUE = 1 << 8;
  // Marks: they may overlap with each other and with cues.
  private static final int BEGINS = 1 << 9;
  private static final int VERB = 1 << 10;
  private static final int LIMITS = 1 << 11;
  private static final int COMPARES = 1 << 12;
  private static final int COMPARES_NOTHING = 1 << 13;
  private static final int AND = 1 << 14;
  private static final int OR = 1 << 15;
  private static final int READ = 1 << 16;
  private static final int UNREAD = 1 << 17;
  private static final int GOES_ON = 1 << 18;
  private static final int POSITIVE = 1 << 19;
  private static final int ENDS_DENIAL = 1 << 20;
  private static final int SEEN = 1 << 21;
  private static final int DOUBTS_ITEMS = 1 << 22;
  private static final int ASIDE = 1 << 23;
  private static final int LISTED = 1 << 24; // a comma of an enumeration; no table has it

  /** Kinds that do not overlap with each other. */
  private static final int CUES = ((1 << 9) - 1) | ENDS_DENIAL | DOUBTS_ITEMS;

  private static final Map<String, Integer> KINDS =
      Map.ofEntries(
          Map.entry("denies what follows", DENIES_AHEAD),
          Map.entry("denies what precedes", DENIES_BEHIND),
          Map.entry("doubts what follows", DOUBTS_AHEAD),
          Map.entry("doubts what precedes", DOUBTS_BEHIND),
          Map.entry("asks about what follows", ASKS),
          Map.entry("puts what follows in the past", PAST),
          Map.entry("ends a reach", ENDS),
          Map.entry("alternatives", ALTERNATIVES),
          Map.entry("no cue", NO_CUE),
          Map.entry("begins a statement", BEGINS),
          Map.entry("verbs", VERB),
          Map.entry("limits a denial", LIMITS),
          Map.entry("compares", COMPARES),
          Map.entry("compares with nothing", COMPARES_NOTHING),
          Map.entry("and", AND),
          Map.entry("or", OR),
          Map.entry("section that is read", READ),
          Map.entry("section that is not read", UNREAD),
          Map.entry("goes on", GOES_ON),
          Map.entry("begins a positive phrase", POSITIVE),
          Map.entry("ends a denial", ENDS_DENIAL),
          Map.entry("seen", SEEN),
          Map.entry("begins an aside", ASIDE),
          Map.entry("doubts every item that follows", DOUBTS_ITEMS));

  // Outputs of the table: a kind of cue is its bit's number, then come the findings.
  private static final int MENTION = 32;
  private static final int SIGN = MENTION + Finding.COUNT;
  private static final int NORMAL = SIGN + Finding.COUNT;
  private static final int OTHER = NORMAL + Finding.COUNT;
  private static final int OUTPUTS = OTHER + Finding.COUNT;

  private static final Rules RULES = new Rules(); // after what it reads

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

  /** The tables, compiled. */
  private static final class Rules implements Tokens.Endings {
    final PhraseTable table;
    private final Set<String> abbreviations = new HashSet<>();

    Rules() {
      var builder = new PhraseTable.Builder();
      for (PhraseTable.Line line : PhraseTable.read("words.txt")) {
        int equals = line.text().indexOf('=');
        if (equals < 0 || !line.text().startsWith("@")) {
          throw new RadialogException(
              "words.txt: expected \"@NAME = word | word\", found \"" + line.text() + "\"");
        }
        builder.define(line.text().substring(0, equals).strip(), line.text().substring(equals + 1));
      }
      findings(builder, "mentions.txt", MENTION);
      findings(builder, "signs.txt", SIGN);
      findings(builder, "normal.txt", NORMAL);
      findings(builder, "other.txt", OTHER);
      for (PhraseTable.Line line : PhraseTable.read("cues.txt")) {
        if (line.section().equals("abbreviations")) {
          abbreviations.add(line.text());
          continue;
        }
        Integer kind = KINDS.get(line.section());
        if (kind == null) {
          throw new RadialogException(
              "cues.txt: unknown section \"%s\", expected one of %s"
                  .formatted(line.section(), KINDS.keySet()));
        }
        builder.add(line.text(), Integer.numberOfTrailingZeros(kind));
      }
      table = builder.build();
    }

    private static void findings(PhraseTable.Builder builder, String name, int first) {
      for (PhraseTable.Line line : PhraseTable.read(name)) {
        for (String finding : line.section().split(",", -1)) {
          builder.add(line.text(), first + Finding.of(finding).column());
        }
      }
    }

    @Override
    public boolean abbreviation(String text, int from, int to) {
      if (to - from == 1) {
        return Character.isLetter(text.charAt(from));
      }
      return to - from <= 8
          && abbreviations.contains(text.substring(from, to).toLowerCase(Locale.ROOT));
    }

    @Override
    public boolean goesOn(int wordClass) {
      return table.is(wordClass, Integer.numberOfTrailingZeros(GOES_ON));
    }
  }

  /** What reaches a word from a cue. */
  private enum Reach {
    NOTHING,
    DENIAL,
    DOUBT,
    QUESTION,
    PAST
  }

  /** One report being read. */
  private static final class Reading implements PhraseTable.Hits {
    private final String report;
    private final Tokens tokens;
    private final int[] marks; // [tokens] kinds of what begins here
    private final int[] cueEnds; // [tokens] behind the cue that begins here
    private final Reach[] ahead; // [tokens] what reaches it from before
    private final Reach[] behind; // [tokens + 1] what reaches a mention that ends before it
    private final List<List<Labels.Evidence>> said = new ArrayList<>(Finding.COUNT);
    final List<Labels.Passage> comparisons = new ArrayList<>();

    // The phrases that begin at one token: the best of each output.
    private final int[] bestEnd = new int[OUTPUTS];
    private final int[] bestSkipped = new int[OUTPUTS];
    private final int[] touched = new int[OUTPUTS];
    private int touchedCount;
    private long steps;

    private final int[] covered = new int[Finding.COUNT]; // token up to which it is decided

    Reading(String report) {
      this.report = report;
      tokens = Tokens.of(report, RULES.table, RULES);
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
        if ((marks[first] & READ) != 0) {
          read = true;
        } else if ((marks[first] & UNREAD) != 0) {
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
        steps += RULES.table.find(tokens, i, end, this);
        int longest = 0;
        for (int t = 0; t < touchedCount; t++) {
          int output = touched[t];
          if (output < MENTION) {
            if (((1 << output) & CUES) == 0) {
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
            if (output < MENTION && ((1 << output) & CUES) != 0 && bestEnd[output] == longest) {
              kinds |= 1 << output;
            }
          }
          marks[i] |= (kinds & NO_CUE) != 0 ? NO_CUE : kinds;
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
            || goesOn(i, end, BEGINS)
            || (reach == Reach.DENIAL && endsDenial(i, first, end))
            || (reach == Reach.DOUBT
                && !items
                && tokens.letter(i) == ','
                && (mark & LISTED) == 0)) {
          reach = Reach.NOTHING;
        }
        if ((mark & ENDS) != 0) {
          reach = Reach.NOTHING;
        } else if ((mark & DENIES_AHEAD) != 0) {
          reach = Reach.DENIAL;
        } else if ((mark & (DOUBTS_AHEAD | DOUBTS_ITEMS | ALTERNATIVES)) != 0) {
          // "no evidence to suggest": what is denied is not doubted
          reach = reach == Reach.DENIAL ? reach : Reach.DOUBT;
          items |= (mark & DOUBTS_ITEMS) != 0;
        } else if ((mark & ASKS) != 0) {
          reach = Reach.QUESTION;
        } else if ((mark & PAST) != 0) {
          reach = Reach.PAST;
        }
        for (int next = Math.max(i + 1, (mark & CUES) == 0 ? i + 1 : cueEnds[i]); i < next; i++) {
          ahead[i] = reach;
        }
      }
    }

    private boolean endsDenial(int token, int first, int end) {
      boolean joint = tokens.letter(token) == ',' || (marks[token] & AND) != 0;
      return (marks[token] & ENDS_DENIAL) != 0
          || goesOn(token, end, POSITIVE)
          || (joint && token > first && (marks[token - 1] & SEEN) != 0);
    }

    /** Marks the commas of an enumeration: those with an "and" or "or" behind them. */
    private void lists(int first, int end) {
      boolean list = false;
      for (int i = end - 1; i >= first; i--) {
        if (separates(i) || (marks[i] & (ENDS | VERB)) != 0) {
          list = false;
        } else if ((marks[i] & (AND | OR)) != 0) {
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
        if ((mark & DENIES_BEHIND) != 0) {
          reach = Reach.DENIAL;
        } else if ((mark & (DOUBTS_BEHIND | ALTERNATIVES)) != 0) {
          reach = Reach.DOUBT;
        } else if (separates(i)) {
          reach = Reach.NOTHING;
          beforeAside = Reach.NOTHING;
        } else if (comma && i + 1 < end && (marks[i + 1] & ASIDE) != 0) {
          reach = beforeAside;
        } else if (comma && (mark & LISTED) == 0) {
          beforeAside = reach;
          reach = Reach.NOTHING;
        } else if ((mark
                & (ENDS
                    | ENDS_DENIAL
                    | VERB
                    | DENIES_AHEAD
                    | DOUBTS_AHEAD
                    | DOUBTS_ITEMS
                    | ASKS
                    | PAST))
            != 0) {
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

    /** A comma or an "and" behind which a phrase of {@code kind} begins. */
    private boolean goesOn(int token, int end, int kind) {
      if (tokens.letter(token) != ',' && (marks[token] & AND) == 0) {
        return false;
      }
      int next = token + 1;
      if (next < end && (marks[next] & AND) != 0) {
        next++;
      }
      return next < end && (marks[next] & kind) != 0;
    }

    private void mentions(int first, int end) {
      Arrays.fill(covered, first);
      Labels.Span sentence = null;
      for (int i = first; i < end; i++) {
        steps += RULES.table.find(tokens, i, end, this);
        for (int t = 0; t < touchedCount; t++) {
          int output = touched[t];
          if (output < MENTION) {
            continue;
          }
          int f = (output - MENTION) % Finding.COUNT;
          if (i < covered[f] || !best(f, output)) {
            continue;
          }
          int to = bestEnd[output];
          covered[f] = to;
          FindingState state =
              output >= OTHER
                  ? FindingState.NOT_MENTIONED
                  : output >= NORMAL ? normal(to) : mention(to, output >= SIGN);
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
      for (int rival = MENTION + finding; rival < OUTPUTS; rival += Finding.COUNT) {
        if (rival != output && bestEnd[rival] > 0 && !beats(output, rival)) {
          return false;
        }
      }
      return true;
    }

    private boolean beats(int output, int rival) {
      int longer = bestEnd[output] - bestEnd[rival];
      if (output >= OTHER || rival >= OTHER) {
        return output >= OTHER ? longer >= 0 : longer > 0;
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
        if ((marks[i] & LIMITS) != 0) {
          return true;
        }
      }
      for (int i = from; i < Math.min(end, to + 4) && tokens.isWord(i); i++) {
        if ((marks[i] & LIMITS) != 0) {
          return true;
        }
      }
      return false;
    }

    private void compare(int first, int end) {
      for (int i = first; i < end; i++) {
        if ((marks[i] & COMPARES_NOTHING) != 0) {
          return;
        }
      }
      for (int i = first; i < end; i++) {
        if ((marks[i] & COMPARES) != 0) {
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
