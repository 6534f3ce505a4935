package org.radialog.metrics;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Tokenises like METEOR 1.5 with {@code -l en -norm}: quotes and dashes are normalised, a hyphen
 * between letters becomes a space, punctuation is separated, dots of acronyms are removed, a full
 * stop is separated unless it belongs to an abbreviation, lower case.
 */
final class MeteorWords {
  private static final Set<String> ABBREVIATIONS =
      Set.of(
          ("A B C D E F G H I J K L M N O P Q R S T U V W X Y Z"
                  + " Adj Adm Adv Asst Bart Bldg Brig Bros Capt Cmdr Col Comdr Con Corp Cpl DR Dr"
                  + " Drs Ens Gen Gov Hon Hr Hosp Insp Lt MM MR MRS MS Maj Messrs Mlle Mme Mr Mrs"
                  + " Ms Msgr Op Ord Pfc Ph Prof Pvt Rep Reps Res Rev Rt Sen Sens Sfc Sgt Sr St"
                  + " Supt Surg v vs rev Nos Nr")
              .split(" ", -1));
  private static final Set<String> ABBREVIATIONS_OF_NUMBERS = Set.of("No", "Art", "pp");

  private record Rule(Pattern pattern, String replacement) {
    static Rule of(String pattern, String replacement) {
      return new Rule(Pattern.compile(pattern, Pattern.UNICODE_CHARACTER_CLASS), replacement);
    }
  }

  private static final List<Rule> RULES =
      List.of(
          Rule.of("``|''|[“”„]", "\""),
          Rule.of("[‘’`´]", "'"),
          Rule.of("–", " - "),
          Rule.of("--", "-"),
          Rule.of("([\\p{L}\\p{N}])-([\\p{L}\\p{N}])", "$1 $2"),
          Rule.of("[^\\p{L}\\p{Nd}\\p{Nl}\\s.',-]", " $0 "),
          Rule.of("\\.{2,}", " $0 "),
          Rule.of("([^\\p{N}]),([^\\p{N}])", "$1 , $2"),
          Rule.of("(\\p{N}),([^\\p{N}])", "$1 , $2"),
          Rule.of("([^\\p{N}]),(\\p{N})", "$1 , $2"),
          Rule.of("([^\\p{L}])'([^\\p{L}])", "$1 ' $2"),
          Rule.of("([^\\p{L}\\p{N}])'(\\p{L})", "$1 ' $2"),
          Rule.of("(\\p{L})'([^\\p{L}])", "$1 ' $2"),
          Rule.of("(\\p{L})'(\\p{L})", "$1 '$2"),
          Rule.of("(\\p{N})'(s)", "$1 '$2"));

  private MeteorWords() {}

  static List<String> of(String text) {
    String spaced = " " + text + " ";
    for (Rule rule : RULES) {
      spaced = rule.pattern.matcher(spaced).replaceAll(rule.replacement);
    }
    List<String> words = WordTokenizer.split(spaced);
    List<String> result = new ArrayList<>(words.size());
    for (int i = 0; i < words.size(); i++) {
      String word = words.get(i);
      int stop = word.length() - 1;
      if (stop < 1 || word.charAt(stop) != '.' || word.charAt(stop - 1) == '.') {
        result.add(word.toLowerCase(Locale.ROOT));
        continue;
      }
      String before = word.substring(0, stop);
      if (before.indexOf('.') >= 0 && before.codePoints().anyMatch(Character::isLetter)) {
        result.add(before.replace(".", "").toLowerCase(Locale.ROOT)); // "e.g." becomes "eg"
      } else if (belongs(before, i + 1 < words.size() ? words.get(i + 1) : "")) {
        result.add(word.toLowerCase(Locale.ROOT));
      } else {
        result.add(before.toLowerCase(Locale.ROOT));
        result.add(".");
      }
    }
    return result;
  }

  // Whether the full stop after a word is part of it and not the end of a sentence.
  private static boolean belongs(String word, String next) {
    int first = next.isEmpty() ? ' ' : next.codePointAt(0);
    return ABBREVIATIONS.contains(word)
        || (first >= 'a' && first <= 'z')
        || (ABBREVIATIONS_OF_NUMBERS.contains(word) && Character.isDigit(first));
  }
}
