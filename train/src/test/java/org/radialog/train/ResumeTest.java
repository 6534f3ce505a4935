package org.radialog.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.radialog.base.Progress;
import org.radialog.testing.ChildRun;
import org.radialog.testing.Kill;

/** A run that is killed and resumed gives the same bits as an uninterrupted run. */
class ResumeTest {
  @TempDir Path folder;
  private SmallRuns small;

  @BeforeEach
  void draw() {
    small = SmallRuns.write(folder);
  }

  @Test
  void aLanguageRunKilledInBothStagesEndsWithTheSameBits() throws Exception {
    Path whole = folder.resolve("language-whole");
    Path killed = folder.resolve("language-killed");
    List<Kill> moments = new ArrayList<>();
    LanguageTraining.train(small.languageConfig(), whole, Kill.noting(moments));

    long seed = System.nanoTime();
    Random random = new Random(seed);
    Kill kill = Kill.drawn(moments, "alignment", random);
    assertThatThrownBy(() -> LanguageTraining.train(small.languageConfig(), killed, kill))
        .isInstanceOf(Kill.Killed.class);
    int steps = 1 + random.nextInt(3); // of five
    int micros = random.nextInt(30_000);
    String told =
        "seed %d: %s, then after %d steps and %d us of the language stage"
            .formatted(seed, kill, steps, micros);
    try (ChildRun child =
        new ChildRun(
            List.of(), Child.class, folder.resolve("said"), folder.toString(), killed.toString())) {
      child.kill(steps, micros, told); // by the system
    }
    assertThat(file(killed)).as(told).doesNotExist();
    LanguageTraining.train(small.languageConfig(), killed, Progress.NONE);

    assertThat(Files.mismatch(file(whole), file(killed))).as(told).isEqualTo(-1);
    assertThat(measured(killed)).as(told).isEqualTo(measured(whole)).hasSize(1 + 2 + 3);
  }

  /** What a child runs. */
  static final class Child {
    private Child() {}

    public static void main(String[] arguments) {
      LanguageTraining.Config config = SmallRuns.in(Path.of(arguments[0])).languageConfig();
      ChildRun.train(
          "language", progress -> LanguageTraining.train(config, Path.of(arguments[1]), progress));
    }
  }

  @Test
  void aClassifierRunKilledAtARandomStepEndsWithTheSameBits() throws Exception {
    Path whole = folder.resolve("classifier-whole");
    Path killed = folder.resolve("classifier-killed");
    List<Kill> moments = new ArrayList<>();
    ClassifierTraining.train(small.classifierConfig(0), whole, Kill.noting(moments));

    long seed = System.nanoTime();
    Kill kill = Kill.drawn(moments, "classifier", new Random(seed));
    assertThatThrownBy(() -> ClassifierTraining.train(small.classifierConfig(0), killed, kill))
        .isInstanceOf(Kill.Killed.class);
    ClassifierTraining.train(small.classifierConfig(0), killed, Progress.NONE);

    for (String product : List.of("classifier.safetensors", "held-out.csv", "validation.csv")) {
      assertThat(Files.mismatch(whole.resolve(product), killed.resolve(product)))
          .as("%s, seed %d: %s", product, seed, kill)
          .isEqualTo(-1);
    }
    assertThat(measured(killed)).as("%s", kill).isEqualTo(measured(whole)).hasSize(1 + 2);
  }

  private static Path file(Path run) {
    return run.resolve("language.safetensors");
  }

  /** The table of the run without the column with the seconds. */
  private static List<String> measured(Path run) throws Exception {
    return Files.readAllLines(run.resolve("metrics.csv")).stream()
        .map(line -> line.replaceFirst("^([^,]*,[^,]*,[^,]*,)[^,]*,", "$1"))
        .toList();
  }
}
