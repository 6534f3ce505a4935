package org.radialog.dialog;

import java.util.List;

/** Holds text back while it may be the beginning of a stop text, which may span several tokens. */
final class StopText {
  private final List<String> stops;
  private final StringBuilder held = new StringBuilder();
  private boolean found;

  StopText(List<String> stops) {
    this.stops = stops;
  }

  /** The text that may be shown after {@code piece}; empty once a stop text was {@link #found}. */
  String add(String piece) {
    if (found) {
      return "";
    }
    held.append(piece);
    int end = held.length();
    for (String stop : stops) {
      int at = held.indexOf(stop);
      if (at >= 0 && at < end) {
        end = at;
        found = true;
      }
    }
    if (found) {
      return take(end);
    }
    int safe = held.length();
    for (String stop : stops) {
      for (int n = Math.min(stop.length() - 1, held.length()); n > 0; n--) {
        if (stop.startsWith(held.substring(held.length() - n))) {
          safe = Math.min(safe, held.length() - n);
          break;
        }
      }
    }
    return take(safe);
  }

  /** The remaining text at the end of the answer. */
  String finish() {
    return found ? "" : take(held.length());
  }

  boolean found() {
    return found;
  }

  private String take(int length) {
    String text = held.substring(0, length);
    held.delete(0, length);
    return text;
  }
}
