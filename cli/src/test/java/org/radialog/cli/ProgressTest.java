package org.radialog.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.radialog.base.Progress;

/** Progress as it reaches a terminal and a log. */
class ProgressTest {
  private final ByteArrayOutputStream shown = new ByteArrayOutputStream();
  private final PrintStream err = new PrintStream(shown, true, UTF_8);

  private static void work(Progress progress) {
    try (Progress.Task task = progress.start("first 1/3", 100)) {
      for (int i = 0; i < 100; i++) {
        task.step("loss 0.123 rate 1.0e-04\n" + "x".repeat(i));
      }
    }
  }

  @Test
  void aTerminalHasOneLineThatIsDrawnOverItselfAndFitsEightyColumns() {
    work(new Terminal.Bars(err, false));

    String text = shown.toString(UTF_8);
    assertThat(text).startsWith("\r").endsWith(System.lineSeparator());
    List<String> drawn = List.of(text.strip().split("\r"));
    assertThat(text.strip()).doesNotContain("\n");
    assertThat(drawn).allSatisfy(line -> assertThat(line.length()).isLessThan(80));
    assertThat(drawn.getLast())
        .startsWith("first 1/3 ===")
        .contains(" 100/100 ", "/s ", " in 0:00:0", " loss 0.123 rate 1.0e-04");
  }

  @Test
  void aLogHasALineNowAndThenAndNoneOfAShortTask() {
    work(new Terminal.Lines(err, Duration.ofHours(1)));
    assertThat(shown.toString(UTF_8)).isEmpty();

    work(new Terminal.Lines(err, Duration.ZERO));
    assertThat(shown.toString(UTF_8).lines())
        .hasSize(100)
        .allSatisfy(line -> assertThat(line).startsWith("first 1/3 ").contains("loss 0.123"));
    assertThat(shown.toString(UTF_8).lines().skip(49).findFirst().orElseThrow())
        .startsWith("first 1/3 50/100, ")
        .contains("/s, ", "B, 0:00:0", " left, loss 0.123");
  }
}
