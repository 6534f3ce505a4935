package org.radialog.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class UsageTest {
  @Test
  void helpNamesEveryVerb() {
    CommandLineRun run = CommandLineRun.of("--help");
    assertThat(run.code()).isEqualTo(0);
    assertThat(run.out())
        .contains(
            "report",
            "ask",
            "chat",
            "findings",
            "label",
            "evaluate",
            "compare",
            "rexrank",
            "train",
            "import",
            "inspect",
            "verify",
            "bench");
  }

  @TestFactory
  Stream<DynamicTest> everyVerbHelps() {
    return verbs(Main.commandLine(), List.of())
        .map(verb ->
            DynamicTest.dynamicTest(
                String.join(" ", verb),
                () -> {
                  CommandLineRun run =
                      CommandLineRun.of(
                          Stream.concat(verb.stream(), Stream.of("--help")).toArray(String[]::new));
                  assertThat(run.code()).isZero();
                  assertThat(run.out()).startsWith("Usage: radialog " + String.join(" ", verb));
                  // a fault in a page is a line on the real stderr too
                  assertThat(run.out() + run.err()).doesNotContain("WARN", "${", "%n");
                  assertThat(run.out().lines()).allMatch(line -> line.length() <= 80);
                }));
  }

  @TestFactory
  Stream<DynamicTest> everyHelpPageSpeaksInWholeSentences() {
    CommandLine radialog = Main.commandLine();
    return Stream.concat(Stream.of(List.<String>of()), verbs(radialog, List.of()))
        .map(verb ->
            DynamicTest.dynamicTest(
                "radialog " + String.join(" ", verb),
                () -> {
                  CommandLine command = radialog;
                  for (String word : verb) {
                    command = Objects.requireNonNull(command.getSubcommands().get(word));
                  }
                  var spec = command.getCommandSpec();
                  // its first paragraph stands in the list of commands
                  assertThat(spec.usageMessage().description()[0]).endsWith(".");
                  for (String paragraph : spec.usageMessage().description()) {
                    assertThat(paragraph).matches("|.*[.?]");
                    assertThat(String.format(paragraph)).isNotNull();
                  }
                  spec.args()
                      .forEach(arg -> {
                        assertThat(arg.description()).as(arg.paramLabel()).isNotEmpty();
                        for (String paragraph : arg.description()) {
                          assertThat(paragraph).doesNotEndWith(",");
                        }
                      });
                }));
  }

  @Test
  void theVersionNamesVersionCommitAndJava() {
    CommandLineRun run = CommandLineRun.of("--version");
    assertThat(run.code()).isZero();
    assertThat(run.out().lines().findFirst().orElseThrow())
        .matches("radialog \\d+\\.\\d+\\S* \\(commit \\w\\S*\\), Java 25\\S*");
  }

  @Test
  void aQuestionWithoutWordsIsAUsageError() {
    for (String question : List.of("", "  ", "\t", "\u00a0\u200b\u2028")) {
      CommandLineRun run =
          CommandLineRun.of("ask", CommandLineRun.sample("effusion.jpg"), "Which view?", question);
      assertThat(run.code()).isEqualTo(Main.USAGE);
      assertThat(run.errLines().getFirst()).contains("QUESTION");
      assertThat(run.out()).isEmpty();
    }
  }

  @Test
  void anImageInThePlaceOfAQuestionIsAUsageError(@TempDir Path folder) throws IOException {
    String sample = CommandLineRun.sample("effusion.jpg");
    Path unnamed = Files.copy(Path.of(sample), folder.resolve("film 2"));
    for (String second :
        List.of(CommandLineRun.sample("no-finding.jpg"), unnamed.toString(), "b.DCM")) {
      CommandLineRun run = CommandLineRun.of("ask", sample, second, "Which view?");
      assertThat(run.code()).as(second).isEqualTo(Main.USAGE);
      assertThat(run.errLines().getFirst()).contains(second, "one IMAGE");
    }
  }

  private static Stream<List<String>> verbs(CommandLine command, List<String> path) {
    return command.getSubcommands().entrySet().stream()
        .flatMap(entry -> {
          List<String> verb = Stream.concat(path.stream(), Stream.of(entry.getKey())).toList();
          return Stream.concat(Stream.of(verb), verbs(entry.getValue(), verb));
        });
  }

  @Test
  void anUnknownFlagIsAUsageError() {
    assertThat(CommandLineRun.of("report", "--sideways", "b.png").code()).isEqualTo(2);
    assertThat(CommandLineRun.of("serve").code()).isEqualTo(2);
  }

  @Test
  void aProtocolThatComparesNothingRefusesToCompare() {
    CommandLineRun run =
        CommandLineRun.of("evaluate", "--protocol", "view", "--data", ".", "--compare", "int8");
    assertThat(run.code()).isEqualTo(2);
    assertThat(run.err()).contains("--compare can only be used with --protocol perplexity");
  }

  @Test
  void aFolderThatIsNoModelCannotRun(@TempDir Path folder) {
    CommandLineRun run =
        CommandLineRun.of(
            "report", "--model", folder.toString(), CommandLineRun.sample("effusion.jpg"));
    assertThat(run.code()).isEqualTo(3);
    assertThat(run.errLines()).hasSize(1);
    assertThat(run.err()).contains("config.json");
  }

  @Test
  void inspectPrintsTheTensorsOfACheckpoint() {
    Path file = CommandLineRun.ROOT.resolve("models/mini/radialog.safetensors");
    CommandLineRun run = CommandLineRun.of("inspect", file.toString());
    assertThat(run.code()).isEqualTo(0);
    assertThat(run.out()).contains("safetensors", "qformer.", "BF16");
    assertThat(
            CommandLineRun.of("inspect", "--json", file.toString())
                .json()
                .getFirst()
                .at("/tensors")
                .size())
        .isGreaterThan(100);
  }

  @Test
  void verifyHoldsForTheEmbeddedModel() {
    CommandLineRun run =
        CommandLineRun.of("verify", CommandLineRun.ROOT.resolve("models/mini").toString());
    assertThat(run.err()).isEmpty();
    assertThat(run.code()).isEqualTo(0);
  }
}
