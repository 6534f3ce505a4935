package org.radialog.imaging;

/**
 * The conversion of the values of a DICOM file to 8-bit grey levels for a model. The recipe belongs
 * to the model that was trained on such levels; the window of a viewer is never used. The modality
 * LUT is always applied first, polarity makes air dark, and padding pixels are excluded from
 * minimum and maximum.
 */
public enum DicomRecipe {
  /** The first VOI LUT or window of the file; {@link #MINMAX} if there is none. */
  VOI,
  /** Maps the smallest value to 0 and the largest to 255. */
  MINMAX,
  /**
   * The conversion used for MIMIC-CXR-JPG: {@link #MINMAX}, then OpenCV's histogram equalisation.
   */
  MIMIC_CXR_JPG
}
