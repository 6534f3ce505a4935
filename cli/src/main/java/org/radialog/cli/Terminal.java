package org.radialog.cli;

import java.io.Console;
import java.io.PrintStream;
import java.nio.charset.Charset;
import java.util.Locale;
import java.util.Optional;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.radialog.base.Progress;

/** What the two output streams can show. Results go to stdout, progress and messages to stderr. */
final class Terminal {
  private static final String NO_COLOR = "NO_COLOR";

  private Terminal() {}

  /** Whether a person types and reads here. */
  static boolean interactive() {
    return Optional.ofNullable(System.console()).filter(Console::isTerminal).isPresent();
  }

  /** Whether stdout is a terminal that may be sent colours. */
  static boolean colours() {
    return interactive() && System.getenv(NO_COLOR) == null;
  }

  /** Whether stdout takes characters beyond ASCII; {@code NO_COLOR} asks for plain ones too. */
  static boolean unicode() {
    String encoding = System.getProperty("stdout.encoding", Charset.defaultCharset().name());
    return encoding.toUpperCase(Locale.ROOT).startsWith("UTF") && System.getenv(NO_COLOR) == null;
  }

  /** Whether someone watches stderr. */
  static boolean stderrIsTerminal() {
    return Boolean.getBoolean("radialog.stderr.terminal");
  }

  /** Progress on stderr: bars on a terminal, else one line at the start and the end of a task. */
  static Progress progress() {
    return stderrIsTerminal() ? new Bars(System.err) : new Lines(System.err);
  }

  /** Says one line on stderr. */
  static void say(String line) {
    System.err.println("radialog: " + line);
  }

  private record Bars(PrintStream err) implements Progress {
    @Override
    public Task start(String what, long steps) {
      ProgressBar bar =
          new ProgressBarBuilder()
              .setTaskName(what)
              .setInitialMax(steps)
              .setStyle(unicode() ? ProgressBarStyle.UNICODE_BLOCK : ProgressBarStyle.ASCII)
              .setConsumer(new ConsoleProgressBarConsumer(err))
              .setUpdateIntervalMillis(500)
              .build();
      return new Task() {
        @Override
        public void step(String note) {
          bar.step();
          bar.setExtraMessage(note);
        }

        @Override
        public void close() {
          bar.close();
        }
      };
    }
  }

  private record Lines(PrintStream err) implements Progress {
    @Override
    public Task start(String what, long steps) {
      long begun = System.nanoTime();
      return new Task() {
        private long done;
        private String last = "";
        private long told = System.nanoTime();

        @Override
        public void step(String note) {
          done++;
          last = note;
          // A log wants a line now and then, not a bar.
          if (System.nanoTime() - told > 30_000_000_000L) {
            told = System.nanoTime();
            err.printf(Locale.ROOT, "%s %d/%d %s%n", what, done, steps, note);
          }
        }

        @Override
        public void close() {
          double seconds = (System.nanoTime() - begun) / 1e9;
          if (seconds > 2) {
            err.printf(
                Locale.ROOT, "%s %d/%d done in %.0f s %s%n", what, done, steps, seconds, last);
          }
        }
      };
    }
  }
}
