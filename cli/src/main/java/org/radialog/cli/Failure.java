package org.radialog.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Arrays;
import org.radialog.base.Printable;
import org.radialog.base.RadialogException;
import org.radialog.base.WholeFile;
import org.radialog.codecs.ImageRefused;

/**
 * How a command that cannot continue ends: with one line on stderr and an exit code, whatever was
 * thrown.
 */
final class Failure {
  /** Prints the stack trace as well, and writes a file that can be attached to a bug report. */
  static final String DEBUG = "--debug";

  private Failure() {}

  /** Prints the failure in one line; returns the exit code. */
  static int tell(Throwable failure, boolean debug) {
    if (failure instanceof Terminal.WriteFailed failed) {
      if (failed.readerIsGone()) {
        return Main.READER_GONE;
      }
      if (!failed.untold()) {
        return Main.CANNOT_RUN;
      }
    }
    Terminal.say(line(failure) + (debug ? file(failure) : ""));
    if (debug) {
      System.err.print(trace(failure));
    }
    return exitCode(failure);
  }

  /**
   * The exit code of a command that was stopped by {@code failure}: it follows from the kind of the
   * first cause that has one. A command with several images names a refused image and continues, so
   * a failure that stops it means that it cannot run.
   */
  static int exitCode(Throwable failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof RadialogException told) {
        return told.kind() == RadialogException.Kind.REFUSED_IMAGE
            ? Main.CANNOT_RUN
            : told.kind().exitCode();
      }
    }
    return Main.CANNOT_RUN;
  }

  /** The message of a failure, with what the user of the command line can do about it. */
  static String message(RadialogException failure) {
    return failure instanceof ImageRefused refused && refused.reason().forcible()
        ? refused.getMessage() + "; --force reads it anyway"
        : failure.getMessage();
  }

  private static String line(Throwable failure) {
    // The first cause with a message that a user can act on, because an error is often wrapped.
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      switch (cause) {
        case RadialogException told -> {
          return told.getMessage();
        }
        case Terminal.WriteFailed failed -> {
          return "stdout: cannot write the results: " + words(root(failed));
        }
        case OutOfMemoryError memory -> {
          return ("out of memory (%s): the Java heap is limited to %d MB; process fewer inputs"
                      + " at once, or raise the limit with")
                  .formatted(words(memory), Runtime.getRuntime().maxMemory() >> 20)
              + " RADIALOG_JAVA_OPTS=-Xmx8g";
        }
        case StackOverflowError _ -> {
          return "the input is nested more deeply than the stack allows; if it is not nested, "
              + PLEASE_REPORT.formatted(name(cause) + " " + place(cause));
        }
        case IOException failed -> {
          return "cannot read or write: " + words(failed);
        }
        case LinkageError broken -> {
          return ("cannot load a part of the program (%s); is it complete, and may this process"
                      + " open")
                  .formatted(words(root(broken)))
              + " enough files (ulimit -n)? To rebuild it, delete .radialog/app";
        }
        default -> {
          // a wrapper says no more than its cause
        }
      }
    }
    return "unexpected: " + PLEASE_REPORT.formatted(words(failure) + " " + place(failure));
  }

  private static final String PLEASE_REPORT =
      "%s; please report it with this line (" + DEBUG + " tells more)";

  private static Throwable root(Throwable failure) {
    Throwable root = failure;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    return root;
  }

  // For example "NoSuchFileException: /films/a.png".
  private static String words(Throwable failure) {
    String message = failure.getMessage();
    return name(failure) + (message == null ? "" : ": " + Printable.of(message));
  }

  private static String name(Throwable failure) {
    return failure.getClass().getSimpleName();
  }

  // The place where a developer looks first.
  private static String place(Throwable failure) {
    StackTraceElement[] trace = failure.getStackTrace();
    return Arrays.stream(trace)
        .filter(frame -> frame.getClassName().startsWith("org.radialog."))
        .findFirst()
        .or(() -> Arrays.stream(trace).findFirst())
        .map(frame ->
            "in %s.%s, line %d"
                .formatted(
                    frame.getClassName().replaceFirst(".*\\.", ""),
                    frame.getMethodName(),
                    frame.getLineNumber()))
        .orElse("");
  }

  private static String trace(Throwable failure) {
    StringWriter text = new StringWriter();
    failure.printStackTrace(new PrintWriter(text, true));
    // Its messages also quote values of files; its own line ends and indents are kept.
    StringBuilder lines = new StringBuilder();
    text.toString()
        .lines()
        .forEach(line -> lines.append(Printable.line(line.replace("\t", "    "))).append('\n'));
    return lines.toString();
  }

  // It contains no arguments, because the name of a film may be that of a patient.
  private static String file(Throwable failure) {
    Path folder =
        Path.of(System.getProperty("radialog.cache", System.getProperty("java.io.tmpdir", "/tmp")));
    Path file = folder.resolve("radialog-error.txt");
    try {
      WholeFile.write(
          file,
          "%s%n%s%n%s %s, %s%n%s"
              .formatted(
                  Instant.now(),
                  Build.line(),
                  System.getProperty("os.name"),
                  System.getProperty("os.version"),
                  System.getProperty("os.arch"),
                  trace(failure)));
    } catch (RadialogException e) {
      return " (" + e.getMessage() + ")";
    }
    return "; attach " + file + ", after checking that it contains nothing private";
  }
}
