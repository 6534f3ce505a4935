package org.radialog.dialog;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import java.util.function.Supplier;
import org.bytedeco.pytorch.Tensor;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.torch.Torch;
import org.radialog.vision.Alignment;
import org.radialog.vision.VisionEncoder;
import org.radialog.weights.Checkpoint;
import org.radialog.weights.TensorInfo;

/** What the alignment of a model reads of a film. */
interface AlignmentInput extends AutoCloseable {
  /**
   * The alignment's input, one row of a batch.
   *
   * @param film its name, without folder and extension: data sets name films so
   * @param seen looks at the film
   * @throws RadialogException if only films of some names can be read and this is none of them
   */
  Tensor of(String film, Supplier<VisionEncoder.Features> seen);

  /** Whether an image encoder has to look at the film. */
  boolean looks();

  /** The name of a film that can be read, if not every film can. */
  Optional<String> knownFilm();

  @Override
  void close();

  /**
   * What the alignment of a model folder reads.
   *
   * @param model its id, for messages
   * @throws RadialogException if a file of the folder is missing or damaged
   */
  static AlignmentInput open(Alignment.Input input, Path folder, String model) {
    return switch (input) {
      case Alignment.Input.Features(VisionEncoder.Source source) -> new Encoded(source);
      case Alignment.Input.Rows rows ->
          new Precomputed(rows, Checkpoint.open(folder.resolve(rows.file())), model);
    };
  }

  /** An output of the image encoder, [1, C, h, w]. */
  record Encoded(VisionEncoder.Source source) implements AlignmentInput {
    @Override
    public Tensor of(String film, Supplier<VisionEncoder.Features> seen) {
      return seen.get().of(source);
    }

    @Override
    public boolean looks() {
      return true;
    }

    @Override
    public Optional<String> knownFilm() {
      return Optional.empty();
    }

    @Override
    public void close() {
      // holds nothing
    }
  }

  /** Rows that were computed beforehand, [1, Q, width]. */
  record Precomputed(Alignment.Input.Rows expected, Checkpoint films, String model)
      implements AlignmentInput {
    @Override
    public Tensor of(String film, Supplier<VisionEncoder.Features> seen) {
      TensorInfo rows = films.tensors().get(film);
      if (rows == null) {
        throw new RadialogException(
            Kind.UNSUPPORTED,
            "the model "
                + model
                + " has precomputed image tokens for "
                + films.tensors().size()
                + " films by name, and none for \""
                + film
                + "\": the projector that its Q-Former was trained with was random and never"
                + " saved, so other films cannot be read (name the file as in the data set, or"
                + " use RaDialog v2)");
      }
      if (!Arrays.equals(rows.shape(), new long[] {expected.queries(), expected.width()})) {
        throw new RadialogException(
            "embeddings of %s: expected [%d, %d], found %s"
                .formatted(film, expected.queries(), expected.width(), rows));
      }
      return Torch.tensor(films.floats(film), 1, expected.queries(), expected.width());
    }

    @Override
    public boolean looks() {
      return false;
    }

    @Override
    public Optional<String> knownFilm() {
      return Optional.of(films.tensors().firstEntry().getKey());
    }

    @Override
    public void close() {
      films.close();
    }
  }
}
