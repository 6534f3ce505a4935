package org.radialog.vision;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.SequencedMap;
import org.bytedeco.pytorch.Tensor;
import org.radialog.base.RadialogException;
import org.radialog.torch.Parameters;

/** From a feature map of the image encoder to rows of the language model's input. */
public interface Alignment {
  /**
   * Features {@code [B, C, h, w]} to image tokens {@code [B, N, D]}.
   *
   * @param dropout share of the Q-Former's activations that training sets to 0; 0 for inference. An
   *     MLP projector has no dropout.
   */
  Tensor forward(Tensor features, double dropout);

  /** Features {@code [B, C, h, w]} to image tokens {@code [B, N, D]}, for inference. */
  default Tensor forward(Tensor features) {
    return forward(features, 0);
  }

  /**
   * The sizes of an alignment as {@code alignment} in a model folder's {@code config.json} states
   * them.
   */
  sealed interface Config permits QFormer.Config, MlpProjector.Config, RowProjector.Config {
    /** What it reads. */
    Input input();

    /**
     * The network, its tensors under {@code qformer.} and {@code projector.} of {@code p}.
     *
     * @param encoder whose features it reads
     * @param hidden D, width of the language model
     * @throws RadialogException if {@code p} lacks a tensor or has it in another shape
     */
    Alignment network(Parameters p, VisionEncoder.Config encoder, int hidden);

    /** The records by the names in {@code alignment.type}. */
    static SequencedMap<String, Class<? extends Config>> kinds() {
      SequencedMap<String, Class<? extends Config>> kinds = new LinkedHashMap<>();
      kinds.put("qformer", QFormer.Config.class);
      kinds.put("mlp", MlpProjector.Config.class);
      kinds.put("precomputed", RowProjector.Config.class);
      return Collections.unmodifiableSequencedMap(kinds);
    }
  }

  /** What an alignment reads. */
  sealed interface Input {
    /** An output of the image encoder, for any film. */
    record Features(VisionEncoder.Source source) implements Input {}

    /**
     * Rows that were computed beforehand, for a set of films by their names.
     *
     * @param file in the model folder, with a tensor [queries, width] per film
     * @param queries rows per film
     * @param width of a row
     */
    record Rows(String file, int queries, int width) implements Input {}
  }
}
