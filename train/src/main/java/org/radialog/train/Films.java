package org.radialog.train;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import org.radialog.base.Progress;
import org.radialog.base.RadialogException;
import org.radialog.data.Film;
import org.radialog.imaging.DicomRecipe;
import org.radialog.imaging.Preprocessing;
import org.radialog.imaging.Radiograph;

/**
 * The pixels of all films in memory. Each film is decoded once and stored as bytes at every side
 * length that the training needs, resized as at inference.
 *
 * @param bytes by side in pixels, then by file name of the film: {@code [side, side]}, row-major,
 *     unsigned
 */
record Films(Map<Integer, Map<String, byte[]>> bytes) {
  static Films decode(List<Film> films, List<Integer> sides, Progress progress) {
    SequencedMap<Integer, Map<String, byte[]>> bytes = new LinkedHashMap<>();
    sides.forEach(side -> bytes.put(side, new LinkedHashMap<>()));
    try (Progress.Task task = progress.start("decode", films.size())) {
      for (Film film : films) {
        Radiograph radiograph = Radiograph.read(film.file());
        bytes.forEach(
            (side, images) -> images.put(film.image(), preprocessing(side).bytes(radiograph)));
        task.step(film.image());
      }
    }
    return new Films(bytes);
  }

  /**
   * The preprocessing to a square of {@code side} pixels: the shorter side is resized, then the
   * centre is cropped.
   */
  static Preprocessing preprocessing(int side) {
    return new Preprocessing(side, side, DicomRecipe.VOI);
  }

  /** The stored side for a visible side, which is larger to leave room for random crops. */
  static int storedSide(int shown) {
    return shown * 23 / 20;
  }

  byte[] at(int side, Film film) {
    byte[] image = bytes.getOrDefault(side, Map.of()).get(film.image());
    if (image == null) {
      throw new RadialogException(
          "film " + film.image() + " was not decoded at " + side + " pixels");
    }
    return image;
  }
}
