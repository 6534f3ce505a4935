package org.radialog.codecs;

import java.util.Locale;
import org.radialog.base.RadialogException;

/**
 * An image for which no report may be written. {@link #reason()} is for programs; the message is
 * one line for people: which file, what was expected, what was found.
 */
public final class ImageRefused extends RadialogException {
  private static final long serialVersionUID = 1L;

  /** The reason why an image was refused. */
  public enum Reason {
    /** No file of that name. */
    MISSING,
    /** A folder, or a file without read permission. */
    NOT_READABLE,
    /** A file of zero bytes, or a pipe without data. */
    EMPTY,
    /** Neither PNG nor JPEG nor DICOM. */
    UNKNOWN_FORMAT,
    /** A known format in an unsupported variant; the message names it. */
    UNSUPPORTED,
    /** More pixels, bytes, scans, elements or digits than a film has; the message says which. */
    TOO_LARGE,
    /** The file ends before its image does. */
    TRUNCATED,
    /** The file contradicts its format. */
    CORRUPT,
    /** The shorter side is smaller than that of any chest film. */
    TOO_SMALL,
    /** An aspect ratio that no chest film has. */
    ASPECT_RATIO,
    /** All pixels are equal. */
    CONSTANT,
    /** A colour photograph. */
    COLOUR,
    /**
     * Probably not a frontal chest film: its findings may be shown, but no text is written for it.
     */
    PROBABLY_NOT_FRONTAL;

    /** Whether the guard lets such an image pass if forced. */
    public boolean forcible() {
      return this == ASPECT_RATIO || this == COLOUR || this == PROBABLY_NOT_FRONTAL;
    }

    /** The stable code in the JSON output, for example {@code too_small}. */
    public String code() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  private final Reason reason;

  /** Refuses {@code image} (its path or name). */
  public ImageRefused(Reason reason, String image, String message) {
    super(kind(reason), image + ": " + message);
    this.reason = reason;
  }

  /** Refuses {@code image} (its path or name) because of {@code cause}. */
  public ImageRefused(Reason reason, String image, String message, Throwable cause) {
    super(kind(reason), image + ": " + message, cause);
    this.reason = reason;
  }

  private static Kind kind(Reason reason) {
    return reason == Reason.UNSUPPORTED ? Kind.UNSUPPORTED : Kind.REFUSED_IMAGE;
  }

  /** Why it was refused. */
  public Reason reason() {
    return reason;
  }

  /** The reason's stable code. */
  public String code() {
    return reason.code();
  }
}
