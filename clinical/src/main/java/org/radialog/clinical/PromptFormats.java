package org.radialog.clinical;

import java.util.List;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.concurrent.ConcurrentSkipListMap;
import org.radialog.base.Printable;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;

/** The registry of prompt formats by their names in {@code config.json}. */
public final class PromptFormats {
  private static final NavigableMap<String, PromptFormat> BY_ID = new ConcurrentSkipListMap<>();

  static {
    List.of(RadialogFormat.V1, RadialogFormat.V2, SmolLm2Format.FORMAT, PlainFormat.FORMAT)
        .forEach(PromptFormats::register);
  }

  private PromptFormats() {}

  /**
   * Registers a format for all model folders that are read later.
   *
   * @throws RadialogException if another format has its name
   */
  public static void register(PromptFormat format) {
    PromptFormat known = BY_ID.putIfAbsent(Objects.requireNonNull(format, "format").id(), format);
    if (known != null && !known.equals(format)) {
      throw new RadialogException(
          "two prompt formats have the name \"%s\": %s and %s; rename one"
              .formatted(format.id(), known.getClass().getName(), format.getClass().getName()));
    }
  }

  /**
   * The format with this name in {@code config.json}.
   *
   * @throws RadialogException if there is none
   */
  public static PromptFormat of(String id) {
    PromptFormat format = BY_ID.get(id);
    if (format == null) {
      throw new RadialogException(
          Kind.REFUSED_WEIGHTS,
          "unknown prompt format \"%s\": expected one of %s"
              .formatted(Printable.of(id), BY_ID.keySet()));
    }
    return format;
  }

  /** All formats, ordered by name. */
  public static List<PromptFormat> all() {
    return List.copyOf(BY_ID.values());
  }
}
