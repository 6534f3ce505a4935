package org.radialog.train;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.SplittableRandom;
import java.util.function.IntUnaryOperator;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.radialog.base.Progress;
import org.radialog.base.RadialogException;
import org.radialog.data.Film;
import org.radialog.imaging.Preprocessing;
import org.radialog.torch.Bf16;
import org.radialog.torch.Parameters;
import org.radialog.torch.Scope;
import org.radialog.torch.Torch;
import org.radialog.vision.BioViLT;
import org.radialog.vision.VisionEncoder;
import org.radialog.weights.Checkpoint;

/**
 * The features of every film from the frozen image encoder, computed once: those of the original
 * film (copy 0), and of augmented copies, which reduce overfitting of the alignment.
 *
 * <p>F films, C copies, P channels of a patch, h w cells.
 *
 * @param rows first row of a film in {@code patches}, followed by its copies
 * @param copies C, including the original film
 * @param patches {@code [F · C, P, h, w]} fp32
 */
record PatchFeatures(Map<String, Integer> rows, int copies, Tensor patches)
    implements AutoCloseable {
  private static final int BATCH = 16;

  /**
   * Runs the encoder in a {@code classifier.safetensors}, with running statistics in bf16.
   *
   * @param augmented number of augmented copies per film
   * @param image configuration of the encoder in {@code classifier}
   */
  static PatchFeatures compute(
      List<Film> films,
      int augmented,
      long seed,
      ModelSpec.Image image,
      Path classifier,
      Progress progress) {
    int side = image.side();
    int stored = Films.storedSide(side);
    Films pixels = Films.decode(films, List.of(side, stored), progress);
    int copies = 1 + augmented;
    SequencedMap<String, Integer> rows = new LinkedHashMap<>();
    for (Film film : films) {
      rows.put(film.image(), rows.size() * copies);
    }
    int cells = image.cells();
    int count = films.size() * copies;
    try (Checkpoint checkpoint = Checkpoint.open(classifier);
        Parameters p = Parameters.of(checkpoint);
        BioViLT vision = BioViLT.folded(p.at("vision."), image.vision(), Bf16.orFloat());
        Progress.Task task = progress.start("encode", count)) {
      Tensor patches;
      try (Scope scope = new Scope()) {
        patches =
            scope.release(
                Torch.empty(ScalarType.Float, count, image.patchChannels(), cells, cells));
      }
      for (int from = 0; from < count; from += BATCH) {
        int size = Math.min(BATCH, count - from);
        float[] images = new float[size * side * side];
        for (int i = 0; i < size; i++) {
          Film film = films.get((from + i) / copies);
          int copy = (from + i) % copies;
          int at = i * side * side;
          if (copy == 0) {
            float[] whole = Preprocessing.scaled(pixels.at(side, film));
            System.arraycopy(whole, 0, images, at, whole.length);
          } else {
            long drawn = (seed * 1_000_003 + copy) * 1_000_003 + film.image().hashCode();
            Augmentation.DEFAULT.apply(
                pixels.at(stored, film), stored, images, at, side, new SplittableRandom(drawn));
          }
        }
        try (Scope _ = new Scope();
            NoGradGuard _ = new NoGradGuard()) {
          VisionEncoder.Features seen = vision.forward(Torch.tensor(images, size, 1, side, side));
          patches.narrow(0, from, size).copy_(seen.patches()); // [size, P, h, w]
        }
        for (int i = 0; i < size; i++) {
          task.step("");
        }
      }
      return new PatchFeatures(rows, copies, patches);
    }
  }

  /**
   * The features of {@code images}, {@code [B, P, h, w]}.
   *
   * @param copy returns the copy of an image to use; 0 is the original film
   */
  Tensor of(List<String> images, IntUnaryOperator copy) {
    int[] index = new int[images.size()];
    for (int i = 0; i < index.length; i++) {
      Integer row = rows.get(images.get(i));
      if (row == null) {
        throw new RadialogException("film " + images.get(i) + " was not encoded");
      }
      index[i] = row + copy.applyAsInt(i);
    }
    try (Scope scope = new Scope();
        NoGradGuard _ = new NoGradGuard()) {
      return scope.keep(patches.index_select(0, Torch.tensor(index, index.length)));
    }
  }

  @Override
  public void close() {
    patches.close();
  }
}
