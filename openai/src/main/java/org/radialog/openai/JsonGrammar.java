package org.radialog.openai;

import java.util.ArrayList;
import java.util.List;
import org.radialog.openai.Grammar.Choice;
import org.radialog.openai.Grammar.Literal;
import org.radialog.openai.Grammar.OneOf;
import org.radialog.openai.Grammar.Repeat;
import tools.jackson.databind.JsonNode;

/**
 * JSON texts (RFC 8259) on one line: at most one space behind a comma and a colon, numbers of at
 * most 15 digits, which a double tells apart, and values within each other up to {@value #DEPTH}
 * levels.
 */
final class JsonGrammar {
  private static final int DEPTH = 8;
  private static final int DIGITS = 15;

  private static final Grammar SPACE = Grammar.optional(new Literal(" "));
  private static final Grammar COMMA = Grammar.sequence(new Literal(","), SPACE);
  static final Grammar COLON = Grammar.sequence(new Literal(":"), SPACE);

  private static final Grammar DIGIT = new OneOf(c -> c >= '0' && c <= '9', '0');
  private static final Grammar FROM_ONE = new OneOf(c -> c >= '1' && c <= '9', '1');
  private static final Grammar MINUS = Grammar.optional(new Literal("-"));
  private static final Grammar WHOLE =
      new Choice(
          List.of(new Literal("0"), Grammar.sequence(FROM_ONE, new Repeat(DIGIT, 0, DIGITS - 1))));
  private static final Grammar FRACTION =
      Grammar.optional(Grammar.sequence(new Literal("."), new Repeat(DIGIT, 1, DIGITS)));

  static final Grammar INTEGER = Grammar.sequence(MINUS, WHOLE);
  static final Grammar NUMBER = Grammar.sequence(MINUS, WHOLE, FRACTION);
  static final Grammar BOOLEAN = new Choice(List.of(new Literal("true"), new Literal("false")));
  static final Grammar NULL = new Literal("null");

  /** A character of a string or its escape; surrogates come in pairs. */
  private static final Grammar CHARACTER =
      new Choice(
          List.of(
              new OneOf(
                  c -> c >= ' ' && c != '"' && c != '\\' && !Character.isSurrogate((char) c), 'a'),
              Grammar.sequence(
                  new OneOf(c -> Character.isHighSurrogate((char) c), '\uD83D'),
                  new OneOf(c -> Character.isLowSurrogate((char) c), '\uDE00')),
              Grammar.sequence(
                  new Literal("\\"), new OneOf(c -> "\"\\/bfnrt".indexOf(c) >= 0, 'n'))));

  private static final List<Grammar> VALUES = values();

  private JsonGrammar() {}

  // By the number of levels that a value may have.
  private static List<Grammar> values() {
    List<Grammar> values = new ArrayList<>();
    Grammar scalar = new Choice(List.of(string(0, Grammar.UNLIMITED), NUMBER, BOOLEAN, NULL));
    values.add(scalar);
    for (int depth = 1; depth <= DEPTH; depth++) {
      values.add(
          new Choice(List.of(scalar, object(values.getLast()), array(values.getLast(), 0, -1))));
    }
    return values;
  }

  /** Any value. */
  static Grammar value() {
    return VALUES.getLast();
  }

  /** Any object. */
  static Grammar object() {
    return object(VALUES.get(DEPTH - 1));
  }

  private static Grammar object(Grammar value) {
    Grammar member = Grammar.sequence(string(0, Grammar.UNLIMITED), COLON, value);
    return Grammar.sequence(
        new Literal("{"), Grammar.optional(list(member, 1, -1)), new Literal("}"));
  }

  /**
   * An array.
   *
   * @param most -1 for no limit
   */
  static Grammar array(Grammar item, int least, int most) {
    Grammar items =
        most == 0
            ? Grammar.nothing()
            : least == 0 ? Grammar.optional(list(item, 1, most)) : list(item, least, most);
    return Grammar.sequence(new Literal("["), items, new Literal("]"));
  }

  // At least one.
  private static Grammar list(Grammar item, int least, int most) {
    return Grammar.sequence(
        item,
        new Repeat(
            Grammar.sequence(COMMA, item), least - 1, most < 0 ? Grammar.UNLIMITED : most - 1));
  }

  /** A string with a number of characters. */
  static Grammar string(int least, int most) {
    return Grammar.sequence(
        new Literal("\""), new Repeat(CHARACTER, least, most), new Literal("\""));
  }

  /**
   * The text of one value. A character beyond ASCII may also be written as its escape, since it may
   * need several tokens.
   */
  static Grammar exactly(JsonNode value) {
    String text = value.toString();
    List<Grammar> parts = new ArrayList<>();
    StringBuilder plain = new StringBuilder();
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c < 0x80) {
        plain.append(c);
        continue;
      }
      if (!plain.isEmpty()) {
        parts.add(new Literal(plain.toString()));
        plain.setLength(0);
      }
      // A shortest text has the escape, which every vocabulary can write.
      Grammar escape = new Literal("\\u%04x".formatted((int) c));
      parts.add(
          Character.isSurrogate(c)
              ? escape
              : new Choice(List.of(escape, new Literal(String.valueOf(c))), escape.length()));
    }
    if (!plain.isEmpty()) {
      parts.add(new Literal(plain.toString()));
    }
    return new Grammar.Sequence(parts);
  }

  /**
   * An integer within bounds, both included.
   *
   * @param least at most {@code most}
   */
  static Grammar integer(long least, long most) {
    List<Grammar> options = new ArrayList<>();
    if (most >= 0) {
      options.add(natural(Math.max(0, least), most));
    }
    if (least < 0) {
      options.add(Grammar.sequence(new Literal("-"), natural(Math.max(1, -most), -least)));
    }
    return Grammar.choice(options);
  }

  /** A number between two integers, both included; it has no exponent. */
  static Grammar number(long least, long most) {
    List<Grammar> options = new ArrayList<>();
    if (most >= 0) {
      positive(Math.max(0, least), most, Grammar.nothing(), options);
    }
    if (least < 0) {
      positive(Math.max(0, -most), -least, new Literal("-"), options);
    }
    return Grammar.choice(options);
  }

  private static void positive(long least, long most, Grammar sign, List<Grammar> options) {
    Grammar zeros =
        Grammar.optional(
            Grammar.sequence(new Literal("."), new Repeat(new Literal("0"), 1, DIGITS)));
    if (most > least) {
      options.add(Grammar.sequence(sign, natural(least, most - 1), FRACTION));
    }
    options.add(Grammar.sequence(sign, natural(most, most), zeros));
  }

  // The decimal digits of the integers from least to most, neither negative.
  private static Grammar natural(long least, long most) {
    String high = Long.toString(most);
    List<Grammar> options = new ArrayList<>();
    for (int digits = Long.toString(least).length(); digits <= high.length(); digits++) {
      long smallest = digits == 1 ? 0 : power(digits - 1);
      long largest = digits > 18 ? Long.MAX_VALUE : power(digits) - 1;
      options.add(
          between(
              Long.toString(Math.max(least, smallest)), Long.toString(Math.min(most, largest))));
    }
    return Grammar.choice(options);
  }

  private static long power(int digits) {
    long power = 1;
    for (int i = 0; i < digits; i++) {
      power *= 10;
    }
    return power;
  }

  // Digits from low to high, which are as many.
  private static Grammar between(String low, String high) {
    char first = low.charAt(0);
    char last = high.charAt(0);
    if (low.length() == 1) {
      return digit(first, last);
    }
    String lowRest = low.substring(1);
    String highRest = high.substring(1);
    if (first == last) {
      return Grammar.sequence(digit(first, first), between(lowRest, highRest));
    }
    List<Grammar> options = new ArrayList<>();
    options.add(
        Grammar.sequence(digit(first, first), between(lowRest, "9".repeat(lowRest.length()))));
    if (last - first > 1) {
      options.add(
          Grammar.sequence(
              digit((char) (first + 1), (char) (last - 1)),
              new Repeat(DIGIT, lowRest.length(), lowRest.length())));
    }
    options.add(
        Grammar.sequence(digit(last, last), between("0".repeat(lowRest.length()), highRest)));
    return new Choice(options);
  }

  private static Grammar digit(char from, char to) {
    return new OneOf(c -> c >= from && c <= to, from);
  }

  /**
   * An object with these members in this order.
   *
   * @param members name, colon and value
   * @param required whether each must be there, one per member
   */
  static Grammar object(List<Grammar> members, List<Boolean> required) {
    // What may follow behind the i-th member, with and without one before.
    Grammar begun = Grammar.nothing();
    Grammar unbegun = Grammar.nothing();
    for (int i = members.size() - 1; i >= 0; i--) {
      Grammar first = Grammar.sequence(members.get(i), begun);
      Grammar next = Grammar.sequence(COMMA, members.get(i), begun);
      Grammar nextUnbegun = required.get(i) ? first : new Choice(List.of(first, unbegun));
      begun = required.get(i) ? next : new Choice(List.of(next, begun));
      unbegun = nextUnbegun;
    }
    return Grammar.sequence(new Literal("{"), unbegun, new Literal("}"));
  }
}
