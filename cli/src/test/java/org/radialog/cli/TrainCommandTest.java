package org.radialog.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.radialog.train.Recipe;

/** The recipes of {@code radialog train}; the stages themselves have their tests in their room. */
class TrainCommandTest {
  @TempDir private Path folder;

  @Test
  void aPrintedRecipeIsOneThatCanBeGiven() throws Exception {
    CommandLineRun printed = CommandLineRun.of("train", "recipe", "mini");
    assertThat(printed.code()).isZero();
    Path file = Files.writeString(folder.resolve("mine.json"), printed.out());
    assertThat(Recipe.read(file)).isEqualTo(Recipe.named("mini"));
  }

  @Test
  void aWrongRecipeEndsTheCommandBeforeItWritesAnything() throws Exception {
    Path recipe =
        Files.writeString(
            folder.resolve("mine.json"),
            Recipe.text("mini").replace("\"passes\" : 12", "\"passes\" : -1"));
    for (String stage : new String[] {"classifier", "language", "model"}) {
      Path run = folder.resolve("run-" + stage);
      CommandLineRun ended =
          switch (stage) {
            case "classifier" -> train(stage, recipe, "--init", "x.pth", "--run", run.toString());
            case "language" ->
                train(stage, recipe, "--classifier", "x", "--base", "y", "--run", run.toString());
            default ->
                train(
                    stage,
                    recipe,
                    "--init",
                    "x",
                    "--base",
                    "y",
                    "--runs",
                    run.toString(),
                    "--out",
                    folder.resolve("out").toString());
          };
      assertThat(ended.code()).as(ended.err()).isEqualTo(3);
      assertThat(ended.errLines().getFirst())
          .contains("mine.json", "alignment.passes is -1, expected a whole number from 0 to 10000");
      assertThat(run).doesNotExist();
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      textBlock =
          """
          --nodes 2 --rank 2 --rendezvous h:1; --rank is 2, expected a number below --nodes, which is 2
          --nodes 2; --rendezvous HOST:PORT belongs to --nodes of two or more machines
          --rendezvous h:1; --rendezvous HOST:PORT belongs to --nodes of two or more machines
          --nodes 2 --rendezvous h:70000; --rendezvous is "h:70000", expected HOST:PORT such as 10.0.0.1:29500
          --processes 0; expected a whole number from 1 to 2147483647, found "0"
          """)
  void processesAndMachinesThatDoNotFitTogetherAreAUsageError(String options, String said) {
    Path recipe = Path.of("mini");
    CommandLineRun ended =
        train(
            "language",
            recipe,
            Stream.concat(
                    Stream.of("--classifier", "x", "--base", "y", "--run", "z"),
                    Stream.of(options.split(" ", -1)))
                .toArray(String[]::new));
    assertThat(ended.code()).isEqualTo(2);
    assertThat(ended.err()).contains(said);
  }

  private CommandLineRun train(String stage, Path recipe, String... more) {
    String[] arguments = {"train", stage, "--data", "films", "--recipe", recipe.toString()};
    String[] all = new String[arguments.length + more.length];
    System.arraycopy(arguments, 0, all, 0, arguments.length);
    System.arraycopy(more, 0, all, arguments.length, more.length);
    return CommandLineRun.of(all);
  }
}
