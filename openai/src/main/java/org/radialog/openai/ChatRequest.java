package org.radialog.openai;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.radialog.base.Printable;
import org.radialog.dialog.Decoding;
import org.radialog.dialog.FindingsEdit;
import org.radialog.dialog.Guidance;
import tools.jackson.databind.JsonNode;

/**
 * A request for the next message of a chat, as {@code POST /v1/chat/completions} gets it. Fields
 * that OpenAI does not know are ignored, apart from ours: {@code findings}, the user's edit of the
 * findings as on the command line; {@code force}, which accepts a film that the guard would refuse;
 * and {@code guidance}.
 *
 * @param messages at least one; the last is the user's
 * @param how how tokens are chosen, including the constraint of {@code response_format}
 * @param findings whether the answer is the findings of the classifier, as JSON
 * @param stream whether the text is wanted as it is written
 * @param includeUsage whether a stream ends with the number of tokens
 * @param edit of the findings
 * @param force whether a film is accepted that the guard would refuse
 */
public record ChatRequest(
    List<Message> messages,
    Decoding how,
    boolean findings,
    boolean stream,
    boolean includeUsage,
    FindingsEdit edit,
    boolean force) {
  /** The name of a {@code json_schema} that asks for the findings of the classifier. */
  public static final String FINDINGS_SCHEMA = "radialog_findings";

  private static final int TOKENS = 512; // of an answer, if nothing else is asked for
  private static final int MOST_TOKENS = 1_000_000;
  private static final int STOPS = 4;

  public ChatRequest {
    messages = List.copyOf(messages);
  }

  /**
   * Reads a request.
   *
   * @throws ApiError if a field has an impossible value
   */
  public static ChatRequest of(JsonNode request) {
    List<Message> messages = Message.of(request.path("messages"));
    for (int i = 1; i < messages.size(); i++) {
      if (messages.get(i).role() == Message.Role.ASSISTANT
          && messages.get(i - 1).role() == Message.Role.ASSISTANT) {
        throw ApiError.invalid(
            "messages[" + i + "]", "two messages of the assistant follow each other");
      }
    }
    if (messages.getLast().role() != Message.Role.USER) {
      throw ApiError.invalid("messages", "expected a message of the user at the end");
    }
    unsupported(request);
    JsonNode format = request.path("response_format");
    boolean findings = isFindings(format);
    return new ChatRequest(
        messages,
        findings ? decoding(request) : constrained(decoding(request), format),
        findings,
        truth(request, "stream"),
        truth(request.path("stream_options"), "include_usage"),
        edit(request.path("findings")),
        truth(request, "force"));
  }

  // What would change the answer and cannot be done.
  private static void unsupported(JsonNode request) {
    if (whole(request, "n", 1, 128).orElse(1) != 1) {
      throw ApiError.invalid("n", "expected 1; ask again for another answer");
    }
    for (String penalty : List.of("presence_penalty", "frequency_penalty")) {
      if (number(request, penalty, -2, 2).orElse(0.0) != 0) {
        throw ApiError.invalid(penalty, "expected 0; penalties are not supported");
      }
    }
    for (String name : List.of("logit_bias", "tools", "functions", "audio")) {
      if (!request.path(name).isNull() && !request.path(name).isEmpty()) {
        throw ApiError.invalid(name, "is not supported");
      }
    }
  }

  private static Decoding decoding(JsonNode request) {
    Optional<Integer> tokens =
        whole(request, "max_completion_tokens", 1, MOST_TOKENS)
            .or(() -> whole(request, "max_tokens", 1, MOST_TOKENS));
    double temperature = number(request, "temperature", 0, 2).orElse(0.0);
    double topP = number(request, "top_p", 0, 1).orElse(1.0);
    long seed = seed(request.path("seed"));
    Decoding how =
        Decoding.greedy(tokens.orElse(TOKENS))
            .sampled(temperature, Math.max(topP, 1e-6), seed)
            .stoppingAt(stops(request.path("stop")).toArray(String[]::new))
            .with(guidance(request.path("guidance")));
    boolean logprobs = truth(request, "logprobs");
    Optional<Integer> top = whole(request, "top_logprobs", 0, Decoding.MOST_LIKELIEST);
    if (top.isPresent() && !logprobs) {
      throw ApiError.invalid("top_logprobs", "expected logprobs to be true with it");
    }
    return logprobs ? how.reporting(top.orElse(0)) : how;
  }

  private static Guidance.Wanted guidance(JsonNode wanted) {
    if (wanted.isMissingNode() || wanted.isNull()) {
      return Guidance.Wanted.AS_MODEL;
    }
    return switch (wanted.asString("").toLowerCase(Locale.ROOT)) {
      case "on" -> Guidance.Wanted.ON;
      case "off" -> Guidance.Wanted.OFF;
      case "as_model" -> Guidance.Wanted.AS_MODEL;
      default -> throw ApiError.invalid("guidance", "expected on, off or as_model");
    };
  }

  private static FindingsEdit edit(JsonNode findings) {
    if (findings.isMissingNode() || findings.isNull()) {
      return FindingsEdit.unchanged();
    }
    if (!findings.isString()) {
      throw ApiError.invalid("findings", "expected none, or a list such as +Edema,-Pneumonia");
    }
    return FindingsEdit.parse(findings.asString());
  }

  private static boolean isFindings(JsonNode format) {
    return format.path("type").asString("").equals("json_schema")
        && format.path("json_schema").path("name").asString("").equals(FINDINGS_SCHEMA);
  }

  private static Decoding constrained(Decoding how, JsonNode format) {
    if (format.isMissingNode() || format.isNull()) {
      return how;
    }
    String type = format.path("type").asString("");
    return switch (type) {
      case "text" -> how;
      case "json_object" -> how.constrained(Grammar.constraint(JsonGrammar.object()));
      case "json_schema" -> {
        JsonNode schema = format.path("json_schema").path("schema");
        if (!schema.isObject()) {
          throw ApiError.invalid("response_format.json_schema.schema", "expected a schema");
        }
        yield how.constrained(Grammar.constraint(JsonSchema.grammar(schema)));
      }
      default ->
          throw ApiError.invalid(
              "response_format.type",
              "expected text, json_object or json_schema, found " + Printable.of(type));
    };
  }

  private static List<String> stops(JsonNode stop) {
    List<String> stops = new ArrayList<>();
    if (stop.isString()) {
      stops.add(stop.asString());
    } else if (stop.isArray()) {
      for (JsonNode one : stop) {
        if (!one.isString()) {
          throw ApiError.invalid("stop", "expected a text or a list of texts");
        }
        stops.add(one.asString());
      }
    } else if (!stop.isMissingNode() && !stop.isNull()) {
      throw ApiError.invalid("stop", "expected a text or a list of texts");
    }
    if (stops.size() > STOPS || stops.contains("")) {
      throw ApiError.invalid(
          "stop", "expected at most %d texts, none of them empty".formatted(STOPS));
    }
    return stops;
  }

  private static long seed(JsonNode seed) {
    if (seed.isMissingNode() || seed.isNull()) {
      return 0;
    }
    if (!seed.isIntegralNumber() || !seed.canConvertToLong()) {
      throw ApiError.invalid("seed", "expected an integer");
    }
    return seed.asLong();
  }

  private static boolean truth(JsonNode of, String name) {
    JsonNode value = of.path(name);
    if (value.isMissingNode() || value.isNull()) {
      return false;
    }
    if (!value.isBoolean()) {
      throw ApiError.invalid(name, "expected true or false");
    }
    return value.asBoolean();
  }

  private static Optional<Integer> whole(JsonNode of, String name, int least, int most) {
    JsonNode value = of.path(name);
    if (value.isMissingNode() || value.isNull()) {
      return Optional.empty();
    }
    if (!value.isIntegralNumber() || value.asDouble() < least || value.asDouble() > most) {
      throw ApiError.invalid(name, "expected an integer from %d to %d".formatted(least, most));
    }
    return Optional.of(value.asInt());
  }

  private static Optional<Double> number(JsonNode of, String name, double least, double most) {
    JsonNode value = of.path(name);
    if (value.isMissingNode() || value.isNull()) {
      return Optional.empty();
    }
    if (!value.isNumber() || !(value.asDouble() >= least && value.asDouble() <= most)) {
      throw ApiError.invalid(
          name, "expected a number from %s to %s".formatted(plain(least), plain(most)));
    }
    return Optional.of(value.asDouble());
  }

  private static String plain(double bound) {
    return String.valueOf((long) bound);
  }
}
