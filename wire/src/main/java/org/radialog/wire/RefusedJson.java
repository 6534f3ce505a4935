package org.radialog.wire;

/**
 * An image on which nothing was written.
 *
 * @param image what is known of it
 * @param model who was asked
 * @param error why
 * @param guard not accepted, with what the checks said before
 * @param notice stands on every output
 */
public record RefusedJson(
    ImageJson image, ModelJson model, ErrorJson error, GuardJson guard, String notice)
    implements Result {
  /** An image and the failure that it ended with. */
  public static RefusedJson of(ImageJson image, ModelJson model, ErrorJson error, GuardJson guard) {
    return new RefusedJson(image, model, error, guard, Notice.RESEARCH_USE);
  }
}
