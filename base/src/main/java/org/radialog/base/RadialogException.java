package org.radialog.base;

import java.util.Objects;

/**
 * The one exception of RaDialog. Its message is a single line that says what failed, where, what
 * was expected, what was found and what to do, with nothing from outside in it that would steer a
 * terminal ({@link Printable#line}). Only the command line and the server turn it into a line and
 * an exit code or a status.
 */
public class RadialogException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** An error with its whole story in one line. */
  public RadialogException(String message) {
    super(Printable.line(message));
  }

  /** An error with its whole story in one line, and what led to it. */
  public RadialogException(String message, Throwable cause) {
    super(Printable.line(message), cause);
  }

  /** The one line. */
  @Override
  public String getMessage() {
    return Objects.requireNonNull(super.getMessage());
  }
}
