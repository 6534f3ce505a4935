package org.radialog.testing;

import tools.jackson.databind.JsonNode;

/** The sizes of a BERT. */
public record BertSize(int vocab, int hidden, int layers, int ffn, int positions) {
  /** bert-base-uncased, CheXbert's. */
  public static final BertSize BASE = new BertSize(30_522, 768, 12, 3072, 512);

  /** That of a golden case {@code chexbert-*}. */
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
