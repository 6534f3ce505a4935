package org.radialog.metrics;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.language.Bert;
import org.radialog.text.TokenizerLibrary;
import org.radialog.text.WordPiece;
import org.radialog.torch.Parameters;
import org.radialog.torch.Scope;
import org.radialog.torch.Torch;
import org.radialog.weights.Checkpoint;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Encodes texts with a BERT or RoBERTa folder as published on Hugging Face ({@code config.json},
 * the weights, the files of the tokenizer): the tokens of a text and one vector per token.
 *
 * <p>Safe for several threads until closed; {@link #close} frees its memory.
 */
public final class TextEncoder implements AutoCloseable {
  private static final List<String> WEIGHTS = List.of("model.safetensors", "pytorch_model.bin");
  private static final List<String> PREFIXES = List.of("", "bert.", "roberta.");
  // average number of characters per token in a long text, at most
  private static final int LONGEST_TOKEN = 128;
  private static final String WORDS = "embeddings.word_embeddings.weight";

  /** Converts text to ids without the special tokens around a text. */
  private interface Pieces extends AutoCloseable {
    int[] ids(String text, int most);

    @Override
    void close();
  }

  private final Bert.Config config;
  private final Parameters parameters;
  private final Bert network;
  private final Pieces pieces;
  private final int begin;
  private final int end;
  private final int longest;

  private TextEncoder(
      Bert.Config config,
      Parameters parameters,
      Bert network,
      Pieces pieces,
      int begin,
      int end,
      int longest) {
    this.config = config;
    this.parameters = parameters;
    this.network = network;
    this.pieces = pieces;
    this.begin = begin;
    this.end = end;
    this.longest = longest;
  }

  /**
   * The sizes in the config of a folder.
   *
   * @throws RadialogException if its network is neither a BERT nor a RoBERTa
   */
  public static Bert.Config config(Path folder) {
    Path file = folder.resolve("config.json");
    JsonNode json = json(file);
    String type = json.path("model_type").asString("");
    Bert.Family family =
        switch (type) {
          case "bert" -> Bert.Family.BERT;
          case "roberta" -> Bert.Family.ROBERTA;
          default ->
              throw new RadialogException(
                  Kind.REFUSED_WEIGHTS,
                  ("%s: expected the model_type bert or roberta, found \"%s\"; use the folder of"
                          + " one of these")
                      .formatted(file, type));
        };
    expect(file, json, "hidden_act", "gelu", "gelu");
    expect(file, json, "position_embedding_type", "absolute", "absolute");
    double epsilon = json.path("layer_norm_eps").asDouble(Bert.Family.BERT.epsilon());
    if (epsilon != family.epsilon()) {
      throw new RadialogException(
          Kind.REFUSED_WEIGHTS,
          "%s: expected layer_norm_eps %s of a %s, found %s"
              .formatted(file, family.epsilon(), type, epsilon));
    }
    int segments = json.path("type_vocab_size").asInt(2);
    if (segments != family.segments()) {
      throw new RadialogException(
          Kind.REFUSED_WEIGHTS,
          "%s: expected type_vocab_size %d of a %s, found %d"
              .formatted(file, family.segments(), type, segments));
    }
    return new Bert.Config(
        family,
        size(file, json, "vocab_size"),
        size(file, json, "hidden_size"),
        size(file, json, "num_hidden_layers"),
        size(file, json, "num_attention_heads"),
        size(file, json, "intermediate_size"),
        size(file, json, "max_position_embeddings"));
  }

  private static void expect(
      Path file, JsonNode json, String field, String usual, String expected) {
    String found = json.path(field).asString(usual);
    if (!found.equals(expected)) {
      throw new RadialogException(
          Kind.REFUSED_WEIGHTS,
          "%s: expected %s %s, found %s".formatted(file, field, expected, found));
    }
  }

  private static int size(Path file, JsonNode json, String field) {
    JsonNode size = json.path(field);
    if (!size.canConvertToInt() || size.intValue() < 1) {
      throw new RadialogException(
          Kind.REFUSED_WEIGHTS,
          "%s: expected a number of %s, found %s".formatted(file, field, size));
    }
    return size.intValue();
  }

  /**
   * Opens a folder.
   *
   * @param layers number of layers to run; the vectors are the output of the last of them
   * @throws RadialogException if a file is missing or belongs to another network, or the network
   *     has fewer layers
   */
  public static TextEncoder open(Path folder, int layers) {
    Bert.Config whole = config(folder);
    if (layers < 1 || layers > whole.layers()) {
      throw new RadialogException(
          Kind.REFUSED_DATA,
          "%s: expected a layer from 1 to %d, got %d".formatted(folder, whole.layers(), layers));
    }
    Bert.Config c =
        new Bert.Config(
            whole.family(),
            whole.vocab(),
            whole.hidden(),
            layers,
            whole.heads(),
            whole.mlp(),
            whole.positions());
    JsonNode settings = optionalJson(folder.resolve("tokenizer_config.json"));
    Pieces pieces = pieces(folder, c.family(), settings);
    try (Checkpoint checkpoint = Checkpoint.open(weights(folder))) {
      Parameters parameters = Parameters.of(source(folder, checkpoint));
      try {
        boolean bert = c.family() == Bert.Family.BERT;
        return new TextEncoder(
            c,
            parameters,
            Bert.of(parameters, c),
            pieces,
            special(folder, bert ? "[CLS]" : "<s>", c.vocab()),
            special(folder, bert ? "[SEP]" : "</s>", c.vocab()),
            Math.min(longest(settings), c.longest()));
      } catch (RuntimeException | Error e) {
        parameters.close();
        throw e;
      }
    } catch (RuntimeException | Error e) {
      pieces.close();
      throw e;
    }
  }

  private static Path weights(Path folder) {
    return WEIGHTS.stream()
        .map(folder::resolve)
        .filter(Files::exists)
        .findFirst()
        .orElse(folder); // shards, or a message about the missing files
  }

  private static Parameters.Source source(Path folder, Checkpoint checkpoint) {
    String prefix =
        PREFIXES.stream()
            .filter(p -> checkpoint.tensors().containsKey(p + WORDS))
            .findFirst()
            .orElseThrow(() ->
                new RadialogException(
                    Kind.REFUSED_WEIGHTS,
                    "%s: expected a tensor %s, found none among %d"
                        .formatted(folder, WORDS, checkpoint.tensors().size())));
    Parameters.Source plain = Parameters.Source.of(checkpoint).at(prefix);
    // The first BERT checkpoints have TensorFlow's names for the two.
    return plain.or((name, shape) ->
        plain.values(
            name.replace("LayerNorm.weight", "LayerNorm.gamma")
                .replace("LayerNorm.bias", "LayerNorm.beta"),
            shape));
  }

  private static int longest(JsonNode settings) {
    // A tokenizer without a limit states 10^30.
    double stated = settings.path("model_max_length").asDouble(Integer.MAX_VALUE);
    return (int) Math.min(stated, Integer.MAX_VALUE);
  }

  private static Pieces pieces(Path folder, Bert.Family family, JsonNode settings) {
    Path json = folder.resolve("tokenizer.json");
    if (Files.exists(json)) {
      TokenizerLibrary library = TokenizerLibrary.of(bytes(json), json.toString());
      return of(library, family);
    }
    return switch (family) {
      case BERT -> {
        Path vocabulary = folder.resolve("vocab.txt");
        TokenizerLibrary library =
            WordPiece.of(lines(vocabulary), settings.path("do_lower_case").asBoolean(true))
                .library();
        yield of(library, family);
      }
      case ROBERTA -> of(TokenizerLibrary.of(byteLevel(folder), folder.toString()), family);
    };
  }

  private static Pieces of(TokenizerLibrary library, Bert.Family family) {
    return new Pieces() {
      @Override
      public int[] ids(String text, int most) {
        String stripped = text.strip();
        if (stripped.isEmpty()) {
          return new int[0];
        }
        return library.ids(
            switch (family) {
              case BERT -> stripped;
              case ROBERTA -> " " + stripped; // its first word is an ordinary word
            },
            ' ',
            most);
      }

      @Override
      public void close() {
        library.close();
      }
    };
  }

  private static byte[] byteLevel(Path folder) {
    ObjectNode root = JsonMapper.shared().createObjectNode();
    root.put("version", "1.0");
    root.putArray("added_tokens");
    ObjectNode words = root.putObject("pre_tokenizer");
    words.put("type", "ByteLevel");
    words.put("add_prefix_space", false);
    words.put("trim_offsets", true);
    ObjectNode model = root.putObject("model");
    model.put("type", "BPE");
    model.set("vocab", json(folder.resolve("vocab.json")));
    ArrayNode merges = model.putArray("merges");
    lines(folder.resolve("merges.txt")).stream()
        .filter(line -> !line.startsWith("#version") && !line.isBlank())
        .forEach(merges::add);
    return root.toString().getBytes(StandardCharsets.UTF_8);
  }

  private static int special(Path folder, String token, int vocab) {
    OptionalInt id = OptionalInt.empty();
    Path json = folder.resolve("tokenizer.json");
    if (Files.exists(json)) {
      id = id(json(json).path("model").path("vocab").path(token));
    } else if (Files.exists(folder.resolve("vocab.txt"))) {
      int line = lines(folder.resolve("vocab.txt")).indexOf(token);
      id = line < 0 ? OptionalInt.empty() : OptionalInt.of(line);
    } else {
      id = id(json(folder.resolve("vocab.json")).path(token));
    }
    if (id.isEmpty() || id.getAsInt() >= vocab) {
      throw new RadialogException(
          Kind.REFUSED_WEIGHTS,
          "%s: expected the token %s in the vocabulary of %d, found %s"
              .formatted(folder, token, vocab, id.isEmpty() ? "none" : id.getAsInt()));
    }
    return id.getAsInt();
  }

  private static OptionalInt id(JsonNode number) {
    return number.canConvertToInt() ? OptionalInt.of(number.intValue()) : OptionalInt.empty();
  }

  /** The sizes; {@code layers} is the number of layers that are run. */
  public Bert.Config config() {
    return config;
  }

  /** The special token before a text. */
  public int begin() {
    return begin;
  }

  /** The special token after a text. */
  public int end() {
    return end;
  }

  /**
   * The tokens of a text, stripped of surrounding white space, between {@link #begin} and {@link
   * #end}; a text that is too long is truncated. Text beyond {@value #LONGEST_TOKEN} characters per
   * token is not read.
   */
  public int[] ids(String text) {
    int looked = (int) Math.min(text.length(), (long) longest * LONGEST_TOKEN);
    int[] of = pieces.ids(text.substring(0, looked), longest);
    int[] ids = new int[Math.min(of.length + 2, longest)];
    ids[0] = begin;
    System.arraycopy(of, 0, ids, 1, ids.length - 2);
    ids[ids.length - 1] = end;
    return ids;
  }

  /**
   * The vectors of rows of tokens, computed in one pass.
   *
   * @return the vectors of each row, one after the other: [T, D] row-major
   */
  public List<float[]> vectors(List<int[]> rows) {
    try (Scope _ = new Scope();
        NoGradGuard _ = new NoGradGuard()) {
      Tensor x = network.forward(rows); // [B, T, D]
      return IntStream.range(0, rows.size())
          .mapToObj(b -> Torch.floats(x.select(0, b).narrow(0, 0, rows.get(b).length))) // [T, D]
          .toList();
    }
  }

  @Override
  public void close() {
    parameters.close();
    pieces.close();
  }

  private static JsonNode optionalJson(Path file) {
    return Files.exists(file) ? json(file) : JsonMapper.shared().createObjectNode();
  }

  private static JsonNode json(Path file) {
    try {
      JsonNode json = JsonMapper.shared().readTree(bytes(file));
      if (!json.isObject()) {
        throw new RadialogException(Kind.REFUSED_WEIGHTS, file + ": expected a JSON object");
      }
      return json;
    } catch (JacksonException e) {
      throw new RadialogException(
          Kind.REFUSED_WEIGHTS, file + ": expected JSON, found " + e.getOriginalMessage(), e);
    }
  }

  private static byte[] bytes(Path file) {
    if (!Files.isRegularFile(file)) {
      throw new RadialogException(
          Kind.REFUSED_WEIGHTS,
          file + ": expected this file in the folder of a BERT or RoBERTa, found none");
    }
    try {
      return Files.readAllBytes(file);
    } catch (IOException e) {
      throw new RadialogException(Kind.REFUSED_WEIGHTS, "cannot read " + file + ": " + e, e);
    }
  }

  private static List<String> lines(Path file) {
    return new String(bytes(file), StandardCharsets.UTF_8).lines().toList();
  }
}
