package org.radialog.tasks;

import java.util.Locale;
import java.util.SplittableRandom;

/** How people type: often as it should be, sometimes in a hurry. */
final class Typing {
  private static final String ROWS = "qwertyuiop asdfghjkl zxcvbnm";

  private Typing() {}

  /** The request as somebody might type it. */
  static String of(String request, SplittableRandom random) {
    String typed = request;
    if (random.nextInt(7) == 0) {
      typed = typed.toLowerCase(Locale.ROOT);
    } else if (random.nextInt(60) == 0) {
      typed = typed.toUpperCase(Locale.ROOT);
    }
    if (random.nextInt(7) == 0) {
      typed = typed.replaceFirst("[.?!]$", "");
    } else if (random.nextInt(40) == 0) {
      typed = "Please: " + typed;
    }
    if (random.nextInt(7) == 0) {
      int slips = 1 + random.nextInt(typed.length() > 30 ? 2 : 1);
      for (int i = 0; i < slips; i++) {
        typed = slip(typed, random);
      }
    }
    return typed.isBlank() ? request : typed;
  }

  // One slip within a longer word, where a reader still knows what is meant.
  private static String slip(String text, SplittableRandom random) {
    for (int tries = 0; tries < 20; tries++) {
      int at = 1 + random.nextInt(Math.max(1, text.length() - 2));
      if (at + 1 < text.length() && inWord(text, at)) {
        String before = text.substring(0, at);
        String after = text.substring(at + 1);
        char letter = text.charAt(at);
        return switch (random.nextInt(4)) {
          case 0 -> before + after;
          case 1 -> before + letter + letter + after;
          case 2 -> before + after.charAt(0) + letter + after.substring(1);
          default -> before + neighbour(letter, random) + after;
        };
      }
    }
    return text;
  }

  private static boolean inWord(String text, int at) {
    return at >= 1
        && Character.isLetter(text.charAt(at))
        && Character.isLetter(text.charAt(at - 1))
        && Character.isLetter(text.charAt(at + 1));
  }

  private static char neighbour(char letter, SplittableRandom random) {
    int at = ROWS.indexOf(Character.toLowerCase(letter));
    if (at < 0) {
      return letter;
    }
    int next = Math.clamp(at + (random.nextBoolean() ? 1 : -1), 0, ROWS.length() - 1);
    return ROWS.charAt(next) == ' ' ? letter : ROWS.charAt(next);
  }
}
