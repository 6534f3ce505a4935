package org.radialog.dialog;

import java.nio.file.Path;
import java.util.Optional;
import org.radialog.base.Printable;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.language.LoraAdapter;
import org.radialog.published.ModelConfig;
import org.radialog.torch.Parameters;
import org.radialog.weights.Checkpoint;

/**
 * {@code radialog.safetensors} of a model folder: all trained weights, under {@code vision.
 * classifier. qformer. projector. language.}
 */
final class TrainedWeights implements AutoCloseable {
  private final Checkpoint checkpoint;
  private final Optional<Other> classifier; // in place of the encoder and the classifier

  private TrainedWeights(Checkpoint checkpoint, Optional<Other> classifier) {
    this.checkpoint = checkpoint;
    this.classifier = classifier;
  }

  private record Other(Path file, Checkpoint checkpoint) {
    // Nothing of the model's own is used in place of a tensor that is missing.
    Optional<float[]> values(String name, long[] shape) {
      return Optional.of(
          Parameters.Source.of(checkpoint)
              .values(name, shape)
              .orElseThrow(() ->
                  new RadialogException(
                      Kind.REFUSED_WEIGHTS,
                      Printable.escaped(file.toString())
                          + " has no tensor "
                          + name
                          + ": expected the classifier.safetensors of a run of radialog train"
                          + " classifier with the networks of this model")));
    }
  }

  /**
   * Opens the weights of a model.
   *
   * @param classifier a file whose encoder and classifier replace those of the model
   */
  static TrainedWeights open(Path folder, Optional<Path> classifier) {
    Checkpoint checkpoint = Checkpoint.open(folder.resolve(ModelConfig.TRAINED));
    try {
      return new TrainedWeights(
          checkpoint, classifier.map(file -> new Other(file, Checkpoint.open(file))));
    } catch (RuntimeException | Error e) {
      checkpoint.close();
      throw e;
    }
  }

  Parameters.Source source() {
    Parameters.Source own = Parameters.Source.of(checkpoint);
    return classifier
        .<Parameters.Source>map(other ->
            (name, shape) ->
                name.startsWith("vision.") || name.startsWith("classifier.")
                    ? other.values(name, shape)
                    : own.values(name, shape))
        .orElse(own);
  }

  /** The adapter of the language model. */
  Optional<LoraAdapter> adapter(ModelConfig config) {
    return config
        .language()
        .adapter()
        .map(adapter -> new LoraAdapter(adapter, source().at("language.")));
  }

  /** Frees the memory of the tensors read so far; all can be read again. */
  void unload() {
    checkpoint.unload();
    classifier.ifPresent(other -> other.checkpoint.unload());
  }

  @Override
  public void close() {
    classifier.ifPresent(other -> other.checkpoint.close());
    checkpoint.close();
  }
}
