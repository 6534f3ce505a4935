package org.radialog.text;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SequencedMap;
import java.util.Set;
import org.radialog.base.RadialogException;
import org.radialog.text.SentencePieceModel.Kind;
import org.radialog.text.SentencePieceModel.Merge;
import org.radialog.text.SentencePieceModel.Piece;
import org.radialog.text.SentencePieceTokenizer.Added;
import org.radialog.text.SentencePieceTokenizer.Spaces;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** The tokenizer files of a Hugging Face folder. */
final class TokenizerFolder {
  private static final long LARGEST_FILE = 64 << 20;
  private static final int LARGEST_ID = 1 << 22;
  private static final String SPACE = "\u2581";

  /**
   * The settings in addition to the vocabulary.
   *
   * @param legacy the switch of {@code LlamaTokenizer}; its default is true
   * @param addsBos whether a conversation begins with {@code bos}
   * @param added special tokens by their text, with the id if the files give it
   */
  private record Settings(
      boolean legacy,
      Optional<Boolean> addsBos,
      Optional<String> bos,
      Optional<String> eos,
      SequencedMap<String, Special> added) {
    private record Special(OptionalInt id, boolean stripsBefore, boolean stripsAfter) {}

    static Settings read(Path folder) {
      JsonNode config = json(folder.resolve("tokenizer_config.json"));
      JsonNode map = json(folder.resolve("special_tokens_map.json"));
      SequencedMap<String, Special> added = new LinkedHashMap<>();
      json(folder.resolve("added_tokens.json"))
          .properties()
          .forEach(token -> {
            // RaDialog v1 was trained with a version that removed the spaces around it.
            boolean strips = token.getKey().equals(SentencePieceTokenizer.IMAGE);
            added.put(
                token.getKey(),
                new Special(OptionalInt.of(id(folder, token.getValue())), strips, strips));
          });
      for (JsonNode token : map.path("additional_special_tokens")) {
        content(token)
            .ifPresent(text ->
                added.merge(
                    text,
                    special(OptionalInt.empty(), token),
                    (old, other) ->
                        new Special(
                            old.id,
                            old.stripsBefore || other.stripsBefore,
                            old.stripsAfter || other.stripsAfter)));
      }
      config
          .path("added_tokens_decoder")
          .properties()
          .forEach(token ->
              content(token.getValue())
                  .ifPresent(text ->
                      added.put(
                          text,
                          special(OptionalInt.of(id(folder, token.getKey())), token.getValue()))));
      return new Settings(
          config.path("legacy").asBoolean(true),
          config.path("add_bos_token").isBoolean()
              ? Optional.of(config.get("add_bos_token").booleanValue())
              : Optional.empty(),
          content(config.path("bos_token")).or(() -> content(map.path("bos_token"))),
          content(config.path("eos_token")).or(() -> content(map.path("eos_token"))),
          added);
    }

    private static Special special(OptionalInt id, JsonNode token) {
      return new Special(
          id, token.path("lstrip").asBoolean(false), token.path("rstrip").asBoolean(false));
    }

    // A token is written as a text or as an object with its text.
    private static Optional<String> content(JsonNode token) {
      JsonNode text = token.isObject() ? token.path("content") : token;
      return text.isString() && !text.stringValue().isEmpty()
          ? Optional.of(text.stringValue())
          : Optional.empty();
    }

    private static int id(Path folder, JsonNode id) {
      return id(folder, id.isIntegralNumber() ? id.asString() : "");
    }

    private static int id(Path folder, String id) {
      if (id.matches("\\d{1,7}") && Integer.parseInt(id) < LARGEST_ID) {
        return Integer.parseInt(id);
      }
      throw new RadialogException(
          RadialogException.Kind.REFUSED_WEIGHTS,
          folder + ": expected the id of an added token, found \"" + id + "\"");
    }
  }

  private final Path file;
  private final Settings settings;

  private TokenizerFolder(Path file, Settings settings) {
    this.file = file;
    this.settings = settings;
  }

  static TextTokenizer open(Path folder) {
    Settings settings = Settings.read(folder);
    Path json = folder.resolve("tokenizer.json");
    if (Files.exists(json)) {
      return new TokenizerFolder(json, settings).fromJson();
    }
    Path model = folder.resolve("tokenizer.model");
    if (Files.exists(model)) {
      return new TokenizerFolder(model, settings)
          .sentencePiece(
              SentencePieceModel.read(model),
              settings.legacy ? Spaces.LEGACY : Spaces.FIXED,
              Optional.of("<s>"));
    }
    throw new RadialogException(
        RadialogException.Kind.REFUSED_WEIGHTS,
        folder + ": expected a tokenizer.json or a tokenizer.model in the folder, found neither");
  }

  private static JsonNode json(Path file) {
    if (!Files.exists(file)) {
      return JsonMapper.shared().createObjectNode();
    }
    try {
      if (Files.size(file) > LARGEST_FILE) {
        throw new RadialogException(
            RadialogException.Kind.REFUSED_WEIGHTS,
            file + ": expected at most 64 MiB, found " + Files.size(file) + " bytes");
      }
      JsonNode json = JsonMapper.shared().readTree(Files.readAllBytes(file));
      if (!json.isObject()) {
        throw new RadialogException(
            RadialogException.Kind.REFUSED_WEIGHTS, file + ": expected a JSON object");
      }
      return json;
    } catch (IOException e) {
      throw new RadialogException(
          RadialogException.Kind.REFUSED_WEIGHTS, "cannot read " + file + ": " + e, e);
    } catch (JacksonException e) {
      throw new RadialogException(
          RadialogException.Kind.REFUSED_WEIGHTS,
          file + ": expected JSON, found " + e.getOriginalMessage(),
          e);
    }
  }

  private TextTokenizer fromJson() {
    JsonNode root = json(file);
    JsonNode model = root.path("model");
    if (!model.path("type").asString("").equals("BPE") || !model.path("vocab").isObject()) {
      throw new RadialogException(
          RadialogException.Kind.REFUSED_WEIGHTS,
          "%s: expected a model of the type BPE with a vocab, found the type %s"
              .formatted(file, model.path("type")));
    }
    SequencedMap<String, Added> added = new LinkedHashMap<>();
    for (JsonNode token : root.path("added_tokens")) {
      String text = token.path("content").asString("");
      added.put(
          text,
          new Added(
              text,
              checkedId(text, token.path("id")),
              token.path("lstrip").asBoolean(false),
              token.path("rstrip").asBoolean(false)));
    }
    List<String> tokens = new ArrayList<>();
    model
        .path("vocab")
        .properties()
        .forEach(entry -> put(tokens, checkedId(entry.getKey(), entry.getValue()), entry.getKey()));
    Optional<String> bos = templateStart(root.path("post_processor")).or(() -> settings.bos);
    boolean addsBos =
        settings.addsBos.orElseGet(() -> templateStart(root.path("post_processor")).isPresent());
    return model.path("byte_fallback").asBoolean(false)
        ? sentencePiece(root, tokens, added, addsBos ? bos : Optional.empty())
        : byteLevel(root, tokens, added, addsBos ? bos : Optional.empty());
  }

  private int checkedId(String text, JsonNode id) {
    if (id.canConvertToInt() && id.intValue() >= 0 && id.intValue() < LARGEST_ID) {
      return id.intValue();
    }
    throw new RadialogException(
        RadialogException.Kind.REFUSED_WEIGHTS,
        file + ": expected an id for the token \"" + text + "\", found " + id);
  }

  private void put(List<String> tokens, int id, String text) {
    while (tokens.size() <= id) {
      tokens.add("");
    }
    if (!tokens.get(id).isEmpty() && !tokens.get(id).equals(text)) {
      throw new RadialogException(
          RadialogException.Kind.REFUSED_WEIGHTS,
          "%s: expected one token per id, found \"%s\" and \"%s\" for %d"
              .formatted(file, tokens.get(id), text, id));
    }
    tokens.set(id, text);
  }

  // The special token that a template inserts before a text.
  private static Optional<String> templateStart(JsonNode processor) {
    for (JsonNode part : processor.path("processors")) {
      Optional<String> start = templateStart(part);
      if (start.isPresent()) {
        return start;
      }
    }
    JsonNode id = processor.path("single").path(0).path("SpecialToken").path("id");
    return id.isString() ? Optional.of(id.stringValue()) : Optional.empty();
  }

  private TextTokenizer sentencePiece(
      JsonNode root, List<String> tokens, SequencedMap<String, Added> added, Optional<String> bos) {
    String unknown = root.path("model").path("unk_token").asString("<unk>");
    List<Piece> pieces = new ArrayList<>();
    for (String token : tokens) {
      Kind kind;
      if (token.equals(unknown)) {
        kind = Kind.UNKNOWN;
      } else if (token.isEmpty()) {
        kind = Kind.UNUSED;
      } else if (added.containsKey(token)) {
        kind = Kind.CONTROL;
      } else {
        kind = token.matches("<0x[0-9A-F]{2}>") ? Kind.BYTE : Kind.NORMAL;
      }
      pieces.add(new Piece(token, 0, kind));
    }
    added.forEach((text, token) ->
        settings.added.put(
            text,
            new Settings.Special(
                OptionalInt.of(token.id()), token.stripsBefore(), token.stripsAfter())));
    return sentencePiece(
        new SentencePieceModel(
            file.toString(), pieces, Optional.of(merges(root.path("model").path("merges")))),
        spaces(root),
        bos);
  }

  private List<Merge> merges(JsonNode list) {
    List<Merge> merges = new ArrayList<>();
    for (JsonNode merge : list) {
      String[] pair =
          merge.isArray()
              ? new String[] {merge.path(0).asString(""), merge.path(1).asString("")}
              : merge.asString("").split(" ", -1);
      if (pair.length != 2 || pair[0].isEmpty() || pair[1].isEmpty()) {
        throw new RadialogException(
            RadialogException.Kind.REFUSED_WEIGHTS,
            file + ": expected two tokens as a merge, found " + merge);
      }
      merges.add(new Merge(pair[0], pair[1]));
    }
    return merges;
  }

  // The four supported ways to insert and replace spaces; another way would give different ids.
  private Spaces spaces(JsonNode root) {
    JsonNode normalizer = root.path("normalizer");
    JsonNode words = root.path("pre_tokenizer");
    if (words.path("type").asString("").equals("Metaspace")
        && words.path("replacement").asString("").equals(SPACE)
        && !words.path("split").asBoolean(true)
        && (normalizer.isNull() || normalizer.isMissingNode())) {
      String scheme = words.path("prepend_scheme").asString("always");
      return switch (scheme) {
        case "always" -> Spaces.LEGACY;
        case "first" -> Spaces.FIXED;
        case "never" -> Spaces.NONE;
        default ->
            throw new RadialogException(
                RadialogException.Kind.REFUSED_WEIGHTS,
                file + ": expected prepend_scheme always, first or never, found " + scheme);
      };
    }
    if (words.isNull() || words.isMissingNode()) {
      List<JsonNode> steps =
          normalizer.path("type").asString("").equals("Sequence")
              ? normalizer.path("normalizers").valueStream().toList()
              : List.of(normalizer);
      boolean replaces =
          !steps.isEmpty()
              && steps.getLast().path("type").asString("").equals("Replace")
              && steps.getLast().path("pattern").path("String").asString("").equals(" ")
              && steps.getLast().path("content").asString("").equals(SPACE);
      if (replaces && steps.size() == 1) {
        return Spaces.NONE;
      }
      if (replaces
          && steps.size() == 2
          && steps.getFirst().path("type").asString("").equals("Prepend")
          && steps.getFirst().path("prepend").asString("").equals(SPACE)) {
        return Spaces.LEGACY;
      }
    }
    throw new RadialogException(
        RadialogException.Kind.REFUSED_WEIGHTS,
        file
            + ": expected a normalizer or pre_tokenizer that writes spaces as ▁, as LLaMA's does,"
            + " found "
            + normalizer.path("type")
            + " and "
            + words.path("type"));
  }

  private TextTokenizer sentencePiece(
      SentencePieceModel model, Spaces spaces, Optional<String> usualBos) {
    Map<String, Integer> ids = new LinkedHashMap<>();
    for (int id = 0; id < model.pieces().size(); id++) {
      ids.putIfAbsent(model.pieces().get(id).text(), id);
    }
    List<Added> added = new ArrayList<>();
    settings.added.forEach((text, token) -> {
      int next =
          Math.max(model.pieces().size(), 1 + added.stream().mapToInt(Added::id).max().orElse(-1));
      int id = token.id().orElseGet(() -> ids.getOrDefault(text, next));
      Integer known = ids.get(text);
      if (known != null ? known != id : id < model.pieces().size()) {
        throw new RadialogException(
            RadialogException.Kind.REFUSED_WEIGHTS,
            "%s: expected the added token %s beside its %d pieces, found the id %d"
                .formatted(file, text, model.pieces().size(), id));
      }
      added.add(new Added(text, id, token.stripsBefore(), token.stripsAfter()));
    });
    added.forEach(token -> ids.put(token.text(), token.id()));
    boolean firstVersion =
        added.stream()
            .anyMatch(token ->
                token.text().equals(SentencePieceTokenizer.IMAGE)
                    && token.stripsBefore()
                    && token.stripsAfter());
    Optional<String> bos =
        settings.addsBos.orElse(usualBos.isPresent())
            ? settings.bos.or(() -> usualBos)
            : Optional.empty();
    return SentencePieceTokenizer.of(
        model,
        firstVersion && spaces == Spaces.LEGACY ? Spaces.V1 : spaces,
        added,
        bos.isPresent() ? OptionalInt.of(known(ids, "beginning", bos.get())) : OptionalInt.empty(),
        known(ids, "end of a turn", settings.eos.orElse("</s>")));
  }

  private TextTokenizer byteLevel(
      JsonNode root, List<String> tokens, SequencedMap<String, Added> added, Optional<String> bos) {
    if (!byteLevel(root.path("pre_tokenizer"))) {
      throw new RadialogException(
          RadialogException.Kind.REFUSED_WEIGHTS,
          file
              + ": expected a BPE of bytes (pre_tokenizer ByteLevel) or one with byte_fallback,"
              + " found neither");
    }
    Map<String, Integer> special = new LinkedHashMap<>();
    added
        .values()
        .forEach(token -> {
          put(tokens, token.id(), token.text());
          if (!token.text().isEmpty()) {
            special.put(token.text(), token.id());
          }
        });
    Map<String, Integer> ids = new LinkedHashMap<>();
    for (int id = 0; id < tokens.size(); id++) {
      ids.putIfAbsent(tokens.get(id), id);
    }
    // The library gets no special tokens, because it would find them in any text.
    ObjectNode told = JsonMapper.shared().createObjectNode();
    told.put("version", "1.0");
    told.putArray("added_tokens");
    for (String part : List.of("normalizer", "pre_tokenizer", "model")) {
      if (root.hasNonNull(part)) {
        told.set(part, root.get(part));
      }
    }
    String eos =
        settings.eos.orElseThrow(() ->
            new RadialogException(
                RadialogException.Kind.REFUSED_WEIGHTS,
                file.getParent()
                    + ": expected an eos_token in tokenizer_config.json or special_tokens_map.json,"
                    + " found none"));
    return new ByteLevelTokenizer(
        Collections.unmodifiableList(tokens),
        special,
        Set.of(),
        known(ids, "end of a turn", eos),
        bos.isPresent() ? OptionalInt.of(known(ids, "beginning", bos.get())) : OptionalInt.empty(),
        new BackgroundLibrary(
            () -> told.toString().getBytes(StandardCharsets.UTF_8), file.toString()));
  }

  private static boolean byteLevel(JsonNode words) {
    return words.path("type").asString("").equals("ByteLevel")
        || words.path("pretokenizers").valueStream().anyMatch(TokenizerFolder::byteLevel);
  }

  private int known(Map<String, Integer> ids, String what, String token) {
    return Optional.ofNullable(ids.get(token))
        .orElseThrow(() ->
            new RadialogException(
                RadialogException.Kind.REFUSED_WEIGHTS,
                "%s: expected the token %s, the %s, in the vocabulary, found none"
                    .formatted(file, token, what)));
  }
}
