package org.radialog.text;

import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import org.radialog.base.RadialogException;
import org.radialog.text.SentencePieceModel.Kind;
import org.radialog.text.SentencePieceModel.Piece;
import org.radialog.text.SentencePieceTokenizer.Spaces;
import tools.jackson.core.JsonGenerator;
import tools.jackson.databind.json.JsonMapper;

/** The vocabulary in the metadata of a GGUF file, {@code tokenizer.ggml.*}. */
final class GgufVocabulary {
  private static final String KEYS = "tokenizer.ggml.";
  private static final String WHAT = "tokenizer: the GGUF vocabulary";

  // The token types of GGUF, those of SentencePiece in the same order.
  private static final int UNKNOWN = 2;
  private static final int CONTROL = 3;
  private static final int USER_DEFINED = 4;
  private static final int UNUSED = 5;
  private static final int BYTE = 6;

  private final Map<String, Object> metadata;
  private final List<String> tokens;
  private final List<Long> types;

  private GgufVocabulary(Map<String, Object> metadata) {
    this.metadata = metadata;
    this.tokens = list("tokens", String.class);
    this.types = list("token_type", Long.class);
    if (types.size() != tokens.size()) {
      throw new RadialogException(
          RadialogException.Kind.REFUSED_WEIGHTS,
          "tokenizer: expected a type for each of %d tokens, found %d"
              .formatted(tokens.size(), types.size()));
    }
    if (new HashSet<>(tokens).size() != tokens.size()) {
      throw new RadialogException(
          RadialogException.Kind.REFUSED_WEIGHTS,
          "tokenizer: expected different tokens, one occurs twice");
    }
  }

  static TextTokenizer tokenizer(Map<String, Object> metadata) {
    Object model = metadata.getOrDefault(KEYS + "model", "none");
    if (model.equals("gpt2")) {
      Pre pre = Pre.of(metadata.getOrDefault(KEYS + "pre", "default"));
      return new GgufVocabulary(metadata).byteLevel(pre);
    }
    if (model.equals("llama")) {
      return new GgufVocabulary(metadata).sentencePiece();
    }
    throw new RadialogException(
        RadialogException.Kind.REFUSED_WEIGHTS,
        "tokenizer: expected a GGUF file with tokenizer.ggml.model = gpt2 or llama, found "
            + model);
  }

  private TextTokenizer byteLevel(Pre pre) {
    List<String> merges = list("merges", String.class);
    Map<String, Integer> special = new HashMap<>();
    Set<Integer> wordless = new HashSet<>();
    for (int id = 0; id < tokens.size(); id++) {
      long type = types.get(id);
      if (type == UNKNOWN || type == UNUSED) {
        wordless.add(id);
      }
      if ((type == CONTROL || type == USER_DEFINED) && !tokens.get(id).isEmpty()) {
        special.put(tokens.get(id), id);
      }
    }
    return new ByteLevelTokenizer(
        tokens,
        special,
        wordless,
        id("eos_token_id"),
        flag("add_bos_token", pre.wholeWords)
            ? OptionalInt.of(id("bos_token_id"))
            : OptionalInt.empty(),
        new BackgroundLibrary(() -> json(pre, merges), WHAT));
  }

  private TextTokenizer sentencePiece() {
    List<Double> scores = list("scores", Double.class);
    if (scores.size() != tokens.size()) {
      throw new RadialogException(
          RadialogException.Kind.REFUSED_WEIGHTS,
          "tokenizer: expected a score for each of %d tokens, found %d"
              .formatted(tokens.size(), scores.size()));
    }
    List<Piece> pieces = new ArrayList<>();
    for (int id = 0; id < tokens.size(); id++) {
      Kind kind =
          switch (Math.clamp(types.get(id), 0, BYTE)) {
            case UNKNOWN -> Kind.UNKNOWN;
            case CONTROL, USER_DEFINED -> Kind.CONTROL;
            case UNUSED -> Kind.UNUSED;
            case BYTE -> Kind.BYTE;
            default -> Kind.NORMAL;
          };
      pieces.add(new Piece(tokens.get(id), scores.get(id).floatValue(), kind));
    }
    return SentencePieceTokenizer.of(
        SentencePieceModel.of(WHAT, pieces),
        flag("add_space_prefix", true) ? Spaces.LEGACY : Spaces.NONE,
        List.of(),
        flag("add_bos_token", true) ? OptionalInt.of(id("bos_token_id")) : OptionalInt.empty(),
        id("eos_token_id"));
  }

  private boolean flag(String key, boolean otherwise) {
    Object value = metadata.getOrDefault(KEYS + key, otherwise);
    if (value instanceof Boolean flag) {
      return flag;
    }
    throw new RadialogException(
        RadialogException.Kind.REFUSED_WEIGHTS,
        "tokenizer: expected true or false as " + KEYS + key + ", found " + value);
  }

  private int id(String key) {
    if (metadata.get(KEYS + key) instanceof Long id && id >= 0 && id < tokens.size()) {
      return id.intValue();
    }
    throw new RadialogException(
        RadialogException.Kind.REFUSED_WEIGHTS,
        "tokenizer: expected the id of a token as %s, found %s"
            .formatted(KEYS + key, metadata.get(KEYS + key)));
  }

  private <T> List<T> list(String key, Class<T> type) {
    if (metadata.get(KEYS + key) instanceof List<?> values
        && values.stream().allMatch(type::isInstance)) {
      return values.stream().map(type::cast).toList();
    }
    throw new RadialogException(
        RadialogException.Kind.REFUSED_WEIGHTS,
        "tokenizer: expected a list of " + type.getSimpleName() + " as " + KEYS + key);
  }

  /**
   * How llama.cpp splits a text before merging bytes, by {@code tokenizer.ggml.pre}.
   *
   * @param digits whether each digit is separate
   * @param cuts patterns whose matches are separate, applied one after the other
   * @param words whether GPT-2's words are split afterwards
   * @param wholeWords whether a word that is a token is not merged, and a conversation has a
   *     beginning token if the file does not specify it: Llama 3
   */
  private record Pre(
      List<String> names, boolean digits, List<String> cuts, boolean words, boolean wholeWords) {
    private static final List<Pre> ALL =
        List.of(
            new Pre(List.of("smollm"), true, List.of(), true, false),
            new Pre(List.of("gpt-2"), false, List.of(), true, false),
            new Pre(
                List.of("default"), // also for a file that does not specify it
                false,
                List.of(
                    "[\\p{P}\\$\\+<=>\\^~\\|]+",
                    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)",
                    "\\p{N}+",
                    "[0-9][0-9][0-9]"),
                false,
                false),
            new Pre(
                List.of("llama-bpe", "llama3", "llama-v3"),
                false,
                List.of(
                    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}"
                        + "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"),
                false,
                true));

    static Pre of(Object name) {
      return ALL.stream()
          .filter(pre -> pre.names.contains(String.valueOf(name)))
          .findFirst()
          .orElseThrow(() ->
              new RadialogException(
                  RadialogException.Kind.REFUSED_WEIGHTS,
                  "tokenizer: expected a GGUF file with tokenizer.ggml.pre among smollm, gpt-2,"
                      + " default, llama-bpe, found "
                      + name
                      + ": use the safetensors files of that model with their tokenizer.json"));
    }
  }

  // The tokenizer.json for the library: splits, then byte-level, without a space before the text.
  // It has no special tokens, because the library would find them in any text.
  private byte[] json(Pre pre, List<String> merges) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(1 << 22);
    try (JsonGenerator json = JsonMapper.shared().createGenerator(bytes)) {
      json.writeStartObject();
      json.writeStringProperty("version", "1.0");
      json.writeName("added_tokens").writeStartArray().writeEndArray();
      json.writeObjectPropertyStart("pre_tokenizer");
      json.writeStringProperty("type", "Sequence");
      json.writeArrayPropertyStart("pretokenizers");
      if (pre.digits) {
        json.writeStartObject();
        json.writeStringProperty("type", "Digits");
        json.writeBooleanProperty("individual_digits", true);
        json.writeEndObject();
      }
      for (String cut : pre.cuts) {
        json.writeStartObject();
        json.writeStringProperty("type", "Split");
        json.writeObjectPropertyStart("pattern");
        json.writeStringProperty("Regex", cut);
        json.writeEndObject();
        json.writeStringProperty("behavior", "Isolated");
        json.writeBooleanProperty("invert", false);
        json.writeEndObject();
      }
      json.writeStartObject();
      json.writeStringProperty("type", "ByteLevel");
      json.writeBooleanProperty("add_prefix_space", false);
      json.writeBooleanProperty("trim_offsets", true);
      json.writeBooleanProperty("use_regex", pre.words);
      json.writeEndObject();
      json.writeEndArray();
      json.writeEndObject();
      json.writeObjectPropertyStart("model");
      json.writeStringProperty("type", "BPE");
      json.writeBooleanProperty("ignore_merges", pre.wholeWords);
      json.writeObjectPropertyStart("vocab");
      for (int id = 0; id < tokens.size(); id++) {
        json.writeNumberProperty(tokens.get(id), id);
      }
      json.writeEndObject();
      json.writeArrayPropertyStart("merges");
      for (String merge : merges) {
        json.writeString(merge);
      }
      json.writeEndArray();
      json.writeEndObject();
      json.writeEndObject();
    }
    return bytes.toByteArray();
  }
}
