package org.radialog.testing;

import java.nio.file.Path;
import java.util.List;
import tools.jackson.databind.JsonNode;

/** The small LLaMA vocabulary of the golden cases, and the texts tokenised with it. */
public final class LlamaVocabulary {
  private LlamaVocabulary() {}

  public static Path folder() {
    return Golden.file("tokenizer-llama");
  }

  public static Path file() {
    return folder().resolve("tokenizer.model");
  }

  public static List<String> texts() {
    return Golden.theCase("tokenizer-llama")
        .values()
        .required("cases")
        .valueStream()
        .map(one -> one.required("text").stringValue())
        .toList();
  }

  public static int[] integers(JsonNode list) {
    return list.valueStream().mapToInt(JsonNode::intValue).toArray();
  }
}
