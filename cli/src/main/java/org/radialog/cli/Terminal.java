package org.radialog.cli;

import java.io.BufferedOutputStream;
import java.io.Console;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.reflect.Constructor;
import java.nio.charset.Charset;
import java.nio.charset.IllegalCharsetNameException;
import java.nio.charset.StandardCharsets;
import java.nio.charset.UnsupportedCharsetException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import me.tongfei.progressbar.DelegatingProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressState;
import org.jspecify.annotations.Nullable;
import org.radialog.base.Printable;
import org.radialog.base.ProcessMemory;
import org.radialog.base.Progress;
import org.radialog.base.ProgressLine;

/**
 * The capabilities of the two output streams. Results go to stdout, progress and messages to
 * stderr.
 */
final class Terminal {
  private static final String NO_COLOR = "NO_COLOR";

  // A task that took no longer leaves no line in a log.
  private static final Duration SHORT = Duration.ofSeconds(2);

  private static final int FILE_TYPE = 0xF000;
  private static final int PIPE = 0x1000;
  private static final int SOCKET = 0xC000;

  private Terminal() {}

  /**
   * Installs our own streams in {@link System}: a failed write of a result is an error ({@link
   * WriteFailed}) instead of an unnoticed flag, and messages go to the stderr of the launcher.
   */
  static void take() {
    System.setOut(stream(new Results(new FileOutputStream(FileDescriptor.out)), "stdout.encoding"));
    launchersStderr().ifPresent(err -> System.setErr(stream(err, "stderr.encoding")));
  }

  private static PrintStream stream(OutputStream raw, String charset) {
    return new PrintStream(new BufferedOutputStream(raw), true, charset(charset));
  }

  private static Charset charset(String property) {
    try {
      return Charset.forName(System.getProperty(property, StandardCharsets.UTF_8.name()));
    } catch (IllegalCharsetNameException | UnsupportedCharsetException e) {
      return StandardCharsets.UTF_8;
    }
  }

  // The JVM prints a line about incubator modules before any of our code runs. The launcher
  // therefore filters the stderr of the JVM and passes the real one as descriptor 3. It must be
  // written through the descriptor: if it were opened by its name (/dev/fd/3), it would be a
  // separate file description with its own position, which the lines of stdout would overwrite in
  // "> log 2>&1"; and a socket has no name. Java has a public API for descriptors 0, 1 and 2 only.
  // If the private API is missing, messages go through the filter too.
  private static Optional<OutputStream> launchersStderr() {
    if (System.getProperty("radialog.started") == null) {
      return Optional.empty();
    }
    try {
      Constructor<FileDescriptor> inherited =
          FileDescriptor.class.getDeclaredConstructor(int.class);
      inherited.setAccessible(true);
      return Optional.of(new FileOutputStream(inherited.newInstance(3)));
    } catch (ReflectiveOperationException | RuntimeException e) {
      return Optional.empty();
    }
  }

  /**
   * A result could not be written to standard output. This is not the fault of an input, so it is
   * not reported as the error of an input.
   */
  static final class WriteFailed extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private boolean told;

    WriteFailed(IOException cause) {
      super(cause);
    }

    /** Whether this is the first call; the failure is reported only once. */
    boolean untold() {
      boolean first = !told;
      told = true;
      return first;
    }

    /**
     * Whether the reader of the output is gone, as after {@code | head}: a reason to stop, not an
     * error.
     */
    boolean readerIsGone() {
      // The message of the system depends on its language; other failures do not occur on a pipe.
      try {
        int mode = (Integer) Files.getAttribute(Path.of("/dev/fd/1"), "unix:mode");
        return (mode & FILE_TYPE) == PIPE || (mode & FILE_TYPE) == SOCKET;
      } catch (IOException | UnsupportedOperationException e) {
        return false;
      }
    }
  }

  /** The bytes of results; a failed write is not swallowed. */
  static final class Results extends OutputStream {
    private final OutputStream to;
    private @Nullable WriteFailed failed;

    Results(OutputStream to) {
      this.to = to;
    }

    @Override
    public void write(int b) {
      write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) {
      if (failed != null) {
        throw failed; // even if the failure was caught, the results are incomplete
      }
      try {
        to.write(bytes, offset, length);
        to.flush();
      } catch (IOException e) {
        failed = new WriteFailed(e);
        throw failed;
      }
    }
  }

  /** Stdout for JSON and CSV, which are UTF-8 in every locale. */
  static PrintStream data() {
    PrintStream out = System.out;
    return out.charset().equals(StandardCharsets.UTF_8)
        ? out
        : new PrintStream(out, true, StandardCharsets.UTF_8);
  }

  /** Whether the session is interactive. */
  static boolean interactive() {
    return Optional.ofNullable(System.console()).filter(Console::isTerminal).isPresent();
  }

  /** Whether stdout is a terminal that accepts colours. */
  static boolean colours() {
    return interactive() && System.getenv(NO_COLOR) == null;
  }

  /**
   * Whether stdout accepts characters beyond ASCII; {@code NO_COLOR} and a locale without a
   * charset, such as C, request plain ones as well.
   */
  static boolean unicode() {
    return charset("stdout.encoding").name().startsWith("UTF")
        && !Boolean.getBoolean("radialog.plain")
        && System.getenv(NO_COLOR) == null;
  }

  /** The width and height of a film. */
  static String size(int width, int height) {
    return width + (unicode() ? "×" : "x") + height;
  }

  /** Whether stderr is a terminal. */
  static boolean stderrIsTerminal() {
    return Boolean.getBoolean("radialog.stderr.terminal");
  }

  /**
   * Progress on stderr: bars on a terminal, otherwise one line at the start and one at the end of a
   * task.
   */
  static Progress progress() {
    return stderrIsTerminal()
        ? new Bars(System.err, unicode())
        : new Lines(System.err, Duration.ofSeconds(30));
  }

  /** Prints one line on stderr. */
  static void say(String line) {
    System.err.println("radialog: " + Printable.line(line));
  }

  /** A line that is drawn again and again. */
  record Bars(PrintStream err, boolean unicode) implements Progress {
    @Override
    public Task start(String what, long steps) {
      ProgressBar bar =
          new ProgressBarBuilder()
              .setTaskName(what)
              .setInitialMax(steps)
              .setRenderer((state, width) -> line(state).drawn(width - 1, unicode))
              .setConsumer(new DelegatingProgressBarConsumer(text -> err.print("\r" + text)))
              .setUpdateIntervalMillis(500)
              .build();
      return new Task() {
        @Override
        public void step(String note) {
          bar.step();
          bar.setExtraMessage(Printable.of(note));
        }

        @Override
        public void close() {
          bar.close();
          err.println(); // the library itself ends the line never, once or twice
        }
      };
    }

    private static ProgressLine line(ProgressState state) {
      return new ProgressLine(
          state.getTaskName(),
          state.getCurrent(),
          state.getMax(),
          state.getTotalElapsed().toNanos() / 1e9,
          ProcessMemory.resident(),
          state.getExtraMessage());
    }
  }

  /** A line now and then, as a log wants it. */
  record Lines(PrintStream err, Duration every) implements Progress {
    @Override
    public Task start(String what, long steps) {
      long begun = System.nanoTime();
      return new Task() {
        private long done;
        private String last = "";
        private long told = begun;

        @Override
        public void step(String note) {
          done++;
          last = Printable.of(note);
          if (System.nanoTime() - told > every.toNanos()) {
            told = System.nanoTime();
            err.println(line().logged());
          }
        }

        @Override
        public void close() {
          if (System.nanoTime() - begun > SHORT.toNanos()) {
            err.println(line().logged());
          }
        }

        private ProgressLine line() {
          double seconds = (System.nanoTime() - begun) / 1e9;
          return new ProgressLine(what, done, steps, seconds, ProcessMemory.resident(), last);
        }
      };
    }
  }
}
