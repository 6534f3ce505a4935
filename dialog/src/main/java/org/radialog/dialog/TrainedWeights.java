package org.radialog.dialog;

import java.nio.file.Path;
import java.util.Optional;
import java.util.SplittableRandom;
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

  /** The adapter of the language model, with random values if that control is set. */
  Optional<LoraAdapter> adapter(ModelConfig config, Options.Control control) {
    return config
        .language()
        .adapter()
        .map(adapter ->
            new LoraAdapter(
                adapter,
                switch (control) {
                  case NONE, ZERO_IMAGE -> source().at("language.");
                  case RANDOM_ADAPTER -> TrainedWeights::random;
                }));
  }

  // Random values with a variance that suits the number of inputs, for A and B alike, as for an
  // untrained adapter.
  private static Optional<float[]> random(String name, long[] shape) {
    var random = new SplittableRandom(name.hashCode());
    double bound = Math.sqrt(3.0 / shape[1]);
    float[] values = new float[Math.toIntExact(shape[0] * shape[1])];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (bound * (2 * random.nextDouble() - 1));
    }
    return Optional.of(values);
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
