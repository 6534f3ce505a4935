package org.radialog.testing;

import tools.jackson.databind.JsonNode;

/**
 * The sizes of a Q-Former, named as in the golden cases.
 *
 * @param vocab number of tokens in the vocabulary, without [DEC]
 * @param hidden width of the hidden states
 * @param layers number of layers
 * @param ffn width of the feed-forward layers
 * @param positions maximum number of positions of a text
 * @param encoderWidth number of channels of the image features
 * @param queries number of queries
 * @param embed width of the embedding space for the contrastive loss
 */
public record QFormerSize(
    int vocab,
    int hidden,
    int layers,
    int ffn,
    int positions,
    int encoderWidth,
    int queries,
    int embed) {
  /** The published sizes. */
  public static final QFormerSize FULL = new QFormerSize(30_522, 768, 12, 3072, 512, 1408, 32, 256);

  /** The sizes of a golden case {@code qformer-*}. */
  public static QFormerSize of(GoldenCase golden) {
    JsonNode c = golden.config();
    return new QFormerSize(
        c.required("vocab").intValue(),
        c.required("hidden").intValue(),
        c.required("layers").intValue(),
        c.required("ffn").intValue(),
        c.required("positions").intValue(),
        c.required("encoder_width").intValue(),
        c.required("queries").intValue(),
        c.required("embed").intValue());
  }
}
