package org.radialog.openai;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.radialog.dialog.Engine;
import org.radialog.dialog.TokenLikelihood;
import org.radialog.dialog.Usage;
import org.radialog.text.TextTokenizer;
import org.radialog.wire.GuidanceJson;
import org.radialog.wire.Notice;

/**
 * Answers of {@code /v1/chat/completions} in the form of OpenAI. Beside its fields stand {@code
 * notice} and {@code guidance}.
 *
 * @param id the same in all parts of a stream
 * @param created seconds since 1970
 * @param model name of the model
 */
public record ChatJson(String id, long created, String model) {
  /**
   * A whole answer.
   *
   * @param choices one
   */
  public record Whole(
      String id,
      String object,
      long created,
      String model,
      List<Choice> choices,
      UsageJson usage,
      GuidanceJson guidance,
      String notice) {}

  /**
   * The message of an answer.
   *
   * @param finishReason stop or length
   */
  public record Choice(
      int index,
      Said message,
      Optional<Logprobs> logprobs,
      @JsonProperty("finish_reason") String finishReason) {}

  /** What the assistant said. */
  public record Said(String role, String content, Optional<String> refusal) {}

  /**
   * A part of a stream.
   *
   * @param choices none with the usage, else one
   * @param usage at the end, if it was asked for
   * @param guidance with the last part of the text
   * @param notice likewise
   */
  public record Chunk(
      String id,
      String object,
      long created,
      String model,
      List<Part> choices,
      @JsonInclude(JsonInclude.Include.NON_ABSENT) Optional<UsageJson> usage,
      @JsonInclude(JsonInclude.Include.NON_ABSENT) Optional<GuidanceJson> guidance,
      @JsonInclude(JsonInclude.Include.NON_ABSENT) Optional<String> notice) {}

  /** A part of the message. */
  public record Part(
      int index,
      Delta delta,
      Optional<Logprobs> logprobs,
      @JsonProperty("finish_reason") Optional<String> finishReason) {}

  /** What a part adds; the first one has the role and null, the last one nothing. */
  public sealed interface Delta {}

  /** The first part. */
  public record Begin(String role, Optional<String> content) implements Delta {}

  /** A piece of the text. */
  public record Text(String content) implements Delta {}

  /** The last part. */
  public record End() implements Delta {}

  /** Number of tokens. */
  public record UsageJson(
      @JsonProperty("prompt_tokens") int promptTokens,
      @JsonProperty("completion_tokens") int completionTokens,
      @JsonProperty("total_tokens") int totalTokens,
      @JsonProperty("prompt_tokens_details") Cached promptTokensDetails) {
    /** The part of the prompt that was computed before. */
    public record Cached(@JsonProperty("cached_tokens") int cachedTokens) {}

    static UsageJson of(Usage usage) {
      return new UsageJson(
          usage.promptTokens(),
          usage.completionTokens(),
          usage.promptTokens() + usage.completionTokens(),
          new Cached(usage.cachedTokens()));
    }
  }

  /** The likelihoods of tokens, whose texts in a row are the text. */
  public record Logprobs(List<Token> content, Optional<String> refusal) {
    /** A token and the most likely ones in its place. */
    public record Token(
        String token,
        double logprob,
        List<Integer> bytes,
        @JsonProperty("top_logprobs") List<Likely> topLogprobs) {}

    /** A likely token. */
    public record Likely(String token, double logprob, List<Integer> bytes) {}

    static Logprobs of(List<TokenLikelihood> tokens, TextTokenizer tokenizer) {
      TextTokenizer.Decoder decoder = tokenizer.decoder();
      List<Token> content = new ArrayList<>();
      for (int i = 0; i < tokens.size(); i++) {
        TokenLikelihood token = tokens.get(i);
        // A character of several tokens stands with the last of them.
        String text = decoder.next(token.id()) + (i == tokens.size() - 1 ? decoder.end() : "");
        content.add(
            new Token(
                text,
                token.logProbability(),
                bytes(text),
                token.likeliest().stream()
                    .map(one -> new Likely(one.text(), one.logProbability(), bytes(one.text())))
                    .toList()));
      }
      return new Logprobs(content, Optional.empty());
    }

    private static List<Integer> bytes(String text) {
      List<Integer> bytes = new ArrayList<>();
      for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
        bytes.add(b & 0xFF);
      }
      return bytes;
    }
  }

  /** The whole answer. */
  public Whole whole(Chats.Answer answer, ChatRequest request, TextTokenizer tokenizer) {
    return new Whole(
        id,
        "chat.completion",
        created,
        model,
        List.of(
            new Choice(
                0,
                new Said("assistant", answer.text(), Optional.empty()),
                logprobs(answer, request, tokenizer),
                reason(answer.end()))),
        UsageJson.of(answer.usage()),
        GuidanceJson.of(answer.guidance()),
        Notice.RESEARCH_USE);
  }

  /** The first part of a stream. */
  public Chunk begin() {
    return chunk(new Begin("assistant", Optional.empty()), Optional.empty(), Optional.empty());
  }

  /** A piece of the text. */
  public Chunk text(String piece) {
    return chunk(new Text(piece), Optional.empty(), Optional.empty());
  }

  /** The tokens of an answer with their likelihoods. */
  public List<Chunk> tokens(Chats.Answer answer, TextTokenizer tokenizer) {
    return Logprobs.of(answer.likelihoods(), tokenizer).content().stream()
        .map(token ->
            chunk(
                new Text(token.token()),
                Optional.of(new Logprobs(List.of(token), Optional.empty())),
                Optional.empty()))
        .toList();
  }

  /** The part behind the text. */
  public Chunk end(Chats.Answer answer) {
    Part part = new Part(0, new End(), Optional.empty(), Optional.of(reason(answer.end())));
    return new Chunk(
        id,
        "chat.completion.chunk",
        created,
        model,
        List.of(part),
        Optional.empty(),
        Optional.of(GuidanceJson.of(answer.guidance())),
        Optional.of(Notice.RESEARCH_USE));
  }

  /** The part with the number of tokens. */
  public Chunk usage(Chats.Answer answer) {
    return new Chunk(
        id,
        "chat.completion.chunk",
        created,
        model,
        List.of(),
        Optional.of(UsageJson.of(answer.usage())),
        Optional.empty(),
        Optional.empty());
  }

  private Chunk chunk(Delta delta, Optional<Logprobs> logprobs, Optional<String> reason) {
    return new Chunk(
        id,
        "chat.completion.chunk",
        created,
        model,
        List.of(new Part(0, delta, logprobs, reason)),
        Optional.empty(),
        Optional.empty(),
        Optional.empty());
  }

  private static Optional<Logprobs> logprobs(
      Chats.Answer answer, ChatRequest request, TextTokenizer tokenizer) {
    return request.how().likeliest().isPresent()
        ? Optional.of(Logprobs.of(answer.likelihoods(), tokenizer))
        : Optional.empty();
  }

  private static String reason(Engine.End end) {
    return switch (end) {
      case END_TOKEN, STOP_TEXT, CANCELLED -> "stop";
      case LENGTH, CONTEXT -> "length";
    };
  }
}
