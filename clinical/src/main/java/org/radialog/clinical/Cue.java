package org.radialog.clinical;

import java.util.Arrays;
import java.util.List;
import org.radialog.base.RadialogException;

/** What the words of a section of {@code cues.txt} do to the mentions around them. */
enum Cue {
  // Of these one counts at a place, the leftmost and then the longest; a phrase may be several.
  DENIES_AHEAD(0, "denies what follows", true),
  DENIES_BEHIND(1, "denies what precedes", true),
  DOUBTS_AHEAD(2, "doubts what follows", true),
  DOUBTS_ITEMS(3, "doubts every item that follows", true),
  DOUBTS_BEHIND(4, "doubts what precedes", true),
  ALTERNATIVES(5, "alternatives", true),
  ASKS(6, "asks about what follows", true),
  PAST(7, "puts what follows in the past", true),
  ENDS(8, "ends a reach", true),
  ENDS_DENIAL(9, "ends a denial", true),
  NO_CUE(10, "no cue", true),
  // These stand for themselves.
  BEGINS(11, "begins a statement", false),
  POSITIVE(12, "begins a positive phrase", false),
  ASIDE(13, "begins an aside", false),
  SEEN(14, "seen", false),
  VERB(15, "verbs", false),
  AND(16, "and", false),
  OR(17, "or", false),
  LIMITS(18, "limits a denial", false),
  COMPARES(19, "compares", false),
  COMPARES_NOTHING(20, "compares with nothing", false),
  READ(21, "section that is read", false),
  UNREAD(22, "section that is not read", false),
  GOES_ON(23, "goes on", false);

  /** The bits of those of which one counts at a place. */
  static final int EXCLUSIVE =
      Arrays.stream(values()).filter(cue -> cue.exclusive).mapToInt(cue -> cue.bit).sum();

  private final String section;
  private final boolean exclusive;

  /** The output of its phrases in the table, from 0 to 29. */
  final int output;

  /** The bit of that number. */
  final int bit;

  Cue(int output, String section, boolean exclusive) {
    this.output = output;
    this.bit = 1 << output;
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
