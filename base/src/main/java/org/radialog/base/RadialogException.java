package org.radialog.base;

import java.util.Objects;

/**
 * The only exception type of RaDialog. Its message is a single line that says what failed, where,
 * what was expected, what was found and what to do. It contains no characters that could control a
 * terminal ({@link Printable#line}). Only the command line and the server convert it to a line and
 * an exit code or a status, which follow from its {@link #kind}.
 */
public class RadialogException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /**
   * The kind of failure, for callers that have to react to it. This table defines the exit codes of
   * the command line and the status codes of a server.
   */
  public enum Kind {
    /** A single input cannot be used: a row, an edit, a question. */
    BAD_INPUT(1, 400),
    /** A data set, table or recipe that all of the work depends on cannot be used. */
    REFUSED_DATA(3, 400),
    /** An image for which no text may be written. */
    REFUSED_IMAGE(1, 422),
    /** A checkpoint or model folder that cannot be read or must not be trusted. */
    REFUSED_WEIGHTS(3, 500),
    /** A known feature that is not supported here. */
    UNSUPPORTED(3, 501),
    /** The program cannot continue, whatever the request. */
    FAILED(3, 500),
    /** There are not enough resources now; the request may succeed later. */
    OVERLOADED(3, 429),
    /** The caller cancelled the request. */
    CANCELLED(130, 499);

    private final int exitCode;
    private final int status;

    Kind(int exitCode, int status) {
      this.exitCode = exitCode;
      this.status = status;
    }

    /** The exit code of a command that cannot continue because of this failure. */
    public int exitCode() {
      return exitCode;
    }

    /** The HTTP status of a request that failed because of this failure. */
    public int status() {
      return status;
    }
  }

  private final Kind kind;

  /** A failure of kind {@link Kind#FAILED}, fully described in one line. */
  public RadialogException(String message) {
    this(Kind.FAILED, message);
  }

  /** A failure of kind {@link Kind#FAILED}, fully described in one line, and its cause. */
  public RadialogException(String message, Throwable cause) {
    this(Kind.FAILED, message, cause);
  }

  /** A failure, fully described in one line. */
  public RadialogException(Kind kind, String message) {
    super(Printable.line(message));
    this.kind = kind;
  }

  /** A failure, fully described in one line, and its cause. */
  public RadialogException(Kind kind, String message, Throwable cause) {
    super(Printable.line(message), cause);
    this.kind = kind;
  }

  /** The kind of failure. */
  public Kind kind() {
    return kind;
  }

  /** The message, a single line. */
  @Override
  public String getMessage() {
    return Objects.requireNonNull(super.getMessage());
  }
}
