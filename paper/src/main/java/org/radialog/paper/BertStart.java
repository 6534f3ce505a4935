package org.radialog.paper;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.radialog.base.Printable;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.torch.BertResidual;
import org.radialog.torch.Parameters;
import org.radialog.weights.Checkpoint;

/**
 * The initial BERT weights of the Q-Former: a folder with {@code vocab.txt} and the weights of
 * bert-base-uncased. The feed-forward layers of the queries are initialised as copies of those of
 * the text; cross-attention and queries, which BERT does not have, are initialised randomly.
 */
final class BertStart implements AutoCloseable {
  private static final String VOCABULARY = "vocab.txt";
  private static final List<String> WEIGHTS = List.of("model.safetensors", "pytorch_model.bin");
  private static final String DEC = "[DEC]";

  private final List<String> words;
  private final Checkpoint checkpoint;
  private final long seed;

  private BertStart(List<String> words, Checkpoint checkpoint, long seed) {
    this.words = words;
    this.checkpoint = checkpoint;
    this.seed = seed;
  }

  /**
   * Opens the folder.
   *
   * @param seed seed for the embedding of [DEC]
   * @throws RadialogException if a file is missing or damaged
   */
  static BertStart open(Path folder, long seed) {
    List<String> words = words(folder);
    Path weights =
        WEIGHTS.stream()
            .map(folder::resolve)
            .filter(Files::exists)
            .findFirst()
            .orElseThrow(() ->
                new RadialogException(
                    Kind.REFUSED_WEIGHTS,
                    "%s: expected the weights of bert-base-uncased as %s in the same folder as %s"
                        .formatted(
                            Printable.escaped(folder.toString()),
                            String.join(" or ", WEIGHTS),
                            VOCABULARY)));
    return new BertStart(words, Checkpoint.open(weights), seed);
  }

  /** The vocabulary in {@code vocab.txt}, with [DEC] appended. */
  static List<String> words(Path folder) {
    Path file = folder.resolve(VOCABULARY);
    try {
      List<String> words = new ArrayList<>(Files.readAllLines(file));
      words.add(DEC);
      return List.copyOf(words);
    } catch (IOException e) {
      throw new RadialogException(
          Kind.REFUSED_WEIGHTS,
          "cannot read the vocabulary " + Printable.escaped(file.toString()) + ": " + e,
          e);
    }
  }

  /** The vocabulary, with [DEC] as the last word. */
  List<String> words() {
    return words;
  }

  /** The initial values under the names of the Q-Former. */
  Parameters.Source source() {
    return (name, shape) -> {
      if (!name.startsWith("Qformer.")) {
        return Optional.empty();
      }
      String key =
          name.substring("Qformer.".length())
              .replace(".intermediate_query.", ".intermediate.")
              .replace(".output_query.", ".output.");
      if (key.equals("bert.embeddings.word_embeddings.weight")
          || key.equals("cls.predictions.bias")) {
        return Optional.of(withDec(key, shape));
      }
      return key.contains(".crossattention.") ? Optional.empty() : Optional.of(values(key, shape));
    };
  }

  // The file has one row less, because it does not contain [DEC].
  private float[] withDec(String key, long[] shape) {
    long[] known = shape.clone();
    known[0]--;
    float[] values = values(key, known);
    float[] all =
        Arrays.copyOf(values, Math.toIntExact(Arrays.stream(shape).reduce(1, (a, b) -> a * b)));
    Random random = new Random(seed);
    for (int i = values.length; i < all.length && shape.length == 2; i++) {
      all[i] = (float) (BertResidual.STD * random.nextGaussian());
    }
    return all;
  }

  // The published file uses older names for the scale and shift of its layer norms.
  private float[] values(String key, long[] shape) {
    Parameters.Source file = Parameters.Source.of(checkpoint);
    String old =
        key.replace("LayerNorm.weight", "LayerNorm.gamma")
            .replace("LayerNorm.bias", "LayerNorm.beta");
    String bare = key.startsWith("bert.") ? key.substring("bert.".length()) : key;
    return file.values(key, shape)
        .or(() -> file.values(old, shape))
        .or(() -> file.values(bare, shape))
        .orElseThrow(() ->
            new RadialogException(
                Kind.REFUSED_WEIGHTS,
                "the weights of BERT have no tensor %s: expected those of bert-base-uncased, including the head for masked language modelling"
                    .formatted(key)));
  }

  @Override
  public void close() {
    checkpoint.close();
  }
}
