package org.radialog.model;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.radialog.base.RadialogException;
import org.radialog.model.SentencePieceModel.Kind;
import org.radialog.model.SentencePieceModel.Piece;
import tools.jackson.core.JsonGenerator;
import tools.jackson.databind.json.JsonMapper;

/**
 * LLaMA's tokenizer: a {@code tokenizer.model} of SentencePiece with BPE and bytes for what it does
 * not know. The merging is done by Hugging Face's library on the rules that follow from the pieces'
 * scores; where a space goes is decided here.
 *
 * <p>Thread-safe.
 */
public final class SentencePieceTokenizer implements AutoCloseable {
  /** Where spaces are put and taken: each reproduces the ids that a checkpoint was trained with. */
  public enum Spaces {
    /** {@code LlamaTokenizer(legacy=True)} of transformers 4.37 and later: RaDialog v2. */
    LEGACY(true, false, 2),
    /** {@code legacy=False}: no space is put behind a special token. */
    FIXED(false, false, 1),
    /** transformers 4.28.1: spaces around added tokens are taken away. RaDialog v1. */
    V1(true, true, 1);

    private final boolean behindSpecial;
    private final boolean stripped;
    private final int leading; // that are taken from decoded text, at most

    Spaces(boolean behindSpecial, boolean stripped, int leading) {
      this.behindSpecial = behindSpecial;
      this.stripped = stripped;
      this.leading = leading;
    }
  }

  private static final char SPACE = '\u2581'; // ▁

  private final List<Piece> pieces;
  private final Spaces spaces;
  private final TokenizerLibrary library;
  private final SequencedMap<String, Integer> special;
  private final List<String> added;
  private final Pattern marks;
  private final int bos;

  private SentencePieceTokenizer(
      List<Piece> pieces, Spaces spaces, List<String> added, TokenizerLibrary library) {
    this.pieces = pieces;
    this.spaces = spaces;
    this.added = List.copyOf(added);
    this.library = library;
    this.special = new LinkedHashMap<>();
    for (int id = 0; id < pieces.size(); id++) {
      if (pieces.get(id).kind() == Kind.CONTROL || pieces.get(id).kind() == Kind.UNKNOWN) {
        special.put(pieces.get(id).text(), id);
      }
    }
    this.bos = special.getOrDefault("<s>", -1);
    for (String token : added) {
      special.put(token, special.getOrDefault(token, pieces.size() + added.indexOf(token)));
    }
    this.marks =
        Pattern.compile(
            special.sequencedKeySet().stream()
                .sorted(Comparator.comparingInt(String::length).reversed())
                .map(Pattern::quote)
                .collect(Collectors.joining("|")));
  }

  /**
   * The tokenizer of a file.
   *
   * @param file {@code tokenizer.model}
   * @param added further special tokens, whose ids follow those of the file
   * @throws RadialogException if the file is no such model, or damaged
   */
  public static SentencePieceTokenizer of(Path file, Spaces spaces, List<String> added) {
    List<Piece> pieces = SentencePieceModel.read(file).pieces();
    return new SentencePieceTokenizer(
        pieces, spaces, added, TokenizerLibrary.of(json(pieces), file.toString()));
  }

  private record Merge(String left, String right, float score) {}

  // Two pieces are joined where their sum is a piece, the highest score first.
  private static List<Merge> merges(List<Piece> pieces) {
    Map<String, Integer> ids = new HashMap<>();
    for (int id = 0; id < pieces.size(); id++) {
      ids.putIfAbsent(pieces.get(id).text(), id);
    }
    List<Merge> merges = new ArrayList<>();
    for (Piece piece : pieces) {
      String text = piece.text();
      if (piece.kind() != Kind.NORMAL && piece.kind() != Kind.USER_DEFINED) {
        continue;
      }
      IntStream.range(1, text.length())
          .mapToObj(cut -> new Merge(text.substring(0, cut), text.substring(cut), piece.score()))
          .filter(m -> ids.containsKey(m.left) && ids.containsKey(m.right))
          .sorted(
              Comparator.comparingInt((Merge m) -> ids.getOrDefault(m.left, -1))
                  .thenComparingInt(m -> ids.getOrDefault(m.right, -1)))
          .forEach(merges::add);
    }
    merges.sort(
        Comparator.comparingDouble(Merge::score)
            .thenComparingInt(m -> m.left.length())
            .thenComparingInt(m -> m.right.length())
            .reversed());
    return merges;
  }

  private static byte[] json(List<Piece> pieces) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(1 << 20);
    try (JsonGenerator json = JsonMapper.shared().createGenerator(bytes)) {
      json.writeStartObject();
      json.writeStringProperty("version", "1.0");
      json.writeObjectPropertyStart("model");
      json.writeStringProperty("type", "BPE");
      json.writeStringProperty(
          "unk_token",
          pieces.stream()
              .filter(piece -> piece.kind() == Kind.UNKNOWN)
              .map(Piece::text)
              .findFirst()
              .orElse("<unk>"));
      json.writeBooleanProperty("fuse_unk", true);
      json.writeBooleanProperty("byte_fallback", true);
      json.writeObjectPropertyStart("vocab");
      for (int id = 0; id < pieces.size(); id++) {
        json.writeNumberProperty(pieces.get(id).text(), id);
      }
      json.writeEndObject();
      json.writeArrayPropertyStart("merges");
      for (Merge merge : merges(pieces)) {
        json.writeStartArray();
        json.writeString(merge.left);
        json.writeString(merge.right);
        json.writeEndArray();
      }
      json.writeEndArray();
      json.writeEndObject();
      json.writeEndObject();
    }
    return bytes.toByteArray();
  }

  /** The id that stands before every prompt. */
  public int bos() {
    return bos;
  }

  /**
   * The ids of a text, without one that marks the beginning.
   *
   * @param parseSpecial whether special tokens written in the text are meant; never for text from
   *     outside
   */
  public int[] encode(String text, boolean parseSpecial) {
    if (!parseSpecial) {
      return merge(text, true);
    }
    IntStream.Builder ids = IntStream.builder();
    Matcher mark = marks.matcher(text);
    int end = 0;
    boolean first = true;
    boolean strip = false; // at the beginning of what comes
    while (mark.find()) {
      boolean around = spaces.stripped && added.contains(mark.group());
      String part = text.substring(end, mark.start());
      add(ids, stripped(part, strip, around), first);
      ids.add(special.getOrDefault(mark.group(), -1));
      strip = around;
      first = false;
      end = mark.end();
    }
    add(ids, stripped(text.substring(end), strip, false), first);
    return ids.build().toArray();
  }

  private static String stripped(String part, boolean before, boolean after) {
    String stripped = before ? part.stripLeading() : part;
    return after ? stripped.stripTrailing() : stripped;
  }

  private void add(IntStream.Builder ids, String part, boolean first) {
    for (int id : merge(part, first || spaces.behindSpecial)) {
      ids.add(id);
    }
  }

  private int[] merge(String text, boolean space) {
    if (text.isEmpty()) {
      return new int[0];
    }
    return library.ids((space ? String.valueOf(SPACE) : "") + text.replace(' ', SPACE));
  }

  /** The text of some ids, special tokens left out; bytes that are no UTF-8 become U+FFFD. */
  public String decode(int[] ids) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    int leading = 0;
    boolean begun = false;
    for (int id : ids) {
      if (id < 0 || id >= pieces.size() + added.size()) {
        throw new IllegalArgumentException(
            "token id " + id + " is not one of " + (pieces.size() + added.size()));
      }
      if (id >= pieces.size() || special.containsKey(pieces.get(id).text())) {
        continue;
      }
      Piece piece = pieces.get(id);
      if (piece.kind() == Kind.BYTE) {
        bytes.write(Integer.parseInt(piece.text().substring(3, 5), 16));
        begun = true;
        continue;
      }
      String text = piece.text().replace(SPACE, ' ');
      while (!begun && leading < spaces.leading && text.startsWith(" ")) {
        text = text.substring(1);
        leading++;
      }
      begun |= !text.isEmpty();
      bytes.writeBytes(text.getBytes(StandardCharsets.UTF_8));
    }
    return bytes.toString(StandardCharsets.UTF_8);
  }

  @Override
  public void close() {
    library.close();
  }
}
