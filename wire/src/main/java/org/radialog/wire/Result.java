package org.radialog.wire;

import com.fasterxml.jackson.annotation.JsonInclude;
import tools.jackson.databind.MapperFeature;
import tools.jackson.databind.json.JsonMapper;

/** The result for one image or one turn of a dialog: a complete JSON object for programs. */
public sealed interface Result permits ReportJson, FindingsJson, TurnJson, RefusedJson {
  /** The object on one line: fields in the order of the components, with empty fields omitted. */
  default String json() {
    return Mapper.RECORDS.writeValueAsString(this);
  }

  /** A number rounded to three decimals, which is enough for probabilities and milliseconds. */
  static double rounded(double value) {
    return Math.round(value * 1000) / 1000.0;
  }

  /** Writes records as JSON. */
  final class Mapper {
    private static final JsonMapper RECORDS =
        JsonMapper.builder()
            .disable(MapperFeature.SORT_PROPERTIES_ALPHABETICALLY)
            .changeDefaultPropertyInclusion(
                always -> always.withValueInclusion(JsonInclude.Include.NON_ABSENT))
            .build();

    private Mapper() {}
  }
}
