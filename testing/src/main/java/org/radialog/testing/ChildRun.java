package org.radialog.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.radialog.base.Progress;
import org.radialog.base.RadialogException;

/**
 * A training in a JVM of its own, which can be killed. It writes a byte to its output for each
 * step, and then waits for one of its input until that is closed.
 */
public final class ChildRun implements AutoCloseable {
  private static final int KILLED = 128 + 9; // the exit code, with the number of SIGKILL
  private static final int AHEAD = 1; // steps that may be made while the kill is on its way

  private final Process process;
  private final Path said;

  /**
   * Starts it.
   *
   * @param before words before the command
   * @param main class whose {@code main} calls {@link #train}
   * @param said file for its error output
   */
  public ChildRun(List<String> before, Class<?> main, Path said, String... arguments) {
    List<String> command = new ArrayList<>(before);
    command.addAll(
        List.of(
            ProcessHandle.current().info().command().orElseThrow(),
            "--enable-native-access=ALL-UNNAMED",
            "--sun-misc-unsafe-memory-access=allow",
            "--add-modules=jdk.incubator.vector",
            "-Dorg.bytedeco.javacpp.maxPhysicalBytes=0",
            "-Djava.awt.headless=true",
            "-XX:TieredStopAtLevel=1",
            "-XX:+UseSerialGC",
            "-XX:-UsePerfData", // a file that a limit would cut off
            "-cp",
            System.getProperty("java.class.path"),
            main.getName()));
    command.addAll(List.of(arguments));
    this.said = said;
    try {
      process = new ProcessBuilder(command).redirectError(said.toFile()).start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Kills it.
   *
   * @param steps that it makes before
   * @param micros time in µs that then passes, for one more step at most
   * @param moment for the message if it ends by itself
   */
  public void kill(int steps, long micros, String moment) throws Exception {
    process.getOutputStream().write(new byte[steps - 1 + AHEAD]);
    process.getOutputStream().flush();
    assertThat(process.getInputStream().readNBytes(steps)).as(moment + said()).hasSize(steps);
    TimeUnit.MICROSECONDS.sleep(micros);
    process.destroyForcibly();
    assertThat(process.waitFor()).as(moment + said()).isEqualTo(KILLED);
  }

  /** Lets it run to its end, and returns its exit code. */
  public int end() throws Exception {
    process.getOutputStream().close();
    process.getInputStream().readAllBytes();
    return process.waitFor();
  }

  /** What it wrote to its error output. */
  public String said() throws IOException {
    return Files.readString(said);
  }

  @Override
  public void close() {
    process.destroyForcibly();
  }

  /** A training that reports its steps. */
  @FunctionalInterface
  public interface Training {
    void run(Progress progress);
  }

  /** Trains in the child, and ends it as the command line does. */
  public static void train(String stage, Training training) {
    try {
      training.run((what, _) -> new Steps(what.startsWith(stage)));
    } catch (RadialogException failure) {
      System.err.println("radialog: " + failure.getMessage());
      Runtime.getRuntime().halt(failure.kind().exitCode());
    }
    Runtime.getRuntime().halt(0);
  }

  private record Steps(boolean counted) implements Progress.Task {
    @Override
    public void step(String note) {
      if (counted) {
        try {
          System.out.write('.');
          System.out.flush();
          int _ = System.in.read();
        } catch (IOException e) {
          throw new UncheckedIOException(e);
        }
      }
    }

    @Override
    public void close() {}
  }
}
