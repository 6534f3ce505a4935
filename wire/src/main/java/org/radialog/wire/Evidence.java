package org.radialog.wire;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.radialog.clinical.Finding;
import org.radialog.dialog.Dialog;
import org.radialog.dialog.Findings;
import org.radialog.dialog.HeatMap;
import org.radialog.imaging.FilmImage;
import org.radialog.imaging.Preprocessing;
import org.radialog.imaging.Radiograph;
import org.radialog.wire.ReportPage.Overlay;

/**
 * Images that show which parts of a film contribute to the classifier's decision on a present or
 * uncertain finding.
 */
public final class Evidence {
  private static final int SHORTER_SIDE = 512;

  private Evidence() {}

  /**
   * The film itself first, then one image per present or uncertain finding that the model assesses.
   */
  public static List<Overlay> of(
      Dialog dialog, Radiograph film, Findings findings, Preprocessing seen) {
    List<Overlay> overlays = new ArrayList<>();
    FilmImage plain = FilmImage.of(film, SHORTER_SIDE);
    overlays.add(new Overlay("Film", plain));
    for (Findings.Assessment a : findings.all()) {
      if ((a.state() == Findings.State.PRESENT || a.state() == Findings.State.UNCERTAIN)
          && a.probability().isPresent()
          && a.finding() != Finding.NO_FINDING) {
        HeatMap map = dialog.attribution(a.finding());
        float[] heat = new float[map.values().size()];
        for (int i = 0; i < heat.length; i++) {
          heat[i] = map.values().get(i);
        }
        overlays.add(
            new Overlay(
                a.finding().label(), plain.withHeat(heat, map.height(), map.width(), seen)));
      }
    }
    return overlays;
  }

  /** Writes {@code IMAGE-finding.png} files into {@code folder}. */
  public static void write(Path folder, Path image, List<Overlay> overlays) {
    String name = String.valueOf(image.getFileName()).replaceFirst("\\.[^.]*$", "");
    for (Overlay overlay : overlays) {
      String finding = overlay.caption().toLowerCase(Locale.ROOT).replace(' ', '-');
      overlay.picture().write(folder.resolve(name + "-" + finding + ".png"));
    }
  }
}
