package org.radialog.imaging;

import static org.radialog.codecs.ImageRefused.Reason.ASPECT_RATIO;
import static org.radialog.codecs.ImageRefused.Reason.COLOUR;
import static org.radialog.codecs.ImageRefused.Reason.CONSTANT;
import static org.radialog.codecs.ImageRefused.Reason.TOO_SMALL;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.radialog.base.Printable;
import org.radialog.codecs.ImageRefused;
import org.radialog.codecs.Samples;

/**
 * The checks between reading a film and writing a report for it. An image is refused if its shorter
 * side is below 128 px, if its sides are more than 4 to 1, if it is (almost) constant, or if it is
 * a colour photograph. There are warnings for images that are probably inverted, probably rotated
 * or have sides of more than 2 to 1, and for contradictions in a DICOM header. An image that is
 * probably not a frontal chest film gets a warning too: its findings may be shown, but no text is
 * written for it.
 */
public enum Guard {
  /** Refuses. */
  STRICT,
  /** Refuses as above, but accepts films of any view: for evaluations, which must not skip any. */
  ANY_VIEW,
  /**
   * Accepts colour, unusual aspect ratios (up to 20 to 1) and any view; small and constant images
   * are still refused.
   */
  FORCED;

  private static final int LEAST_SIDE = 128;
  private static final double ODD_RATIO = 2;
  private static final double LARGEST_RATIO = 4;
  private static final double LARGEST_SATURATION = 0.15;
  // An 8-bit film spans well over a hundred levels between these two percentiles.
  private static final double TAIL = 0.01;
  private static final int LEAST_SPREAD = 4;

  /** What a reader of the report should know about its film. */
  public enum Code {
    /** Air appears white. */
    PROBABLY_INVERTED,
    /**
     * It does not look like a frontal chest film, or its header says that it is not: no text is
     * written for it unless forced.
     */
    PROBABLY_NOT_FRONTAL,
    /** It looks like a frontal film that was rotated by a quarter turn or more. */
    PROBABLY_TURNED,
    /** One side is more than twice the other. */
    ASPECT_RATIO,
    /** It is a colour image that was accepted by force. */
    COLOUR,
    /** The DICOM header says that the film is rotated or mirrored. */
    ORIENTATION,
    /** The DICOM header contradicts itself about which values are white. */
    POLARITY;

    /** The stable code in the JSON output, for example {@code probably_inverted}. */
    public String code() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /**
   * A warning.
   *
   * @param code the kind of warning
   * @param message one line for people
   */
  public record Warning(Code code, String message) {}

  /**
   * Checks a film and returns the warnings in a fixed order.
   *
   * @param recipe the conversion of DICOM levels for the model that will read the film
   * @throws ImageRefused if no report may be written for it
   */
  public List<Warning> check(Radiograph film, DicomRecipe recipe) {
    List<Warning> warnings = new ArrayList<>();
    int shorter = Math.min(film.width(), film.height());
    if (shorter < LEAST_SIDE) {
      throw new ImageRefused(
          TOO_SMALL,
          film.name(),
          "%d×%d pixels; the shorter side of a film has at least %d"
              .formatted(film.width(), film.height(), LEAST_SIDE));
    }
    double ratio = (double) Math.max(film.width(), film.height()) / shorter;
    Limits.refuseStrip(film.name(), film.width(), film.height());
    if (ratio > LARGEST_RATIO && this != FORCED) {
      throw new ImageRefused(ASPECT_RATIO, film.name(), sides(film) + ", at most 4 to 1");
    }
    if (ratio > ODD_RATIO) {
      warnings.add(
          new Warning(
              Code.ASPECT_RATIO, sides(film) + ": the model sees only the square in the middle"));
    }
    byte[] thumbnail = AverageFilm.thumbnail(film, recipe);
    byte[] shown = film.display();
    if (spread(shown, 0) == 0) {
      throw new ImageRefused(CONSTANT, film.name(), "all pixels are equal: there is no image");
    }
    double saturation = film.samples().channels() >= 3 ? saturation(film.samples()) : 0;
    if (saturation > LARGEST_SATURATION) {
      String colour =
          String.format(
              Locale.ROOT,
              "a colour picture (mean saturation %.2f, a film has at most %.2f)",
              saturation,
              LARGEST_SATURATION);
      if (this != FORCED) {
        throw new ImageRefused(COLOUR, film.name(), colour);
      }
      warnings.add(new Warning(Code.COLOUR, colour));
    }
    refuseAlmostConstant(film, shown, film.levels(recipe), thumbnail);
    look(film, recipe, thumbnail).ifPresent(warnings::add);
    film.dicom().ifPresent(header -> addFromHeader(header, warnings));
    return List.copyOf(warnings);
  }

  /**
   * Refuses a film for which no text may be written, although its findings may be shown.
   *
   * @param image its path or name
   * @param warnings the result of {@link #check}
   * @throws ImageRefused if it is probably not a frontal chest film, and this is {@link #STRICT}
   */
  public void requireFrontal(String image, List<Warning> warnings) {
    if (this == STRICT) {
      warnings.stream()
          .filter(warning -> warning.code() == Code.PROBABLY_NOT_FRONTAL)
          .findFirst()
          .ifPresent(warning -> {
            throw new ImageRefused(
                ImageRefused.Reason.PROBABLY_NOT_FRONTAL,
                image,
                warning.message() + "; no report is written for it and no question is answered");
          });
    }
  }

  private static Optional<Warning> look(Radiograph film, DicomRecipe recipe, byte[] thumbnail) {
    AverageFilm.Look look = AverageFilm.look(thumbnail);
    byte[] picture = FrontalView.picture(film, recipe);
    if (look.likeness() == AverageFilm.Likeness.INVERTED) {
      for (int i = 0; i < picture.length; i++) {
        picture[i] = (byte) ~picture[i];
      }
    }
    for (int turn = 0; turn < look.quarters(); turn++) {
      picture = AverageFilm.quarterTurn(picture, FrontalView.SIDE);
    }
    double distance = FrontalView.distance(picture);
    if (distance <= FrontalView.LARGEST_DISTANCE) {
      return code(look.likeness()).map(code -> new Warning(code, look.message()));
    }
    return Optional.of(
        new Warning(
            Code.PROBABLY_NOT_FRONTAL,
            String.format(
                Locale.ROOT,
                "probably not a frontal chest film (the distance of its edge statistics from"
                    + " those of such films is %.1f times the limit)",
                distance)));
  }

  private static Optional<Code> code(AverageFilm.Likeness likeness) {
    return switch (likeness) {
      case FRONTAL -> Optional.empty();
      case TURNED -> Optional.of(Code.PROBABLY_TURNED);
      case INVERTED -> Optional.of(Code.PROBABLY_INVERTED);
      case UNLIKE -> Optional.of(Code.PROBABLY_NOT_FRONTAL);
    };
  }

  /** Its size and aspect ratio, for messages. */
  private static String sides(Radiograph film) {
    int shorter = Math.min(film.width(), film.height());
    double ratio = (double) Math.max(film.width(), film.height()) / shorter;
    return String.format(
        Locale.ROOT, "%d×%d pixels, sides of %.1f to 1", film.width(), film.height(), ratio);
  }

  /** A hot pixel, a burnt-in mark or noise do not turn a black image into a film. */
  private static void refuseAlmostConstant(
      Radiograph film, byte[] shown, byte[] levels, byte[] thumbnail) {
    int bulk = Math.min(spread(shown, TAIL), spread(levels, TAIL));
    int middle = spread(thumbnail, 0);
    if (bulk < LEAST_SPREAD || middle < LEAST_SPREAD) {
      throw new ImageRefused(
          CONSTANT,
          film.name(),
          ("almost constant: 98 %% of the pixels lie within %d of 256 grey levels, those"
                  + " in the middle within %d; a film needs more than %d")
              .formatted(bulk + 1, middle + 1, LEAST_SPREAD));
    }
  }

  /** Number of grey levels between the two tails of the histogram. */
  private static int spread(byte[] grey, double tail) {
    int[] histogram = new int[256];
    for (byte level : grey) {
      histogram[level & 0xFF]++;
    }
    long cut = (long) (grey.length * tail);
    int low = 0;
    for (long below = histogram[0]; below <= cut; below += histogram[low]) {
      low++;
    }
    int high = 255;
    for (long above = histogram[255]; above <= cut; above += histogram[high]) {
      high--;
    }
    return Math.max(0, high - low);
  }

  /**
   * Mean of {@code (max - min) / max} over the pixels, 0 for black pixels: the saturation of HSV.
   */
  private static double saturation(Samples samples) {
    int channels = samples.channels();
    int pixels = samples.width() * samples.height();
    double sum = 0;
    for (int i = 0; i < pixels; i++) {
      int red = samples.at(i * channels);
      int green = samples.at(i * channels + 1);
      int blue = samples.at(i * channels + 2);
      int most = Math.max(red, Math.max(green, blue));
      int least = Math.min(red, Math.min(green, blue));
      sum += most == 0 ? 0 : (double) (most - least) / most;
    }
    return sum / pixels;
  }

  private static void addFromHeader(DicomHeader header, List<Warning> warnings) {
    String view = header.viewPosition().toUpperCase(Locale.ROOT);
    if (view.startsWith("L") || view.equals("RL") || view.contains("LAT")) {
      warnings.add(
          new Warning(
              Code.PROBABLY_NOT_FRONTAL,
              "the DICOM header says view position " + Printable.of(view)));
    }
    String part = header.bodyPart().toUpperCase(Locale.ROOT);
    if (!part.isEmpty()
        && !part.contains("CHEST")
        && !part.contains("THORAX")
        && !part.contains("LUNG")) {
      warnings.add(
          new Warning(
              Code.PROBABLY_NOT_FRONTAL,
              "the DICOM header says body part " + Printable.of(part) + ", expected CHEST"));
    }
    switch (header.modality()) {
      case "", "CR", "DX", "RG", "OT", "SC" -> {}
      default ->
          warnings.add(
              new Warning(
                  Code.PROBABLY_NOT_FRONTAL,
                  "the DICOM header says modality "
                      + Printable.of(header.modality())
                      + ", expected CR or DX"));
    }
    String orientation = header.patientOrientation();
    if (!orientation.isEmpty() && !orientation.matches("L.{0,2}\\\\F.{0,2}")) {
      warnings.add(
          new Warning(
              Code.ORIENTATION,
              "the DICOM header says that rows and columns point to "
                  + Printable.of(orientation)
                  + ", expected L\\F: the film may be turned or mirrored"));
    }
    boolean inverse = header.presentationLutShape().equals("INVERSE");
    boolean identity = header.presentationLutShape().equals("IDENTITY");
    boolean lowIsWhite = header.photometricInterpretation().equals("MONOCHROME1");
    if ((inverse && !lowIsWhite) || (identity && lowIsWhite)) {
      warnings.add(
          new Warning(
              Code.POLARITY,
              "the DICOM header says "
                  + header.photometricInterpretation()
                  + " and presentation LUT shape "
                  + Printable.of(header.presentationLutShape())
                  + ", which contradict each other; the first was used"));
    }
  }
}
