package org.radialog.openai;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

class ChatRequestTest {
  private static JsonNode json(String text) throws IOException {
    return Json.object(new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8)));
  }

  private static ChatRequest with(String fields) throws IOException {
    return ChatRequest.of(
        json("{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]" + fields + "}"));
  }

  @Test
  void fieldsThatOpenAiDoesNotKnowAreIgnoredAndNullIsTheDefault() throws IOException {
    assertThat(with(",\"min_p\":0.1,\"seed\":null,\"stop\":null,\"user\":\"u\",\"store\":true"))
        .isEqualTo(with(""));
    ChatRequest request = with("");
    assertThat(request.stream()).isFalse();
    assertThat(request.how().maxNewTokens()).isEqualTo(512);
  }

  @Test
  void theNewerNameOfTheLimitWins() throws IOException {
    assertThat(with(",\"max_tokens\":5,\"max_completion_tokens\":7").how().maxNewTokens())
        .isEqualTo(7);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "\"temperature\":\"hot\"|temperature: expected a number from 0 to 2",
        "\"temperature\":2.5|temperature: expected a number from 0 to 2",
        "\"top_p\":-0.1|top_p: expected a number from 0 to 1",
        "\"max_tokens\":0|max_tokens: expected an integer from 1 to 1000000",
        "\"max_tokens\":1.5|max_tokens: expected an integer from 1 to 1000000",
        "\"n\":2|n: expected 1",
        "\"stop\":[\"\"]|stop: expected at most 4 texts",
        "\"stop\":7|stop: expected a text",
        "\"seed\":1e40|seed: expected an integer",
        "\"stream\":\"yes\"|stream: expected true or false",
        "\"top_logprobs\":2|top_logprobs: expected logprobs to be true",
        "\"tools\":[{\"type\":\"function\"}]|tools: is not supported",
        "\"presence_penalty\":1|presence_penalty: expected 0",
        "\"guidance\":\"maybe\"|guidance: expected on, off or as_model",
        "\"findings\":[\"Edema\"]|findings: expected none",
        "\"response_format\":{\"type\":\"xml\"}|response_format.type: expected text",
        "\"response_format\":{\"type\":\"json_schema\"}|response_format.json_schema.schema: expected",
      })
  void anImpossibleValueIsRefusedByTheNameOfItsField(String field, String message) {
    assertThatThrownBy(() -> with("," + field))
        .isInstanceOf(ApiError.class)
        .hasMessageStartingWith(message);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{}",
        "{\"messages\":[]}",
        "{\"messages\":\"hi\"}",
        "{\"messages\":[1]}",
        "{\"messages\":[{\"role\":\"robot\",\"content\":\"x\"}]}",
        "{\"messages\":[{\"role\":\"user\"}]}",
        "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"video\"}]}]}",
        "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":1}]}]}",
        "{\"messages\":[{\"role\":\"assistant\",\"content\":\"x\"}]}",
        "{\"messages\":[{\"role\":\"system\",\"content\":[{\"type\":\"image_url\",\"image_url\":\"\"}]}]}"
      })
  void messagesThatAreNoneAreRefusedByTheirPlace(String text) {
    assertThatThrownBy(() -> ChatRequest.of(json(text)))
        .isInstanceOf(ApiError.class)
        .hasMessageStartingWith("messages");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "https://example.org/film.png",
        "HTTP://example.org/film.png",
        "file:///etc/passwd",
        "data:image/png,abc",
        "data:image/png;base64,***"
      })
  void anImageIsNeverFetched(String url) {
    String text =
        "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\""
            + url
            + "\"}}]}]}";
    assertThatThrownBy(() -> ChatRequest.of(json(text)))
        .isInstanceOf(ApiError.class)
        .hasMessageStartingWith("messages[0].content[0].image_url: ")
        .message()
        .doesNotContain("example", "passwd");
  }

  @Test
  void aBodyThatIsNoObjectIsRefusedWithItsPlaceAndNotItsText() {
    String deep = "[".repeat(10_000);
    for (String text : new String[] {"", "[]", "{\"a\":secret}", "{\"a\":1} {", deep}) {
      assertThatThrownBy(() -> json(text))
          .as(text.substring(0, Math.min(20, text.length())))
          .isInstanceOf(ApiError.class)
          .message()
          .startsWith("the body is no JSON")
          .doesNotContain("secret", "\n");
    }
  }
}
