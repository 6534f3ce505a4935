package org.radialog.text;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SequencedMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.radialog.base.RadialogException;
import org.radialog.base.WholeFile;
import org.radialog.clinical.PromptPart;
import org.radialog.text.SentencePieceModel.Kind;
import org.radialog.text.SentencePieceModel.Merge;
import org.radialog.text.SentencePieceModel.Piece;
import tools.jackson.core.JsonGenerator;
import tools.jackson.databind.json.JsonMapper;

/**
 * LLaMA's tokenizer: SentencePiece BPE with byte fallback. The Hugging Face library does the
 * merging, with the rules that follow from the scores of the pieces; the placement of spaces is
 * decided here.
 *
 * <p>The parts of a prompt between two images are encoded as one text, whose pieces may cross the
 * boundary between two parts, as in the published training. Untrusted text still cannot contain
 * special tokens.
 *
 * <p>Thread-safe.
 */
public final class SentencePieceTokenizer implements TextTokenizer {
  /**
   * How spaces are inserted and removed; each variant reproduces the ids that a checkpoint was
   * trained with.
   */
  public enum Spaces {
    /** {@code LlamaTokenizer(legacy=True)} of transformers 4.37 and later: RaDialog v2. */
    LEGACY(true, true, false, 2),
    /** {@code legacy=False}: no space is inserted after a special token. */
    FIXED(true, false, false, 1),
    /** transformers 4.28.1: spaces around added tokens are removed. RaDialog v1. */
    V1(true, true, true, 1),
    /** No spaces are inserted. */
    NONE(false, false, false, 0);

    private final boolean first;
    private final boolean behindSpecial;
    private final boolean stripped;
    private final int leading; // maximum number of spaces removed from decoded text

    Spaces(boolean first, boolean behindSpecial, boolean stripped, int leading) {
      this.first = first;
      this.behindSpecial = behindSpecial;
      this.stripped = stripped;
      this.leading = leading;
    }
  }

  /**
   * A special token in addition to those of the model.
   *
   * @param stripsBefore whether spaces before it are removed
   * @param stripsAfter whether spaces after it are removed
   */
  record Added(String text, int id, boolean stripsBefore, boolean stripsAfter) {}

  /** The token that RaDialog v1 replaces with an image. */
  static final String IMAGE = "<IMG>";

  private static final char SPACE = '\u2581'; // ▁
  private static final char NOWHERE = '\uFFFF'; // not a character
  private static final int BYTES = 256;
  private static final String SPACES = "[\\s\\x1c-\\x1f]+"; // Python's
  private static final Pattern BEFORE =
      Pattern.compile("^" + SPACES, Pattern.UNICODE_CHARACTER_CLASS);
  private static final Pattern AFTER =
      Pattern.compile(SPACES + "\\z", Pattern.UNICODE_CHARACTER_CLASS);

  private final SentencePieceModel model;
  private final Spaces spaces;
  private final SequencedMap<String, Added> special;
  private final List<Added> added;
  private final Optional<Pattern> marks;
  private final OptionalInt beginning;
  private final int endOfTurn;
  private final int size;
  private final OptionalInt longest;
  private final char cut; // text before which a long text may be split
  private final BackgroundLibrary library;

  private SentencePieceTokenizer(
      SentencePieceModel model,
      Spaces spaces,
      List<Added> added,
      OptionalInt beginning,
      int endOfTurn) {
    this.model = model;
    this.spaces = spaces;
    this.added = List.copyOf(added);
    this.beginning = beginning;
    this.endOfTurn = endOfTurn;
    this.special = special(model.pieces());
    added.forEach(token -> special.put(token.text(), token));
    this.size =
        Math.max(model.pieces().size(), 1 + added.stream().mapToInt(Added::id).max().orElse(-1));
    this.marks =
        special.isEmpty()
            ? Optional.empty()
            : Optional.of(
                Pattern.compile(
                    special.sequencedKeySet().stream()
                        .sorted(Comparator.comparingInt(String::length).reversed())
                        .map(Pattern::quote)
                        .collect(Collectors.joining("|"))));
    this.longest = longest(model.pieces());
    this.cut = partsAtSpaces(model.pieces()) ? SPACE : NOWHERE;
    this.library = new BackgroundLibrary(this::libraryJson, model.name());
  }

  private static SequencedMap<String, Added> special(List<Piece> pieces) {
    SequencedMap<String, Added> special = new LinkedHashMap<>();
    for (int id = 0; id < pieces.size(); id++) {
      Piece piece = pieces.get(id);
      if ((piece.kind() == Kind.CONTROL || piece.kind() == Kind.UNKNOWN)
          && !piece.text().isEmpty()) {
        special.put(piece.text(), new Added(piece.text(), id, false, false));
      }
    }
    return special;
  }

  /**
   * The tokenizer of a {@code tokenizer.model}.
   *
   * @param added additional special tokens, whose ids follow those of the file
   * @throws RadialogException if the file is not such a model or is damaged
   */
  public static SentencePieceTokenizer of(Path file, Spaces spaces, List<String> added) {
    SentencePieceModel model = SentencePieceModel.read(file);
    SequencedMap<String, Added> special = special(model.pieces());
    List<Added> tokens = new ArrayList<>();
    for (String token : added) {
      int id =
          special.containsKey(token)
              ? required(special, token, file.toString()).id()
              : model.pieces().size() + tokens.size();
      tokens.add(new Added(token, id, spaces.stripped, spaces.stripped));
    }
    return of(
        model,
        spaces,
        tokens,
        OptionalInt.of(required(special, "<s>", file.toString()).id()),
        required(special, "</s>", file.toString()).id());
  }

  private static Added required(SequencedMap<String, Added> special, String token, String name) {
    return Optional.ofNullable(special.get(token))
        .orElseThrow(() ->
            new RadialogException(
                name
                    + ": expected the control piece "
                    + token
                    + " of a LLaMA tokenizer, found none"));
  }

  static SentencePieceTokenizer of(
      SentencePieceModel model,
      Spaces spaces,
      List<Added> added,
      OptionalInt beginning,
      int endOfTurn) {
    return new SentencePieceTokenizer(model, spaces, added, beginning, endOfTurn);
  }

  @Override
  public int size() {
    return size;
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
    return special.values().stream().anyMatch(token -> token.id() == id);
  }

  // If a piece spans a character and the space after it, the text must not be split there.
  private static boolean partsAtSpaces(List<Piece> pieces) {
    for (Piece piece : pieces) {
      String text = piece.text();
      for (int i = text.indexOf(SPACE, 1); i > 0; i = text.indexOf(SPACE, i + 1)) {
        if (TokenizerLibrary.visible(text.charAt(i - 1))) {
          return false;
        }
      }
    }
    return true;
  }

  // Without byte fallback, unknown text of any length is a single token.
  private static OptionalInt longest(List<Piece> pieces) {
    return pieces.stream().filter(piece -> piece.kind() == Kind.BYTE).count() == BYTES
        ? OptionalInt.of(pieces.stream().mapToInt(piece -> piece.text().length()).max().orElse(1))
        : OptionalInt.empty();
  }

  @Override
  public OptionalInt longestToken() {
    return longest;
  }

  @Override
  public int[] encode(String text, boolean parseSpecial) {
    Reader reader = new Reader(new TokenPlaces(Integer.MAX_VALUE));
    if (parseSpecial) {
      reader.template(text);
    } else {
      reader.text.append(text);
    }
    return reader.end().getFirst();
  }

  @Override
  public List<int[]> encode(List<PromptPart> parts, boolean begins, int most) {
    Reader reader = new Reader(TokenPlaces.of(parts, most, longest));
    if (begins) {
      beginning.ifPresent(reader.ids::add);
    }
    for (PromptPart part : parts) {
      switch (part) {
        case PromptPart.Template(String text) -> reader.template(text);
        case PromptPart.Text(String text) -> reader.text.append(text);
        case PromptPart.Image() -> reader.image();
      }
    }
    return reader.end();
  }

  /** Joins texts until a special token or an image ends them. */
  private final class Reader {
    private final List<int[]> lists = new ArrayList<>();
    private final StringBuilder text = new StringBuilder();
    private IntStream.Builder ids = IntStream.builder();
    private boolean first = true; // no special token since the last image
    private boolean strip; // spaces at the beginning of the text
    private final TokenPlaces places;

    Reader(TokenPlaces places) {
      this.places = places;
    }

    void template(String template) {
      if (marks.isEmpty()) {
        text.append(template);
        return;
      }
      Matcher mark = marks.get().matcher(template);
      int from = 0;
      while (mark.find()) {
        text.append(template, from, mark.start());
        Added token = required(special, mark.group(), model.name());
        flush(token.stripsBefore());
        ids.add(token.id());
        places.take(1);
        strip = token.stripsAfter();
        first = false;
        from = mark.end();
      }
      text.append(template, from, template.length());
    }

    void image() {
      Optional<Added> token = Optional.ofNullable(special.get(IMAGE));
      flush(token.map(Added::stripsBefore).orElse(false));
      lists.add(ids.build().toArray());
      ids = IntStream.builder();
      first = true;
      strip = token.map(Added::stripsAfter).orElse(false);
    }

    List<int[]> end() {
      flush(false);
      lists.add(ids.build().toArray());
      return lists;
    }

    private void flush(boolean stripEnd) {
      String part = text.toString();
      text.setLength(0);
      part = strip ? BEFORE.matcher(part).replaceFirst("") : part;
      part = stripEnd ? AFTER.matcher(part).replaceFirst("") : part;
      if (!part.isEmpty()) {
        boolean space = first ? spaces.first : spaces.behindSpecial;
        int[] merged =
            library.ids(
                (space ? String.valueOf(SPACE) : "") + part.replace(' ', SPACE),
                cut,
                places.left());
        places.take(merged.length);
        Arrays.stream(merged).forEach(ids::add);
      }
    }
  }

  @Override
  public Decoder decoder() {
    return new Pieces();
  }

  /** Drops special tokens, and some spaces before the first word. */
  private final class Pieces implements Decoder {
    private final Utf8Stream utf8 = new Utf8Stream();
    private int leading;
    private boolean begun;

    @Override
    public String next(int id) {
      if (id < 0 || id >= size) {
        throw new IllegalArgumentException(
            "token id " + id + " is not one of the tokenizer's " + size);
      }
      if (id >= model.pieces().size()) {
        return "";
      }
      Piece piece = model.pieces().get(id);
      if (special.containsKey(piece.text())
          || piece.kind() == Kind.UNUSED
          || id == endOfTurn
          || beginning.equals(OptionalInt.of(id))) {
        return "";
      }
      if (piece.kind() == Kind.BYTE) {
        begun = true;
        return utf8.next(new byte[] {(byte) Integer.parseInt(piece.text().substring(3, 5), 16)});
      }
      String text = piece.text().replace(SPACE, ' ');
      while (!begun && leading < spaces.leading && text.startsWith(" ")) {
        text = text.substring(1);
        leading++;
      }
      begun |= !text.isEmpty();
      return utf8.next(text.getBytes(StandardCharsets.UTF_8));
    }

    @Override
    public String end() {
      return utf8.end();
    }
  }

  /**
   * Writes the tokenizer as a {@code tokenizer.json} for the Hugging Face library and {@link
   * TextTokenizer#open}, with the same ids and special tokens parsed. There is one difference in
   * the library: with {@link Spaces#FIXED} it inserts no space before a text that begins with a
   * space or its marker.
   */
  public void write(Path file) {
    byte[] json = json(this::writeAround);
    WholeFile.write(file, out -> out.write(json));
  }

  private interface Around {
    void write(JsonGenerator json);
  }

  // The library here has no special tokens, because it would find them in any text, and spaces are
  // inserted before it gets a text.
  private byte[] libraryJson() {
    return json(_ -> {});
  }

  private byte[] json(Around around) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(1 << 20);
    try (JsonGenerator json = JsonMapper.shared().createGenerator(bytes)) {
      json.writeStartObject();
      json.writeStringProperty("version", "1.0");
      around.write(json);
      json.writeObjectPropertyStart("model");
      json.writeStringProperty("type", "BPE");
      json.writeStringProperty(
          "unk_token",
          model.pieces().stream()
              .filter(piece -> piece.kind() == Kind.UNKNOWN)
              .map(Piece::text)
              .findFirst()
              .orElse("<unk>"));
      json.writeBooleanProperty("fuse_unk", true);
      json.writeBooleanProperty("byte_fallback", true);
      json.writeObjectPropertyStart("vocab");
      for (int id = 0; id < model.pieces().size(); id++) {
        String text = model.pieces().get(id).text();
        if (!text.isEmpty()) { // the index of no piece
          json.writeNumberProperty(text, id);
        }
      }
      json.writeEndObject();
      json.writeArrayPropertyStart("merges");
      for (Merge merge : model.merges()) {
        json.writeStartArray();
        json.writeString(merge.left());
        json.writeString(merge.right());
        json.writeEndArray();
      }
      json.writeEndArray();
      json.writeEndObject();
      json.writeEndObject();
    }
    return bytes.toByteArray();
  }

  private void writeAround(JsonGenerator json) {
    json.writeArrayPropertyStart("added_tokens");
    special.values().stream()
        .sorted(Comparator.comparingInt(Added::id))
        .forEach(token -> {
          json.writeStartObject();
          json.writeNumberProperty("id", token.id());
          json.writeStringProperty("content", token.text());
          json.writeBooleanProperty("single_word", false);
          json.writeBooleanProperty("lstrip", token.stripsBefore());
          json.writeBooleanProperty("rstrip", token.stripsAfter());
          json.writeBooleanProperty("normalized", false);
          json.writeBooleanProperty("special", true);
          json.writeEndObject();
        });
    json.writeEndArray();
    writeSpaces(json);
    if (beginning.isPresent()) {
      writeBeginning(json, text(beginning.getAsInt()));
    }
    json.writeObjectPropertyStart("decoder");
    json.writeStringProperty("type", "Sequence");
    json.writeArrayPropertyStart("decoders");
    writeReplace(json, String.valueOf(SPACE), " ");
    for (String type : List.of("ByteFallback", "Fuse")) {
      json.writeStartObject();
      json.writeStringProperty("type", type);
      json.writeEndObject();
    }
    if (spaces.first) {
      json.writeStartObject();
      json.writeStringProperty("type", "Strip");
      json.writeStringProperty("content", " ");
      json.writeNumberProperty("start", 1);
      json.writeNumberProperty("stop", 0);
      json.writeEndObject();
    }
    json.writeEndArray();
    json.writeEndObject();
  }

  private String text(int id) {
    return special.values().stream()
        .filter(token -> token.id() == id)
        .map(Added::text)
        .findFirst()
        .orElseGet(() -> model.pieces().get(id).text());
  }

  private void writeSpaces(JsonGenerator json) {
    switch (spaces) {
      case FIXED -> {
        json.writeObjectPropertyStart("pre_tokenizer");
        json.writeStringProperty("type", "Metaspace");
        json.writeStringProperty("replacement", String.valueOf(SPACE));
        json.writeStringProperty("prepend_scheme", "first");
        json.writeBooleanProperty("split", false);
        json.writeEndObject();
      }
      case LEGACY, V1, NONE -> {
        json.writeObjectPropertyStart("normalizer");
        json.writeStringProperty("type", "Sequence");
        json.writeArrayPropertyStart("normalizers");
        if (spaces.first) {
          json.writeStartObject();
          json.writeStringProperty("type", "Prepend");
          json.writeStringProperty("prepend", String.valueOf(SPACE));
          json.writeEndObject();
        }
        writeReplace(json, " ", String.valueOf(SPACE));
        json.writeEndArray();
        json.writeEndObject();
      }
    }
  }

  private static void writeReplace(JsonGenerator json, String from, String to) {
    json.writeStartObject();
    json.writeStringProperty("type", "Replace");
    json.writeObjectPropertyStart("pattern");
    json.writeStringProperty("String", from);
    json.writeEndObject();
    json.writeStringProperty("content", to);
    json.writeEndObject();
  }

  private void writeBeginning(JsonGenerator json, String token) {
    json.writeObjectPropertyStart("post_processor");
    json.writeStringProperty("type", "TemplateProcessing");
    for (List<String> sequences : List.of(List.of("A"), List.of("A", "B"))) {
      json.writeArrayPropertyStart(sequences.size() == 1 ? "single" : "pair");
      for (String sequence : sequences) {
        writeTemplate(json, "SpecialToken", token, sequences.indexOf(sequence));
        writeTemplate(json, "Sequence", sequence, sequences.indexOf(sequence));
      }
      json.writeEndArray();
    }
    json.writeObjectPropertyStart("special_tokens");
    json.writeObjectPropertyStart(token);
    json.writeStringProperty("id", token);
    json.writeArrayPropertyStart("ids");
    json.writeNumber(beginning.orElse(0));
    json.writeEndArray();
    json.writeArrayPropertyStart("tokens");
    json.writeString(token);
    json.writeEndArray();
    json.writeEndObject();
    json.writeEndObject();
    json.writeEndObject();
  }

  private static void writeTemplate(JsonGenerator json, String kind, String id, int type) {
    json.writeStartObject();
    json.writeObjectPropertyStart(kind);
    json.writeStringProperty("id", id);
    json.writeNumberProperty("type_id", type);
    json.writeEndObject();
    json.writeEndObject();
  }

  @Override
  public String toString() {
    return "SentencePiece, %d tokens, spaces as in %s%s"
        .formatted(
            size,
            spaces,
            added.stream()
                .filter(token -> token.id() >= model.pieces().size())
                .map(token -> ", " + token.text() + " " + token.id())
                .collect(Collectors.joining()));
  }

  @Override
  public void close() {
    library.close();
  }
}
