package org.radialog.dialog;

import java.util.List;
import org.radialog.clinical.Finding;

/**
 * Where on the film the classifier's logit of a finding comes from: Grad-CAM (arXiv 1610.02391)
 * over the encoder's last feature map.
 *
 * @param values [height, width] row-major, 0 to 1 with 1 at the maximum; all 0 where nothing speaks
 *     for the finding
 * @param cropTop rows of the film, as a share of its height, above the square that the map covers
 * @param cropLeft columns of the film, as a share of its width, left of it
 * @param cropHeight height of that square as a share of the film's height
 * @param cropWidth width of that square as a share of the film's width
 */
public record HeatMap(
    Finding finding,
    int height,
    int width,
    List<Float> values,
    double cropTop,
    double cropLeft,
    double cropHeight,
    double cropWidth) {
  public HeatMap {
    values = List.copyOf(values);
    if (values.size() != height * width) {
      throw new IllegalArgumentException(
          values.size() + " values are not " + height + " by " + width);
    }
  }

  /** The value of a cell. */
  public float at(int row, int column) {
    return values.get(row * width + column);
  }
}
