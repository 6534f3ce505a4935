package org.radialog.language;

/** A part of a prompt: token ids, or rows of embeddings in place of tokens (an image). */
public sealed interface LlamaInput {
  /** Number of positions of this part. */
  int count();

  /**
   * Token ids.
   *
   * @param ids each in [0, V)
   */
  @SuppressWarnings("ArrayRecordComponent") // a message, never compared
  record Tokens(int[] ids) implements LlamaInput {
    @Override
    public int count() {
      return ids.length;
    }
  }

  /**
   * Token ids that the model generated. Their keys and values are those of decode steps, which
   * differ from those of a prompt by rounding.
   *
   * @param ids each in [0, V)
   */
  @SuppressWarnings("ArrayRecordComponent") // a message, never compared
  record Answer(int[] ids) implements LlamaInput {
    @Override
    public int count() {
      return ids.length;
    }
  }

  /**
   * Given embeddings.
   *
   * @param rows [count, D] row-major
   * @param count number of rows
   */
  @SuppressWarnings("ArrayRecordComponent") // a message, never compared
  record Embeddings(float[] rows, int count) implements LlamaInput {
    /** Checks that the rows are complete. */
    public Embeddings {
      if (count < 0 || (count == 0 ? rows.length != 0 : rows.length % count != 0)) {
        throw new IllegalArgumentException(
            rows.length + " values are not " + count + " rows of one width");
      }
    }
  }
}
