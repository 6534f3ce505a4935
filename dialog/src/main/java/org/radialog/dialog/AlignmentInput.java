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

/** Provides the input of a model's alignment for a film. */
interface AlignmentInput extends AutoCloseable {
  /**
   * The input of the alignment, as a batch of one.
   *
   * @param film name of the film without folder and extension, as used in data sets
   * @param seen encodes the film
   * @throws RadialogException if only films with certain names are supported and this is not one of
   *     them
   */
  Tensor of(String film, Supplier<VisionEncoder.Features> seen);

  /** Whether the film has to be encoded by an image encoder. */
  boolean looks();

  /** The name of a supported film, if only certain films are supported. */
  Optional<String> knownFilm();

  @Override
  void close();

  /**
   * Opens the input for the alignment of a model folder.
   *
   * @param model id of the model, for messages
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
      // nothing to close
    }
  }

  /** Precomputed rows, [1, Q, width]. */
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
