package org.radialog.dialog;

import java.nio.file.Path;
import java.util.Optional;
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

  private TrainedWeights(Checkpoint checkpoint) {
    this.checkpoint = checkpoint;
  }

  static TrainedWeights open(Path folder) {
    return new TrainedWeights(Checkpoint.open(folder.resolve(ModelConfig.TRAINED)));
  }

  Parameters.Source source() {
    return Parameters.Source.of(checkpoint);
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
  }

  @Override
  public void close() {
    checkpoint.close();
  }
}
