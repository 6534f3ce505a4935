package org.radialog.data;

import java.util.Arrays;
import java.util.Optional;
import org.radialog.base.Printable;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;

/**
 * What radiologists saw on a film of the NIH for the RSNA Pneumonia Detection Challenge 2018 (Shih
 * et al., Radiology: Artificial Intelligence 2019;1(1):e180041).
 */
public enum RadiologistClass {
  /** Nothing abnormal. */
  NORMAL("Normal"),
  /** Something abnormal, but no opacity that could be pneumonia. */
  NOT_NORMAL("No Lung Opacity / Not Normal"),
  /** An opacity that could be pneumonia. */
  LUNG_OPACITY("Lung Opacity");

  private final String text;

  RadiologistClass(String text) {
    this.text = text;
  }

  /**
   * The class that a cell of a table names; empty if the cell is.
   *
   * @throws RadialogException if it names another one
   */
  static Optional<RadiologistClass> of(String cell) {
    if (cell.isBlank()) {
      return Optional.empty();
    }
    return Optional.of(
        Arrays.stream(values())
            .filter(known -> known.text.equals(cell.strip()))
            .findFirst()
            .orElseThrow(() ->
                new RadialogException(
                    Kind.REFUSED_DATA,
                    "unknown class \"%s\": expected one of %s"
                        .formatted(
                            Printable.of(cell),
                            Arrays.stream(values()).map(known -> known.text).toList()))));
  }
}
