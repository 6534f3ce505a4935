package org.radialog.openai;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.IntPredicate;
import org.radialog.dialog.TextConstraint;

/**
 * A set of texts, as a tree that generates them. {@link #constraint} reads a text character by
 * character and keeps all ways in which it may have been generated.
 */
sealed interface Grammar {
  /** A fixed text. */
  record Literal(String text) implements Grammar {
    /** Checks the text. */
    public Literal {
      if (text.isEmpty()) {
        throw new IllegalArgumentException("a literal is empty, expected at least one character");
      }
    }

    @Override
    public long length() {
      return text.length();
    }
  }

  /**
   * One character.
   *
   * @param in whether it is in the set
   * @param example a character of the set, which shortest texts use
   */
  record OneOf(IntPredicate in, char example) implements Grammar {
    @Override
    public long length() {
      return 1;
    }
  }

  /**
   * One text after the other.
   *
   * @param length of the shortest text
   */
  record Sequence(List<Grammar> parts, long length) implements Grammar {
    /** Copies the parts. */
    public Sequence {
      parts = List.copyOf(parts);
    }

    Sequence(List<Grammar> parts) {
      this(parts, parts.stream().mapToLong(Grammar::length).reduce(0, Grammar::sum));
    }
  }

  /**
   * One of several, at least one.
   *
   * @param length of the shortest text
   */
  record Choice(List<Grammar> options, long length) implements Grammar {
    /** Copies the options. */
    public Choice {
      options = List.copyOf(options);
    }

    Choice(List<Grammar> options) {
      this(options, options.stream().mapToLong(Grammar::length).min().orElseThrow());
    }
  }

  /**
   * Repetitions.
   *
   * @param body what is repeated, never empty
   * @param least number of times
   * @param most number of times
   * @param length of the shortest text
   */
  record Repeat(Grammar body, int least, int most, long length) implements Grammar {
    Repeat(Grammar body, int least, int most) {
      this(body, least, most, Math.min(LONG, body.length() * least));
    }
  }

  /** Nothing. */
  static Grammar nothing() {
    return new Sequence(List.of());
  }

  /** No limit for {@link Repeat}. */
  int UNLIMITED = Integer.MAX_VALUE;

  /** Texts of this length or longer are not told apart by it. */
  long LONG = 1_000_000_000;

  /** One after the other. */
  static Grammar sequence(Grammar... parts) {
    return new Sequence(List.of(parts));
  }

  /** One of several. */
  static Grammar choice(List<Grammar> options) {
    return options.size() == 1 ? options.getFirst() : new Choice(options);
  }

  /** It or nothing. */
  static Grammar optional(Grammar body) {
    return new Repeat(body, 0, 1);
  }

  /** Number of characters of the shortest text, at most {@link #LONG}. */
  long length();

  private static long sum(long a, long b) {
    return Math.min(LONG, a + b);
  }

  /** The shortest text, the first of those of the same length; for one below {@link #LONG}. */
  default String shortest() {
    return switch (this) {
      case Literal(String text) -> text;
      case OneOf(IntPredicate _, char example) -> String.valueOf(example);
      case Sequence(List<Grammar> parts, long _) -> {
        StringBuilder text = new StringBuilder();
        parts.forEach(part -> text.append(part.shortest()));
        yield text.toString();
      }
      case Choice(List<Grammar> options, long length) ->
          options.stream()
              .filter(option -> option.length() == length)
              .findFirst()
              .orElseThrow()
              .shortest();
      case Repeat(Grammar body, int least, int _, long _) ->
          least == 0 ? "" : body.shortest().repeat(least);
    };
  }

  /** Texts of this grammar. */
  static TextConstraint constraint(Grammar grammar) {
    Read start = new Read(List.of(new Rest(grammar, Optional.empty())));
    return () -> start;
  }

  /**
   * What has to follow: a grammar, then the rest.
   *
   * @param then empty at the end
   * @param length of the shortest text
   */
  record Rest(Grammar first, Optional<Rest> then, long length) {
    Rest(Grammar first, Optional<Rest> then) {
      this(first, then, sum(first.length(), then.map(Rest::length).orElse(0L)));
    }

    String shortest() {
      StringBuilder text = new StringBuilder(first.shortest());
      for (Optional<Rest> rest = then; rest.isPresent(); rest = rest.get().then) {
        text.append(rest.get().first.shortest());
      }
      return text.toString();
    }
  }

  /**
   * A place in a text.
   *
   * @param ways what may follow, by the ways in which the text may have been generated; the rest
   *     {@code END} stands for an end
   */
  record Read(List<Rest> ways) implements TextConstraint.Place {
    /** More ways than this are not followed: the first ones are those that were listed first. */
    private static final int MOST_WAYS = 256;

    private static final Rest END = new Rest(nothing(), Optional.empty());

    @Override
    public Optional<TextConstraint.Place> after(String text) {
      List<Rest> now = ways;
      for (int i = 0; i < text.length(); i++) {
        List<Rest> next = new ArrayList<>();
        for (Rest way : now) {
          read(way, text.charAt(i), next);
        }
        if (next.isEmpty()) {
          return Optional.empty();
        }
        now = next.size() > MOST_WAYS ? next.subList(0, MOST_WAYS) : next;
      }
      return Optional.of(new Read(List.copyOf(now)));
    }

    // Adds what may follow behind a character.
    private static void read(Rest way, char c, List<Rest> next) {
      Optional<Rest> then = way.then;
      switch (way.first) {
        case Literal(String text) -> {
          if (text.charAt(0) == c) {
            next.add(
                text.length() > 1
                    ? new Rest(new Literal(text.substring(1)), then)
                    : then.orElse(END));
          }
        }
        case OneOf(IntPredicate in, char _) -> {
          if (in.test(c)) {
            next.add(then.orElse(END));
          }
        }
        case Choice(List<Grammar> options, long _) ->
            options.forEach(option -> read(new Rest(option, then), c, next));
        case Sequence(List<Grammar> parts, long _) -> {
          Optional<Rest> rest = pushed(parts, then);
          rest.ifPresent(some -> read(some, c, next));
        }
        case Repeat(Grammar body, int least, int most, long _) -> {
          if (most > 0) {
            Repeat again =
                new Repeat(body, Math.max(0, least - 1), most == UNLIMITED ? UNLIMITED : most - 1);
            Optional<Rest> behind = again.most > 0 ? Optional.of(new Rest(again, then)) : then;
            read(new Rest(body, behind), c, next);
          }
          if (least == 0) {
            then.ifPresent(some -> read(some, c, next));
          }
        }
      }
    }

    private static Optional<Rest> pushed(List<Grammar> parts, Optional<Rest> then) {
      Optional<Rest> rest = then;
      for (Grammar part : parts.reversed()) {
        rest = Optional.of(new Rest(part, rest));
      }
      return rest;
    }

    @Override
    public boolean whole() {
      return ways.stream().anyMatch(way -> way.length == 0);
    }

    @Override
    public String ending() {
      return ways.stream().min(Comparator.comparingLong(Rest::length)).orElseThrow().shortest();
    }
  }
}
