package org.radialog.data;

import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.clinical.Finding;
import org.radialog.clinical.FindingState;

/**
 * Labels in the format of CheXpert, NegBio and CheXbert: one column per finding with 1, 0, -1 or an
 * empty cell. Each finding takes two bits, so that the labels of a row are stored in one number.
 */
final class FindingColumns {
  /** The packed row in which no finding is mentioned. */
  static final int NOTHING = 0;

  private static final List<FindingState> STATES =
      List.of(
          FindingState.NOT_MENTIONED,
          FindingState.PRESENT,
          FindingState.ABSENT,
          FindingState.UNCERTAIN);

  private FindingColumns() {}

  /** The columns of {@code header} that are findings. */
  static Map<String, Finding> among(List<String> header) {
    var columns = new LinkedHashMap<String, Finding>();
    for (String name : header) {
      for (Finding finding : Finding.ALL) {
        if (finding.label().equalsIgnoreCase(name.strip())) {
          columns.put(name, finding);
        }
      }
    }
    return columns;
  }

  /**
   * Packs the labels of a row.
   *
   * @param cell returns the text of a column
   * @throws RadialogException if a cell is not 1, 0, -1 or empty
   */
  static int pack(Map<String, Finding> columns, UnaryOperator<String> cell) {
    int packed = NOTHING;
    for (var e : columns.entrySet()) {
      FindingState state = state(e.getKey(), cell.apply(e.getKey()).strip());
      packed |= STATES.indexOf(state) << (2 * e.getValue().column());
    }
    return packed;
  }

  static Map<Finding, FindingState> unpack(int packed) {
    var states = new EnumMap<Finding, FindingState>(Finding.class);
    for (Finding finding : Finding.ALL) {
      states.put(finding, STATES.get((packed >> (2 * finding.column())) & 3));
    }
    return states;
  }

  private static FindingState state(String column, String cell) {
    return switch (cell) {
      case "", "nan", "NaN", "null" -> FindingState.NOT_MENTIONED;
      case "1", "1.0" -> FindingState.PRESENT;
      case "0", "0.0" -> FindingState.ABSENT;
      case "-1", "-1.0" -> FindingState.UNCERTAIN;
      default ->
          throw new RadialogException(
              Kind.BAD_INPUT,
              "expected 1, 0, -1 or nothing in the column \"%s\", found \"%s\""
                  .formatted(column, cell));
    };
  }
}
