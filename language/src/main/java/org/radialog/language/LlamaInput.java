package org.radialog.language;

/** A piece of a prompt: token ids, or rows that stand where tokens would (an image). */
public sealed interface LlamaInput {
  /** Number of positions that this piece takes. */
  int count();

  /** Token ids, each in [0, V). */
  @SuppressWarnings("ArrayRecordComponent") // a message, never compared
  record Tokens(int[] ids) implements LlamaInput {
    @Override
    public int count() {
      return ids.length;
    }
  }

  /**
   * Token ids, each in [0, V), that the model said. Their keys and values are those of the steps
   * that say them, which differ by rounding from those of a prompt.
   */
  @SuppressWarnings("ArrayRecordComponent") // a message, never compared
  record Answer(int[] ids) implements LlamaInput {
    @Override
    public int count() {
      return ids.length;
    }
  }

  /**
   * Embeddings given from outside.
   *
   * @param rows [count, D] row-major
   * @param count number of rows
   */
  @SuppressWarnings("ArrayRecordComponent") // a message, never compared
  record Embeddings(float[] rows, int count) implements LlamaInput {
    /** Checks that the rows are whole. */
    public Embeddings {
      if (count < 0 || (count == 0 ? rows.length != 0 : rows.length % count != 0)) {
        throw new IllegalArgumentException(
            rows.length + " values are not " + count + " rows of one width");
      }
    }
  }
}
