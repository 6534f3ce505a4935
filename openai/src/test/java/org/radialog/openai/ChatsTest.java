package org.radialog.openai;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.radialog.base.RadialogException;
import org.radialog.clinical.Finding;
import org.radialog.dialog.Engine;
import org.radialog.dialog.RaDialog;
import org.radialog.imaging.Limits;
import org.radialog.testing.Golden;
import org.radialog.testmodel.TinyModel;
import org.radialog.wire.Notice;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Chats about a real film with a small model, whose words are of no importance. */
class ChatsTest {
  private static final JsonMapper MAPPER = new JsonMapper();
  private static final String FILM = "no-finding.jpg";
  private static final String OTHER = "effusion.jpg";

  @SuppressWarnings("NullAway.Init")
  private static RaDialog model;

  @BeforeAll
  static void load() {
    model = RaDialog.load(TinyModel.folder());
  }

  @AfterAll
  static void free() {
    model.close();
  }

  private static String url(String sample) {
    try {
      byte[] file = Files.readAllBytes(Golden.root().resolve("samples").resolve(sample));
      return "data:image/jpeg;base64," + Base64.getEncoder().encodeToString(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A request of a few tokens; messages are added to it. */
  private static ObjectNode request() {
    ObjectNode request = MAPPER.createObjectNode();
    request.put("model", "tiny").put("max_tokens", 6).putArray("messages");
    return request;
  }

  private static ArrayNode messages(ObjectNode request) {
    return (ArrayNode) request.path("messages");
  }

  private static ObjectNode user(ObjectNode request, String text, String... samples) {
    ArrayNode content = messages(request).addObject().put("role", "user").putArray("content");
    content.addObject().put("type", "text").put("text", text);
    for (String sample : samples) {
      content.addObject().put("type", "image_url").putObject("image_url").put("url", url(sample));
    }
    return request;
  }

  private static ObjectNode assistant(ObjectNode request, String text) {
    messages(request).addObject().put("role", "assistant").put("content", text);
    return request;
  }

  private static void format(ObjectNode request, String schema) {
    request
        .putObject("response_format")
        .put("type", "json_schema")
        .putObject("json_schema")
        .put("name", "answer")
        .set("schema", MAPPER.readTree(schema));
  }

  private static Chats.Answer answer(Chats chats, ObjectNode request) {
    List<String> pieces = new ArrayList<>();
    try (Chats.Asked asked = chats.open(read(request))) {
      Chats.Answer answer = asked.answer(pieces::add);
      assertThat(String.join("", pieces)).isEqualTo(answer.text());
      return answer;
    }
  }

  private static ChatRequest read(ObjectNode request) {
    try {
      return ChatRequest.of(
          Json.object(
              new ByteArrayInputStream(request.toString().getBytes(StandardCharsets.UTF_8))));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Chats chats(int kept) {
    return new Chats(model, kept, Limits.DEFAULT);
  }

  @Test
  void aFurtherTurnCostsItsOwnTokensAlsoAfterAnotherUsersTurn() {
    try (Chats chats = chats(4)) {
      ObjectNode first = user(request(), "Is there an effusion?", FILM);
      Chats.Answer one = answer(chats, first);
      assertThat(one.usage().cachedTokens()).isZero();
      answer(chats, user(request(), "Is there an effusion?", OTHER));

      Chats.Answer two = answer(chats, user(assistant(first, one.text()), "And edema?"));
      assertThat(two.usage().cachedTokens())
          .isGreaterThanOrEqualTo(one.usage().promptTokens())
          .isLessThan(two.usage().promptTokens());
    }
  }

  @Test
  void aDialogThatIsNotKeptAnswersAlike() {
    // An answer that can only be tokenised in one way.
    ObjectNode first = user(request().put("max_tokens", 12), "Is there an effusion?", FILM);
    format(first, "{\"enum\":[\"yes\",\"possibly\"]}");
    Chats.Answer kept;
    Chats.Answer anew;
    try (Chats chats = chats(4)) {
      String said = answer(chats, first).text();
      assertThat(said).isIn("\"yes\"", "\"possibly\"");
      ObjectNode second = user(assistant(first, said), "And edema?");
      second.remove("response_format");
      kept = answer(chats, second);
      try (Chats others = chats(0)) {
        anew = answer(others, second);
      }
    }
    assertThat(anew.text()).isEqualTo(kept.text());
    assertThat(anew.usage().promptTokens()).isEqualTo(kept.usage().promptTokens());
  }

  @Test
  void theLastImagesAreTheFilm() {
    try (Chats chats = chats(4)) {
      ObjectNode both = user(request(), "Is there an effusion?", FILM);
      user(assistant(both, "No."), "And here?", OTHER);
      Chats.Answer alone = answer(chats, user(request(), "And here?", OTHER));
      assertThat(answer(chats, both).text()).isEqualTo(alone.text());
    }
  }

  @Test
  void withoutAnImageItIsAConversationWithoutAFilm() {
    try (Chats chats = chats(4)) {
      ObjectNode request = request();
      messages(request).addObject().put("role", "system").put("content", "Be brief.");
      Chats.Answer one = answer(chats, user(request, "What is an effusion?"));
      assertThat(one.usage().completionTokens()).isPositive();
      Chats.Answer two = answer(chats, user(assistant(request, one.text()), "And edema?"));
      assertThat(two.usage().cachedTokens()).isPositive();
    }
  }

  @Test
  void theFindingsOfTheClassifierAreJson() {
    ObjectNode request = user(request(), "", FILM);
    request
        .putObject("response_format")
        .put("type", "json_schema")
        .putObject("json_schema")
        .put("name", ChatRequest.FINDINGS_SCHEMA);
    try (Chats chats = chats(4)) {
      JsonNode findings = MAPPER.readTree(answer(chats, request).text());
      assertThat(findings.path("notice").asString()).isEqualTo(Notice.RESEARCH_USE);
      assertThat(findings.path("findings").size()).isEqualTo(Finding.COUNT);
      assertThat(findings.path("findings").get(2).path("label").asString())
          .isEqualTo("Cardiomegaly");
    }
  }

  @Test
  void anAnswerInJsonIsWholeIfItsShortestFormFitsIntoTheTokens() {
    // The shortest one has 25 characters, and a token of this model one or a few.
    for (int tokens : new int[] {25, 26, 30, 60}) {
      ObjectNode request = user(request(), "List what you see as JSON", FILM);
      request.put("max_tokens", tokens).put("temperature", 1.5).put("seed", tokens);
      format(
          request,
          """
          {"type":"object","properties":{"view":{"enum":["PA","AP"]},
           "notes":{"type":"array","items":{"type":"string"}}},"required":["view","notes"]}\
          """);
      try (Chats chats = chats(4)) {
        Chats.Answer answer = answer(chats, request);
        JsonNode view = MAPPER.readTree(answer.text());
        assertThat(view.path("view").asString()).isIn("PA", "AP");
        assertThat(view.path("notes").isArray()).isTrue();
      }
    }
  }

  @Test
  void likelihoodsAreThoseOfTheTokensOfTheText() {
    ObjectNode request = user(request(), "Is there an effusion?", FILM);
    request.put("logprobs", true).put("top_logprobs", 3);
    try (Chats chats = chats(4)) {
      Chats.Answer answer = answer(chats, request);
      assertThat(answer.likelihoods()).isNotEmpty();
      JsonNode whole =
          MAPPER.readTree(
              Json.write(
                  new ChatJson("chatcmpl-1", 1, "tiny")
                      .whole(answer, read(request), model.tokenizer())));
      JsonNode choice = whole.path("choices").get(0);
      StringBuilder text = new StringBuilder();
      for (JsonNode token : choice.path("logprobs").path("content")) {
        text.append(token.path("token").asString());
        assertThat(token.path("logprob").asDouble()).isLessThanOrEqualTo(0);
        assertThat(token.path("top_logprobs").size()).isEqualTo(3);
      }
      assertThat(text.toString().strip())
          .isEqualTo(choice.path("message").path("content").asString().strip());
    }
  }

  @Test
  void aTurnThatIsCancelledEndsAndIsNotGoneOnWith() {
    ObjectNode request = user(request().put("max_tokens", 300), "Describe the film", FILM);
    request.put("guidance", "off"); // guided text is released sentence by sentence
    try (Chats chats = chats(4);
        Chats.Asked asked = chats.open(read(request))) {
      Chats.Answer answer = asked.answer(_ -> asked.cancel());
      assertThat(answer.end()).isEqualTo(Engine.End.CANCELLED);
      Chats.Answer after =
          answer(chats, user(assistant(request, answer.text()).put("max_tokens", 2), "Go on"));
      assertThat(after.usage().cachedTokens()).isZero();
    }
  }

  @Test
  void aFilmThatIsNoneIsRefusedWithTheGuardsCode() {
    ObjectNode request = request();
    ArrayNode content = messages(request).addObject().put("role", "user").putArray("content");
    content
        .addObject()
        .put("type", "image_url")
        .putObject("image_url")
        .put("url", "data:image/png;base64," + Base64.getEncoder().encodeToString(new byte[40]));
    try (Chats chats = chats(4)) {
      assertThatThrownBy(() -> chats.open(read(request)))
          .isInstanceOfSatisfying(
              RadialogException.class,
              refused -> assertThat(ApiError.of(refused).status()).isEqualTo(422));
    }
  }

  @Test
  void threeImagesAndAQuestionWithoutWordsAreRefusedByName() {
    try (Chats chats = chats(4)) {
      assertThatThrownBy(() -> chats.open(read(user(request(), "?", FILM, FILM, FILM))))
          .isInstanceOf(ApiError.class)
          .hasMessage("messages[0].content: has 3 images, expected a film and at most one prior");
      assertThatThrownBy(() -> chats.open(read(user(request(), " ", FILM))))
          .isInstanceOf(ApiError.class)
          .hasMessage("messages: the last message has no text");
    }
  }
}
