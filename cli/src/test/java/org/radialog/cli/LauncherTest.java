package org.radialog.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The real launcher in a checkout that a small program stands in for: its Maven notes each call and
 * puts the program where the real one would.
 */
class LauncherTest {
  private static final String PROGRAM =
      """
      package org.radialog.cli;
      public final class Main {
        public static void main(String[] arguments) {
          System.out.println(String.join("|", arguments) + " in " + System.getProperty("radialog.cache"));
          System.exit(arguments.length > 0 && arguments[0].equals("fail") ? 1 : 0);
        }
      }
      """;

  @TempDir private Path temporary;
  private Path checkout = Path.of("");
  private Path home = Path.of("");

  @BeforeEach
  void prepare() throws IOException {
    checkout = Files.createDirectories(temporary.resolve("a check out"));
    home = Files.createDirectories(temporary.resolve("a home"));
    Files.copy(CommandLineRun.ROOT.resolve("radialog"), checkout.resolve("radialog"));
    executable(checkout.resolve("radialog"));
    Files.writeString(checkout.resolve("pom.xml"), "<project/>");
    Path source = Files.createDirectories(checkout.resolve("cli/src/main"));
    Files.writeString(source.resolve("Main.java"), PROGRAM);
    jar(Files.createDirectories(temporary.resolve("built")).resolve("radialog-cli.jar"));
    maven(
        "sleep 1; mkdir -p cli/target/dist && cp \"%s\"/*.jar cli/target/dist/"
            .formatted(temporary.resolve("built")));
  }

  @Test
  void theFirstStartBuildsAndLaterOnesNeverTouchMaven() throws Exception {
    Ended first = start("report", "a film.png");
    assertThat(first.code).isZero();
    assertThat(first.out).startsWith("report|a film.png in " + home);
    assertThat(first.err).hasSize(1).first().asString().contains("first start, building");
    Ended second = start("findings");
    assertThat(second.code).isZero();
    assertThat(second.err).isEmpty();
    assertThat(builds()).isEqualTo(1);
  }

  @Test
  void twoFirstStartsAtOnceBuildOnceAndBothRun() throws Exception {
    Process one = process("report", "1");
    Process two = process("report", "2");
    assertThat(ended(one).code).isZero();
    assertThat(ended(two).code).isZero();
    assertThat(builds()).isEqualTo(1);
  }

  @Test
  void aChangedSourceIsBuiltAnew() throws Exception {
    start("report");
    Files.setLastModifiedTime(
        checkout.resolve("cli/src/main/Main.java"), FileTime.from(Instant.now().plusSeconds(5)));
    assertThat(start("report").code).isZero();
    assertThat(builds()).isEqualTo(2);
  }

  @Test
  void theExitCodeIsTheProgramsOwn() throws Exception {
    assertThat(start("fail").code).isEqualTo(1);
  }

  @Test
  void withoutAHomeThatCanBeWrittenTheCheckoutHoldsTheCache() throws Exception {
    home = Path.of("/dev/null/home");
    Ended run = start("report");
    assertThat(run.code).isZero();
    assertThat(run.out).contains(" in " + checkout.resolve(".radialog/cache"));
  }

  @Test
  void aBuildThatFailsIsOneLineWithItsReasonAndItsLog() throws Exception {
    maven("echo '[ERROR] the network is down'; exit 1");
    Ended run = start("report");
    assertThat(run.code).isEqualTo(Main.CANNOT_RUN);
    assertThat(run.out).isEmpty();
    assertThat(run.err)
        .hasSize(2)
        .last()
        .asString()
        .contains("the build failed", "the network is down", "build.log");
  }

  // ---- the stand-ins

  private void maven(String script) throws IOException {
    Path maven = Files.createDirectories(temporary.resolve("bin")).resolve("mvn");
    Files.writeString(
        maven,
        "#!/bin/sh\necho built >>\"%s\"\n%s\n".formatted(temporary.resolve("builds"), script));
    executable(maven);
  }

  private int builds() throws IOException {
    return Files.readAllLines(temporary.resolve("builds")).size();
  }

  private void jar(Path jar) throws IOException {
    Path classes = Files.createDirectories(temporary.resolve("classes"));
    Path source = checkout.resolve("cli/src/main/Main.java");
    int code =
        ToolProvider.getSystemJavaCompiler()
            .run(null, null, null, "-d", classes.toString(), source.toString());
    assertThat(code).isZero();
    String name = "org/radialog/cli/Main.class";
    try (OutputStream file = Files.newOutputStream(jar);
        JarOutputStream out = new JarOutputStream(file)) {
      out.putNextEntry(new JarEntry(name));
      out.write(Files.readAllBytes(classes.resolve(name)));
    }
  }

  private static void executable(Path file) throws IOException {
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  // ---- a run

  private record Ended(int code, String out, List<String> err) {}

  private Ended start(String... arguments) throws IOException, InterruptedException {
    return ended(process(arguments));
  }

  private Process process(String... arguments) throws IOException {
    List<String> command = new ArrayList<>(List.of(checkout.resolve("radialog").toString()));
    command.addAll(List.of(arguments));
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().put("HOME", home.toString());
    builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
    builder.environment().put("PATH", temporary.resolve("bin") + ":" + System.getenv("PATH"));
    builder.environment().remove("RADIALOG_CACHE");
    builder.environment().remove("RADIALOG_JAVA_OPTS");
    return builder.start();
  }

  private static Ended ended(Process process) throws IOException, InterruptedException {
    process.getOutputStream().close();
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    String err = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    return new Ended(process.exitValue(), out.strip(), err.lines().toList());
  }
}
