package org.radialog.paper;

import java.nio.file.Path;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.radialog.imaging.Preprocessing;
import org.radialog.imaging.Radiograph;
import org.radialog.torch.Torch;
import org.radialog.vision.InputSpec;

/**
 * Reads films as the input of an image encoder.
 *
 * @param preprocessing from a film to a square of S pixels
 * @param input the pixels that the encoder expects
 */
record FilmPixels(Preprocessing preprocessing, InputSpec input) {
  /** The films in {@code files}, [B, C, S, S]. */
  Tensor of(List<Path> files) {
    int side = preprocessing.crop();
    float[] pixels = new float[files.size() * side * side];
    for (int i = 0; i < files.size(); i++) {
      float[] film = preprocessing.apply(Radiograph.read(files.get(i)));
      System.arraycopy(film, 0, pixels, i * side * side, film.length);
    }
    return input.of(Torch.tensor(pixels, files.size(), 1, side, side));
  }
}
