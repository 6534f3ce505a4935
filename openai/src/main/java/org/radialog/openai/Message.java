package org.radialog.openai;

import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import org.radialog.base.Printable;
import tools.jackson.databind.JsonNode;

/**
 * A message of a chat.
 *
 * @param role who said it
 * @param text its text parts, joined by line breaks
 * @param images files of its images, in order
 */
record Message(Role role, String text, List<byte[]> images) {
  private static final int MOST = 1_000; // messages of a chat

  enum Role {
    SYSTEM,
    USER,
    ASSISTANT
  }

  Message {
    images = List.copyOf(images);
  }

  /**
   * The messages of a request.
   *
   * @throws ApiError if they are no messages
   */
  static List<Message> of(JsonNode messages) {
    if (!messages.isArray() || messages.isEmpty()) {
      throw ApiError.invalid("messages", "expected a list with at least one message");
    }
    if (messages.size() > MOST) {
      throw ApiError.invalid("messages", "expected at most %d messages".formatted(MOST));
    }
    List<Message> all = new ArrayList<>();
    for (int i = 0; i < messages.size(); i++) {
      all.add(of(messages.get(i), "messages[" + i + "]"));
    }
    return all;
  }

  private static Message of(JsonNode message, String at) {
    if (!message.isObject()) {
      throw ApiError.invalid(at, "expected an object with role and content");
    }
    Role role = role(message.path("role"), at + ".role");
    JsonNode content = message.path("content");
    if (content.isString()) {
      return new Message(role, content.asString(), List.of());
    }
    if (!content.isArray()) {
      throw ApiError.invalid(at + ".content", "expected a text or a list of parts");
    }
    List<String> texts = new ArrayList<>();
    List<byte[]> images = new ArrayList<>();
    for (int i = 0; i < content.size(); i++) {
      part(content.get(i), at + ".content[" + i + "]", texts, images);
    }
    if (role != Role.USER && !images.isEmpty()) {
      throw ApiError.invalid(at + ".content", "only a message of the user may have images");
    }
    return new Message(role, String.join("\n", texts), images);
  }

  private static Role role(JsonNode role, String at) {
    return switch (role.asString("")) {
      case "system", "developer" -> Role.SYSTEM;
      case "user" -> Role.USER;
      case "assistant" -> Role.ASSISTANT;
      default ->
          throw ApiError.invalid(
              at,
              "expected system, developer, user or assistant, found "
                  + (role.isString() ? Printable.of(role.asString()) : kind(role)));
    };
  }

  private static String kind(JsonNode node) {
    return node.getNodeType().name().toLowerCase(Locale.ROOT);
  }

  private static void part(JsonNode part, String at, List<String> texts, List<byte[]> images) {
    String type = part.path("type").asString("");
    switch (type) {
      case "text", "input_text", "output_text" -> {
        JsonNode text = part.path("text");
        if (!text.isString()) {
          throw ApiError.invalid(at + ".text", "expected a text, found " + kind(text));
        }
        texts.add(text.asString());
      }
      case "image_url", "input_image" -> {
        JsonNode image = part.path("image_url");
        JsonNode url = image.isObject() ? image.path("url") : image;
        images.add(bytes(url, at + ".image_url"));
      }
      default ->
          throw ApiError.invalid(
              at + ".type", "expected text or image_url, found " + Printable.of(type));
    }
  }

  /** The file in a data URL, or in base64 alone. */
  private static byte[] bytes(JsonNode url, String at) {
    if (!url.isString()) {
      throw ApiError.invalid(at, "expected a data URL, found " + kind(url));
    }
    String text = url.asString();
    String start = text.substring(0, Math.min(8, text.length())).toLowerCase(Locale.ROOT);
    if (start.startsWith("http:") || start.startsWith("https:") || start.startsWith("file:")) {
      throw ApiError.invalid(
          at, "images are not fetched from elsewhere; send the file in a data URL (base64)");
    }
    String base64 = text;
    if (start.startsWith("data:")) {
      int comma = text.indexOf(',');
      if (comma < 0 || !text.substring(0, comma).endsWith(";base64")) {
        throw ApiError.invalid(at, "expected a data URL with ;base64, before the file");
      }
      base64 = text.substring(comma + 1);
    }
    try {
      return Base64.getDecoder().decode(base64);
    } catch (IllegalArgumentException e) {
      ApiError error = ApiError.invalid(at, "the file is no base64 text");
      error.initCause(e);
      throw error;
    }
  }
}
