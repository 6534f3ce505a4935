package org.radialog.clinical;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.radialog.base.RadialogException;

/** The compiled tables of the rule labeler. */
final class LabelerRules implements Tokens.Words {
  // Outputs of the table: the output of a cue, or one of these plus the column of a finding.
  static final int MENTION = 64;
  static final int SIGN = MENTION + Finding.COUNT;
  static final int NORMAL = SIGN + Finding.COUNT;
  static final int OTHER = NORMAL + Finding.COUNT;
  static final int OUTPUTS = OTHER + Finding.COUNT;

  private final PhraseTable table;
  private final Set<String> abbreviations = new HashSet<>();
  private final Set<String> shortForms = new HashSet<>();
  private final Map<Integer, Integer> contractions = new HashMap<>(); // class → class of its verb
  private final int not;

  /** Reads the tables from the class path. */
  LabelerRules() {
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
    var contracted = new HashMap<String, String>();
    for (PhraseTable.Line line : PhraseTable.read("cues.txt")) {
      if (line.section().equals("abbreviations")) {
        abbreviations.add(line.text());
      } else if (line.section().equals("abbreviations before a small letter")) {
        shortForms.add(line.text());
      } else if (line.section().equals("contractions")) {
        String[] words = line.text().split(" = ", -1);
        if (words.length != 2) {
          throw new RadialogException(
              "cues.txt: expected \"isnt = is\", found \"" + line.text() + "\"");
        }
        contracted.put(words[0], words[1]);
        builder.word(words[0]);
        builder.word(words[1]);
      } else {
        builder.add(line.text(), Cue.of(line.section()).output);
      }
    }
    table = builder.build();
    contracted.forEach((word, verb) -> contractions.put(classOf(word), classOf(verb)));
    not = classOf("not");
  }

  private static void findings(PhraseTable.Builder builder, String name, int first) {
    for (PhraseTable.Line line : PhraseTable.read(name)) {
      for (String finding : line.section().split(",", -1)) {
        builder.add(line.text(), first + Finding.of(finding).column());
      }
    }
  }

  private int classOf(String word) {
    return table.classOf(word, 0, word.length());
  }

  PhraseTable table() {
    return table;
  }

  @Override
  public int classOf(CharSequence text, int from, int to) {
    return table.classOf(text, from, to);
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
  public boolean shortened(String text, int from, int to) {
    int next = to + 1;
    while (next < text.length() && text.charAt(next) == ' ') {
      next++;
    }
    if (next + 1 >= text.length() || next == to + 1 || !Character.isLetter(text.charAt(from))) {
      return false;
    }
    boolean small =
        Character.isLowerCase(text.charAt(next))
            || (Character.isUpperCase(text.charAt(next + 1))
                && Character.isUpperCase(text.charAt(to - 1))); // the whole text is in capitals
    String word = to - from <= 8 ? text.substring(from, to).toLowerCase(Locale.ROOT) : "";
    return small
        && (text.regionMatches(true, next, "for ", 0, 4)
            || text.regionMatches(true, next, "of ", 0, 3)
            || shortForms.contains(word));
  }

  @Override
  public boolean goesOn(int wordClass) {
    return table.is(wordClass, Cue.GOES_ON.output);
  }

  @Override
  public int contracted(int wordClass) {
    return contractions.getOrDefault(wordClass, -1);
  }

  @Override
  public int not() {
    return not;
  }
}
