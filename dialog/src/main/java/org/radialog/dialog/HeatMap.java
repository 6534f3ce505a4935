package org.radialog.dialog;

import java.util.List;
import org.radialog.clinical.Finding;

/**
 * The contribution of the parts of a film to the classifier's logit of a finding: Grad-CAM (arXiv
 * 1610.02391) over the patches of the encoder. The map covers the square that the classifier saw:
 * the crop of {@code preprocessing} in the config of the model.
 *
 * @param finding the finding
 * @param height number of rows
 * @param width number of columns
 * @param values [height, width] row-major, 0 to 1 with 1 at the maximum; all 0 if no part
 *     contributes
 */
public record HeatMap(Finding finding, int height, int width, List<Float> values) {
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
