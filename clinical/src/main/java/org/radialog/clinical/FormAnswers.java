package org.radialog.clinical;

import org.jspecify.annotations.Nullable;

/**
 * Finds the answers in forms and assigns them to their headings: "Pneumothorax: none", "Effusion -
 * No", "Edema (-)", "Is there a nodule? No.", "[x] Fracture", the cells of a table, one line per
 * finding.
 *
 * <p>An answer is a phrase of the tables after a colon, a semicolon, a dash, a question mark, a
 * comma or a gap, in brackets or at the beginning of a line, with nothing else up to the end of the
 * sentence, the next punctuation mark or the next heading. It gives the state of the mentions in
 * its heading and does not apply to the text after it. A heading whose answer is a sentence about
 * the same finding ("Effusion: no effusion is seen") is ignored.
 */
final class FormAnswers {
  private static final int MOST_WORDS = 7; // maximum number of words in a heading
  private static final int MOST_NEUTRAL = 4; // maximum number of words before its mention
  private static final int MOST_TAIL = 5; // maximum number of words and brackets after it

  /** Cues that a word in a heading cannot have. */
  private static final long NO_HEADING =
      Cue.EXCLUSIVE | Cue.VERB.bit | Cue.POSITIVE.bit | Cue.NO_HEADING.bit;

  /** Cues that a word between the mention and the mark can have: "(left)", "seen", "(y/n)". */
  private static final long TAIL = Cue.LIMITS.bit | Cue.SEEN.bit | Cue.ANSWERS;

  private final MarkedText text;
  private final Tokens tokens;
  private final int count;
  private int sentence; // first token of the current sentence
  private int sentenceBefore;
  private int answered; // position after the last answer
  private boolean marksFirst; // "(-) pneumothorax (+) effusion" in this sentence
  private boolean plus; // in this sentence

  private FormAnswers(MarkedText text) {
    this.text = text;
    tokens = text.tokens;
    count = tokens.count();
  }

  /** Marks the answers in {@code text}. */
  static void read(MarkedText text) {
    new FormAnswers(text).read();
  }

  private void read() {
    for (int t = 0; t < count; ) {
      if (tokens.has(t, Tokens.SENTENCE)) {
        sentenceBefore = sentence;
        sentence = t;
        marksFirst = false;
        plus = plus(t);
      }
      t =
          switch (tokens.letter(t)) {
            case '(', '[', '{' -> bracket(t);
            case ':', ';', '=', '|', '?', ',', '-', PlainText.DASH -> mark(t);
            case '+' -> {
              sign(t);
              yield word(t);
            }
            default -> word(t);
          };
    }
  }

  private int word(int at) {
    if (at > 0
        && text.answerEnd(at) > 0
        && text.mentionEndingAt(at) >= 0
        && !tokens.has(at, Tokens.STOP)
        && complete(at, ' ')) {
      int first = at == sentence ? sentenceBefore : sentence;
      boolean gap = tokens.has(at, Tokens.LINE | Tokens.GAP);
      int from = headingStart(at, first, gap || text.is(at, Cue.VERB));
      boolean denied =
          text.is(at, Cue.ANSWERS_NO) && from > first && tokens.letter(from - 1) == ',';
      if (bare(from, first)
          || (denied && !tokens.has(at, Tokens.ITEM))) { // "pneumothorax no, effusion no"
        give(from, at, at, text.answerEnd(at), true);
      }
    }
    return at + 1;
  }

  /**
   * Handles a mark that can separate a heading from its answer; returns the position to continue
   * at.
   */
  private int mark(int at) {
    char mark = tokens.letter(at);
    if (mark == '-') {
      sign(at);
    }
    int to = mark == '?' ? questionEnd(at) : subjectEnd(at, sentence, mark);
    if (to < 0) {
      return at + 1;
    }
    int from =
        switch (mark) {
          case '?' -> Math.max(sentence, answered);
          case ',' -> text.mentionEndingAt(to);
          default -> headingStart(to, sentence);
        };
    boolean bare = mark == '?' || bare(from, sentence);
    if (mark == ';' && !bare) {
      return at + 1; // "a small effusion; none elsewhere"
    }
    if (bare && dashAnswers(at)) {
      give(from, to, at, at + 1, true);
      return at + 1;
    }
    int answer = at + 1;
    while (answer < count && answer < at + 4 && isMark(answer) && !answers(answer, mark)) {
      answer++; // "Effusion: - no"
    }
    if (answers(answer, mark)) {
      give(from, to, answer, text.answerEnd(answer), bare);
      return Math.max(at + 1, text.answerEnd(answer) - 1);
    }
    if (!bare || mark == ',' || mark == ';' || mark == '|' || mark == '=') {
      return at + 1;
    }
    if (mark == ':') {
      int end = boxes(from, to, answer);
      if (end > 0) {
        return end;
      }
      if (answer == count || tokens.has(answer, Tokens.STOP) || heading(answer, ':')) {
        text.answer(from, to, FindingState.NOT_MENTIONED);
        return at + 1;
      }
    }
    if (mark != '?' || tokens.has(at + 1, Tokens.SENTENCE)) {
      sentence(from, to, answer, mark);
    }
    return at + 1;
  }

  /** Whether the dash at {@code at} is an answer: "pneumothorax -, effusion +". */
  private boolean dashAnswers(int at) {
    return text.answerEnd(at) == at + 1
        && at + 1 < count
        && !tokens.has(at + 1, Tokens.SENTENCE)
        && (tokens.letter(at + 1) == ',' || tokens.letter(at + 1) == ';');
  }

  /**
   * Handles "+effusion", which begins a statement, and "-pneumothorax" next to it, which begins a
   * negation.
   */
  private void sign(int at) {
    boolean touches =
        at + 1 < count
            && tokens.isWord(at + 1)
            && tokens.end(at) == tokens.start(at + 1)
            && text.answerEnd(at) <= at + 1 // not "+ve"
            && (at == 0 || tokens.end(at - 1) < tokens.start(at));
    boolean next = at > 0 && tokens.letter(at - 1) == ','; // "no effusion, + edema"
    if ((touches || next) && tokens.letter(at) == '+') {
      text.cut(at);
    } else if (touches && plus) {
      text.cut(at);
      text.mark(at, Cue.DENIES_AHEAD.bit);
    }
  }

  /** Whether the sentence that begins at {@code first} contains a plus. */
  private boolean plus(int first) {
    for (int t = first; t < count && (t == first || !tokens.has(t, Tokens.SENTENCE)); t++) {
      if (tokens.letter(t) == '+') {
        return true;
      }
    }
    return false;
  }

  /**
   * Handles a heading whose answer is a sentence about the same finding or the beginning of a
   * negation.
   */
  private void sentence(int from, int to, int answer, char mark) {
    boolean strong = mark == ':' || mark == '?';
    int end = answer;
    int clause = -1; // the end of its first clause
    while (end < count && !(tokens.has(end, Tokens.SENTENCE) && (end > answer || !strong))) {
      char c = tokens.letter(end);
      if (c == ':' || c == '|' || c == ';' || (!strong && isMark(end))) {
        break;
      }
      if (clause < 0 && (c == ',' || text.is(end, Cue.ENDS))) {
        clause = end;
      }
      end++;
    }
    if (end < count && tokens.letter(end) == ':' && text.mentionEndingAt(end) >= 0) {
      end = Math.max(answer, text.mentionEndingAt(end)); // the next heading
    }
    clause = clause < 0 ? end : clause;
    int said = 0; // one bit per finding
    boolean other = false; // in the first clause
    for (int m = text.firstMention(answer); m < text.mentions() && text.mentionFrom(m) < end; m++) {
      said |= 1 << text.mentionFinding(m);
      other |= text.mentionFrom(m) < clause;
    }
    if (said != 0) {
      for (int m = text.firstMention(from); m < text.mentions() && text.mentionFrom(m) < to; m++) {
        if ((said & (1 << text.mentionFinding(m))) != 0) {
          text.answer(text.mentionFrom(m), text.mentionTo(m), FindingState.NOT_MENTIONED);
        }
      }
    }
    if (other || answer == count || mark != ':') {
      return;
    }
    boolean ended = false; // "previously large, now gone"
    for (int t = answer; t < end; t++) {
      ended |= said == 0 && text.is(t, Cue.ENDED) && text.cueEnd(t) == end;
    }
    if (!ended
        && clause + 1 < end
        && (text.is(clause + 1, Cue.POSITIVE)
            || (text.is(clause + 1, Cue.EXTENT) && !text.is(clause + 1, Cue.LIMITS)))) {
      return; // "none on the right, small on the left"
    }
    if (ended
        || text.is(answer, Cue.DENIES_AHEAD)
        || text.is(answer, Cue.DENIES_BEHIND)
        || text.is(answer, Cue.ENDED)) {
      text.answer(from, to, FindingState.ABSENT);
    } else if (text.is(answer, Cue.DOUBTS_AHEAD) || text.is(answer, Cue.DOUBTS_BEHIND)) {
      text.answer(from, to, FindingState.UNCERTAIN);
    }
  }

  /** Handles a bracket before or after its finding: "(-)", "[x]", "(none)". */
  private int bracket(int at) {
    int close = at + 1;
    while (close < count && close < at + 5 && !closes(close)) {
      close++;
    }
    if (close == count || !closes(close)) {
      return at + 1;
    }
    FindingState box = box(at, close);
    if (box == null && text.answerEnd(at + 1) != close) {
      return at + 1;
    }
    FindingState state = box == null ? state(at + 1) : box;
    boolean sign = // "(+)", "[n]"
        box != null || tokens.end(at + 1) - tokens.start(at + 1) == 1;
    int to = marksFirst ? -1 : subjectEnd(at, sentence, '(');
    if (to >= 0) {
      int from = headingStart(to, sentence);
      if (state != FindingState.PRESENT || bare(from, sentence)) {
        text.answer(from, to, state);
      }
      text.answer(at, close + 1);
    } else if (sign) {
      marksFirst = true;
      text.answer(at, close);
      // "(-) pneumothorax, effusion" is read as "no pneumothorax, …"
      if (state == FindingState.ABSENT) {
        text.mark(close, Cue.DENIES_AHEAD.bit);
      } else if (state == FindingState.UNCERTAIN) {
        text.mark(close, Cue.DOUBTS_AHEAD.bit);
      }
    }
    return close + 1;
  }

  private boolean closes(int token) {
    char c = tokens.letter(token);
    return c == ')' || c == ']' || c == '}';
  }

  /** The state of a box that is empty or crossed: "[ ]" and "[x]"; null for other brackets. */
  private @Nullable FindingState box(int at, int close) {
    if (close == at + 1) {
      return FindingState.ABSENT;
    }
    boolean cross =
        close == at + 2
            && (tokens.letter(at + 1) == 'x' || tokens.letter(at + 1) == 'X')
            && tokens.end(at + 1) - tokens.start(at + 1) == 1;
    return cross ? FindingState.PRESENT : null;
  }

  /**
   * Handles the boxes after a heading, "[ ] yes [x] no"; returns the position after them, or 0 if
   * there are none.
   */
  private int boxes(int from, int to, int at) {
    int t = at;
    FindingState state = null;
    boolean words = false;
    while (t + 1 < count && (tokens.letter(t) == '[' || tokens.letter(t) == '(')) {
      int close = closes(t + 1) ? t + 1 : t + 2;
      boolean closed = close < count && closes(close);
      FindingState box = closed ? box(t, close) : null;
      if (box == null) {
        if (t == at && closed && text.answerEnd(t + 1) == close) { // "Effusion: (-)"
          text.answer(from, to, state(t + 1));
          text.answer(at, close + 1);
          return close + 1;
        }
        break;
      }
      t = close + 1;
      boolean word = answers(t, ':');
      if (box == FindingState.PRESENT && state == null) {
        state = word ? state(t) : FindingState.PRESENT;
      }
      words |= word;
      t = word ? text.answerEnd(t) : t;
    }
    if (t == at) {
      return 0;
    }
    FindingState unticked = words ? FindingState.NOT_MENTIONED : FindingState.ABSENT;
    text.answer(from, to, state == null ? unticked : state);
    text.answer(at, t);
    return t;
  }

  private FindingState state(int answer) {
    if (text.is(answer, Cue.ANSWERS_NO)) {
      return FindingState.ABSENT;
    }
    if (text.is(answer, Cue.ANSWERS_MAYBE)) {
      return FindingState.UNCERTAIN;
    }
    return text.is(answer, Cue.ANSWERS_YES) ? FindingState.PRESENT : FindingState.NOT_MENTIONED;
  }

  private void give(int from, int to, int answer, int end, boolean bare) {
    FindingState state = state(answer);
    if (state != FindingState.PRESENT || bare) {
      text.answer(from, to, state);
      text.answer(answer, end);
      answered = end;
    }
  }

  /** Whether an answer begins at {@code at} and nothing else follows it. */
  private boolean answers(int at, char mark) {
    return at < count && text.answerEnd(at) > 0 && complete(at, mark);
  }

  /** Whether nothing else follows the answer that begins at {@code at}. */
  private boolean complete(int at, char mark) {
    int end = text.answerEnd(at);
    if (mark == ',' && text.is(at, Cue.ANSWERS_YES)) {
      return false; // "effusion, present on both sides"
    }
    if (end == count || tokens.has(end, Tokens.SENTENCE | Tokens.LINE | Tokens.GAP)) {
      return true;
    }
    if (!tokens.isWord(end)) {
      char c = tokens.letter(end);
      if (mark == ',') {
        return c == ',' || c == ';' || c == ')';
      }
      return c != ':' && (c != '?' || mark != ' ') && (c != '/' || heading(end + 1, mark));
    }
    return mark != ','
        && mark != ';'
        && (text.is(end, Cue.ENDS) || heading(text.is(end, Cue.AND) ? end + 1 : end, mark));
  }

  /** Whether a heading begins at {@code at} and is followed by {@code mark}. */
  private boolean heading(int at, char mark) {
    int end = Math.min(count, at + MOST_WORDS);
    for (int t = at + 1; t < end && !tokens.has(t, Tokens.SENTENCE); t++) {
      char c = tokens.letter(t);
      if (mark == ' ' && text.answerEnd(t) > 0 && text.mentionEndingAt(t) >= at) {
        return bare(headingStart(t, at), at); // "pneumothorax no / effusion yes"
      }
      if (c == mark && !tokens.isWord(t)) {
        int to = subjectEnd(t, at, mark);
        return to >= 0
            && bare(headingStart(to, at), at)
            && ((mark != '-' && mark != PlainText.DASH) || dashed(at, t + 1));
      }
      if (!tokens.isWord(t) && c != '/' && c != '(' && c != ')') {
        return false;
      }
    }
    return false;
  }

  /**
   * Whether "No" is the answer to the effusion, as in "Effusion - No Edema - No", but not in
   * "Cardiomegaly - no effusion - no edema", whose parts are statements.
   */
  private boolean dashed(int heading, int answer) {
    if (answer >= count || text.answerEnd(answer) == 0) {
      return false;
    }
    int end = text.answerEnd(answer);
    return end == count
        || tokens.has(end, Tokens.SENTENCE | Tokens.LINE | Tokens.GAP)
        || !tokens.isWord(end)
        || (Character.isUpperCase(tokens.letter(heading))
            && !tokens.allCapitals(heading, heading + 1));
  }

  /** The end of the mention before a mark, ignoring its side or location; -1 if there is none. */
  private int subjectEnd(int mark, int first, char kind) {
    int end = mark;
    while (end > first) {
      if (text.mentionEndingAt(end) >= first) {
        return end;
      }
      int last = end - 1;
      char c = tokens.letter(last);
      boolean tail =
          tokens.isWord(last)
              ? (text.marks(last) & TAIL) != 0
              : c == '(' || c == ')' || c == '/' || (c == ',' && kind == ':');
      if (kind == ',' || mark - end >= MOST_TAIL || !tail) {
        return -1;
      }
      end--;
    }
    return -1;
  }

  /** The end of the question about a finding that ends at {@code mark}; -1 if there is none. */
  private int questionEnd(int mark) {
    int m = text.firstMention(Math.max(sentence, answered));
    return m < text.mentions() && text.mentionTo(m) <= mark ? mark : -1;
  }

  /**
   * The beginning of the heading whose last mention ends at {@code to}: "Left effusion or edema".
   */
  private int headingStart(int to, int first) {
    return headingStart(to, first, true);
  }

  private int headingStart(int to, int first, boolean several) {
    int start = text.mentionEndingAt(to);
    while (true) {
      int before = start;
      while (before > first
          && start - before < MOST_NEUTRAL
          && !breaks(before)
          && tokens.isWord(before - 1)
          && neutral(before - 1)
          && text.mentionEndingAt(before) < 0) {
        before--;
      }
      if (!several || before - 1 <= first || breaks(before) || !joins(before - 1)) {
        return before;
      }
      int earlier = text.mentionEndingAt(before - 1);
      if (earlier < first) {
        return before;
      }
      start = earlier;
    }
  }

  private boolean neutral(int token) {
    long marks = text.marks(token);
    return (marks & NO_HEADING) == 0
        && ((marks & Cue.EXTENT.bit) == 0 || (marks & Cue.LIMITS.bit) != 0)
        && !text.is(token, Cue.AND)
        && !text.is(token, Cue.OR);
  }

  private boolean joins(int token) {
    char c = tokens.letter(token);
    return c == ',' || c == '/' || text.is(token, Cue.AND) || text.is(token, Cue.OR);
  }

  private boolean breaks(int token) {
    return text.isCut(token) || tokens.has(token, Tokens.LINE | Tokens.GAP);
  }

  /** Whether nothing precedes the heading. */
  private boolean bare(int from, int first) {
    return from == first || breaks(from) || (!tokens.isWord(from - 1) && !joins(from - 1));
  }

  private boolean isMark(int token) {
    return switch (tokens.letter(token)) {
      case '>', ':', ';', '=', '|', '-', PlainText.DASH -> true;
      default -> false;
    };
  }
}
