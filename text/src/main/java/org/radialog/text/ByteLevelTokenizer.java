package org.radialog.text;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.radialog.clinical.PromptPart;

/**
 * Byte-level BPE as in GPT-2, used by SmolLM2 and Llama 3. Each part of a prompt is encoded
 * separately, in training and at inference, so that untrusted text cannot change the tokens of our
 * text.
 *
 * <p>Thread-safe.
 */
final class ByteLevelTokenizer implements TextTokenizer {
  private final List<String> tokens;
  private final Map<String, Integer> special;
  private final Set<Integer> wordless;
  private final Optional<Pattern> specialPattern;
  private final int endOfTurn;
  private final OptionalInt beginning;
  private final int longest; // maximum number of bytes per token; a character has at least one
  private final BackgroundLibrary library;

  /**
   * A tokenizer.
   *
   * @param tokens by id, with bytes as GPT-2's letters and special tokens as plain text
   * @param special ids of the special tokens
   * @param wordless ids of other tokens without text: unknown tokens, unused entries
   * @param beginning the token before a conversation
   * @param library a library without special tokens, because it would find them in any text
   */
  ByteLevelTokenizer(
      List<String> tokens,
      Map<String, Integer> special,
      Set<Integer> wordless,
      int endOfTurn,
      OptionalInt beginning,
      BackgroundLibrary library) {
    this.tokens = tokens;
    this.special = special;
    this.wordless = Set.copyOf(wordless);
    this.specialPattern =
        special.isEmpty()
            ? Optional.empty()
            : Optional.of(
                Pattern.compile(
                    special.keySet().stream()
                        // longest first, in case one begins with another
                        .sorted((a, b) -> b.length() - a.length())
                        .map(Pattern::quote)
                        .collect(Collectors.joining("|"))));
    this.endOfTurn = endOfTurn;
    this.beginning = beginning;
    this.longest = tokens.stream().mapToInt(String::length).max().orElse(1);
    this.library = library;
  }

  @Override
  public int size() {
    return tokens.size();
  }

  @Override
  public int endOfTurn() {
    return endOfTurn;
  }

  @Override
  public OptionalInt beginning() {
    return beginning;
  }

  @Override
  public boolean special(int id) {
    return special.getOrDefault(tokens.get(id), -1) == id;
  }

  @Override
  public int[] encode(String text, boolean parseSpecial) {
    return encode(text, parseSpecial, new TokenPlaces(Integer.MAX_VALUE));
  }

  private int[] encode(String text, boolean parseSpecial, TokenPlaces places) {
    if (!parseSpecial || specialPattern.isEmpty()) {
      return merge(text, places);
    }
    IntStream.Builder ids = IntStream.builder();
    Matcher mark = specialPattern.get().matcher(text);
    int end = 0;
    while (mark.find()) {
      Arrays.stream(merge(text.substring(end, mark.start()), places)).forEach(ids::add);
      ids.add(special.getOrDefault(mark.group(), -1));
      places.take(1);
      end = mark.end();
    }
    Arrays.stream(merge(text.substring(end), places)).forEach(ids::add);
    return ids.build().toArray();
  }

  private int[] merge(String text, TokenPlaces places) {
    int[] ids = text.isEmpty() ? new int[0] : library.ids(text, ' ', places.left());
    places.take(ids.length);
    return ids;
  }

  @Override
  public OptionalInt longestToken() {
    return OptionalInt.of(longest);
  }

  @Override
  public List<int[]> encode(List<PromptPart> parts, boolean begins, int most) {
    TokenPlaces places = TokenPlaces.of(parts, most, longestToken());
    List<int[]> lists = new ArrayList<>();
    IntStream.Builder ids = IntStream.builder();
    if (begins) {
      beginning.ifPresent(ids::add);
    }
    for (PromptPart part : parts) {
      switch (part) {
        case PromptPart.Template(String text) ->
            Arrays.stream(encode(text, true, places)).forEach(ids::add);
        case PromptPart.Text(String text) ->
            Arrays.stream(encode(text, false, places)).forEach(ids::add);
        case PromptPart.Image() -> {
          lists.add(ids.build().toArray());
          ids = IntStream.builder();
        }
      }
    }
    lists.add(ids.build().toArray());
    return lists;
  }

  @Override
  public String decode(int[] ids) {
    Utf8Stream utf8 = new Utf8Stream();
    StringBuilder text = new StringBuilder();
    for (int id : ids) {
      text.append(utf8.next(bytes(checked(id))));
    }
    return text.append(utf8.end()).toString();
  }

  @Override
  public Decoder decoder() {
    Utf8Stream text = new Utf8Stream();
    return new Decoder() {
      @Override
      public String next(int id) {
        return silent(checked(id)) ? "" : text.next(bytes(id));
      }

      @Override
      public String end() {
        return text.end();
      }
    };
  }

  private int checked(int id) {
    if (id < 0 || id >= tokens.size()) {
      throw new IllegalArgumentException(
          "token id " + id + " is not one of the tokenizer's " + tokens.size());
    }
    return id;
  }

  // The tokens that begin and end a conversation have no text, even if a file contains them as
  // ordinary words.
  private boolean silent(int id) {
    return special(id)
        || wordless.contains(id)
        || id == endOfTurn
        || beginning.equals(OptionalInt.of(id));
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
        return token.getBytes(StandardCharsets.UTF_8); // a token of the vocabulary as plain text
      }
      bytes[i] = (byte) value;
    }
    return bytes;
  }

  /**
   * GPT-2's letters for bytes: printable characters of Latin-1 are unchanged, the others start at
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

  @Override
  public String toString() {
    return "byte-level BPE, %d tokens, %d of them special".formatted(tokens.size(), special.size());
  }

  @Override
  public void close() {
    library.close();
  }
}
