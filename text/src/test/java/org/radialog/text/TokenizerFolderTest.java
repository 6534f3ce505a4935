package org.radialog.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.radialog.base.RadialogException;
import org.radialog.clinical.PromptPart;
import org.radialog.testing.BaseGguf;
import org.radialog.testing.Golden;
import org.radialog.testing.LlamaVocabulary;
import org.radialog.testing.Outputs;
import org.radialog.text.SentencePieceTokenizer.Spaces;
import org.radialog.weights.Checkpoint;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Tokenizers as folders and GGUF files hold them. */
class TokenizerFolderTest {
  private static final JsonMapper JSON = JsonMapper.shared();

  @TempDir private Path folder;

  @Test
  void aVicunaFolderReadsAsTheSecondVersionDoes() throws IOException {
    copyGolden();
    same(Spaces.LEGACY, List.of());
  }

  @Test
  void theSwitchOfTheConfigurationDecidesOnSpaces() throws IOException {
    copyGolden();
    ObjectNode config = (ObjectNode) JSON.readTree(folder.resolve("tokenizer_config.json"));
    Files.writeString(
        folder.resolve("tokenizer_config.json"), config.put("legacy", false).toString());
    same(Spaces.FIXED, List.of());
    Files.writeString(
        folder.resolve("tokenizer_config.json"),
        config.put("legacy", true).put("add_bos_token", false).toString());
    try (TextTokenizer opened = TextTokenizer.open(folder)) {
      assertThat(opened.beginning()).isEmpty();
    }
  }

  @Test
  void theFirstVersionsImageTokenStripsTheSpacesAroundIt() throws IOException {
    copyGolden();
    Files.writeString(folder.resolve("added_tokens.json"), "{\"<IMG>\": %d}".formatted(pieces()));
    same(Spaces.V1, List.of("<IMG>"));
    for (JsonNode one : Golden.theCase("tokenizer-llama-v1").values().required("cases")) {
      String text = one.required("text").stringValue();
      if (text.contains("<IMG>")) {
        try (TextTokenizer opened = TextTokenizer.open(folder)) {
          int[] ids = opened.encode(List.of(new PromptPart.Template(text)), true).getFirst();
          assertThat(ids).isEqualTo(LlamaVocabulary.integers(one.required("ids")));
        }
      }
    }
  }

  @Test
  void anAddedTokenWhoseIdIsTakenIsRefused() throws IOException {
    copyGolden();
    Files.writeString(folder.resolve("added_tokens.json"), "{\"<IMG>\": 7}");
    refused("<IMG>", "the id 7");
    Files.writeString(folder.resolve("added_tokens.json"), "{\"<IMG>\": \"a\"}");
    refused("expected the id of an added token");
  }

  @Test
  void aByteLevelFolderReadsAsItsGgufFile() throws IOException {
    writeByteLevel();
    try (TextTokenizer opened = TextTokenizer.open(folder);
        Checkpoint gguf = BaseGguf.open();
        TextTokenizer expected = TextTokenizer.of(gguf)) {
      assertThat(opened.toString()).isEqualTo(expected.toString());
      assertThat(opened.size()).isEqualTo(expected.size());
      assertThat(opened.endOfTurn()).isEqualTo(expected.endOfTurn());
      assertThat(opened.beginning()).isEmpty();
      for (JsonNode one : Golden.theCase("tokenizer-smollm").values().required("cases")) {
        String text = one.required("text").stringValue();
        for (boolean special : new boolean[] {true, false}) {
          int[] ids = expected.encode(text, special);
          assertThat(opened.encode(text, special)).isEqualTo(ids);
          assertThat(opened.decode(ids)).isEqualTo(expected.decode(ids));
        }
      }
    }
  }

  @Test
  void aTemplateBeforeTheTextIsItsBeginning() throws IOException {
    ObjectNode json = writeByteLevel();
    ObjectNode processor = json.putObject("post_processor").put("type", "Sequence");
    ArrayNode processors = processor.putArray("processors");
    processors.addObject().put("type", "ByteLevel");
    processors
        .addObject()
        .put("type", "TemplateProcessing")
        .putArray("single")
        .addObject()
        .putObject("SpecialToken")
        .put("id", "<|im_start|>");
    Files.writeString(folder.resolve("tokenizer.json"), json.toString());
    try (TextTokenizer opened = TextTokenizer.open(folder)) {
      assertThat(opened.beginning()).hasValue(opened.encode("<|im_start|>", true)[0]);
    }
  }

  @Test
  void whatIsNoKnownTokenizerIsRefusedByWhatItIs() throws IOException {
    refused("expected a tokenizer.json or a tokenizer.model");
    Files.writeString(folder.resolve("tokenizer.json"), "{}");
    refused("type BPE");
    Files.writeString(folder.resolve("tokenizer.json"), "[");
    refused("expected JSON");
    Files.writeString(
        folder.resolve("tokenizer.json"), "{\"model\": {\"type\": \"Unigram\", \"vocab\": {}}}");
    refused("Unigram");
    Files.writeString(
        folder.resolve("tokenizer.json"),
        "{\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 99999999}}}");
    refused("expected an id", "99999999");
    Files.writeString(
        folder.resolve("tokenizer.json"),
        "{\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 0}, \"merges\": []}}");
    refused("ByteLevel", "byte_fallback");
    Files.writeString(
        folder.resolve("tokenizer.json"),
        "{\"pre_tokenizer\": {\"type\": \"ByteLevel\"}, \"model\": {\"type\": \"BPE\", \"vocab\":"
            + " {\"a\": 0}, \"merges\": []}}");
    refused("eos_token");
    Files.writeString(
        folder.resolve("tokenizer.json"),
        "{\"normalizer\": {\"type\": \"NFC\"}, \"model\": {\"type\": \"BPE\", \"byte_fallback\":"
            + " true, \"vocab\": {\"a\": 0}, \"merges\": []}}");
    refused("normalizer", "NFC");
  }

  @Test
  void aLlamaVocabularyOfAGgufFileReadsAsTheSecondVersionDoes() {
    Map<String, Object> metadata = llamaMetadata();
    try (TextTokenizer gguf = GgufVocabulary.tokenizer(metadata);
        SentencePieceTokenizer expected =
            SentencePieceTokenizer.of(LlamaVocabulary.file(), Spaces.LEGACY, List.of())) {
      assertThat(gguf.beginning()).isEqualTo(expected.beginning());
      assertThat(gguf.endOfTurn()).isEqualTo(expected.endOfTurn());
      for (String text : LlamaVocabulary.texts()) {
        assertThat(gguf.encode(text, true)).as(text).isEqualTo(expected.encode(text, true));
        assertThat(gguf.encode(text, false)).as(text).isEqualTo(expected.encode(text, false));
      }
    }
    metadata.put("tokenizer.ggml.add_space_prefix", false);
    metadata.put("tokenizer.ggml.add_bos_token", false);
    try (TextTokenizer gguf = GgufVocabulary.tokenizer(metadata);
        SentencePieceTokenizer expected =
            SentencePieceTokenizer.of(LlamaVocabulary.file(), Spaces.NONE, List.of())) {
      assertThat(gguf.beginning()).isEmpty();
      assertThat(gguf.encode("The lungs", false)).isEqualTo(expected.encode("The lungs", false));
      assertThat(gguf.decode(gguf.encode("The lungs", false))).isEqualTo("The lungs");
    }
    metadata.remove("tokenizer.ggml.scores");
    assertThatThrownBy(() -> GgufVocabulary.tokenizer(metadata))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining("tokenizer.ggml.scores");
  }

  @Test
  void eachPreTokenizerCutsNumbersInItsOwnWay() {
    // pieces of "12345": SmolLM2 cuts each digit, Llama 3 and the default three, GPT-2 none
    assertThat(cut("smollm", "12345")).containsExactly("1", "2", "3", "4", "5");
    assertThat(cut("llama-bpe", "12345")).containsExactly("123", "45");
    assertThat(cut("default", "12345")).containsExactly("123", "45");
    assertThat(cut("gpt-2", "12345")).containsExactly("12345");
    // and what stands around words
    assertThat(cut("llama-bpe", "(ab)")).containsExactly("(ab", ")");
    assertThat(cut("gpt-2", "(ab)")).containsExactly("(", "ab", ")");
    assertThatThrownBy(() -> cut("qwen2", "x"))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining("qwen2")
        .hasMessageContaining("llama-bpe");
  }

  // A vocabulary in which every part of the text is joined to one token, so that tokens show cuts.
  private static List<String> cut(String pre, String text) {
    List<String> tokens = new ArrayList<>(List.of("<end>"));
    List<String> merges = new ArrayList<>();
    text.chars().distinct().forEach(c -> tokens.add(Character.toString(c)));
    for (int from = 0; from < text.length(); from++) {
      for (int to = from + 2; to <= text.length(); to++) { // grows from its first character
        tokens.add(text.substring(from, to));
        merges.add(text.substring(from, to - 1) + " " + text.charAt(to - 1));
      }
    }
    Map<String, Object> metadata = new HashMap<>();
    metadata.put("tokenizer.ggml.model", "gpt2");
    metadata.put("tokenizer.ggml.pre", pre);
    metadata.put("tokenizer.ggml.tokens", tokens);
    metadata.put("tokenizer.ggml.merges", merges);
    metadata.put(
        "tokenizer.ggml.token_type", Stream.generate(() -> 1L).limit(tokens.size()).toList());
    metadata.put("tokenizer.ggml.eos_token_id", 0L);
    metadata.put("tokenizer.ggml.bos_token_id", 0L);
    try (TextTokenizer tokenizer = GgufVocabulary.tokenizer(metadata)) {
      assertThat(tokenizer.beginning().isPresent()).isEqualTo(pre.equals("llama-bpe"));
      List<String> parts = new ArrayList<>();
      for (int id : tokenizer.encode(text, false)) {
        parts.add(tokenizer.decode(new int[] {id}));
      }
      return parts;
    }
  }

  private static Map<String, Object> llamaMetadata() {
    List<String> tokens = new ArrayList<>();
    List<Double> scores = new ArrayList<>();
    List<Long> types = new ArrayList<>();
    SentencePieceModel.read(LlamaVocabulary.file())
        .pieces()
        .forEach(piece -> {
          tokens.add(piece.text());
          scores.add((double) piece.score());
          types.add(1L + List.of(SentencePieceModel.Kind.values()).indexOf(piece.kind()));
        });
    Map<String, Object> metadata = new HashMap<>();
    metadata.put("tokenizer.ggml.model", "llama");
    metadata.put("tokenizer.ggml.tokens", tokens);
    metadata.put("tokenizer.ggml.scores", scores);
    metadata.put("tokenizer.ggml.token_type", types);
    metadata.put("tokenizer.ggml.bos_token_id", 1L);
    metadata.put("tokenizer.ggml.eos_token_id", 2L);
    return metadata;
  }

  private void copyGolden() throws IOException {
    try (Stream<Path> files = Files.list(LlamaVocabulary.folder())) {
      for (Path file : files.toList()) {
        Files.copy(file, folder.resolve(file.getFileName()));
      }
    }
  }

  private static int pieces() {
    return SentencePieceModel.read(LlamaVocabulary.file()).pieces().size();
  }

  private void same(Spaces spaces, List<String> added) {
    try (TextTokenizer opened = TextTokenizer.open(folder);
        SentencePieceTokenizer expected =
            SentencePieceTokenizer.of(LlamaVocabulary.file(), spaces, added)) {
      assertThat(opened.toString()).isEqualTo(expected.toString());
      assertThat(opened.size()).isEqualTo(expected.size()).isEqualTo(pieces() + added.size());
      assertThat(opened.endOfTurn()).isEqualTo(expected.endOfTurn());
      assertThat(opened.beginning()).isEqualTo(expected.beginning());
      for (String text : LlamaVocabulary.texts()) {
        int[] ids = expected.encode(text, true);
        assertThat(opened.encode(text, true)).as(text).isEqualTo(ids);
        assertThat(opened.decode(ids)).isEqualTo(expected.decode(ids));
      }
    }
  }

  private void refused(String... parts) {
    assertThatThrownBy(() -> TextTokenizer.open(folder))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining(folder.toString())
        .hasMessageContainingAll(parts);
  }

  /** SmolLM2's files as its publisher writes them, from the GGUF file. */
  private ObjectNode writeByteLevel() throws IOException {
    ObjectNode json = JSON.createObjectNode();
    try (Checkpoint gguf = BaseGguf.open()) {
      List<?> tokens = (List<?>) Outputs.named(gguf.metadata(), "tokenizer.ggml.tokens");
      List<?> types = (List<?>) Outputs.named(gguf.metadata(), "tokenizer.ggml.token_type");
      ArrayNode added = json.putArray("added_tokens");
      ObjectNode words = json.putObject("pre_tokenizer").put("type", "Sequence");
      ArrayNode steps = words.putArray("pretokenizers");
      steps.addObject().put("type", "Digits").put("individual_digits", true);
      steps
          .addObject()
          .put("type", "ByteLevel")
          .put("add_prefix_space", false)
          .put("trim_offsets", true)
          .put("use_regex", true);
      ObjectNode model = json.putObject("model").put("type", "BPE");
      ObjectNode vocabulary = model.putObject("vocab");
      ArrayNode merges = model.putArray("merges");
      for (int id = 0; id < tokens.size(); id++) {
        vocabulary.put((String) tokens.get(id), id);
        if (types.get(id).equals(3L)) {
          added
              .addObject()
              .put("id", id)
              .put("content", (String) tokens.get(id))
              .put("special", true);
        }
      }
      ((List<?>) Outputs.named(gguf.metadata(), "tokenizer.ggml.merges"))
          .forEach(merge -> merges.add((String) merge));
    }
    Files.writeString(folder.resolve("tokenizer.json"), json.toString());
    Files.writeString(folder.resolve("tokenizer_config.json"), "{\"eos_token\": \"<|im_end|>\"}");
    return json;
  }
}
