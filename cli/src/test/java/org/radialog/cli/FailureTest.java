package org.radialog.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.FieldSource;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.clinical.PromptFormats;
import org.radialog.codecs.ImageRefused;
import org.radialog.data.Folds;
import org.radialog.data.NearDuplicates;
import org.radialog.data.PlainTable;
import org.radialog.data.StudySource;
import org.radialog.eval.PredictionLog;
import org.radialog.metrics.TextPair;
import org.radialog.published.ModelFolder;
import org.radialog.train.Recipe;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** How a command ends when something is thrown that nobody expected. */
class FailureTest {
  @TempDir private Path folder;

  @Command(name = "throw")
  private record Thrower(Throwable failure) implements Callable<Integer> {
    @Override
    public Integer call() throws Exception {
      switch (failure) {
        case Exception e -> throw e;
        case Error e -> throw e;
        default -> throw new IllegalArgumentException(failure);
      }
    }
  }

  private record Ended(int code, List<String> err) {}

  private static Ended run(Throwable failure, String... more) {
    CommandLine command = Main.commandLine().addSubcommand(new Thrower(failure));
    PrintStream err = System.err;
    var bytes = new ByteArrayOutputStream();
    try {
      System.setErr(new PrintStream(bytes, true, StandardCharsets.UTF_8));
      String[] words = Stream.concat(Stream.of("throw"), Stream.of(more)).toArray(String[]::new);
      int code = Main.run(command, words);
      return new Ended(code, bytes.toString(StandardCharsets.UTF_8).lines().toList());
    } finally {
      System.setErr(err);
    }
  }

  static final List<Arguments> FAILURES =
      List.of(
          Arguments.of(new RadialogException("a.png: no picture"), "radialog: a.png: no picture"),
          Arguments.of(new OutOfMemoryError("Java heap space"), "RADIALOG_JAVA_OPTS=-Xmx"),
          Arguments.of(
              new CompletionException(new OutOfMemoryError("Java heap space")), "out of memory"),
          Arguments.of(new StackOverflowError(), "nested more deeply"),
          Arguments.of(
              new UncheckedIOException(new NoSuchFileException("/films/a.png")),
              "NoSuchFileException: /films/a.png"),
          Arguments.of(new IOException("Too many open files"), "Too many open files"),
          Arguments.of(new NoClassDefFoundError("org/radialog/model/Llama"), "ulimit -n"),
          Arguments.of(
              new ExceptionInInitializerError(new NoSuchFileException("lib.so")), "lib.so"),
          Arguments.of(new NullPointerException(), "please report it with this line"),
          Arguments.of(
              new ExecutionException(new ClassCastException("String")), "please report it"),
          Arguments.of(
              new IllegalStateException("\u001b[2J\r\n\u202e" + "9".repeat(3_000_000)),
              "please report it"),
          Arguments.of(new AssertionError(7), "AssertionError"));

  @ParameterizedTest
  @FieldSource("FAILURES")
  void isOneLineWithoutAStackTrace(Throwable failure, String said) {
    Ended run = run(failure);
    assertThat(run.code).isEqualTo(Main.CANNOT_RUN);
    assertThat(run.err).hasSize(1);
    assertThat(run.err.getFirst())
        .startsWith("radialog: ")
        .contains(said)
        .doesNotContain("\tat ")
        .hasSizeLessThanOrEqualTo(1100);
    assertThat(run.err.getFirst().codePoints().noneMatch(Character::isISOControl)).isTrue();
  }

  @Test
  void debugAddsTheTraceAndAFileThatNamesNoArgument() throws IOException {
    String before = System.getProperty("radialog.cache");
    System.setProperty("radialog.cache", folder.toString());
    try {
      Ended run = run(new IllegalStateException("odd"), "--debug");
      assertThat(run.code).isEqualTo(Main.CANNOT_RUN);
      assertThat(run.err.getFirst()).contains("odd", "attach " + folder);
      assertThat(run.err).anyMatch(line -> line.contains("at org.radialog.cli.FailureTest"));
      assertThat(Files.readString(folder.resolve("radialog-error.txt")))
          .contains("odd", "Java 25", "at org.radialog.cli.FailureTest");
    } finally {
      if (before == null) {
        System.clearProperty("radialog.cache");
      } else {
        System.setProperty("radialog.cache", before);
      }
    }
  }

  @Command(name = "count")
  private static final class Counter implements Runnable {
    @Override
    public void run() {
      System.out.printf("%,d %.1f%n", 1234, 1.5); // as a careless message would
    }
  }

  @Test
  void digitsAndPointsDoNotFollowTheLocale() {
    Locale before = Locale.getDefault();
    PrintStream out = System.out;
    try {
      for (String tag : List.of("de-DE", "ar-EG-u-nu-arab", "hi-IN-u-nu-deva")) {
        Locale.setDefault(Locale.forLanguageTag(tag));
        var bytes = new ByteArrayOutputStream();
        System.setOut(new PrintStream(bytes, true, StandardCharsets.UTF_8));
        int code = Main.run(Main.commandLine().addSubcommand(new Counter()), "count");
        assertThat(code).isZero();
        assertThat(bytes.toString(StandardCharsets.UTF_8)).as(tag).isEqualTo("1,234 1.5\n");
        // the process that the command ran in keeps its own
        assertThat(Locale.getDefault(Locale.Category.FORMAT).toLanguageTag()).isEqualTo(tag);
      }
    } finally {
      System.setOut(out);
      Locale.setDefault(before);
    }
  }

  @Test
  void whatMayBeForcedIsSaidWithTheCommandsOption() {
    for (ImageRefused.Reason reason : ImageRefused.Reason.values()) {
      assertThat(Failure.message(new ImageRefused(reason, "a.jpg", "is odd")))
          .as(reason.code())
          .isEqualTo(
              reason.forcible() ? "a.jpg: is odd; --force reads it anyway" : "a.jpg: is odd");
    }
    assertThat(ImageRefused.Reason.COLOUR.forcible()).isTrue();
    assertThat(ImageRefused.Reason.ASPECT_RATIO.forcible()).isTrue();
    assertThat(Failure.message(new RadialogException("no model"))).isEqualTo("no model");
  }

  @Test
  void aStoppedCommandEndsAsTheKindOfItsFailureSays() {
    for (Kind kind : Kind.values()) {
      int expected =
          switch (kind) {
            case BAD_INPUT -> Main.SOME_FAILED;
            // of several images the others are done; one that stops a command leaves nothing done
            case REFUSED_IMAGE -> Main.CANNOT_RUN;
            case REFUSED_DATA, REFUSED_WEIGHTS, UNSUPPORTED, FAILED, OVERLOADED -> Main.CANNOT_RUN;
            case CANCELLED -> 130;
          };
      RadialogException failure = new RadialogException(kind, "it ended");
      assertThat(Failure.exitCode(failure)).as(kind.name()).isEqualTo(expected);
      assertThat(Failure.exitCode(new CompletionException(failure)))
          .as("%s, wrapped", kind)
          .isEqualTo(expected);
    }
    assertThat(Failure.exitCode(new IllegalStateException("a fault"))).isEqualTo(Main.CANNOT_RUN);
  }

  private record Refused(String what, Kind kind, Runnable attempt) {}

  @TestFactory
  Stream<DynamicTest> anInputThatCannotBeUsedIsNoFailureOfTheProgram() throws IOException {
    Path table = Files.writeString(folder.resolve("table.csv"), "image,label\na,b\n");
    Path json = Files.writeString(folder.resolve("config.json"), "{\"format\": \"none\"}");
    return Stream.of(
            new Refused("another table", Kind.REFUSED_DATA, () -> new PlainTable(table).readAll()),
            new Refused(
                "no data set", Kind.REFUSED_DATA, () -> StudySource.open(folder, Optional.empty())),
            new Refused("no folds", Kind.REFUSED_DATA, () -> Folds.read(table)),
            new Refused("no predictions", Kind.REFUSED_DATA, () -> PredictionLog.read(table)),
            new Refused("no recipe", Kind.REFUSED_DATA, () -> Recipe.read(json)),
            new Refused("an unknown recipe", Kind.REFUSED_DATA, () -> Recipe.named("none")),
            new Refused("no pairs", Kind.REFUSED_DATA, () -> new TextPair("1", List.of(), "")),
            new Refused(
                "an odd similarity", Kind.BAD_INPUT, () -> NearDuplicates.texts(List.of(), 2)),
            new Refused("no model", Kind.REFUSED_WEIGHTS, () -> ModelFolder.open(folder)),
            new Refused(
                "an unknown prompt format", Kind.REFUSED_WEIGHTS, () -> PromptFormats.of("none")))
        .map(refused ->
            DynamicTest.dynamicTest(
                refused.what,
                () ->
                    assertThatThrownBy(refused.attempt::run)
                        .isInstanceOfSatisfying(
                            RadialogException.class,
                            e -> assertThat(e.kind()).isEqualTo(refused.kind))));
  }
}
