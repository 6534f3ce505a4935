package org.radialog.imaging;

import java.util.Arrays;
import java.util.stream.Collectors;
import org.radialog.base.RadialogException;

/**
 * How the values of a DICOM file become 8-bit grey levels for a model. It belongs to the model that
 * was trained on such levels; a viewer's window never enters. The modality LUT always comes first,
 * polarity makes air dark, and padding pixels stay out of the minimum and maximum.
 */
public enum DicomRecipe {
  /** The file's first VOI LUT or window; {@link #MINMAX} where it has none. */
  VOI("voi"),
  /** Least value to 0, greatest to 255. */
  MINMAX("minmax"),
  /** As MIMIC-CXR-JPG was made: {@link #MINMAX}, then OpenCV's histogram equalisation. */
  MIMIC_CXR_JPG("mimic-cxr-jpg");

  private final String text;

  DicomRecipe(String text) {
    this.text = text;
  }

  /** The name in a model folder's {@code config.json}. */
  public String text() {
    return text;
  }

  /**
   * The recipe of that name.
   *
   * @throws RadialogException if there is none
   */
  public static DicomRecipe of(String text) {
    return Arrays.stream(values())
        .filter(recipe -> recipe.text.equals(text))
        .findFirst()
        .orElseThrow(() ->
            new RadialogException(
                "preprocessing.dicom: expected one of "
                    + Arrays.stream(values())
                        .map(DicomRecipe::text)
                        .collect(Collectors.joining(", "))
                    + ", found "
                    + text));
  }
}
