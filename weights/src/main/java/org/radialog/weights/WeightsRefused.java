package org.radialog.weights;

import java.nio.file.Path;
import org.radialog.base.RadialogException;

/**
 * A checkpoint file that cannot be read or must not be trusted; the message contains the file and
 * the reason.
 */
public final class WeightsRefused extends RadialogException {
  private static final long serialVersionUID = 1L;

  WeightsRefused(Path file, String reason) {
    super(Kind.REFUSED_WEIGHTS, "checkpoint " + file + " is refused: " + shortened(reason));
  }

  WeightsRefused(Path file, String reason, Throwable cause) {
    super(Kind.REFUSED_WEIGHTS, "checkpoint " + file + " is refused: " + shortened(reason), cause);
  }

  // A reason may quote a name of any length from the file.
  private static String shortened(String reason) {
    return reason.length() <= 500 ? reason : reason.substring(0, 500) + " ...";
  }
}
