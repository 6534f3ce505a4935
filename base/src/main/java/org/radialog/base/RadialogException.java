package org.radialog.base;

import java.util.Objects;

/**
 * The one exception of RaDialog. Its message is a single line that says what failed, where, what
 * was expected, what was found and what to do, with nothing from outside in it that would steer a
 * terminal ({@link Printable#line}). Only the command line and the server turn it into a line and
 * an exit code or a status, which follow from its {@link #kind}.
 */
public class RadialogException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /**
   * What kind of failure it is, for whoever has to act on it. The command line's exit codes and a
   * server's statuses stand here, in one table.
   */
  public enum Kind {
    /** An input that cannot be used as it is: a row, an edit, a question. */
    BAD_INPUT(1, 400),
    /**
     * A data set, table or recipe that all of the work rests on and that cannot be used as it is.
     */
    REFUSED_DATA(3, 400),
    /** A picture that no text may be written on. */
    REFUSED_IMAGE(1, 422),
    /** A checkpoint or model folder that cannot be read or must not be trusted. */
    REFUSED_WEIGHTS(3, 500),
    /** Something that is known and not done here. */
    UNSUPPORTED(3, 501),
    /** It cannot go on, whatever is asked. */
    FAILED(3, 500),
    /** There is no room for it now; later there may be. */
    OVERLOADED(3, 429),
    /** Whoever asked for it no longer wants it. */
    CANCELLED(130, 499);

    private final int exitCode;
    private final int status;

    Kind(int exitCode, int status) {
      this.exitCode = exitCode;
      this.status = status;
    }

    /** How a command ends that cannot go on because of it. */
    public int exitCode() {
      return exitCode;
    }

    /** The status of HTTP that answers a request which failed because of it. */
    public int status() {
      return status;
    }
  }

  private final Kind kind;

  /** A failure of kind {@link Kind#FAILED} with its whole story in one line. */
  public RadialogException(String message) {
    this(Kind.FAILED, message);
  }

  /** A failure of kind {@link Kind#FAILED} with its whole story in one line, and what led to it. */
  public RadialogException(String message, Throwable cause) {
    this(Kind.FAILED, message, cause);
  }

  /** A failure with its whole story in one line. */
  public RadialogException(Kind kind, String message) {
    super(Printable.line(message));
    this.kind = kind;
  }

  /** A failure with its whole story in one line, and what led to it. */
  public RadialogException(Kind kind, String message, Throwable cause) {
    super(Printable.line(message), cause);
    this.kind = kind;
  }

  /** What kind of failure it is. */
  public Kind kind() {
    return kind;
  }

  /** The one line. */
  @Override
  public String getMessage() {
    return Objects.requireNonNull(super.getMessage());
  }
}
