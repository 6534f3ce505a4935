package org.radialog.instruct;

import com.openai.client.OpenAIClient;
import com.openai.client.OpenAIClientImpl;
import com.openai.core.ClientOptions;
import com.openai.core.JsonValue;
import com.openai.core.RequestOptions;
import com.openai.core.http.Headers;
import com.openai.core.http.HttpClient;
import com.openai.core.http.HttpRequest;
import com.openai.core.http.HttpRequestBody;
import com.openai.core.http.HttpResponse;
import com.openai.errors.OpenAIException;
import com.openai.errors.OpenAIInvalidDataException;
import com.openai.errors.OpenAIServiceException;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.ProxySelector;
import java.net.URI;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.radialog.base.BoundedWork;
import org.radialog.base.Printable;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.base.WorkInterrupted;

/**
 * Requests answers from an OpenAI-compatible endpoint (chat completions), such as vLLM, llama.cpp
 * or Ollama. Requests that fail with 429 or 5xx are repeated with increasing delays.
 *
 * <p>Text is sent only to the given host: redirects are not followed, and no proxy is used for an
 * endpoint on this machine.
 */
public final class EndpointAnswerer implements Answers.Answerer, AutoCloseable {
  private static final int AT_ONCE = 4;
  private static final int RETRIES = 5;
  private static final int MOST_NEW_TOKENS = 256; // as the original has it
  private static final int LARGEST_ANSWER = 4 << 20; // bytes
  private static final Duration PATIENCE = Duration.ofMinutes(10);

  private final URI base;
  private final String model;
  private final OpenAIClient client;

  /**
   * An endpoint.
   *
   * @param base before {@code /chat/completions}, for example {@code http://localhost:8000/v1}
   * @param model as the endpoint calls it
   * @param key that it asks for; any text where it asks for none
   * @throws RadialogException if {@code base} is no address of a web server
   */
  public EndpointAnswerer(URI base, String model, String key) {
    this(base, model, key, RETRIES);
  }

  EndpointAnswerer(URI base, String model, String key, int retries) {
    this.base = requireServer(base);
    this.model = model;
    this.client =
        new OpenAIClientImpl(
            ClientOptions.builder()
                .httpClient(new Transport(isOnThisMachine(base)))
                .baseUrl(base.toString())
                .apiKey(key)
                .maxRetries(retries)
                .build());
  }

  private static URI requireServer(URI base) {
    String scheme = String.valueOf(base.getScheme()).toLowerCase(Locale.ROOT);
    if (!List.of("http", "https").contains(scheme)
        || base.getHost() == null
        || base.getRawUserInfo() != null) {
      throw new RadialogException(
          Kind.BAD_INPUT,
          "the endpoint is \"%s\": expected an address like http://localhost:8000/v1"
              .formatted(Printable.of(base.toString())));
    }
    return base;
  }

  /**
   * Whether what is sent there stays on this machine: {@code localhost} or a numeric loopback
   * address. Any other name may mean another machine tomorrow.
   */
  public static boolean isOnThisMachine(URI base) {
    String host = String.valueOf(base.getHost()).toLowerCase(Locale.ROOT);
    return host.equals("localhost")
        || host.equals("[::1]")
        || host.matches("127\\.\\d{1,3}\\.\\d{1,3}\\.\\d{1,3}");
  }

  /**
   * Why text may not be sent to an endpoint; empty if it may. Reports of patients are sent to
   * another machine only if its name and an agreement are given.
   *
   * @param host the host to which the user allows sending
   * @param agreement the agreement that allows it
   */
  public static Optional<String> objection(
      URI endpoint, @Nullable String host, @Nullable String agreement) {
    String there = String.valueOf(endpoint.getHost());
    boolean agreed = there.equalsIgnoreCase(host) && agreement != null && !agreement.isBlank();
    return agreed || isOnThisMachine(endpoint)
        ? Optional.empty()
        : Optional.of(
            ("the endpoint is on another machine, so the findings sections of the data set would be"
                    + " sent to %s; expected --send-reports-to %s and --data-use-agreement NAME, or an"
                    + " endpoint on localhost")
                .formatted(Printable.of(there), Printable.of(there)));
  }

  @Override
  public String model() {
    return model;
  }

  @Override
  public int batch() {
    return 8 * AT_ONCE;
  }

  @Override
  public List<Optional<String>> answer(List<List<String>> conversations, long seed) {
    var answers =
        new ArrayList<Optional<String>>(
            Collections.nCopies(conversations.size(), Optional.<String>empty()));
    BoundedWork.run(
        "the answers of " + model,
        conversations,
        AT_ONCE,
        conversation -> completed(conversation, seed),
        answers::set);
    return answers;
  }

  private Optional<String> completed(List<String> conversation, long seed) {
    ChatCompletionCreateParams.Builder request =
        ChatCompletionCreateParams.builder()
            .model(model)
            .temperature(0.0)
            // OpenAI has given up its seed; the servers of one's own machine have not.
            .putAdditionalBodyProperty("seed", JsonValue.from(seed))
            .maxCompletionTokens(MOST_NEW_TOKENS);
    for (int i = 0; i < conversation.size(); i++) {
      if (i % 2 == 0) {
        request.addUserMessage(conversation.get(i));
      } else {
        request.addAssistantMessage(conversation.get(i));
      }
    }
    try {
      return usable(client.chat().completions().create(request.build()));
    } catch (OpenAIInvalidDataException e) {
      return Optional.empty(); // it answered, and what it said is no completion
    } catch (OpenAIServiceException e) {
      throw new RadialogException(
          "the endpoint %s refuses %s with status %d: %s"
              .formatted(base, Printable.of(model), e.statusCode(), Printable.of(e.body())),
          e);
    } catch (OpenAIException e) {
      throw new RadialogException(
          "the endpoint %s cannot be reached: %s"
              .formatted(base, Printable.of(e.getCause() == null ? e : e.getCause())),
          e);
    }
  }

  // The whole text of one answer that came to its end.
  private static Optional<String> usable(ChatCompletion completion) {
    List<ChatCompletion.Choice> choices = completion.choices();
    if (choices.isEmpty()
        || !choices.getFirst().finishReason().equals(ChatCompletion.Choice.FinishReason.STOP)) {
      return Optional.empty();
    }
    return choices
        .getFirst()
        .message()
        .content()
        .map(String::strip)
        .filter(text -> !text.isEmpty());
  }

  @Override
  public void close() {
    client.close();
  }

  /** The JDK's client under OpenAI's: it follows no redirect. */
  private static final class Transport implements HttpClient {
    private final java.net.http.HttpClient http;

    Transport(boolean withoutProxy) {
      var builder =
          java.net.http.HttpClient.newBuilder()
              .version(java.net.http.HttpClient.Version.HTTP_1_1)
              .followRedirects(java.net.http.HttpClient.Redirect.NEVER)
              .connectTimeout(Duration.ofSeconds(10));
      if (withoutProxy) {
        builder.proxy(ProxySelector.of(null));
      }
      http = builder.build();
    }

    @Override
    public HttpResponse execute(HttpRequest request, RequestOptions options) {
      var path = new StringBuilder(request.baseUrl());
      request.pathSegments().forEach(segment -> path.append('/').append(segment));
      var sent =
          java.net.http.HttpRequest.newBuilder(URI.create(path.toString())).timeout(PATIENCE);
      request
          .headers()
          .names()
          .forEach(name -> request.headers().values(name).forEach(v -> sent.header(name, v)));
      HttpRequestBody body = request.body();
      var bytes = new ByteArrayOutputStream();
      if (body != null) {
        body.writeTo(bytes);
        sent.header("Content-Type", String.valueOf(body.contentType()));
      }
      sent.method(
          request.method().name(),
          java.net.http.HttpRequest.BodyPublishers.ofByteArray(bytes.toByteArray()));
      try {
        var received = http.send(sent.build(), BodyHandlers.ofInputStream());
        try (InputStream in = received.body()) {
          byte[] content = in.readNBytes(LARGEST_ANSWER + 1);
          if (content.length > LARGEST_ANSWER) {
            throw new IOException("the answer has more than " + LARGEST_ANSWER + " bytes");
          }
          Headers.Builder headers = Headers.builder();
          received.headers().map().forEach(headers::put);
          return new Received(received.statusCode(), headers.build(), content);
        }
      } catch (IOException e) {
        throw new com.openai.errors.OpenAIIoException("Request failed", e);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new WorkInterrupted("an answer", e);
      }
    }

    @Override
    public CompletableFuture<HttpResponse> executeAsync(
        HttpRequest request, RequestOptions options) {
      return CompletableFuture.supplyAsync(() -> execute(request, options));
    }

    @Override
    public void close() {
      http.close();
    }
  }

  private static final class Received implements HttpResponse {
    private final int status;
    private final Headers headers;
    private final InputStream content;

    Received(int status, Headers headers, byte[] content) {
      this.status = status;
      this.headers = headers;
      this.content = new ByteArrayInputStream(content);
    }

    @Override
    public int statusCode() {
      return status;
    }

    @Override
    public Headers headers() {
      return headers;
    }

    @Override
    public InputStream body() {
      return content;
    }

    @Override
    public void close() {
      // all of it is in memory
    }
  }
}
