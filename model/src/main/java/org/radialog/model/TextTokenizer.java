package org.radialog.model;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.radialog.base.RadialogException;
import org.radialog.weights.Checkpoint;
import tools.jackson.core.JsonGenerator;
import tools.jackson.databind.json.JsonMapper;

/**
 * The byte-level BPE of a GGUF file ({@code tokenizer.ggml.*}): text to token ids and back.
 *
 * <p>A special token (a role mark, an end of turn) comes only from text that is encoded with {@code
 * parseSpecial}; the same characters in text from outside are plain text. The merging is done by
 * Hugging Face's own library, which is built in the background: the first {@link #encode} waits for
 * it. It unpacks into the folder of the system property {@code ENGINE_CACHE_DIR}, and never asks
 * the network.
 *
 * <p>Thread-safe.
 */
public final class TextTokenizer implements AutoCloseable {
  private static final String KEYS = "tokenizer.ggml.";
  private static final long CONTROL = 3;
  private static final long USER_DEFINED = 4;

  private final List<String> tokens;
  private final Map<String, Integer> special;
  private final Optional<Pattern> specialPattern;
  private final int endOfTurn;
  private final CompletableFuture<TokenizerLibrary> library;

  private TextTokenizer(
      List<String> tokens,
      Map<String, Integer> special,
      int endOfTurn,
      CompletableFuture<TokenizerLibrary> library) {
    this.tokens = tokens;
    this.special = special;
    this.specialPattern =
        special.isEmpty()
            ? Optional.empty()
            : Optional.of(
                Pattern.compile(
                    special.keySet().stream()
                        // the longest first, as where one begins with another
                        .sorted((a, b) -> b.length() - a.length())
                        .map(Pattern::quote)
                        .collect(Collectors.joining("|"))));
    this.endOfTurn = endOfTurn;
    this.library = library;
  }

  /** The tokenizer of a file. */
  @SuppressWarnings("DoNotCallSuggester")
  public static TextTokenizer open(java.nio.file.Path file) {
    throw new RadialogException("tokenizer: cannot read " + file);
  }

  /**
   * The tokenizer of a GGUF file, which may be closed afterwards.
   *
   * @throws RadialogException if the file has none, or one of another kind
   */
  public static TextTokenizer of(Checkpoint gguf) {
    Map<String, Object> metadata = gguf.metadata();
    require(metadata, "model", "gpt2");
    require(metadata, "pre", "smollm");
    List<String> tokens = list(metadata, "tokens", String.class);
    List<String> merges = list(metadata, "merges", String.class);
    List<Long> types = list(metadata, "token_type", Long.class);
    if (types.size() != tokens.size()) {
      throw new RadialogException(
          "tokenizer: expected a type for each of %d tokens, found %d"
              .formatted(tokens.size(), types.size()));
    }
    if (new HashSet<>(tokens).size() != tokens.size()) {
      throw new RadialogException("tokenizer: expected different tokens, one stands there twice");
    }
    Map<String, Integer> special = new HashMap<>();
    for (int id = 0; id < tokens.size(); id++) {
      long type = types.get(id);
      if ((type == CONTROL || type == USER_DEFINED) && !tokens.get(id).isEmpty()) {
        special.put(tokens.get(id), id);
      }
    }
    if (!(metadata.get(KEYS + "eos_token_id") instanceof Long end)
        || end < 0
        || end >= tokens.size()) {
      throw new RadialogException(
          "tokenizer: expected the id of a token as %seos_token_id, found %s"
              .formatted(KEYS, metadata.get(KEYS + "eos_token_id")));
    }
    CompletableFuture<TokenizerLibrary> library = new CompletableFuture<>();
    Thread.ofPlatform()
        .daemon()
        .name("tokenizer")
        .start(() ->
            library.completeAsync(
                () -> TokenizerLibrary.of(json(tokens, merges), "tokenizer: the GGUF vocabulary"),
                Runnable::run));
    return new TextTokenizer(tokens, special, end.intValue(), library);
  }

  private static void require(Map<String, Object> metadata, String key, String expected) {
    if (!expected.equals(metadata.get(KEYS + key))) {
      throw new RadialogException(
          "tokenizer: expected a GGUF file with %s%s = %s, found %s"
              .formatted(KEYS, key, expected, metadata.get(KEYS + key)));
    }
  }

  private static <T> List<T> list(Map<String, Object> metadata, String key, Class<T> type) {
    if (metadata.get(KEYS + key) instanceof List<?> values
        && values.stream().allMatch(type::isInstance)) {
      return values.stream().map(type::cast).toList();
    }
    throw new RadialogException(
        "tokenizer: expected a list of " + type.getSimpleName() + " as " + KEYS + key);
  }

  // tokenizer.json of the library: each digit alone, then GPT-2's pattern, byte-level, no space put
  // before the text. Special tokens are not told to it: it would find them in any text.
  private static byte[] json(List<String> tokens, List<String> merges) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(1 << 22);
    try (JsonGenerator json = JsonMapper.shared().createGenerator(bytes)) {
      json.writeStartObject();
      json.writeStringProperty("version", "1.0");
      json.writeName("added_tokens").writeStartArray().writeEndArray();
      json.writeObjectPropertyStart("pre_tokenizer");
      json.writeStringProperty("type", "Sequence");
      json.writeArrayPropertyStart("pretokenizers");
      json.writeStartObject();
      json.writeStringProperty("type", "Digits");
      json.writeBooleanProperty("individual_digits", true);
      json.writeEndObject();
      json.writeStartObject();
      json.writeStringProperty("type", "ByteLevel");
      json.writeBooleanProperty("add_prefix_space", false);
      json.writeBooleanProperty("trim_offsets", true);
      json.writeBooleanProperty("use_regex", true);
      json.writeEndObject();
      json.writeEndArray();
      json.writeEndObject();
      json.writeObjectPropertyStart("model");
      json.writeStringProperty("type", "BPE");
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

  /** The number of tokens; ids are below it. */
  public int size() {
    return tokens.size();
  }

  /** The id of the token that ends a turn. */
  public int endOfTurn() {
    return endOfTurn;
  }

  /** Whether {@code id} is a special token: a mark of a role, of an end, or another one. */
  public boolean special(int id) {
    return special.getOrDefault(tokens.get(id), -1) == id;
  }

  /**
   * The token ids of a text; nothing is put before or behind it.
   *
   * @param parseSpecial whether special tokens written in the text are meant; never for text from
   *     outside
   */
  public int[] encode(String text, boolean parseSpecial) {
    if (!parseSpecial || specialPattern.isEmpty()) {
      return merge(text);
    }
    IntStream.Builder ids = IntStream.builder();
    Matcher mark = specialPattern.get().matcher(text);
    int end = 0;
    while (mark.find()) {
      Arrays.stream(merge(text.substring(end, mark.start()))).forEach(ids::add);
      ids.add(special.getOrDefault(mark.group(), -1));
      end = mark.end();
    }
    Arrays.stream(merge(text.substring(end))).forEach(ids::add);
    return ids.build().toArray();
  }

  private int[] merge(String text) {
    if (text.isEmpty()) {
      return new int[0];
    }
    return library().ids(text);
  }

  private TokenizerLibrary library() {
    try {
      return library.join();
    } catch (CompletionException e) {
      throw e.getCause() instanceof RadialogException known ? known : e;
    }
  }

  /**
   * The text of some tokens, special ones as they are written. Bytes that are no UTF-8 become
   * U+FFFD.
   */
  public String decode(int[] ids) {
    Decoder decoder = decoder();
    StringBuilder text = new StringBuilder();
    for (int id : ids) {
      text.append(decoder.next(id));
    }
    return text.append(decoder.end()).toString();
  }

  /** A new decoder for tokens that come one by one. */
  public Decoder decoder() {
    return new Decoder();
  }

  /**
   * Turns tokens into text as they come. A character that stands in several tokens appears with the
   * last of them. Belongs to one thread.
   */
  public final class Decoder {
    private final CharsetDecoder utf8 =
        StandardCharsets.UTF_8
            .newDecoder()
            .onMalformedInput(CodingErrorAction.REPLACE)
            .onUnmappableCharacter(CodingErrorAction.REPLACE);
    private ByteBuffer pending = ByteBuffer.allocate(0);

    private Decoder() {}

    /**
     * The characters that are whole with {@code id}; often some, sometimes none.
     *
     * @throws IllegalArgumentException if there is no such token
     */
    public String next(int id) {
      if (id < 0 || id >= tokens.size()) {
        throw new IllegalArgumentException(
            "token id " + id + " is not one of the tokenizer's " + tokens.size());
      }
      byte[] more = bytes(id);
      ByteBuffer bytes = ByteBuffer.allocate(pending.remaining() + more.length);
      bytes.put(pending).put(more).flip();
      return decode(bytes, false);
    }

    /** What is left: U+FFFD if the tokens ended within a character, else nothing. */
    public String end() {
      String rest = decode(pending, true);
      utf8.reset();
      return rest;
    }

    private String decode(ByteBuffer bytes, boolean end) {
      CharBuffer text = CharBuffer.allocate(bytes.remaining() + 1); // no byte gives two chars
      utf8.decode(bytes, text, end);
      if (end) {
        utf8.flush(text);
      }
      pending = bytes;
      return text.flip().toString();
    }
  }

  private byte[] bytes(int id) {
    String token = tokens.get(id);
    if (special(id)) {
      return token.getBytes(StandardCharsets.UTF_8);
    }
    byte[] bytes = new byte[token.length()];
    for (int i = 0; i < bytes.length; i++) {
      int value = ByteLevel.valueOf(token.charAt(i));
      if (value < 0) {
        return token.getBytes(StandardCharsets.UTF_8); // a token of the vocabulary in plain text
      }
      bytes[i] = (byte) value;
    }
    return bytes;
  }

  /**
   * GPT-2's letters for bytes: the printable ones of Latin-1 are themselves, the others from
   * U+0100.
   */
  private static final class ByteLevel {
    private static final int[] VALUES = new int[0x100 + 0x100];

    static {
      Arrays.fill(VALUES, -1);
      int next = 0x100;
      for (int b = 0; b < 0x100; b++) {
        boolean itself = (b >= '!' && b <= '~') || (b >= 0xa1 && b <= 0xac) || b >= 0xae;
        VALUES[itself ? b : next++] = b;
      }
    }

    static int valueOf(char letter) {
      return letter < VALUES.length ? VALUES[letter] : -1;
    }
  }

  /** Frees the library's memory; encoding is over, decoding goes on. */
  @Override
  public void close() {
    library
        .handle((built, failure) -> Optional.ofNullable(built))
        .join()
        .ifPresent(TokenizerLibrary::close);
  }
}
