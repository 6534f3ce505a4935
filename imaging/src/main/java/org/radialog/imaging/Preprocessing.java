package org.radialog.imaging;

import org.radialog.base.RadialogException;
import org.radialog.codecs.ImageRefused;

/**
 * RaDialog's preprocessing of a film: min–max to 8 bits by truncation, luma, resizing the shorter
 * side to {@code resize}, centre crop, division by 255. No mean or standard deviation is applied.
 * {@code S} is the crop.
 *
 * @param resize pixels of the shorter side after resizing
 * @param crop side in pixels of the centre crop, at most {@code resize}
 * @param dicom the conversion of DICOM values to grey levels before this preprocessing
 */
public record Preprocessing(int resize, int crop, DicomRecipe dicom) {
  /** The original preprocessing for the language model: 512, 448. */
  public static final Preprocessing RADIALOG_LANGUAGE =
      new Preprocessing(512, 448, DicomRecipe.MIMIC_CXR_JPG);

  /** The original preprocessing for the findings classifier: 512, 488. */
  public static final Preprocessing RADIALOG_FINDINGS =
      new Preprocessing(512, 488, DicomRecipe.MIMIC_CXR_JPG);

  /**
   * The preprocessing of a film for the two branches of a model, as in {@code preprocessing} of
   * {@code config.json} in a model folder.
   *
   * @param resize pixels of the shorter side after resizing
   * @param crops sides of the squares
   * @param dicom the conversion of DICOM values to grey levels before this preprocessing
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

    /** The preprocessing for the findings classifier. */
    public Preprocessing forClassifier() {
      return new Preprocessing(resize, crops.classifier, dicom);
    }

    /** The preprocessing for the alignment. */
    public Preprocessing forAlignment() {
      return new Preprocessing(resize, crops.alignment, dicom);
    }
  }

  /**
   * The sides of the squares for the two branches; equal if one pass of the encoder serves both.
   *
   * @param classifier side for the findings classifier, in pixels
   * @param alignment side for the alignment, in pixels
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

  /** Refuses invalid sizes. */
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

  /**
   * A rectangle on a film.
   *
   * @param left as part of the film's width, from 0 at the left edge
   * @param top as part of its height, from 0 at the top
   * @param width as part of the film's width
   * @param height as part of its height
   */
  public record Part(double left, double top, double width, double height) {}

  /**
   * The part of a film of {@code width × height} pixels that the networks see.
   *
   * @throws ImageRefused if one side is more than 20 times the other
   */
  public Part seen(int width, int height) {
    Limits.refuseStrip("the film", width, height);
    Placement square = placement(width, height);
    double wide = square.width();
    double high = square.height();
    return new Part(square.left() / wide, square.top() / high, crop / wide, crop / high);
  }

  /** The position of the square in a film resized to {@code width × height}. */
  record Placement(int width, int height, int left, int top) {}

  /** Size and position for a film of {@code width × height}. */
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
