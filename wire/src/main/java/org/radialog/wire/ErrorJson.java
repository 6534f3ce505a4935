package org.radialog.wire;

import org.radialog.base.RadialogException;
import org.radialog.codecs.ImageRefused;

/**
 * Why nothing was written. A server's status follows from {@link RadialogException#kind}.
 *
 * @param code stable, for programs: the reason why an image was refused, else {@code failed}
 * @param message one line, for people
 */
public record ErrorJson(String code, String message) {
  /**
   * A failure.
   *
   * @param message what it says, with what whoever asked can do about it
   */
  public static ErrorJson of(RadialogException failure, String message) {
    return new ErrorJson(
        failure instanceof ImageRefused refused ? refused.code() : "failed", message);
  }
}
