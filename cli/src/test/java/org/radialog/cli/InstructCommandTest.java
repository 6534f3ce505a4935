package org.radialog.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.radialog.testing.MimicTree;
import org.radialog.testing.TestData;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class InstructCommandTest {
  private static final String ANSWER =
      """
      {"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [
        {"index": 0, "finish_reason": "stop", "logprobs": null,
         "message": {"role": "assistant", "content": "In plain words.", "refusal": null}}]}\
      """;

  @TempDir private Path folder;

  private List<String> arguments(MimicTree tree, String... more) {
    List<String> all =
        new ArrayList<>(
            List.of(
                "data",
                "instruct",
                "--from",
                tree.folder().toString(),
                "--chexbert",
                tree.chexbert().toString(),
                "--out",
                folder.resolve("dialogs.json").toString()));
    all.addAll(List.of(more));
    return all;
  }

  private MimicTree tree(int studies) throws IOException {
    Path root = Files.createDirectories(folder.resolve("mimic"));
    return MimicTree.write(root, studies);
  }

  @Test
  void dialogsAreWrittenAndTheirCardSaysWhatTheyAre() throws IOException {
    MimicTree tree = tree(60);
    CommandLineRun run = CommandLineRun.of(arguments(tree).toArray(String[]::new));
    assertThat(run.code()).as(run.err()).isEqualTo(Main.DONE);
    assertThat(run.out()).contains("report ", "correction ", "total ");
    assertThat(run.err())
        .contains(
            "easy_language: needs a language model",
            "left out: 12 of studies of another split",
            "seed 0, mix own");
    CommandLineRun card =
        CommandLineRun.of("data", "card", folder.resolve("dialogs.json").toString(), "--json");
    assertThat(card.code()).isEqualTo(Main.DONE);
    JsonNode values = card.json().getFirst();
    assertThat(values.path("sources").path("mimic-cxr").asInt())
        .isEqualTo(values.path("dialogs").asInt());
    assertThat(values.path("synthetic").asInt()).isZero();
    assertThat(values.path("contradictions").path("contradicting").asInt()).isZero();
    CommandLineRun text =
        CommandLineRun.of("data", "card", folder.resolve("dialogs.json").toString());
    assertThat(text.out()).contains("## Tasks", "| finding |", "## Answers against their labels");
  }

  @Test
  void theFortyDialogsOfTheDocumentAreUneditedAndNoAnswerContradictsItsLabels() throws IOException {
    Path nih14 = TestData.assumeFolder().resolve("data/radiographs/nih14");
    String dialogs = folder.resolve("dialogs.json").toString();
    CommandLineRun run =
        CommandLineRun.of(
            "data", "instruct", "--from", nih14.toString(), "--seed", "14", "--out", dialogs);
    assertThat(run.code()).as(run.err()).isEqualTo(Main.DONE);
    String printed =
        CommandLineRun.of("data", "card", dialogs, "--samples", "40", "--seed", "14").out();
    String document = Files.readString(CommandLineRun.ROOT.resolve("docs/instruct-samples.md"));
    assertThat(document.substring(document.indexOf("\n## ")))
        .isEqualTo(printed.substring(printed.indexOf("\n## ")));
    JsonNode card = CommandLineRun.of("data", "card", dialogs, "--json").json().getFirst();
    assertThat(card.path("contradictions").path("contradicting").asInt()).isZero();
    assertThat(card.path("questions"))
        .hasSize(10)
        .allMatch(finding -> Math.abs(finding.path("yes_share").asDouble() - 0.5) <= 0.05);
  }

  @Test
  void reportsLeaveTheMachineOnlyWhereSomebodySaysToWhomAndByWhatRight() throws IOException {
    MimicTree tree = tree(4);
    String there = "http://models.example.invalid/v1";
    for (String[] more :
        new String[][] {
          {},
          {"--send-reports-to", "models.example.invalid"},
          {"--data-use-agreement", "PhysioNet DUA 1.5.0"},
          {"--send-reports-to", "other.example", "--data-use-agreement", "PhysioNet DUA 1.5.0"}
        }) {
      List<String> all = arguments(tree, "--endpoint", there, "--endpoint-model", "m");
      all.addAll(List.of(more));
      CommandLineRun run = CommandLineRun.of(all.toArray(String[]::new));
      assertThat(run.code()).isEqualTo(Main.USAGE);
      assertThat(run.err())
          .contains(
              "would be sent to models.example.invalid",
              "--send-reports-to models.example.invalid",
              "--data-use-agreement");
      assertThat(folder.resolve("dialogs.json")).doesNotExist();
    }
  }

  @Test
  void whatDoesNotGoTogetherIsAUsageError() throws IOException {
    MimicTree tree = tree(4);
    for (String[] more :
        new String[][] {
          {"--endpoint", "http://localhost:1/v1"},
          {"--answers", "a.jsonl"},
          {"--send-reports-to", "a.example"},
          {"--endpoint", "http://localhost:1/v1", "--answer-model", "models/mini"}
        }) {
      CommandLineRun run = CommandLineRun.of(arguments(tree, more).toArray(String[]::new));
      assertThat(run.code()).as(String.join(" ", more)).isEqualTo(Main.USAGE);
    }
    CommandLineRun labels =
        CommandLineRun.of(arguments(tree, "--labels", "negbio").toArray(String[]::new));
    assertThat(labels.code()).isEqualTo(Main.SOME_FAILED);
    assertThat(labels.err()).contains("no image to generate dialogs", "without labels of negbio=4");
    CommandLineRun mix =
        CommandLineRun.of(arguments(tree, "--mix", "no-such-mix").toArray(String[]::new));
    assertThat(mix.code()).isNotZero();
    assertThat(mix.err()).contains("no-such-mix");
  }

  @Test
  void aModelFolderWritesAnswersToo() throws IOException {
    MimicTree tree = tree(1);
    Path mix = folder.resolve("mix.json");
    Files.writeString(
        mix,
        """
        {"name": "summaries", "layout": "own", "prompts": "own",
         "findings": {"true": 1, "perturbed": 0, "predicted": 0, "none": 0},
         "one_per_study": true, "stratified_epochs": 0,
         "switches": {"sentences": true, "uncertain": true, "balanced": true, "views": true,
                      "without_comparisons": true, "supported_only": false},
         "tasks": [{"task": "summary", "share": 1, "after_report": 1, "sources": []}]}
        """);
    CommandLineRun run =
        CommandLineRun.of(
            arguments(
                    tree,
                    "--mix",
                    mix.toString(),
                    "--answer-model",
                    CommandLineRun.ROOT.resolve("models/mini").toString())
                .toArray(String[]::new));
    assertThat(run.code()).as(run.err()).isEqualTo(Main.DONE);
    assertThat(run.err()).contains("the model was asked for 1 answers, 0 of them");
    assertThat(Files.readAllLines(folder.resolve("dialogs.json.answers.jsonl")))
        .hasSize(1)
        .allMatch(line -> line.contains("\"model\":\"radialog-mini "));
  }

  @Test
  void aProcessThatIsKilledGoesOnWithoutAskingAgain() throws Exception {
    MimicTree tree = tree(150);
    ConcurrentLinkedQueue<String> asked = new ConcurrentLinkedQueue<>();
    CountDownLatch killed = new CountDownLatch(1);
    HttpServer server =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
    server.createContext(
        "/v1/chat/completions",
        exchange -> {
          byte[] request = exchange.getRequestBody().readAllBytes();
          asked.add(
              JsonMapper.builder()
                  .build()
                  .readTree(request)
                  .path("messages")
                  .path(0)
                  .path("content")
                  .asString(""));
          try {
            // One batch is answered, the next is under way when the process dies.
            if (asked.size() > 32 && !killed.await(60, TimeUnit.SECONDS)) {
              throw new IOException("nobody killed the process");
            }
          } catch (InterruptedException e) {
            throw new IOException(e);
          }
          byte[] answer = ANSWER.getBytes(StandardCharsets.UTF_8);
          exchange.sendResponseHeaders(200, answer.length);
          exchange.getResponseBody().write(answer);
          exchange.close();
        });
    server.start();
    try {
      String url = "http://127.0.0.1:" + server.getAddress().getPort() + "/v1";
      List<String> arguments = arguments(tree, "--endpoint", url, "--endpoint-model", "m");
      List<String> command =
          new ArrayList<>(
              List.of(
                  ProcessHandle.current().info().command().orElse("java"),
                  "--add-modules=jdk.incubator.vector",
                  "-cp",
                  System.getProperty("java.class.path"),
                  Main.class.getName()));
      command.addAll(arguments);
      Process process =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(folder.resolve("log").toFile())
              .start();
      Path kept = folder.resolve("dialogs.json.answers.jsonl");
      while (process.isAlive() && (!Files.exists(kept) || Files.size(kept) == 0)) {
        Thread.sleep(2);
      }
      process.destroyForcibly();
      killed.countDown();
      assertThat(process.waitFor(20, TimeUnit.SECONDS)).isTrue();
      assertThat(folder.resolve("dialogs.json")).doesNotExist();
      List<String> answered =
          Files.readAllLines(kept).stream()
              .filter(line -> line.endsWith("}"))
              .map(line ->
                  JsonMapper.builder().build().readTree(line).path("prompt").path(0).asString(""))
              .toList();
      assertThat(answered).isNotEmpty();
      asked.clear();
      CommandLineRun again = CommandLineRun.of(arguments.toArray(String[]::new));
      assertThat(again.code()).as(again.err()).isEqualTo(Main.DONE);
      assertThat(asked).isNotEmpty().doesNotContainAnyElementsOf(answered);
      assertThat(again.out()).contains("easy_language");
    } finally {
      server.stop(0);
    }
  }
}
