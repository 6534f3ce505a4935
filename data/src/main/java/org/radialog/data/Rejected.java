package org.radialog.data;

import java.nio.file.Path;

/**
 * An item of a data set that could not be used; the other items are not affected.
 *
 * @param source the table or file
 * @param row row number in the table, where the header is row 1; 0 if the whole file is concerned
 * @param reason expected and found values, with the path of a missing file
 */
public record Rejected(Path source, long row, String reason) {
  /** The message, on one line. */
  @Override
  public String toString() {
    return row == 0 ? source + ": " + reason : source + ", row " + row + ": " + reason;
  }
}
