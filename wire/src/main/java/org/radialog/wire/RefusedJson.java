package org.radialog.wire;

/**
 * An image for which nothing was written.
 *
 * @param image what is known of it
 * @param model the model of the request
 * @param error the reason
 * @param guard not accepted, with the results of the checks so far
 * @param notice printed on every output
 */
public record RefusedJson(
    ImageJson image, ModelJson model, ErrorJson error, GuardJson guard, String notice)
    implements Result {
  /** The JSON of an image and the failure that it caused. */
  public static RefusedJson of(ImageJson image, ModelJson model, ErrorJson error, GuardJson guard) {
    return new RefusedJson(image, model, error, guard, Notice.RESEARCH_USE);
  }
}
