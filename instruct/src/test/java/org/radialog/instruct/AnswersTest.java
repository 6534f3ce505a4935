package org.radialog.instruct;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.radialog.base.Progress;
import org.radialog.base.RadialogException;
import org.radialog.data.MimicCxr;
import org.radialog.data.StudySplit;
import org.radialog.instruct.DialogFile.Entry;
import org.radialog.instruct.DialogFile.Known;
import org.radialog.testing.MimicTree;

class AnswersTest {
  @TempDir private Path folder;

  /** A model that writes down what it is asked, and fails when it has answered so many. */
  private static final class Writer implements Answers.Answerer {
    private final List<List<String>> asked = new ArrayList<>();
    private final int until;
    private String says = "All well.";

    Writer(int until) {
      this.until = until;
    }

    @Override
    public String model() {
      return "writer";
    }

    @Override
    public int batch() {
      return 4;
    }

    @Override
    public List<Optional<String>> answer(List<List<String>> conversations, long seed) {
      if (asked.size() >= until) {
        throw new RadialogException("the model is gone");
      }
      asked.addAll(conversations);
      return conversations.stream().map(c -> Optional.of(says).filter(s -> !s.isEmpty())).toList();
    }
  }

  private java.util.Map<String, String> predicted = java.util.Map.of();

  private Path file() {
    return folder.resolve("answers.jsonl");
  }

  private List<Entry> run(Writer writer, String name) throws IOException {
    Path tree = folder.resolve("mimic");
    if (!Files.exists(tree)) {
      Files.createDirectories(tree);
      MimicTree.write(tree, 60);
    }
    DialogMix mix = DialogMix.named("own");
    CaseSource source =
        CaseSource.studies(
            MimicCxr.of(tree),
            new CaseSource.Studies(
                tree,
                Optional.empty(),
                StudySplit.TRAIN,
                true,
                mix.switches(),
                java.util.Map.of(),
                predicted));
    try (Answers answers = Answers.open(file(), writer, 3)) {
      new DialogRun(source, mix, 3, Optional.of(answers), java.util.Map.of())
          .write(folder.resolve(name), rejected -> {}, Progress.NONE);
    }
    var entries = new ArrayList<Entry>();
    DialogFile.read(folder.resolve(name), entries::add);
    return entries;
  }

  @Test
  void whatNoLabelKnowsIsWrittenByTheModelAndSaysSo() throws IOException {
    var writer = new Writer(1000);
    List<Entry> entries = run(writer, "a.json");
    List<Entry> easy =
        entries.stream()
            .filter(e -> e.known().orElseThrow().value(Known.TASK).equals("easy_language"))
            .toList();
    assertThat(easy).isNotEmpty();
    for (Entry e : easy) {
      assertThat(e.messages().getLast().value()).isEqualTo("All well.");
      assertThat(e.known().orElseThrow().value(Known.ANSWER_BY)).isEqualTo("model");
      assertThat(e.known().orElseThrow().value(Known.MODEL)).isEqualTo("writer");
      // As the original asks: the report, then the request.
      assertThat(writer.asked)
          .contains(
              List.of(
                  "Report: " + e.messages().get(1).value() + "\n" + e.messages().get(2).value()));
    }
    assertThat(Files.readAllLines(file()))
        .hasSize(writer.asked.stream().distinct().toList().size())
        .allMatch(line ->
            line.contains("\"model\":\"writer\"")
                && line.contains("\"seed\":3")
                && line.contains("\"prompt\":[\"Report: "));
  }

  @Test
  void aRunThatWasKilledGoesOnWithoutAskingAgain() throws IOException {
    List<Entry> whole = run(new Writer(1000), "whole.json");
    Files.delete(file());
    var first = new Writer(8);
    assertThatThrownBy(() -> run(first, "a.json")).hasMessageContaining("the model is gone");
    assertThat(folder.resolve("a.json")).doesNotExist();
    assertThat(first.asked).hasSize(8);
    // A line that was being written when the power went.
    Files.writeString(file(), "{\"digest\":\"ab", StandardOpenOption.APPEND);
    var second = new Writer(1000);
    assertThat(run(second, "a.json")).isEqualTo(whole);
    assertThat(second.asked).isNotEmpty().doesNotContainAnyElementsOf(first.asked);
    var third = new Writer(0);
    assertThat(run(third, "a.json")).isEqualTo(whole);
    assertThat(third.asked).isEmpty();
  }

  @Test
  void theErrorsOfAPredictedReportAreRewrittenAsInTheOriginal() throws IOException {
    var all = new java.util.HashMap<String, String>();
    for (int i = 0; i < 60; i++) {
      all.put("s" + (50_000_000 + i), "There is a fracture.\nThe heart is enlarged.");
    }
    predicted = all;
    var writer = new Writer(1000);
    writer.says = "The heart is enlarged.";
    List<Entry> corrections =
        run(writer, "a.json").stream()
            .filter(e -> e.known().orElseThrow().value(Known.TASK).equals("correction"))
            .toList();
    assertThat(writer.asked)
        .filteredOn(conversation -> conversation.size() == 3)
        .isNotEmpty()
        .allSatisfy(conversation -> {
          assertThat(conversation.getFirst())
              .isEqualTo("Please write a radiology report for the given x-ray.");
          assertThat(conversation.get(1)).isEqualTo("There is a fracture. The heart is enlarged.");
          assertThat(conversation.get(2))
              .startsWith("Please provide an adapted report. Do not mention ")
              .contains("fracture");
        });
    // Those whose label agrees with what the model wrote; the others contradict it.
    assertThat(corrections)
        .isNotEmpty()
        .allMatch(e -> e.messages().get(1).value().contains("There is a fracture."))
        .allMatch(e -> "1".equals(e.known().orElseThrow().labels().get("Cardiomegaly")));
  }

  @Test
  void anotherSeedOrModelIsAskedAnew() throws IOException {
    var writer = new Writer(1000);
    for (long seed : new long[] {1, 1, 2}) {
      try (Answers answers = Answers.open(file(), writer, seed)) {
        assertThat(answers.answer(List.of(List.of("a"), List.of("a"), List.of("b"))))
            .hasSize(3)
            .allMatch(Optional::isPresent);
      }
    }
    assertThat(writer.asked).hasSize(4);
  }

  @Test
  void anAnswerThatCannotBeUsedIsNotKeptAndLeavesItsDialogOut() throws IOException {
    var writer = new Writer(1000);
    writer.says = "";
    assertThat(run(writer, "a.json"))
        .noneMatch(e -> e.known().orElseThrow().value(Known.TASK).equals("easy_language"));
    assertThat(file()).isEmptyFile();
    assertThat(writer.asked).isNotEmpty();
  }

  @Test
  void anAnswerThatContradictsTheLabelsLeavesItsDialogOut() throws IOException {
    var writer = new Writer(1000);
    writer.says = "There is a fracture.";
    assertThat(run(writer, "a.json"))
        .noneMatch(e -> e.known().orElseThrow().value(Known.ANSWER_BY).equals("model"));
  }

  @Test
  void aFileOfSomethingElseIsRefusedByItsLine() throws IOException {
    Files.writeString(file(), "{\"digest\":\"a\",\"answer\":\"b\"}\nno answer\n");
    assertThatThrownBy(() -> Answers.open(file(), new Writer(1), 1))
        .isInstanceOf(RadialogException.class)
        .hasMessageContainingAll("answers.jsonl, line 2", "move the file away");
  }
}
