package org.radialog.clinical;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.radialog.clinical.PublishedPrompts.FindingsStyle;
import org.radialog.clinical.PublishedPrompts.Version;
import org.radialog.testing.Golden;
import org.radialog.testing.GoldenCase;
import org.radialog.testing.Parity;
import tools.jackson.databind.JsonNode;

/** The published prompts, string by string. */
class PromptsParityTest {
  @TestFactory
  Stream<DynamicTest> stringsEqualTheReference() {
    return Golden.tests("prompts", PromptsParityTest::tests);
  }

  private static Stream<DynamicTest> tests(GoldenCase golden) {
    JsonNode system = golden.values().required("system");
    var tests = new ArrayList<DynamicTest>();
    tests.add(
        test(
            golden.name() + "/system_default",
            () -> PublishedPrompts.SYSTEM,
            system.required("default")));
    tests.add(
        test(
            golden.name() + "/system_demo_v1",
            () -> PublishedPrompts.SYSTEM_DEMO_V1,
            system.required("demo_v1")));
    int number = 0;
    for (JsonNode c : golden.values().required("cases")) {
      String what = c.required("what").asString();
      JsonNode input = c.required("input");
      JsonNode expected = c.required("expected");
      tests.add(
          test(
              "%s/%03d_%s".formatted(golden.name(), number++, what),
              () -> actual(what, input),
              expected));
      // Our own dialogs of parts must come out as the same text, wherever the original has one.
      parts(what, input)
          .ifPresent(text ->
              tests.add(test(tests.getLast().getDisplayName() + "_parts", () -> text, expected)));
    }
    return tests.stream();
  }

  private static DynamicTest test(String label, Supplier<String> actual, JsonNode expected) {
    return DynamicTest.dynamicTest(
        label, () -> Parity.equal(label, actual.get(), expected.asString()));
  }

  private static String actual(String what, JsonNode input) {
    return switch (what) {
      case "findings" -> PublishedPrompts.findings(findings(input, "labels"), style(input));
      case "report_prompt" -> reportPrompt(input);
      case "report_prompt_training_layout" ->
          PublishedPrompts.reportPromptInTrainingLayout(
              PublishedPrompts.findings(findings(input, "labels"), style(input)));
      case "report_conversation" ->
          PublishedPrompts.conversation(PublishedPrompts.SYSTEM, List.of(reportPrompt(input)));
      case "report_conversation_demo" ->
          PublishedPrompts.conversation(
              PublishedPrompts.SYSTEM_DEMO_V1, List.of(reportPrompt(input)));
      case "dialog_open", "dialog_closed" ->
          PublishedPrompts.conversation(PublishedPrompts.SYSTEM, messages(input));
      case "follow_up" ->
          PublishedPrompts.followUp(
              input.required("history").asString(), input.required("prompt").asString());
      case "correction" ->
          PublishedPrompts.correction(findings(input, "missing"), findings(input, "wrong"));
      case "binary_question" -> PublishedPrompts.binaryQuestion(finding(input));
      case "binary_conversation" ->
          PublishedPrompts.conversation(
              PublishedPrompts.SYSTEM,
              List.of(
                  reportPrompt(input),
                  input.required("report").asString(),
                  PublishedPrompts.binaryQuestion(finding(input))));
      case "list_question" -> PublishedPrompts.LIST_QUESTION;
      case "view_question" -> PublishedPrompts.viewPrompt();
      case "view_conversation" ->
          PublishedPrompts.conversation(
              PublishedPrompts.SYSTEM, List.of(PublishedPrompts.viewPrompt()));
      case "impression_question" -> PublishedPrompts.IMPRESSION_QUESTION;
      default -> throw new AssertionError("no test reads the cases of " + what);
    };
  }

  /** The same text from {@link PromptFormat}, for the cases that are dialogs of one. */
  private static Optional<String> parts(String what, JsonNode input) {
    return switch (what) {
      case "report_conversation" -> {
        if (style(input) != FindingsStyle.TEST) {
          yield Optional.empty();
        }
        yield Optional.of(render(input, format(input).open(given(input), new Turn.Report())));
      }
      case "view_conversation" ->
          Optional.of(
              render(
                  input,
                  format(input)
                      .open(Optional.empty(), new Turn.Question(PublishedPrompts.VIEW_QUESTION))));
      case "binary_conversation" -> {
        PromptFormat format = format(input);
        var parts = new ArrayList<>(format.open(given(input), new Turn.Report()));
        parts.add(format.answer(input.required("report").asString()));
        parts.addAll(
            format.next(new Turn.Question(PublishedPrompts.binaryQuestion(finding(input)))));
        yield Optional.of(render(input, parts));
      }
      default -> Optional.empty();
    };
  }

  private static String render(JsonNode input, List<PromptPart> parts) {
    return PromptPart.render(parts, version(input).image());
  }

  private static PromptFormat format(JsonNode input) {
    return switch (version(input)) {
      case V1 -> RadialogFormat.V1;
      case V2 -> RadialogFormat.V2;
    };
  }

  private static Optional<FindingsList> given(JsonNode input) {
    return Optional.of(FindingsList.of(findings(input, "labels")));
  }

  private static List<String> messages(JsonNode input) {
    var messages = new ArrayList<String>();
    messages.add(reportPrompt(input));
    JsonNode answers = input.required("answers");
    JsonNode questions = input.required("questions");
    for (int i = 0; i < answers.size(); i++) {
      messages.add(answers.get(i).asString());
      messages.add(questions.get(i).asString());
    }
    if (input.has("last_answer")) {
      messages.add(input.required("last_answer").asString());
    }
    return messages;
  }

  private static String reportPrompt(JsonNode input) {
    return PublishedPrompts.reportPrompt(
        version(input), PublishedPrompts.findings(findings(input, "labels"), style(input)));
  }

  private static Version version(JsonNode input) {
    return Version.valueOf("V" + input.required("version").asInt());
  }

  private static FindingsStyle style(JsonNode input) {
    return input.has("style")
        ? FindingsStyle.valueOf(input.required("style").asString().toUpperCase(Locale.ROOT))
        : FindingsStyle.TEST;
  }

  private static Finding finding(JsonNode input) {
    return Finding.of(input.required("label").asString());
  }

  private static List<Finding> findings(JsonNode input, String key) {
    return StreamSupport.stream(input.required(key).spliterator(), false)
        .map(label -> Finding.of(label.asString()))
        .toList();
  }
}
