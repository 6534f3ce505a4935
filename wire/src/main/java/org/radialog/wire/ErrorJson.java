package org.radialog.wire;

import org.radialog.base.RadialogException;
import org.radialog.codecs.ImageRefused;

/**
 * The reason why nothing was written. The status code of a server follows from {@link
 * RadialogException#kind}.
 *
 * @param code a stable code for programs: the reason why an image was refused, otherwise {@code
 *     failed}
 * @param message one line for people
 */
public record ErrorJson(String code, String message) {
  /**
   * The JSON of a failure.
   *
   * @param message the message, including what the caller can do about it
   */
  public static ErrorJson of(RadialogException failure, String message) {
    return new ErrorJson(
        failure instanceof ImageRefused refused ? refused.code() : "failed", message);
  }
}
