package org.radialog.language;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.radialog.base.RadialogException;

/** The arithmetic of a decode step of the language model. */
public enum Precision {
  /** libtorch, 32-bit floats: the reference. */
  @JsonProperty("fp32")
  FP32,
  /** libtorch, bfloat16 linears, attention in fp32. */
  @JsonProperty("bf16")
  BF16,
  /** Plain Java, 8-bit weights in groups of 32. */
  @JsonProperty("int8")
  INT8,
  /** Plain Java, 4-bit layers and an 8-bit head. */
  @JsonProperty("int4")
  INT4;

  /** The name on the command line and in JSON: lower case. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  /**
   * The precision with this label, ignoring case.
   *
   * @throws RadialogException if there is none
   */
  public static Precision of(String label) {
    return Stream.of(values())
        .filter(p -> p.label().equalsIgnoreCase(label))
        .findFirst()
        .orElseThrow(() ->
            new RadialogException(
                "precision: expected one of "
                    + Stream.of(values()).map(Precision::label).collect(Collectors.joining(", "))
                    + ", found \""
                    + label
                    + "\""));
  }
}
