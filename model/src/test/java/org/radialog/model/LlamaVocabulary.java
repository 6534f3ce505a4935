package org.radialog.model;

import java.nio.file.Path;
import java.util.List;
import org.radialog.testing.Golden;
import tools.jackson.databind.JsonNode;

/** The small LLaMA vocabulary of the golden cases, and the texts that they were read with. */
final class LlamaVocabulary {
  private LlamaVocabulary() {}

  static Path folder() {
    return Golden.folder().resolve("tokenizer-llama");
  }

  static Path file() {
    return folder().resolve("tokenizer.model");
  }

  static List<String> texts() {
    return Golden.theCase("tokenizer-llama")
        .values()
        .required("cases")
        .valueStream()
        .map(one -> one.required("text").stringValue())
        .toList();
  }

  static int[] integers(JsonNode list) {
    return list.valueStream().mapToInt(JsonNode::intValue).toArray();
  }
}
