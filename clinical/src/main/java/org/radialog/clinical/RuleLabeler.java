package org.radialog.clinical;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Extracts the 14 findings from a report with rules, like NegBio (Peng et al. 2018) and CheXpert's
 * labeler (Irvin et al. 2019).
 *
 * <p>The phrases are in tables under {@code labeler/}: phrases that mention a finding, that negate
 * it by themselves ("the lungs are clear"), that only look like a mention, and cues that negate,
 * hedge or question, with the phrases that end their scope. The text is first normalised ({@link
 * PlainText}) and split into words and sentences ({@link Tokens}). Then the phrases are marked
 * ({@link MarkedText}) and form answers are assigned to their headings ({@link FormAnswers}).
 * Finally each sentence is processed separately. A mention is
 *
 * <ul>
 *   <li>ignored if it is questioned or in the past ("evaluate for", "history of");
 *   <li>absent if it is in the scope of a negation before it ("no … or …") or after it ("has
 *       resolved");
 *   <li>uncertain if it is in the scope of a hedge ("may represent", "cannot be excluded", "A
 *       versus B");
 *   <li>present otherwise, including "likely", "consistent with", mild and minimal findings.
 * </ul>
 *
 * <p>Over a report, present takes precedence over uncertain, and uncertain over absent. No Finding
 * is present if no finding other than Support Devices is present or uncertain, absent if such a
 * finding is present or uncertain or an organ is called abnormal, and not mentioned in a report
 * without words. A parent in the label hierarchy is not inferred from its child: see {@link
 * Labels#withParents}.
 *
 * <p>The running time is linear in the length of the report. Safe for use by several threads.
 */
public final class RuleLabeler implements ReportLabeler {
  /** Loading the tables takes a tenth of a second, so they are loaded with the first report. */
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
   * prior"), each with its sentence. A statement that there is no earlier film does not count.
   */
  public List<Labels.Passage> comparisons(String report) {
    var reading = new Reading(report);
    reading.run();
    return List.copyOf(reading.comparisons);
  }

  /** The number of words looked up in the tables for {@code report}, as a measure of its cost. */
  static long steps(String report) {
    var reading = new Reading(report);
    reading.run();
    return reading.text.steps();
  }

  /** The effect of a cue on a word in its scope. */
  private enum Reach {
    NOTHING,
    DENIAL,
    DOUBT,
    QUESTION,
    PAST
  }

  /** How an item after a comma or "and" is qualified by its own words. */
  private enum Clause {
    NONE,
    /** It has "seen" or a location: "effusion seen", "atelectasis at the bases". */
    SEEN,
    /** It has a separate verb or equivalent: "effusion has increased", "chest tube in place". */
    OWN,
    /** The same for several items: "effusion and atelectasis are small". */
    OWN_PLURAL
  }

  // Marks in addition to those of the cues.
  /** A comma in an enumeration. */
  private static final long LISTED = 1L << 62;

  /** A comma in an enumeration with an "or". */
  private static final long OR_LISTED = 1L << 61;

  /**
   * A comma in an enumeration whose last item has an extent, which is outside the scope of a
   * negation.
   */
  private static final long SIZED = 1L << 60;

  /** Cues that end a backward scope. */
  private static final long ENDS_BEHIND =
      Cue.ENDS.bit
          | Cue.ENDS_DENIAL.bit
          | Cue.VERB.bit
          | Cue.DENIES_AHEAD.bit
          | Cue.DOUBTS_AHEAD.bit
          | Cue.DOUBTS_ITEMS.bit
          | Cue.ASKS.bit
          | Cue.PAST.bit;

  /** Cues that separate something "removed" or "resolved" from an unrelated mention. */
  private static final long ENDS_ITEM =
      Cue.AND.bit
          | Cue.VERB.bit
          | Cue.ENDS.bit
          | Cue.ENDS_DENIAL.bit
          | Cue.DENIES_AHEAD.bit
          | Cue.DOUBTS_AHEAD.bit;

  /** Cues of a statement that may begin with a capital letter in a text without line breaks. */
  private static final long STATEMENT =
      Cue.POSITIVE.bit
          | Cue.EXTENT.bit
          | Cue.BEGINS.bit
          | Cue.DENIES_AHEAD.bit
          | Cue.DOUBTS_AHEAD.bit;

  /** Cues that a word before the name of a section cannot have. */
  private static final long NO_NAME =
      Cue.EXCLUSIVE
          | Cue.VERB.bit
          | Cue.SEEN.bit
          | Cue.POSITIVE.bit
          | Cue.COMPARES.bit
          | Cue.NO_HEADING.bit;

  private static final int NAME_WORDS = 4; // maximum number of words before the name of a section
  private static final int ITEM = 6; // maximum number of words of an item before its mention
  // maximum number of words in "no prior films are available for comparison"
  private static final int LINE_WORDS = 8;
  private static final int PREDICATE = 4; // maximum number of words from a verb to "seen"

  private static boolean is(long marks, Cue cue) {
    return MarkedText.is(marks, cue);
  }

  /** The processing of one report. */
  private static final class Reading {
    private final @Nullable PlainText plain; // null if it equals the report
    private final String report;
    private final Tokens tokens;
    final MarkedText text;
    // [tokens] for a comma or "and": the clause of the item after it
    private final Clause[] clauses;
    private final Reach[] ahead; // [tokens] the effect of cues before it
    // [tokens + 1] the effect of cues after it on a mention that ends before it
    private final Reach[] behind;
    private final List<List<Labels.Evidence>> said = new ArrayList<>(Finding.COUNT);
    final List<Labels.Passage> comparisons = new ArrayList<>();
    private int lastParagraph; // the sentence that begins it
    // whether the last section that is read was introduced by its name and a colon
    private int lastFindings = -1;

    Reading(String original) {
      plain = PlainText.of(original, Tables.RULES.table());
      report = plain == null ? original : plain.text();
      tokens = Tokens.of(report, Tables.RULES);
      text = new MarkedText(tokens, Tables.RULES.table());
      int count = tokens.count();
      clauses = new Clause[count];
      ahead = new Reach[count];
      behind = new Reach[count + 1];
      for (int f = 0; f < Finding.COUNT; f++) {
        said.add(new ArrayList<>(0));
      }
    }

    void run() {
      FormAnswers.read(text);
      boolean read = true;
      boolean heading = false; // whether the last text read is the heading of a section
      int lineEnd = -1; // the end of the line of a skipped section whose content is "none"
      findLastSection();
      for (int s = 0; s < tokens.sentences(); s++) {
        if ((tokens.beginsParagraph(s) && !heading) || (!read && isBody(s))) {
          read = true;
        }
        heading = false;
        int end = tokens.behind(s);
        int first = tokens.first(s);
        for (int i = first; i < end; i++) {
          if (i == lineEnd) {
            read = true;
            first = i;
          }
          int name = text.nameEnd(i);
          if (name > 0 && isHeading(i, name, tokens.first(s), end)) {
            boolean next = text.is(i, Cue.READ);
            if (next != read) {
              if (read && i > first) {
                statement(first, i);
              }
              first = i;
              read = next;
            }
            i = name - 1;
            heading = !next && (name == end || (name == end - 1 && !tokens.isWord(name)));
            lineEnd = next ? -1 : emptyLineEnd(name);
          }
        }
        if (read) {
          statement(first, end);
        }
      }
    }

    /**
     * The beginning of the next line if the line after a section name has no content ("none", "no
     * prior films"); -1 otherwise.
     */
    private int emptyLineEnd(int name) {
      int at = name < tokens.count() && !tokens.isWord(name) ? name + 1 : name;
      if (at >= tokens.count() || tokens.has(at, Tokens.LINE)) {
        return -1;
      }
      int end = at + 1;
      while (end < tokens.count() && end <= at + LINE_WORDS && !tokens.has(end, Tokens.LINE)) {
        end++;
      }
      boolean nothing =
          text.answerEnd(at) == end
              && (text.is(at, Cue.ANSWERS_NO) || text.is(at, Cue.ANSWERS_NOTHING));
      return nothing || text.is(at, Cue.COMPARES_NOTHING) ? end : -1;
    }

    /**
     * Whether the sentence begins the description of the film without a heading or an empty line
     * after an indication: it is a separate line that begins with a statement.
     */
    private boolean isBody(int sentence) {
      int first = tokens.first(sentence);
      return lastFindings < 0
          && sentence > lastParagraph
          && tokens.has(first, Tokens.LINE)
          && Character.isUpperCase(tokens.letter(first))
          && (text.marks(first) & (Cue.BEGINS.bit | Cue.DENIES_AHEAD.bit | Cue.EXTENT.bit)) != 0;
    }

    private void findLastSection() {
      for (int s = tokens.sentences() - 1; s > 0 && lastParagraph == 0; s--) {
        lastParagraph = tokens.beginsParagraph(s) ? s : 0;
      }
      for (int i = tokens.count() - 1; i >= 0 && lastFindings < 0; i--) {
        int name = text.nameEnd(i);
        boolean colon =
            name > 0
                && (tokens.letter(name - 1) == ':'
                    || (name < tokens.count() && tokens.letter(name) == ':'));
        if (colon && text.is(i, Cue.READ)) {
          lastFindings = i;
        }
      }
    }

    /** Whether the name of a section from {@code from} to {@code to} is a heading. */
    private boolean isHeading(int from, int to, int first, int end) {
      boolean begins =
          from == first || tokens.has(from, Tokens.LINE) || tokens.letter(from - 1) == ';';
      boolean capital = Character.isUpperCase(tokens.letter(from));
      int behind = to;
      if (behind < end && tokens.letter(behind) == '(') { // "Indication(s):"
        while (behind < end && behind < to + 8 && tokens.letter(behind) != ')') {
          behind++;
        }
        behind = Math.min(end, behind + 1);
      }
      char mark = behind < end ? tokens.letter(behind) : '\n';
      if (isEnclosed(from, to)) {
        return true;
      }
      boolean colon = mark == ':' || tokens.letter(to - 1) == ':';
      begins |= colon && from < lastFindings && isNameBefore(from, first);
      if (colon) {
        return begins
            || text.is(from, Cue.READ)
            || (capital && from < lastFindings && !text.is(from - 1, Cue.NO_HEADING));
      }
      if (!begins) {
        return false;
      }
      boolean line = behind == tokens.count() || tokens.has(behind, Tokens.LINE | Tokens.GAP);
      return !tokens.isWord(to - 1)
          || (behind < end && marksHeading(mark))
          || (mark == '?' && text.is(from, Cue.UNREAD)) // "Reason for exam? …"
          || (line && capital)
          || (tokens.allCapitals(from, to)
              && tokens.isWord(behind)
              && !tokens.allCapitals(behind, behind + 1));
    }

    /** Whether the words are in brackets or between the asterisks of an emphasis. */
    private boolean isEnclosed(int from, int to) {
      int before = tokens.start(from) - 1;
      int behind = tokens.end(to - 1);
      if (before < 0 || behind >= report.length()) {
        return false;
      }
      char close = report.charAt(behind);
      return switch (report.charAt(before)) {
        case '[' -> close == ']';
        case '{' -> close == '}';
        case '<' -> close == '>';
        case '*' -> close == '*';
        case '(' -> close == ')' && Character.isUpperCase(tokens.letter(from));
        default -> false;
      };
    }

    /**
     * Whether the words of the line before {@code from} are part of a section name: "Additional
     * history:".
     */
    private boolean isNameBefore(int from, int first) {
      for (int i = from - 1; i >= first && i >= from - NAME_WORDS; i--) {
        if (!tokens.isWord(i) || (text.marks(i) & NO_NAME) != 0 || text.mentionBegins(i)) {
          return false;
        }
        if (i == first || tokens.has(i, Tokens.LINE)) {
          return true;
        }
      }
      return false;
    }

    private static boolean marksHeading(char mark) {
      return switch (mark) {
        case '>', '-', PlainText.DASH, '=', '|', ';' -> true;
        default -> false;
      };
    }

    /** Processes a sentence, or the part of it that belongs to a section. */
    private void statement(int first, int end) {
      clauses(first, end);
      reachAhead(first, end);
      reachBehind(first, end);
      mentions(first, end);
      compare(first, end);
    }

    /**
     * Marks the commas of an enumeration, those followed by "and" or "or", and the clause of the
     * item after each comma or "and".
     */
    private void clauses(int first, int end) {
      boolean list = false;
      boolean or = false;
      boolean sized = false; // "…, bibasilar atelectasis and small effusions"
      Clause clause = Clause.NONE;
      for (int i = end - 1; i >= first; i--) {
        long mark = text.marks(i);
        if (separates(i) || is(mark, Cue.ENDS)) {
          list = false;
          or = false;
          clause = Clause.NONE;
        } else if (is(mark, Cue.VERB)) {
          list = false;
          or = false;
          clause = predicate(i, end);
        } else if (is(mark, Cue.AND)) {
          clauses[i] = clause;
          boolean statement = goesOn(i, end, Cue.POSITIVE) || goesOn(i, end, Cue.BEGINS);
          list = !statement;
          sized = !statement && i + 1 < end && text.is(i + 1, Cue.EXTENT) && !place(i + 1);
          or &= list;
          clause = statement ? Clause.NONE : clause;
        } else if (is(mark, Cue.OR)) {
          clauses[i] = clause; // of the item after a slash
          list = true;
          or = true;
          sized = false;
          clause = Clause.NONE;
        } else if (tokens.letter(i) == ',') {
          text.mark(i, (list ? LISTED : 0) | (or ? OR_LISTED : 0) | (list && sized ? SIZED : 0));
          clauses[i] = clause;
          clause = Clause.NONE;
        } else if (clause == Clause.NONE) {
          boolean extent =
              (is(mark, Cue.EXTENT) || is(mark, Cue.POSITIVE)) && text.mentionEndingAt(i) >= 0;
          if (extent || is(mark, Cue.STATES) || is(mark, Cue.DOUBTS_BEHIND)) {
            clause = Clause.OWN;
          } else if (is(mark, Cue.SEEN) || is(mark, Cue.WHERE)) {
            clause = Clause.SEEN;
          }
        }
        if (text.isCut(i)) {
          list = false;
          or = false;
          clause = Clause.NONE;
        }
      }
    }

    /** The clause that the verb at {@code verb} gives to its subject. */
    private Clause predicate(int verb, int end) {
      for (int i = verb + 1; i < Math.min(end, verb + PREDICATE) && tokens.isWord(i); i++) {
        if (text.is(i, Cue.SEEN)) {
          return Clause.SEEN;
        }
      }
      char last = Character.toLowerCase(report.charAt(tokens.end(verb) - 1));
      return last == 's' ? Clause.OWN : Clause.OWN_PLURAL; // "is", "has", "remains"
    }

    /** Goes from left to right: the scope of a cue continues until something ends it. */
    private void reachAhead(int first, int end) {
      Reach reach = Reach.NOTHING;
      boolean items = false;
      boolean likely = false; // "more likely … than …"
      int denied = -1; // position after the cue of the negation
      boolean listed = false; // the negation has passed a comma
      boolean closed = false; // the negation has passed the "or" of its list
      for (int i = first; i < end; ) {
        long mark = text.marks(i);
        boolean comma = tokens.letter(i) == ',';
        boolean separates = text.isCut(i) || (separates(i) && i != denied);
        if (separates
            || (goesOn(i, end, Cue.BEGINS) && !listsFinding(i, end))
            || (reach == Reach.DENIAL
                && (endsDenial(i, first, end, denied, listed, closed) || capital(i, first)))
            || (reach == Reach.DOUBT && !items && comma && (mark & LISTED) == 0)) {
          reach = Reach.NOTHING;
        }
        listed |= comma;
        closed |= is(mark, Cue.OR) && !comma;
        likely = (likely || is(mark, Cue.LIKELY)) && !separates;
        if (is(mark, Cue.ENDS)) {
          reach = Reach.NOTHING;
        } else if (is(mark, Cue.DENIES_AHEAD) && !onlyBehind(i, end)) {
          reach = Reach.DENIAL;
          denied = text.cueEnd(i);
          listed = false;
          closed = false;
        } else if (is(mark, Cue.DOUBTS_AHEAD)
            || is(mark, Cue.DOUBTS_ITEMS)
            || is(mark, Cue.ALTERNATIVES)
            || (likely && is(mark, Cue.THAN) && !is(mark, Cue.NO_CUE))) {
          // "no evidence to suggest": a negated mention is not hedged
          reach = reach == Reach.DENIAL ? reach : Reach.DOUBT;
          items |= is(mark, Cue.DOUBTS_ITEMS);
        } else if (is(mark, Cue.ASKS)) {
          reach = Reach.QUESTION;
        } else if (is(mark, Cue.PAST)) {
          reach = Reach.PAST;
        }
        for (int next = (mark & Cue.EXCLUSIVE) == 0 ? i + 1 : text.cueEnd(i); i < next; i++) {
          ahead[i] = reach;
        }
      }
    }

    /** "Effusion resolved" negates the preceding mention, "resolved effusion" the following one. */
    private boolean onlyBehind(int cue, int end) {
      long mark = text.marks(cue);
      return (is(mark, Cue.DENIES_BEHIND) || is(mark, Cue.ENDED)) && !mentionFollows(cue, end);
    }

    private boolean mentionFollows(int cue, int end) {
      int from = text.cueEnd(cue);
      for (int i = from; i < Math.min(end, from + ITEM) && tokens.isWord(i); i++) {
        if (text.mentionBegins(i) || text.mentionEndingAt(i + 1) >= 0) {
          return true; // also of one around the cue: "the heart does not appear enlarged"
        }
        boolean sides = text.is(i, Cue.AND) && i > from && place(i - 1); // "right and left"
        if ((text.marks(i) & ENDS_ITEM) != 0 && !sides) {
          return false;
        }
      }
      return false;
    }

    /**
     * Whether a negation ends at {@code token}, which is usually a comma or "and".
     *
     * @param denied position after the cue of the negation
     * @param listed whether the negation has passed a comma, so that it negates a list
     * @param closed whether it has passed the "or" of that list
     */
    private boolean endsDenial(
        int token, int first, int end, int denied, boolean listed, boolean closed) {
      long mark = text.marks(token);
      if (is(mark, Cue.ENDS_DENIAL)) {
        // "no likely pneumonia", "without evidence of likely pneumonia"
        boolean adjective =
            is(mark, Cue.LIKELY) && (token == denied || text.is(token - 1, Cue.NO_HEADING));
        return !adjective;
      }
      boolean comma = tokens.letter(token) == ',';
      if (tokens.letter(token) == '/') {
        return hasMention(denied, token) && slashEndsDenial(token, end);
      }
      if (!comma && !is(mark, Cue.AND)) {
        return false;
      }
      if (goesOn(token, end, Cue.POSITIVE)
          || (token > first && is(text.marks(token - 1), Cue.SEEN))) {
        return true;
      }
      int next = comma && token + 1 < end && text.is(token + 1, Cue.AND) ? token + 2 : token + 1;
      if (next >= end || text.is(next, Cue.ASIDE) || (!listed && !item(denied, token))) {
        return false;
      }
      boolean extent = text.is(next, Cue.EXTENT);
      boolean place = place(next);
      boolean inList = (mark & (LISTED | SIZED)) == LISTED && !closed;
      if (extent && (mark & OR_LISTED) == 0 && (!place || (comma && !inList))) {
        return true;
      }
      return switch (clauses[token]) {
        case NONE -> false;
        case SEEN -> comma && !inList && !listed && hasMention(denied, token);
        case OWN -> true;
        case OWN_PLURAL -> comma || extent || place;
      };
    }

    /**
     * Whether the token is a side or location, which can be part of a negation: "no left or right
     * …".
     */
    private boolean place(int token) {
      return text.is(token, Cue.LIMITS);
    }

    /**
     * Whether a slash ends the negation. It means "or" unless a statement follows: "no
     * pneumothorax/small effusion".
     */
    private boolean slashEndsDenial(int slash, int end) {
      int next = slash + 1;
      if (next >= end) {
        return false;
      }
      boolean extent = text.is(next, Cue.EXTENT) && !place(next);
      return extent || text.is(next, Cue.POSITIVE) || clauses[slash] == Clause.OWN;
    }

    private boolean hasMention(int from, int to) {
      int m = text.firstMention(from);
      return m < text.mentions() && text.mentionFrom(m) < to;
    }

    /**
     * Whether the words are more than adjectives of the following mention: "no acute, displaced …".
     */
    private boolean item(int from, int to) {
      return to - from > 1
          || (to - from == 1 && !text.is(from, Cue.LIMITS) && !text.is(from, Cue.EXTENT));
    }

    /**
     * Whether a statement begins after a mention without punctuation, with a capital letter, on a
     * new line or in another column, as in a text whose lines were joined.
     */
    private boolean capital(int token, int first) {
      if (token == first || text.mentionEndingAt(token) < 0 || !tokens.isWord(token)) {
        return false;
      }
      long mark = text.marks(token);
      int start = tokens.start(token);
      boolean capital =
          Character.isUpperCase(report.charAt(start))
              && start + 1 < tokens.end(token)
              && Character.isLowerCase(report.charAt(start + 1))
              && Character.isLowerCase(tokens.letter(token - 1));
      boolean line =
          tokens.has(token, Tokens.LINE | Tokens.GAP)
              && (is(mark, Cue.POSITIVE) || (is(mark, Cue.EXTENT) && !is(mark, Cue.LIMITS)));
      return line || (capital && ((mark & STATEMENT) != 0 || text.mentionBegins(token)));
    }

    /** Goes from right to left: the scope of a cue extends back to the subject of its verb. */
    private void reachBehind(int first, int end) {
      Reach reach = Reach.NOTHING;
      Reach beforeAside = Reach.NOTHING; // the effect at the comma that may end an aside
      boolean sameSubject = false; // "was enlarged and is now normal"
      behind[end] = reach;
      for (int i = end - 1; i >= first; i--) {
        long mark = text.marks(i);
        boolean comma = tokens.letter(i) == ',';
        boolean ended = is(mark, Cue.ENDED);
        if ((ended || is(mark, Cue.DENIES_BEHIND))
            && !(is(mark, Cue.DENIES_AHEAD) && mentionFollows(i, end))) {
          reach = Reach.DENIAL;
          int subject = ended && !text.isCut(i) ? sharedSubject(i, first) : i;
          sameSubject = (subject < i || (i > first && joins(i))) && !relative(i - 1);
          for (; i > subject; i--) {
            behind[i] = reach;
          }
        } else if (is(mark, Cue.DOUBTS_BEHIND) || is(mark, Cue.ALTERNATIVES)) {
          reach = Reach.DOUBT;
        } else if (separates(i)) {
          reach = Reach.NOTHING;
          beforeAside = Reach.NOTHING;
        } else if (comma && i + 1 < end && is(text.marks(i + 1), Cue.ASIDE)) {
          reach = beforeAside;
        } else if (comma && (mark & LISTED) == 0) {
          beforeAside = reach;
          reach = Reach.NOTHING;
        } else if (is(mark, Cue.VERB) && reach == Reach.DENIAL && i > first && relative(i - 1)) {
          behind[i] = reach; // "the effusion that was present has resolved"
          i--;
        } else if (sameSubject && is(mark, Cue.VERB)) {
          sameSubject = false;
        } else if ((mark & ENDS_BEHIND) != 0) {
          reach = Reach.NOTHING;
        }
        if (reach == Reach.NOTHING) {
          sameSubject = false;
        }
        behind[i] = reach;
        if (text.isCut(i)) {
          reach = Reach.NOTHING;
          beforeAside = Reach.NOTHING;
          sameSubject = false;
          behind[i] = reach;
        }
      }
    }

    /**
     * The beginning of the words that connect a resolved finding to an earlier statement with the
     * same subject: "was enlarged and is now normal", "…, but has cleared", "…, which has
     * resolved".
     */
    private int sharedSubject(int cue, int first) {
      int joint = joins(cue) ? cue : cue - 1; // "… and none now"
      if (joint < first || text.isCut(joint) || !(joins(joint) || relative(joint))) {
        return cue;
      }
      boolean comma = joint > first && tokens.letter(joint - 1) == ',' && !text.isCut(joint - 1);
      return comma ? joint - 1 : joint;
    }

    private boolean joins(int token) {
      return text.is(token, Cue.AND) || text.is(token, Cue.ENDS);
    }

    /** Whether the token is "which" or "that". */
    private boolean relative(int token) {
      char c = tokens.letter(token);
      return text.is(token, Cue.ASIDE) && (c == 'w' || c == 't' || c == 'W' || c == 'T');
    }

    private boolean separates(int token) {
      return switch (tokens.letter(token)) {
        case ';', ':', '(', ')', '[', ']', '{', '}', '|', '^', '-', PlainText.DASH -> true;
        default -> false;
      };
    }

    /** Whether the token is a comma or "and" followed by {@code kind}. */
    private boolean goesOn(int token, int end, Cue kind) {
      if (tokens.letter(token) != ',' && !text.is(token, Cue.AND)) {
        return false;
      }
      int next = token + 1;
      if (next < end && text.is(next, Cue.AND)) {
        next++;
      }
      return next < end && text.is(next, kind);
    }

    /** Whether a finding follows a comma of an "or": "no effusion, lung opacity or edema". */
    private boolean listsFinding(int comma, int end) {
      if ((text.marks(comma) & OR_LISTED) != 0) {
        for (int i = comma + 1; i < Math.min(end, comma + ITEM) && tokens.isWord(i); i++) {
          if (text.mentionBegins(i)) {
            return true;
          }
          if ((text.marks(i) & ENDS_ITEM) != 0 || is(text.marks(i), Cue.OR)) {
            return false;
          }
        }
      }
      return false;
    }

    private void mentions(int first, int end) {
      Labels.Span sentence = null;
      for (int m = text.firstMention(first);
          m < text.mentions() && text.mentionFrom(m) < end;
          m++) {
        int from = text.mentionFrom(m);
        int to = text.mentionTo(m);
        int output = text.mentionOutput(m);
        int finding = text.mentionFinding(m);
        FindingState answered = text.answered(m);
        if (!entry(from, to, first, end)) {
          continue;
        }
        FindingState state =
            answered != null
                ? answered
                : output >= LabelerRules.NORMAL
                    ? normal(from, to, finding)
                    : mention(to, output >= LabelerRules.SIGN);
        if (output >= LabelerRules.NORMAL
            && state != FindingState.ABSENT
            && finding != Finding.NO_FINDING.column()) {
          notNormal(from, to, first, end);
        }
        if (state != FindingState.NOT_MENTIONED) {
          if (sentence == null) {
            sentence = sentence(first, end);
          }
          boolean limited = state == FindingState.ABSENT && limited(first, from, to, end);
          said.get(finding)
              .add(
                  new Labels.Evidence(
                      state, new Labels.Passage(span(from, to), sentence), limited));
        }
      }
    }

    /**
     * Whether the words are a statement or the entry of an organ in a form: "Heart - normal". The
     * entry begins after a punctuation mark, and after a semicolon nothing else may follow it.
     */
    private boolean entry(int from, int to, int first, int end) {
      char mark = 0;
      for (int i = from + 1; i < to; i++) {
        mark = marksHeading(tokens.letter(i)) ? tokens.letter(i) : mark;
      }
      if (mark == 0) {
        return true;
      }
      int start = from > first && text.is(from - 1, Cue.BEGINS) ? from - 1 : from; // "the heart"
      boolean begins =
          start == first
              || tokens.has(start, Tokens.LINE | Tokens.GAP)
              || !tokens.isWord(start - 1);
      boolean whole = to == end || !tokens.isWord(to) || tokens.has(to, Tokens.LINE | Tokens.GAP);
      return begins && (whole || (mark != ';' && !text.mentionBegins(to)));
    }

    /** Records that an organ is called abnormal: the film shows some abnormality. */
    private void notNormal(int from, int to, int first, int end) {
      FindingState state =
          switch (ahead[to - 1]) {
            case DENIAL ->
                deniedWithin(from, to) ? FindingState.ABSENT : FindingState.NOT_MENTIONED;
            case DOUBT -> FindingState.UNCERTAIN;
            case NOTHING, QUESTION, PAST -> FindingState.NOT_MENTIONED;
          };
      if (state != FindingState.NOT_MENTIONED) {
        said.get(Finding.NO_FINDING.column())
            .add(
                new Labels.Evidence(
                    state, new Labels.Passage(span(from, to), sentence(first, end)), false));
      }
    }

    /**
     * Whether the words contain a negation that applies to them; "are clear of" does not, because
     * it continues.
     */
    private boolean deniedWithin(int from, int to) {
      for (int i = from + 1; i < to; i++) {
        if (text.is(i, Cue.DENIES_AHEAD) && text.cueEnd(i) <= to) {
          return ahead[from] == Reach.NOTHING;
        }
      }
      return false;
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

    /**
     * The state for a phrase such as "the heart is normal", which negates unless it is itself
     * negated, hedged or questioned. A heart or mediastinum that "is not normal" is enlarged,
     * because no other abnormality of it is among the findings.
     */
    private FindingState normal(int from, int to, int finding) {
      if (ahead[to - 1] == Reach.NOTHING) {
        return FindingState.ABSENT;
      }
      boolean own = ahead[to - 1] == Reach.DENIAL && deniedWithin(from, to);
      boolean size =
          finding == Finding.CARDIOMEGALY.column()
              || finding == Finding.ENLARGED_CARDIOMEDIASTINUM.column();
      return own && size ? FindingState.PRESENT : FindingState.NOT_MENTIONED;
    }

    /** Whether a negation is limited to a side, a location, a size or to new findings. */
    private boolean limited(int first, int from, int to, int end) {
      for (int i = from - 1; i >= Math.max(first, from - 4) && tokens.isWord(i); i--) {
        if (text.is(i, Cue.LIMITS)) {
          return true;
        }
      }
      for (int i = from; i < Math.min(end, to + 4) && tokens.isWord(i); i++) {
        if (text.is(i, Cue.LIMITS)) {
          return true;
        }
      }
      return false;
    }

    private void compare(int first, int end) {
      for (int i = first; i < end; i++) {
        if (text.is(i, Cue.COMPARES_NOTHING)) {
          return;
        }
      }
      for (int i = first; i < end; i++) {
        if (text.is(i, Cue.COMPARES)) {
          comparisons.add(new Labels.Passage(span(i, i + 1), sentence(first, end)));
        }
      }
    }

    /** The part of the original report that the tokens represent. */
    private Labels.Span span(int first, int end) {
      int from = tokens.start(first);
      int to = tokens.end(end - 1);
      return plain == null
          ? new Labels.Span(from, to)
          : new Labels.Span(plain.from(from), plain.to(to));
    }

    private Labels.Span sentence(int first, int end) {
      int to = tokens.end(end - 1);
      if (to < report.length() && ".!?".indexOf(report.charAt(to)) >= 0) {
        to++;
      }
      int from = tokens.start(first);
      return plain == null
          ? new Labels.Span(from, to)
          : new Labels.Span(plain.from(from), plain.to(to));
    }

    /**
     * Whether the report has a word, that is, a letter that is not a de-identification placeholder.
     */
    private boolean hasWord() {
      for (int i = 0; i < tokens.count(); i++) {
        if (Character.isLetter(tokens.letter(i))) {
          return true;
        }
      }
      return false;
    }

    Labels labels() {
      var entries = new EnumMap<Finding, Labels.Entry>(Finding.class);
      boolean abnormal = false;
      for (Finding finding : Finding.ALL) {
        List<Labels.Evidence> evidence = said.get(finding.column());
        if (!evidence.isEmpty() && finding != Finding.NO_FINDING) {
          Labels.Entry entry = Labels.Entry.of(evidence);
          entries.put(finding, entry);
          abnormal |= entry.state() != FindingState.ABSENT && finding != Finding.SUPPORT_DEVICES;
        }
      }
      if (hasWord()) {
        entries.put(Finding.NO_FINDING, noFinding(abnormal));
      }
      return new Labels(entries);
    }

    /**
     * No Finding follows from the other findings, unless the report itself calls the film abnormal.
     */
    private Labels.Entry noFinding(boolean abnormal) {
      if (abnormal) {
        return new Labels.Entry(FindingState.ABSENT, List.of());
      }
      List<Labels.Evidence> evidence = said.get(Finding.NO_FINDING.column());
      boolean denied = evidence.stream().anyMatch(e -> e.state() == FindingState.ABSENT);
      boolean doubted = evidence.stream().anyMatch(e -> e.state() == FindingState.UNCERTAIN);
      FindingState state =
          denied
              ? FindingState.ABSENT
              : doubted ? FindingState.NOT_MENTIONED : FindingState.PRESENT;
      return new Labels.Entry(state, evidence);
    }
  }
}
