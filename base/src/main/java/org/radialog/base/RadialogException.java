package org.radialog.base;

import java.util.Objects;

/**
 * The one exception of RaDialog. Its message is a single line that says what failed, where, what
 * was expected, what was found and what to do. Only the command line and the server turn it into a
 * line and an exit code or a status.
 */
public class RadialogException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** An error with its whole story in one line. */
  public RadialogException(String message) {
    super(oneLine(message));
  }

  /** An error with its whole story in one line, and what led to it. */
  public RadialogException(String message, Throwable cause) {
    super(oneLine(message), cause);
  }

  /** The one line. */
  @Override
  public String getMessage() {
    return Objects.requireNonNull(super.getMessage());
  }

  // A message may quote text from a hostile file or of a library: one line, without characters that
  // steer a terminal.
  private static String oneLine(String message) {
    return Printable.escaped(message.replaceAll("\\s*[\\r\\n]+\\s*", " "));
  }
}
