package org.radialog.data;

import java.nio.file.Path;

/**
 * Something in a data set that could not be used, and did not keep the rest from being used.
 *
 * @param source the table or file
 * @param row the row of the table, the header being row 1; 0 where the file as a whole is meant
 * @param reason what was expected and found, with the path of what is missing
 */
public record Rejected(Path source, long row, String reason) {
  /** One line. */
  @Override
  public String toString() {
    return row == 0 ? source + ": " + reason : source + ", row " + row + ": " + reason;
  }
}
