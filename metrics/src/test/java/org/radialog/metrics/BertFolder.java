package org.radialog.metrics;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.LinkedHashMap;
import java.util.SequencedMap;
import org.radialog.testing.GoldenCase;
import org.radialog.testing.SafetensorsFile;
import org.radialog.testing.Weight;
import org.radialog.weights.DType;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** The network of a golden case as the folder that Hugging Face would have written. */
final class BertFolder {
  private BertFolder() {}

  static void write(Path folder, GoldenCase c) {
    JsonNode model = c.values().required("bertscore").required("model");
    SequencedMap<String, Weight> weights = new LinkedHashMap<>();
    for (JsonNode key : c.values().required("bertscore_keys")) {
      String name = key.get(0).stringValue();
      weights.put(
          name, Weight.formula(c.weightSalt(), name, DType.F32, GoldenCase.longs(key.get(1))));
    }
    SafetensorsFile.write(folder.resolve("model.safetensors"), weights);
    ObjectNode config = JsonMapper.shared().createObjectNode();
    config.put("model_type", "bert");
    config.put("hidden_act", "gelu");
    config.put("type_vocab_size", 2);
    config.set("vocab_size", model.required("vocab_size"));
    config.set("hidden_size", model.required("hidden"));
    config.set("num_hidden_layers", model.required("layers"));
    config.set("num_attention_heads", model.required("heads"));
    config.set("intermediate_size", model.required("ffn"));
    config.set("max_position_embeddings", model.required("positions"));
    config.set("layer_norm_eps", model.required("layer_norm_eps"));
    ObjectNode tokenizer = JsonMapper.shared().createObjectNode();
    tokenizer.set("do_lower_case", model.required("lower_case"));
    try {
      Files.writeString(folder.resolve("config.json"), config.toString());
      Files.writeString(folder.resolve("tokenizer_config.json"), tokenizer.toString());
      Files.copy(
          c.file(model.required("vocab").stringValue()),
          folder.resolve("vocab.txt"),
          StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
