package org.radialog.instruct;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import org.radialog.base.Printable;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.json.JsonFactory;

/**
 * Dialogs about images in the JSON format of LLaVA, as {@code radialog-instruct-dataset} 1.1.0 has
 * them:
 *
 * <pre>
 * [{"image": "files/p10/…/x.jpg",                       one path, or a list of them
 *   "conversations": [{"from": "human", "value": "…"}, {"from": "gpt", "value": "…"}, …],
 *   "radialog": {"task": "easy_language", …}},          what we know beside, see {@link Known}
 *  …]
 * </pre>
 *
 * <p>Files are read and written one dialog at a time, in constant memory.
 */
public final class DialogFile {
  /** The field of what is known beside the dialog. */
  public static final String FIELD = "radialog";

  private static final int LONGEST_TEXT = 262_144; // characters, as of a report
  private static final int MOST_MESSAGES = 1_000;
  private static final int MOST_IMAGES = 100;
  private static final int MOST_WORDS = 100; // fields of what is known

  private static final JsonFactory FACTORY =
      JsonFactory.builder()
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxStringLength(LONGEST_TEXT)
                  .maxNestingDepth(50)
                  .build())
          .build();

  private DialogFile() {}

  /** Who says something. */
  public enum From {
    HUMAN("human"),
    GPT("gpt");

    private final String word;

    From(String word) {
      this.word = word;
    }
  }

  /** What one of the two says. */
  public record Message(From from, String value) {}

  /**
   * What is known of a dialog beside its words. All texts; a field that is empty is left out.
   *
   * @param values the field's name → its text, in the order of the file; fields of other types are
   *     not read
   * @param labels finding by its label → 1, 0 or -1; those that are not mentioned are left out
   */
  public record Known(Map<String, String> values, Map<String, String> labels) {
    public static final String TASK = "task";
    public static final String SOURCE = "source";
    public static final String STUDY = "study";
    public static final String VIEW = "view";
    public static final String LABEL_SOURCE = "label_source";

    /** {@code true} where the texts were made from labels and no person wrote them. */
    public static final String SYNTHETIC = "synthetic";

    /** What the prompt says of the findings: true, perturbed, predicted, none. */
    public static final String FINDINGS = "findings";

    /** The one finding that is asked for. */
    public static final String ASKED = "asked";

    /** What the answer says of it: yes, no, uncertain, not_visible. */
    public static final String VERDICT = "verdict";

    /** Who wrote the last answer: report, labels or model. */
    public static final String ANSWER_BY = "answer_by";

    public static final String MODEL = "model";

    /** The seed of the run. */
    public static final String SEED = "seed";

    /** The mix of the run. */
    public static final String MIX = "mix";

    /** The terms of the data set, where they limit the use of the dialog. */
    public static final String TERMS = "terms";

    public Known {
      values = Collections.unmodifiableMap(new LinkedHashMap<>(values));
      labels = Collections.unmodifiableMap(new LinkedHashMap<>(labels));
    }

    /** The text of a field; empty where there is none. */
    public String value(String field) {
      return values.getOrDefault(field, "");
    }
  }

  /**
   * A dialog.
   *
   * @param images at least one path, as the file has them; none for a dialog without an image
   * @param known empty in a file that others wrote
   */
  public record Entry(List<String> images, List<Message> messages, Optional<Known> known) {
    public Entry {
      images = List.copyOf(images);
      messages = List.copyOf(messages);
    }
  }

  /** Writes dialogs, one after the other. */
  public static final class Writer implements AutoCloseable {
    private final JsonGenerator out;

    /** Begins the list. Closing this ends it and flushes {@code out}, which stays open. */
    public Writer(OutputStream out) {
      this.out = FACTORY.createGenerator(ObjectWriteContext.empty(), new Unclosed(out));
      this.out.writeStartArray();
    }

    /** Writes one. */
    public void write(Entry entry) {
      out.writeRaw('\n');
      out.writeStartObject();
      if (entry.images().size() == 1) {
        out.writeStringProperty("image", entry.images().getFirst());
      } else if (!entry.images().isEmpty()) {
        out.writeArrayPropertyStart("image");
        entry.images().forEach(out::writeString);
        out.writeEndArray();
      }
      out.writeArrayPropertyStart("conversations");
      for (Message message : entry.messages()) {
        out.writeStartObject();
        out.writeStringProperty("from", message.from().word);
        out.writeStringProperty("value", message.value());
        out.writeEndObject();
      }
      out.writeEndArray();
      entry.known().ifPresent(this::write);
      out.writeEndObject();
    }

    private void write(Known known) {
      out.writeObjectPropertyStart(FIELD);
      known
          .values()
          .forEach((field, text) -> {
            if (!text.isEmpty()) {
              out.writeStringProperty(field, text);
            }
          });
      out.writeObjectPropertyStart("labels");
      known.labels().forEach(out::writeStringProperty);
      out.writeEndObject();
      out.writeEndObject();
    }

    @Override
    public void close() {
      out.writeRaw('\n');
      out.writeEndArray();
      out.writeRaw('\n');
      out.close();
    }
  }

  // Jackson closes what it writes to, and the file's writer has more to do with it.
  private static final class Unclosed extends java.io.FilterOutputStream {
    Unclosed(OutputStream out) {
      super(out);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
      out.write(bytes, offset, length);
    }

    @Override
    public void close() throws IOException {
      flush();
    }
  }

  /**
   * Reads all dialogs of a file. Fields that are not known are passed over.
   *
   * @return how many there were
   * @throws RadialogException if it cannot be read or a dialog is none; the message has its number,
   *     from 1
   */
  public static long read(Path file, Consumer<? super Entry> entries) {
    String name = Printable.escaped(file.toString());
    long number = 0; // of the dialog that is being read
    try (InputStream in = new BufferedInputStream(Files.newInputStream(file), 1 << 16);
        JsonParser json = FACTORY.createParser(ObjectReadContext.empty(), in)) {
      if (json.nextToken() != JsonToken.START_ARRAY) {
        throw new RadialogException(
            Kind.BAD_INPUT,
            "%s: expected a JSON list of dialogs, found %s".formatted(name, found(json)));
      }
      for (number = 1; json.nextToken() != JsonToken.END_ARRAY; number++) {
        Entry entry;
        try {
          entry = entry(json);
        } catch (Unexpected e) {
          throw new RadialogException(
              Kind.BAD_INPUT,
              "%s, dialog %d (line %d): %s"
                  .formatted(name, number, json.currentTokenLocation().getLineNr(), e.getMessage()),
              e);
        }
        entries.accept(entry);
      }
      if (json.nextToken() != null) {
        throw new RadialogException(
            Kind.BAD_INPUT,
            "%s: there is more behind the end of the list, from line %d on"
                .formatted(name, json.currentTokenLocation().getLineNr()));
      }
      return number - 1;
    } catch (JacksonException e) {
      throw new RadialogException(
          Kind.BAD_INPUT,
          "%s, dialog %d (line %d): no JSON: %s"
              .formatted(
                  name,
                  number,
                  e.getLocation() == null ? 0 : e.getLocation().getLineNr(),
                  Printable.of(e.getOriginalMessage())),
          e);
    } catch (IOException e) {
      throw new RadialogException("cannot read the dialogs " + name + ": " + e, e);
    }
  }

  private static final class Unexpected extends Exception {
    private static final long serialVersionUID = 1L;

    Unexpected(String message) {
      super(message);
    }

    @Override
    public String getMessage() {
      return String.valueOf(super.getMessage());
    }
  }

  private static Entry entry(JsonParser json) throws Unexpected {
    require(json, JsonToken.START_OBJECT, "an object with image and conversations");
    var images = new ArrayList<String>();
    var messages = new ArrayList<Message>();
    Optional<Known> known = Optional.empty();
    while (json.nextToken() != JsonToken.END_OBJECT) {
      String field = json.currentName();
      json.nextToken();
      switch (field) {
        case "image" -> images(json, images);
        case "conversations" -> messages(json, messages);
        case FIELD -> known = Optional.of(known(json));
        default -> json.skipChildren();
      }
    }
    if (messages.isEmpty()) {
      throw new Unexpected("expected conversations with at least one message, found none");
    }
    return new Entry(images, messages, known);
  }

  private static void images(JsonParser json, List<String> images) throws Unexpected {
    if (json.currentToken() == JsonToken.VALUE_STRING) {
      images.add(json.getString());
      return;
    }
    require(json, JsonToken.START_ARRAY, "in image a path or a list of paths");
    while (json.nextToken() != JsonToken.END_ARRAY) {
      require(json, JsonToken.VALUE_STRING, "in image a list of paths");
      images.add(json.getString());
      if (images.size() > MOST_IMAGES) {
        throw new Unexpected("expected at most %d images, found more".formatted(MOST_IMAGES));
      }
    }
  }

  private static void messages(JsonParser json, List<Message> messages) throws Unexpected {
    require(json, JsonToken.START_ARRAY, "in conversations a list of messages");
    while (json.nextToken() != JsonToken.END_ARRAY) {
      require(json, JsonToken.START_OBJECT, "a message with from and value");
      String from = "";
      Optional<String> value = Optional.empty();
      while (json.nextToken() != JsonToken.END_OBJECT) {
        String field = json.currentName();
        json.nextToken();
        switch (field) {
          case "from" -> {
            require(json, JsonToken.VALUE_STRING, "in from a text");
            from = json.getString();
          }
          case "value" -> {
            require(json, JsonToken.VALUE_STRING, "in value a text");
            value = Optional.of(json.getString());
          }
          default -> json.skipChildren();
        }
      }
      From who = messages.size() % 2 == 0 ? From.HUMAN : From.GPT;
      if (!from.equals(who.word) || value.isEmpty()) {
        throw new Unexpected(
            "message %d: expected a value from %s, found %s from \"%s\""
                .formatted(
                    messages.size() + 1,
                    who.word,
                    value.isEmpty() ? "none" : "one",
                    Printable.of(from)));
      }
      messages.add(new Message(who, value.get()));
      if (messages.size() > MOST_MESSAGES) {
        throw new Unexpected("expected at most %d messages, found more".formatted(MOST_MESSAGES));
      }
    }
  }

  private static Known known(JsonParser json) throws Unexpected {
    require(json, JsonToken.START_OBJECT, "in " + FIELD + " an object");
    var values = new LinkedHashMap<String, String>();
    var labels = new LinkedHashMap<String, String>();
    while (json.nextToken() != JsonToken.END_OBJECT) {
      String field = json.currentName();
      JsonToken token = json.nextToken();
      if (token == JsonToken.VALUE_STRING) {
        values.put(field, json.getString());
      } else if (token == JsonToken.START_OBJECT && field.equals("labels")) {
        while (json.nextToken() != JsonToken.END_OBJECT) {
          String label = json.currentName();
          if (json.nextToken() == JsonToken.VALUE_STRING) {
            labels.put(label, json.getString());
          } else {
            json.skipChildren();
          }
        }
      } else {
        json.skipChildren();
      }
      if (values.size() > MOST_WORDS || labels.size() > MOST_WORDS) {
        throw new Unexpected(
            "expected at most %d fields in %s, found more".formatted(MOST_WORDS, FIELD));
      }
    }
    return new Known(values, labels);
  }

  private static void require(JsonParser json, JsonToken token, String what) throws Unexpected {
    if (json.currentToken() != token) {
      throw new Unexpected("expected %s, found %s".formatted(what, found(json)));
    }
  }

  private static String found(JsonParser json) {
    JsonToken token = json.currentToken();
    return switch (token) {
      case null -> "the end of the file";
      case START_OBJECT -> "an object";
      case START_ARRAY -> "a list";
      case VALUE_STRING -> "the text \"" + Printable.of(json.getString()) + "\"";
      case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT, VALUE_TRUE, VALUE_FALSE, VALUE_NULL ->
          Printable.of(json.getString());
      case NOT_AVAILABLE, END_OBJECT, END_ARRAY, PROPERTY_NAME, VALUE_EMBEDDED_OBJECT ->
          token.toString();
    };
  }
}
