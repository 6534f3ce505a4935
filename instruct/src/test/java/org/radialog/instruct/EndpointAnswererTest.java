package org.radialog.instruct;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.radialog.base.RadialogException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A server of chat completions on this machine, and what it may do wrong. */
class EndpointAnswererTest {
  private static final JsonMapper MAPPER = JsonMapper.builder().build();

  private final ConcurrentLinkedQueue<JsonNode> requests = new ConcurrentLinkedQueue<>();
  private final AtomicInteger failures = new AtomicInteger();
  private HttpServer server = unused();
  private int status = 503;
  private String body = "";

  private static HttpServer unused() {
    try {
      return HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  @BeforeEach
  void serve() {
    server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
    server.createContext("/v1/chat/completions", this::complete);
    server.createContext(
        "/elsewhere",
        exchange -> {
          requests.add(MAPPER.readTree("{\"elsewhere\": true}"));
          exchange.sendResponseHeaders(200, -1);
          exchange.close();
        });
    server.start();
  }

  @AfterEach
  void stop() {
    server.stop(0);
  }

  private void complete(HttpExchange exchange) throws IOException {
    JsonNode request = MAPPER.readTree(exchange.getRequestBody().readAllBytes());
    requests.add(request);
    if (failures.getAndDecrement() > 0) {
      exchange.getResponseHeaders().add("Retry-After-Ms", "5");
      exchange.getResponseHeaders().add("Location", "/elsewhere");
      send(exchange, status, "{\"error\": {\"message\": \"busy\"}}");
      return;
    }
    String said =
        request
            .path("messages")
            .path(request.path("messages").size() - 1)
            .path("content")
            .asString("");
    send(exchange, 200, body.isEmpty() ? completion("Said: " + said, "stop") : body);
  }

  private static void send(HttpExchange exchange, int status, String text) throws IOException {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    exchange.getResponseHeaders().add("Content-Type", "application/json");
    exchange.sendResponseHeaders(status, bytes.length);
    exchange.getResponseBody().write(bytes);
    exchange.close();
  }

  private static String completion(String text, String finish) {
    return """
    {"id": "1", "object": "chat.completion", "created": 1, "model": "vicuna", "choices": [
      {"index": 0, "finish_reason": "%s", "logprobs": null,
       "message": {"role": "assistant", "content": %s, "refusal": null}}]}\
    """
        .formatted(finish, MAPPER.writeValueAsString(text));
  }

  private EndpointAnswerer answerer() {
    URI base = URI.create("http://127.0.0.1:" + server.getAddress().getPort() + "/v1");
    return new EndpointAnswerer(base, "vicuna", "secret");
  }

  private List<Optional<String>> answer(String... questions) {
    try (EndpointAnswerer answerer = answerer()) {
      return answerer.answer(java.util.Arrays.stream(questions).map(List::of).toList(), 7);
    }
  }

  @Test
  void everyConversationIsAskedWithItsTurnsTheModelAndTheSeed() {
    try (EndpointAnswerer answerer = answerer()) {
      assertThat(
              answerer.answer(
                  List.of(List.of("a"), List.of("b", "c", "d – \"e\""), List.of("f")), 7))
          .containsExactly(
              Optional.of("Said: a"), Optional.of("Said: d – \"e\""), Optional.of("Said: f"));
    }
    assertThat(requests).hasSize(3);
    for (JsonNode request : requests) {
      assertThat(request.path("model").asString()).isEqualTo("vicuna");
      assertThat(request.path("seed").asInt()).isEqualTo(7);
      assertThat(request.path("temperature").asDouble()).isZero();
      if (request.path("messages").size() == 3) {
        assertThat(request.path("messages").path(1).path("role").asString()).isEqualTo("assistant");
      }
    }
  }

  @Test
  void aBusyOrFailingServerIsAskedAgain() {
    for (int code : new int[] {429, 500, 503}) {
      requests.clear();
      status = code;
      failures.set(3);
      assertThat(answer("a")).containsExactly(Optional.of("Said: a"));
      assertThat(requests).hasSize(4);
    }
  }

  @Test
  void aServerThatStaysBusyOrRefusesEndsTheRunInOneLine() {
    failures.set(1000);
    status = 429;
    assertThatThrownBy(() -> answer("a"))
        .isInstanceOf(RadialogException.class)
        .hasMessageContainingAll("127.0.0.1", "vicuna", "429");
    assertThat(requests).hasSize(6);
    requests.clear();
    status = 401;
    assertThatThrownBy(() -> answer("a")).hasMessageContaining("401");
    assertThat(requests).hasSize(1);
  }

  @Test
  void anAnswerThatCannotBeUsedIsNone() {
    for (String said :
        List.of(
            completion("", "stop"),
            completion("cut off in the mid", "length"),
            "{\"choices\": []}",
            "{\"choices\": [{\"message\": {\"content\": 5}}]}",
            "{}",
            "[1, 2]",
            "<html>proxy error</html>",
            "{\"choices\": [")) {
      body = said;
      assertThat(answer("a")).as(said).containsExactly(Optional.empty());
    }
  }

  @Test
  void noRedirectIsFollowedSoThatNothingIsSentToAnotherHost() {
    failures.set(1);
    status = 307;
    assertThatThrownBy(() -> answer("a")).hasMessageContaining("307");
    assertThat(requests).hasSize(1).noneMatch(request -> request.has("elsewhere"));
  }

  @Test
  void anAddressThatIsNoneOrThatNobodyAnswersIsOneLine() {
    for (String address :
        List.of("ftp://localhost/v1", "localhost:8000", "http://me:pw@localhost")) {
      assertThatThrownBy(() -> new EndpointAnswerer(URI.create(address), "vicuna", "x"))
          .hasMessageContaining("http://localhost:8000/v1");
    }
    URI base = URI.create("http://127.0.0.1:" + server.getAddress().getPort() + "/v1");
    server.stop(0);
    try (var nobody = new EndpointAnswerer(base, "vicuna", "x", 1)) {
      assertThatThrownBy(() -> nobody.answer(List.of(List.of("a")), 7))
          .isInstanceOf(RadialogException.class)
          .hasMessageContaining("cannot be reached");
    }
  }

  @Test
  void onlyLoopbackAddressesAreThisMachine() {
    for (String here : List.of("http://localhost:1/v1", "http://127.0.0.1", "https://[::1]:8/v1")) {
      assertThat(EndpointAnswerer.isOnThisMachine(URI.create(here))).as(here).isTrue();
    }
    for (String there :
        List.of(
            "http://localhost.example.org",
            "http://127.0.0.1.example.org",
            "http://127.example.org",
            "http://10.0.0.1",
            "http://0.0.0.0",
            "https://api.openai.com/v1",
            "http:///v1")) {
      assertThat(EndpointAnswerer.isOnThisMachine(URI.create(there))).as(there).isFalse();
    }
  }
}
