package org.radialog.vision;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.SequencedMap;
import org.bytedeco.pytorch.Tensor;
import org.radialog.base.RadialogException;
import org.radialog.torch.Parameters;

/** Maps a feature map of the image encoder to input rows of the language model. */
public interface Alignment {
  /**
   * Features {@code [B, C, h, w]} to image tokens {@code [B, N, D]}.
   *
   * @param dropout fraction of the Q-Former's activations that training sets to 0; 0 for inference.
   *     The MLP projector has no dropout.
   */
  Tensor forward(Tensor features, double dropout);

  /** Features {@code [B, C, h, w]} to image tokens {@code [B, N, D]}, for inference. */
  default Tensor forward(Tensor features) {
    return forward(features, 0);
  }

  /** The sizes of an alignment, as in {@code alignment} of a model folder's {@code config.json}. */
  sealed interface Config permits QFormer.Config, MlpProjector.Config, RowProjector.Config {
    /** The input of the alignment. */
    Input input();

    /**
     * Builds the network from the tensors under {@code qformer.} and {@code projector.} of {@code
     * p}.
     *
     * @param encoder the image encoder whose features are the input
     * @param hidden D, width of the language model
     * @throws RadialogException if {@code p} lacks a tensor or has it in another shape
     */
    Alignment network(Parameters p, VisionEncoder.Config encoder, int hidden);

    /** The configuration record for each value of {@code alignment.type}. */
    static SequencedMap<String, Class<? extends Config>> kinds() {
      SequencedMap<String, Class<? extends Config>> kinds = new LinkedHashMap<>();
      kinds.put("qformer", QFormer.Config.class);
      kinds.put("mlp", MlpProjector.Config.class);
      kinds.put("precomputed", RowProjector.Config.class);
      return Collections.unmodifiableSequencedMap(kinds);
    }
  }

  /** The input of an alignment. */
  sealed interface Input {
    /**
     * An output of the image encoder, for any film.
     *
     * @param source the output
     */
    record Features(VisionEncoder.Source source) implements Input {}

    /**
     * Precomputed rows for a fixed set of films, looked up by film name.
     *
     * @param file file of the model folder with one tensor [queries, width] per film
     * @param queries number of rows per film
     * @param width length of a row
     */
    record Rows(String file, int queries, int width) implements Input {}
  }
}
