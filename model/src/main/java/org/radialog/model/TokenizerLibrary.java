package org.radialog.model;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import org.radialog.base.RadialogException;

/** Hugging Face's tokenizer library, told what to do by a {@code tokenizer.json}. Thread-safe. */
record TokenizerLibrary(HuggingFaceTokenizer tokenizer) implements AutoCloseable {
  /**
   * Opens it; never asks the network.
   *
   * @param what names the vocabulary in an error
   */
  static TokenizerLibrary of(byte[] json, String what) {
    // Otherwise the library asks a cloud's metadata address and reports its use.
    System.setProperty("ai.djl.offline", "true");
    try {
      return new TokenizerLibrary(
          HuggingFaceTokenizer.newInstance(
              new ByteArrayInputStream(json),
              Map.of("addSpecialTokens", "false", "truncation", "false", "padding", "false")));
    } catch (IOException | RuntimeException e) {
      throw new RadialogException(what + " makes no tokenizer: " + e, e);
    }
  }

  /** The ids of a text, nothing before or behind it. */
  int[] ids(String text) {
    // Half a surrogate pair has no UTF-8.
    String wellFormed = new String(text.getBytes(StandardCharsets.UTF_8), StandardCharsets.UTF_8);
    return Arrays.stream(tokenizer.encode(wellFormed, false, false).getIds())
        .mapToInt(Math::toIntExact)
        .toArray();
  }

  @Override
  public void close() {
    tokenizer.close();
  }
}
