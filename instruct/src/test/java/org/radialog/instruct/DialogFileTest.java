package org.radialog.instruct;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.radialog.base.RadialogException;
import org.radialog.instruct.DialogFile.Entry;
import org.radialog.instruct.DialogFile.From;
import org.radialog.instruct.DialogFile.Known;
import org.radialog.instruct.DialogFile.Message;

class DialogFileTest {
  private static final Message ASKED = new Message(From.HUMAN, "<image>\nIs there \"edema\"?");
  private static final Message ANSWERED = new Message(From.GPT, "No – none.\u2028");

  @TempDir private Path folder;

  private List<Entry> read(String text) throws IOException {
    Path file = folder.resolve("dialogs.json");
    Files.writeString(file, text);
    var entries = new ArrayList<Entry>();
    DialogFile.read(file, entries::add);
    return entries;
  }

  @Test
  void whatIsWrittenIsReadAgain() throws IOException {
    var known = new Known(Map.of("task", "finding"), Map.of("Edema", "0", "Pneumonia", "-1"));
    List<Entry> entries =
        List.of(
            new Entry(List.of("files/a.jpg"), List.of(ASKED, ANSWERED), Optional.of(known)),
            new Entry(List.of("a.jpg", "b.jpg"), List.of(ASKED, ANSWERED), Optional.empty()),
            new Entry(List.of(), List.of(ASKED, ANSWERED, ASKED, ANSWERED), Optional.empty()));
    Path file = folder.resolve("a.json");
    try (OutputStream out = Files.newOutputStream(file);
        var writer = new DialogFile.Writer(out)) {
      entries.forEach(writer::write);
    }
    var read = new ArrayList<Entry>();
    assertThat(DialogFile.read(file, read::add)).isEqualTo(3);
    assertThat(read).isEqualTo(entries);
    // One dialog a line, for whoever looks at the file.
    assertThat(Files.readString(file).lines()).hasSize(5);
  }

  @Test
  void thePublishedLayoutIsReadAndUnknownFieldsArePassedOver() throws IOException {
    List<Entry> entries =
        read(
            """
            [{"id": 7, "image": "files/p10/x.jpg", "more": {"a": [1, {"b": null}]},
              "conversations": [
                {"from": "human", "value": "<image>. Predicted Findings: edema. …", "x": 1},
                {"from": "gpt", "value": "Edema."}]},
             {"image": ["/home/a.png", "b.png"], "conversations": [
                {"value": "Is it there?", "from": "human"}, {"from": "gpt", "value": "yes"}]}]
            """);
    assertThat(entries).hasSize(2);
    assertThat(entries.getFirst().images()).containsExactly("files/p10/x.jpg");
    assertThat(entries.getFirst().known()).isEmpty();
    assertThat(entries.get(1).images()).containsExactly("/home/a.png", "b.png");
    assertThat(entries.get(1).messages()).contains(new Message(From.GPT, "yes"));
  }

  @Test
  void aDialogThatIsNoneIsRefusedByItsNumber() {
    String good =
        """
        {"image": "a.jpg", "conversations": [
          {"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]}\
        """;
    refused("", "dialogs.json", "expected a JSON list", "the end of the file");
    refused("{\"image\": 1}", "expected a JSON list of dialogs, found an object");
    refused("[" + good + ", 5]", "dialog 2", "found 5");
    refused("[" + good + ", {}]", "dialog 2", "at least one message");
    refused("[{\"conversations\": \"all\"}]", "dialog 1", "found the text \"all\"");
    refused(
        "[" + good.replace("\"gpt\"", "\"system\"") + "]",
        "dialog 1",
        "message 2: expected a value from gpt",
        "\"system\"");
    refused("[" + good.replace("\"b\"", "null") + "]", "dialog 1", "in value a text, found null");
    refused("[" + good.replace("\"a.jpg\"", "{}") + "]", "dialog 1", "a path or a list of paths");
    refused("[" + good + ", " + good.substring(0, 40), "dialog 2", "no JSON");
    refused("[" + good + "] []", "more behind the end");
    refused("[" + good.replace("\"b\"", "\"" + "x".repeat(300_000) + "\"") + "]", "dialog 1");
    refused("[" + "[".repeat(100_000) + "]", "dialog 1");
    refused(
        "[{\"conversations\": [" + "{\"from\":\"human\",\"value\":\"\"},".repeat(3) + "]}]",
        "dialog 1",
        "message 2");
    refused("[" + good.replace("\"b\"", "\"\\u0000\\u202e\"") + ", \u0000]", "dialog 2");
  }

  private void refused(String text, String... why) {
    assertThatThrownBy(() -> read(text))
        .isInstanceOf(RadialogException.class)
        .hasMessageContainingAll(why)
        .hasMessageMatching("[^\\p{Cntrl}]*");
  }

  @Test
  void aFileOfManyDialogsIsWrittenAndReadOneByOne() throws IOException {
    Path file = folder.resolve("many.json");
    var entry = new Entry(List.of("a.jpg"), List.of(ASKED, ANSWERED), Optional.empty());
    long before = used();
    try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(file));
        var writer = new DialogFile.Writer(out)) {
      for (int i = 0; i < 300_000; i++) {
        writer.write(entry);
      }
    }
    var most = new AtomicLong();
    var count = new AtomicLong();
    DialogFile.read(
        file,
        e -> {
          if (count.incrementAndGet() % 100_000 == 0) {
            most.accumulateAndGet(used() - before, Math::max);
          }
        });
    assertThat(count.get()).isEqualTo(300_000);
    assertThat(most.get()).isLessThan(16 << 20); // the file has 50 MB
  }

  private static long used() {
    System.gc();
    return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
  }
}
