package org.radialog.wire;

import java.util.Locale;
import org.radialog.dialog.RaDialog;

/**
 * The model that answered.
 *
 * @param id the name of the model in its folder
 * @param version the version in its folder
 * @param precision the precision of the language model's weights, for example {@code int8}
 * @param kernels the kernels that compute with them, in words
 */
public record ModelJson(String id, String version, String precision, String kernels) {
  /** The model that {@code radialog} has loaded. */
  public static ModelJson of(RaDialog radialog) {
    return new ModelJson(
        radialog.config().id(),
        radialog.config().version(),
        radialog.precision().name().toLowerCase(Locale.ROOT),
        radialog.precision().label());
  }
}
