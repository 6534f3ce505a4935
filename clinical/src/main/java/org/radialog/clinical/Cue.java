package org.radialog.clinical;

import java.util.Arrays;
import java.util.List;
import org.radialog.base.RadialogException;

/** The effect of the phrases in a section of {@code cues.txt} on the mentions around them. */
enum Cue {
  // Only one of these applies at a position, the leftmost and then the longest; a phrase may have
  // several.
  DENIES_AHEAD(0, "denies what follows", true),
  DENIES_BEHIND(1, "denies what precedes", true),
  ENDED(2, "says that it has ended", true),
  DOUBTS_AHEAD(3, "doubts what follows", true),
  DOUBTS_ITEMS(4, "doubts every item that follows", true),
  DOUBTS_BEHIND(5, "doubts what precedes", true),
  ALTERNATIVES(6, "alternatives", true),
  ASKS(7, "asks about what follows", true),
  PAST(8, "puts what follows in the past", true),
  ENDS(9, "ends a reach", true),
  ENDS_DENIAL(10, "ends a denial", true),
  NO_CUE(11, "no cue", true),
  // These apply independently.
  BEGINS(12, "begins a statement", false),
  POSITIVE(13, "begins a positive phrase", false),
  EXTENT(14, "extent", false),
  STATES(15, "states what precedes", false),
  WHERE(16, "says where", false),
  ASIDE(17, "begins an aside", false),
  SEEN(18, "seen", false),
  VERB(19, "verbs", false),
  AND(20, "and", false),
  OR(21, "or", false),
  LIKELY(22, "likely", false),
  THAN(23, "than", false),
  LIMITS(24, "limits a denial", false),
  COMPARES(25, "compares", false),
  COMPARES_NOTHING(26, "compares with nothing", false),
  READ(27, "section that is read", false),
  UNREAD(28, "section that is not read", false),
  NO_HEADING(29, "no section follows", false),
  ANSWERS_NO(30, "answers no", false),
  ANSWERS_MAYBE(31, "answers maybe", false),
  ANSWERS_YES(32, "answers yes", false),
  ANSWERS_NOTHING(33, "answers nothing", false),
  GOES_ON(34, "goes on", false);

  /** The bits of the answers. */
  static final long ANSWERS =
      ANSWERS_NO.bit | ANSWERS_MAYBE.bit | ANSWERS_YES.bit | ANSWERS_NOTHING.bit;

  /** The bits of the cues of which only one applies at a position. */
  static final long EXCLUSIVE =
      Arrays.stream(values()).filter(cue -> cue.exclusive).mapToLong(cue -> cue.bit).sum();

  private final String section;
  private final boolean exclusive;

  /** The output of its phrases in the table, from 0 to 61. */
  final int output;

  /** The bit of that number. */
  final long bit;

  Cue(int output, String section, boolean exclusive) {
    this.output = output;
    this.bit = 1L << output;
    this.section = section;
    this.exclusive = exclusive;
  }

  /** The cue of a section of the table. */
  static Cue of(String section) {
    for (Cue cue : values()) {
      if (cue.section.equals(section)) {
        return cue;
      }
    }
    List<String> known = Arrays.stream(values()).map(cue -> cue.section).toList();
    throw new RadialogException(
        "cues.txt: unknown section \"%s\", expected one of %s".formatted(section, known));
  }
}
