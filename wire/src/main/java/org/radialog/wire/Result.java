package org.radialog.wire;

import com.fasterxml.jackson.annotation.JsonInclude;
import tools.jackson.databind.MapperFeature;
import tools.jackson.databind.json.JsonMapper;

/** What a program gets for one image or one turn of a dialog: a whole JSON object. */
public sealed interface Result permits ReportJson, FindingsJson, TurnJson, RefusedJson {
  /** The object on one line: fields in the order of the components, an empty one left out. */
  default String json() {
    return Mapper.RECORDS.writeValueAsString(this);
  }

  /** A number with three decimals, which is what probabilities and milliseconds deserve. */
  static double rounded(double value) {
    return Math.round(value * 1000) / 1000.0;
  }

  /** How records are written. */
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
