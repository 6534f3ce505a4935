package org.radialog.base;

import java.util.Locale;
import java.util.OptionalLong;

/**
 * What one line says about a {@link Progress.Task}: how far it is, its rate, the memory of the
 * process and the time that is left.
 *
 * @param what the task's name
 * @param done steps so far
 * @param steps of the task
 * @param seconds since its start
 * @param memory of the process in bytes, where the system tells it
 * @param note what the last step said
 */
public record ProgressLine(
    String what, long done, long steps, double seconds, OptionalLong memory, String note) {
  private static final int LONGEST_BAR = 20;
  private static final int SHORTEST_BAR = 4; // a shorter one is left out
  private static final int NOTE = 24; // columns kept for it beside a bar

  private static final String BLOCKS = "░▏▎▍▌▋▊▉█"; // by eighths

  /**
   * A line of a terminal, drawn over the previous one. It has exactly {@code width} characters, so
   * that nothing of a longer line remains, and its parts keep their places while the numbers
   * change.
   *
   * @param unicode whether the bar may have characters beyond ASCII
   */
  public String drawn(int width, boolean unicode) {
    int digits = String.valueOf(steps).length();
    String facts =
        String.format(
            Locale.ROOT,
            "%" + (2 * digits + 1) + "s %8s %7s %12s",
            done + "/" + steps,
            rate(),
            used(),
            time());
    int bar = Math.min(LONGEST_BAR, width - what.length() - facts.length() - NOTE - 3);
    String line =
        what + " " + (bar < SHORTEST_BAR ? "" : bar(bar, unicode) + " ") + facts + " " + note;
    return line.length() > width
        ? line.substring(0, width)
        : line + " ".repeat(width - line.length());
  }

  /** A line of a log. */
  public String logged() {
    var line = new StringBuilder(what).append(' ').append(done).append('/').append(steps);
    for (String fact : new String[] {rate(), used(), time(), note}) {
      if (!fact.isEmpty()) {
        line.append(", ").append(fact);
      }
    }
    return line.toString();
  }

  private String bar(int width, boolean unicode) {
    double share = steps > 0 ? Math.clamp((double) done / steps, 0, 1) : 0;
    int eighths = (int) (share * width * 8);
    var bar = new StringBuilder();
    for (int i = 0; i < width; i++) {
      int filled = Math.clamp(eighths - 8L * i, 0, 8);
      bar.append(unicode ? BLOCKS.charAt(filled) : filled == 8 ? '=' : '.');
    }
    return bar.toString();
  }

  // In the unit that keeps the number short, so that slow steps have a readable rate too.
  private String rate() {
    if (done == 0 || seconds <= 0) {
      return "";
    }
    double rate = done / seconds;
    if (rate >= 1) {
      return number(rate) + "/s";
    }
    return rate >= 1 / 60.0 ? number(60 * rate) + "/min" : number(3600 * rate) + "/h";
  }

  private String used() {
    if (memory.isEmpty()) {
      return "";
    }
    double megabytes = memory.getAsLong() / 1e6;
    return megabytes < 999.5
        ? String.format(Locale.ROOT, "%.0f MB", megabytes)
        : number(megabytes / 1e3) + " GB";
  }

  private String time() {
    if (done >= steps) {
      return "in " + clock(seconds);
    }
    return done == 0 ? "" : clock(seconds / done * (steps - done)) + " left";
  }

  private static String number(double value) {
    return String.format(Locale.ROOT, value < 99.95 ? "%.1f" : "%.0f", value);
  }

  private static String clock(double seconds) {
    long whole = Math.round(seconds);
    return String.format(Locale.ROOT, "%d:%02d:%02d", whole / 3600, whole / 60 % 60, whole % 60);
  }
}
