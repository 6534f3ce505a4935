package org.radialog.testing;

import tools.jackson.databind.JsonNode;

/**
 * The sizes of a BERT.
 *
 * @param vocab number of tokens in the vocabulary
 * @param hidden width of the hidden states
 * @param layers number of layers
 * @param ffn width of the feed-forward layers
 * @param positions maximum number of positions
 */
public record BertSize(int vocab, int hidden, int layers, int ffn, int positions) {
  /** bert-base-uncased, the BERT of CheXbert. */
  public static final BertSize BASE = new BertSize(30_522, 768, 12, 3072, 512);

  /** The sizes of a golden case {@code chexbert-*}. */
  public static BertSize of(GoldenCase golden) {
    JsonNode c = golden.config();
    return new BertSize(
        c.required("vocab").intValue(),
        c.required("hidden").intValue(),
        c.required("layers").intValue(),
        c.required("ffn").intValue(),
        c.required("positions").intValue());
  }
}
