package org.radialog.text;

import java.io.ByteArrayOutputStream;
import java.util.HashSet;
import java.util.List;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import tools.jackson.core.JsonGenerator;
import tools.jackson.databind.json.JsonMapper;

/**
 * The tokenizer of BERT: splits words into pieces of a vocabulary, for uncased models (such as
 * {@code bert-base-uncased}) in lower case and without accents. As in {@code transformers}, a
 * special token in the text is recognised; this is harmless because only labels are derived from
 * the text.
 *
 * <p>Thread-safe.
 */
public final class WordPiece implements AutoCloseable {
  private static final List<String> SPECIAL = List.of("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]");

  // average number of characters per token in a long text, at most
  private static final int LONGEST_TOKEN = 128;

  private final TokenizerLibrary library;
  private final int cls;
  private final int sep;

  private WordPiece(TokenizerLibrary library, int cls, int sep) {
    this.library = library;
    this.cls = cls;
    this.sep = sep;
  }

  /**
   * The uncased tokenizer of a vocabulary; the index of a piece is its id.
   *
   * @param vocabulary the lines of {@code vocab.txt}
   * @throws RadialogException if a piece occurs twice or a special token is missing
   */
  public static WordPiece of(List<String> vocabulary) {
    return of(vocabulary, true);
  }

  /** Like {@link #of(List)}; a cased tokenizer keeps capitals and accents. */
  public static WordPiece of(List<String> vocabulary, boolean uncased) {
    if (new HashSet<>(vocabulary).size() != vocabulary.size()) {
      throw new RadialogException(
          Kind.REFUSED_WEIGHTS, "vocabulary: expected different pieces, one occurs twice");
    }
    for (String token : SPECIAL) {
      if (!vocabulary.contains(token)) {
        throw new RadialogException(
            Kind.REFUSED_WEIGHTS,
            "vocabulary: expected the token "
                + token
                + " among its "
                + vocabulary.size()
                + " pieces; is this a vocab.txt of BERT?");
      }
    }
    return new WordPiece(
        TokenizerLibrary.of(json(vocabulary, uncased), "the vocabulary"),
        vocabulary.indexOf("[CLS]"),
        vocabulary.indexOf("[SEP]"));
  }

  private static byte[] json(List<String> vocabulary, boolean uncased) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(1 << 20);
    try (JsonGenerator json = JsonMapper.shared().createGenerator(bytes)) {
      json.writeStartObject();
      json.writeStringProperty("version", "1.0");
      json.writeArrayPropertyStart("added_tokens");
      for (String token : SPECIAL) {
        json.writeStartObject();
        json.writeNumberProperty("id", vocabulary.indexOf(token));
        json.writeStringProperty("content", token);
        for (String no : List.of("single_word", "lstrip", "rstrip", "normalized")) {
          json.writeBooleanProperty(no, false);
        }
        json.writeBooleanProperty("special", true);
        json.writeEndObject();
      }
      json.writeEndArray();
      json.writeObjectPropertyStart("normalizer");
      json.writeStringProperty("type", "BertNormalizer");
      json.writeBooleanProperty("clean_text", true);
      json.writeBooleanProperty("handle_chinese_chars", true);
      json.writeNullProperty("strip_accents"); // like the case: off
      json.writeBooleanProperty("lowercase", uncased);
      json.writeEndObject();
      json.writeObjectPropertyStart("pre_tokenizer");
      json.writeStringProperty("type", "BertPreTokenizer");
      json.writeEndObject();
      json.writeObjectPropertyStart("model");
      json.writeStringProperty("type", "WordPiece");
      json.writeStringProperty("unk_token", "[UNK]");
      json.writeStringProperty("continuing_subword_prefix", "##");
      json.writeNumberProperty("max_input_chars_per_word", 100);
      json.writeObjectPropertyStart("vocab");
      for (int id = 0; id < vocabulary.size(); id++) {
        json.writeNumberProperty(vocabulary.get(id), id);
      }
      json.writeEndObject();
      json.writeEndObject();
      json.writeEndObject();
    }
    return bytes.toByteArray();
  }

  /**
   * The ids of a text between [CLS] and [SEP].
   *
   * @param longest maximum number of ids; a longer text is truncated, with [SEP] kept at the end.
   *     Text beyond {@value #LONGEST_TOKEN} characters per token is not read
   */
  public int[] encode(String text, int longest) {
    if (longest < 2) {
      throw new IllegalArgumentException("[CLS] and [SEP] need two places, got " + longest);
    }
    int looked = (int) Math.min(text.length(), (long) longest * LONGEST_TOKEN);
    int[] pieces = library.ids(text.substring(0, looked), ' ', longest);
    int[] ids = new int[Math.min(pieces.length + 2, longest)];
    ids[0] = cls;
    for (int i = 1; i < ids.length - 1; i++) {
      ids[i] = pieces[i - 1];
    }
    ids[ids.length - 1] = sep;
    return ids;
  }

  public TokenizerLibrary library() {
    return library;
  }

  @Override
  public void close() {
    library.close();
  }
}
