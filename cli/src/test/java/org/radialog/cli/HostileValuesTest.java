package org.radialog.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/**
 * Values of files and names of files that are long, or that a terminal would obey, on their way
 * into messages and tables: whatever the command, a line stays a line.
 */
class HostileValuesTest {
  private static final String STEERING = "\u001b[2J\r\u009b31m\u202e\u2066\u0007";
  private static final String LONG = STEERING + "9".repeat(300_000);

  @TempDir private Path folder;

  @TestFactory
  Stream<DynamicTest> modelFolders() {
    return Stream.of(
            "{\"format\":%s}",
            "{\"format\":\"radialog-model/1\",\"id\":%s}",
            "{%s:1}",
            "{\"a\":1, oops %s",
            "[%s",
            "%s")
        .map(config ->
            DynamicTest.dynamicTest(
                config,
                () -> {
                  Files.writeString(folder.resolve("config.json"), config.formatted(quoted(LONG)));
                  String model = folder.toString();
                  String film = CommandLineRun.sample("effusion.jpg");
                  expectLines(CommandLineRun.of("report", "--model", model, film));
                  expectLines(CommandLineRun.of("verify", model));
                }));
  }

  @Test
  void namesOfFiles() throws IOException {
    Path film = folder.resolve("film" + STEERING + ".jpg");
    Files.copy(Path.of(CommandLineRun.sample("effusion.jpg")), film);
    String missing = folder.resolve("missing" + STEERING + ".png").toString();
    expectLines(CommandLineRun.of("findings", film.toString(), missing));
    expectLines(
        CommandLineRun.of(
            "report",
            "--max-new-tokens",
            "2",
            film.toString(),
            missing,
            "--html",
            folder.resolve("page.html").toString()));
    assertThat(Files.readString(folder.resolve("page.html")).codePoints())
        .noneMatch(c -> steers(c) && c != '\n');
  }

  private static String quoted(String text) {
    return Json.tree(text).toString();
  }

  private static void expectLines(CommandLineRun run) {
    check(run.out());
    check(run.err());
    assertThat(run.err()).doesNotContain("\tat ");
  }

  private static void check(String printed) {
    assertThat(printed.lines().mapToInt(String::length).max().orElse(0)).isLessThan(1100);
    assertThat(printed.codePoints().filter(c -> steers(c) && c != '\n').boxed()).isEmpty();
  }

  private static boolean steers(int c) {
    return Character.isISOControl(c) || Character.getType(c) == Character.FORMAT;
  }
}
