package org.radialog.imaging;

/**
 * How the values of a DICOM file become 8-bit grey levels for a model. It belongs to the model that
 * was trained on such levels; a viewer's window never enters. The modality LUT always comes first,
 * polarity makes air dark, and padding pixels stay out of the minimum and maximum.
 */
public enum DicomRecipe {
  /** The file's first VOI LUT or window; {@link #MINMAX} where it has none. */
  VOI,
  /** Least value to 0, greatest to 255. */
  MINMAX,
  /** As MIMIC-CXR-JPG was made: {@link #MINMAX}, then OpenCV's histogram equalisation. */
  MIMIC_CXR_JPG
}
