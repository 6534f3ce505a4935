package org.radialog.imaging;

import org.radialog.base.RadialogException;
import org.radialog.codecs.ImageRefused;

/**
 * What RaDialog does to a film before its networks see it: min–max to 8 bit by truncation, luma,
 * the shorter side resized to {@code resize}, the centre cropped, bytes divided by 255. No mean and
 * no standard deviation. {@code S} is the crop.
 *
 * @param resize pixels of the shorter side after the resize
 * @param crop side of the square that is kept, at most {@code resize}
 * @param dicom how a DICOM file's values become grey levels before the chain
 */
public record Preprocessing(int resize, int crop, DicomRecipe dicom) {
  /** The original's chain for the language model: 512, 448. */
  public static final Preprocessing RADIALOG_LANGUAGE =
      new Preprocessing(512, 448, DicomRecipe.MIMIC_CXR_JPG);

  /** The original's chain for the findings classifier: 512, 488. */
  public static final Preprocessing RADIALOG_FINDINGS =
      new Preprocessing(512, 488, DicomRecipe.MIMIC_CXR_JPG);

  /**
   * How one film becomes the squares of a model's two branches, as {@code preprocessing} in a model
   * folder's {@code config.json} states it.
   *
   * @param resize pixels of the shorter side after the resize
   * @param crops sides of the squares
   * @param dicom how a DICOM file's values become grey levels before the chain
   */
  public record Branches(int resize, Crops crops, DicomRecipe dicom) {
    /**
     * Checks the sizes against each other.
     *
     * @throws RadialogException if a crop does not fit
     */
    public Branches {
      int larger = Math.max(crops.classifier, crops.alignment);
      if (resize < larger || resize > 4096) {
        throw new RadialogException(
            "resize is " + resize + ", expected between the larger crop (" + larger + ") and 4096");
      }
    }

    /** What the findings classifier's branch sees. */
    public Preprocessing forClassifier() {
      return new Preprocessing(resize, crops.classifier, dicom);
    }

    /** What the alignment's branch sees. */
    public Preprocessing forAlignment() {
      return new Preprocessing(resize, crops.alignment, dicom);
    }
  }

  /**
   * Sides in pixels of the squares that each branch sees; equal where one pass of the encoder feeds
   * both.
   */
  public record Crops(int classifier, int alignment) {
    /**
     * Checks the sides.
     *
     * @throws RadialogException if one is too small for any encoder
     */
    public Crops {
      check("classifier", classifier);
      check("alignment", alignment);
    }

    private static void check(String branch, int side) {
      if (side < 32) {
        throw new RadialogException(
            "the crop for the " + branch + " is " + side + ", expected at least 32");
      }
    }
  }

  /** Refuses sizes that the chain cannot have. */
  public Preprocessing {
    if (resize < 1 || crop < 1 || crop > resize || resize > 8192) {
      throw new IllegalArgumentException(
          "expected 1 ≤ crop ≤ resize ≤ 8192, got resize=" + resize + " crop=" + crop);
    }
  }

  /**
   * The film as the networks see it: [S, S] in [0, 1], row-major.
   *
   * @throws ImageRefused if one side is more than 20 times the other
   */
  public float[] apply(Radiograph radiograph) {
    return scaled(bytes(radiograph));
  }

  /** The same before the division by 255: [S, S], row-major, unsigned bytes. */
  public byte[] bytes(Radiograph radiograph) {
    Limits.refuseStrip(radiograph.name(), radiograph.width(), radiograph.height());
    int width = radiograph.width();
    int height = radiograph.height();
    Placement placement = placement(width, height);
    return Resampling.resizeAndCrop(
        radiograph.levels(dicom),
        width,
        height,
        placement.width(),
        placement.height(),
        new Resampling.Crop(placement.left(), placement.top(), crop, crop));
  }

  /** Where the square lies in a film resized to {@code width × height}. */
  record Placement(int width, int height, int left, int top) {}

  /** Sizes and place for a film of {@code width × height}. */
  Placement placement(int width, int height) {
    // torchvision's Resize: the shorter side becomes `resize`, the longer side is truncated.
    boolean portrait = width <= height;
    int shorter = Math.min(width, height);
    int longer = Math.max(width, height);
    int toLonger = (int) ((double) ((long) resize * longer) / shorter);
    int toWidth = portrait ? resize : toLonger;
    int toHeight = portrait ? toLonger : resize;
    // torchvision's CenterCrop rounds halves to even.
    return new Placement(
        toWidth,
        toHeight,
        (int) Math.rint((toWidth - crop) / 2.0),
        (int) Math.rint((toHeight - crop) / 2.0));
  }

  /** Bytes to floats in [0, 1], as torchvision's ToTensor does. */
  public static float[] scaled(byte[] bytes) {
    float[] scaled = new float[bytes.length];
    for (int i = 0; i < scaled.length; i++) {
      scaled[i] = (bytes[i] & 0xFF) / 255f;
    }
    return scaled;
  }
}
