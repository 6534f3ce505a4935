package org.radialog.train;

import java.nio.file.Path;
import java.util.HashMap;
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
 * The pixels of films in memory. Each film is decoded once and stored as bytes at every side length
 * that the training needs, resized as at inference.
 *
 * @param bytes by side in pixels, then by path of the film: a square, row-major, unsigned
 */
record Films(Map<Integer, Map<Path, Square>> bytes) {
  /**
   * A square picture.
   *
   * @param pixels {@code [side, side]}, row-major, unsigned
   */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  record Square(byte[] pixels, int side) {}

  /** Films at exactly these sides; smaller ones are enlarged. */
  static Films decode(List<Film> films, List<Integer> sides, Progress progress) {
    return decode(films, sides, Integer.MAX_VALUE, progress);
  }

  /** Films at these sides, or at their own if that is smaller. */
  static Films decodeWithin(List<Film> films, List<Integer> sides, Progress progress) {
    return decode(films, sides, 0, progress);
  }

  /** Films that are reduced to the side {@code soft} and enlarged to {@code side}. */
  static Films soften(List<Film> films, int soft, int side, Progress progress) {
    Map<Path, Square> squares = new HashMap<>();
    decode(films, List.of(soft), progress)
        .bytes
        .getOrDefault(soft, Map.of())
        .forEach((file, square) -> {
          Radiograph small = Radiograph.ofGrey(file.toString(), soft, soft, square.pixels);
          squares.put(file, new Square(preprocessing(side).bytes(small), side));
        });
    return new Films(Map.of(side, squares));
  }

  // A film is enlarged up to the side `enlarged`.
  private static Films decode(
      List<Film> films, List<Integer> sides, int enlarged, Progress progress) {
    SequencedMap<Integer, Map<Path, Square>> bytes = new LinkedHashMap<>();
    sides.forEach(side -> bytes.put(side, new HashMap<>()));
    try (Progress.Task task = progress.start("decode", films.size())) {
      for (Film film : films) {
        Radiograph radiograph = Radiograph.read(film.file());
        int own = Math.max(enlarged, Math.min(radiograph.width(), radiograph.height()));
        Map<Integer, Square> stored = new HashMap<>(); // one for all sides beyond its own
        bytes.forEach((side, squares) ->
            squares.put(
                film.file(),
                stored.computeIfAbsent(
                    Math.min(side, own), s -> new Square(preprocessing(s).bytes(radiograph), s))));
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

  /** The pixels of a film that was decoded at exactly {@code side}. */
  byte[] at(int side, Film film) {
    return within(side, film).pixels;
  }

  /** A film that was decoded at {@code side} or within it. */
  Square within(int side, Film film) {
    Square square = bytes.getOrDefault(side, Map.of()).get(film.file());
    if (square == null) {
      throw new RadialogException(
          "film " + film.image() + " was not decoded at " + side + " pixels");
    }
    return square;
  }
}
