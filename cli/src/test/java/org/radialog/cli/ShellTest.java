package org.radialog.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.radialog.wire.Notice;
import tools.jackson.databind.json.JsonMapper;

/** The real launcher and the real command as a shell uses them: descriptors, charsets, limits. */
class ShellTest {
  private static final JsonMapper JSON = JsonMapper.builder().build();

  @TempDir private Path folder;

  @BeforeEach
  void install() throws IOException {
    // A checkout that is built already: its class path is this test's.
    Path launcher = folder.resolve("radialog");
    Files.copy(CommandLineRun.ROOT.resolve("radialog"), launcher);
    Files.setPosixFilePermissions(launcher, PosixFilePermissions.fromString("rwxr-xr-x"));
    Path app = Files.createDirectories(folder.resolve(".radialog/app"));
    Files.writeString(app.resolve("classpath"), System.getProperty("java.class.path"));
    Files.createSymbolicLink(folder.resolve("models"), CommandLineRun.ROOT.resolve("models"));
    Files.writeString(folder.resolve("good.csv"), "id,report\na,No pneumothorax.\nb,Edema.\n");
    Files.writeString(folder.resolve("many.csv"), many());
  }

  private static String many() {
    return "id,report\n"
        + IntStream.range(0, 5000)
            .mapToObj(i -> "study-%d,No pneumothorax.%n".formatted(i))
            .collect(Collectors.joining());
  }

  @Test
  void resultsAndMessagesInOneFileAreAllThere() throws Exception {
    for (String redirection :
        List.of("> both.log 2>&1", ">> both.log 2>&1", "2>&1 | cat > both.log")) {
      Files.deleteIfExists(folder.resolve("both.log"));
      Ended run = shell("./radialog label good.csv " + redirection);
      assertThat(run.code).isZero();
      assertThat(Files.readAllLines(folder.resolve("both.log")))
          .as(redirection)
          .hasSize(4)
          .anyMatch(line -> line.startsWith("id,No Finding,"))
          .anyMatch(line -> line.startsWith("a,"))
          .anyMatch(line -> line.startsWith("b,"))
          .contains("radialog: " + Notice.RESEARCH_USE);
    }
  }

  @Test
  void aLogThatIsWrittenToBeforeAndAfterKeepsItsLines() throws Exception {
    Ended run =
        shell("{ echo before; ./radialog label good.csv >/dev/null; echo after; } > log 2>&1");
    assertThat(run.code).isZero();
    assertThat(Files.readAllLines(folder.resolve("log")))
        .containsExactly("before", "radialog: " + Notice.RESEARCH_USE, "after");
  }

  @Test
  void resultsThatCannotBeWrittenAreOneLineAndTheCodeOfACommandThatCannotRun() throws Exception {
    for (String command :
        List.of(
            "label good.csv > /dev/full",
            "label --json good.csv > /dev/full",
            "--help > /dev/full",
            "label good.csv >&-")) {
      Ended run = shell("./radialog " + command);
      assertThat(run.code).as(command).isEqualTo(Main.CANNOT_RUN);
      assertThat(run.err).as(command).hasSize(1).first().asString().contains("stdout");
    }
  }

  @Test
  void aReaderThatGoesEndsTheCommandQuietly() throws Exception {
    Ended run = shell("./radialog label many.csv | head -n 1; echo ${PIPESTATUS[0]}");
    assertThat(run.err).isEmpty();
    assertThat(run.out.lines()).hasSize(2);
    assertThat(run.out).startsWith("id,No Finding,").endsWith("\n141\n");
  }

  @Test
  void aChatWhoseInputIsClosedEnds() throws Exception {
    Ended run = shell("./radialog chat '%s' <&-".formatted(CommandLineRun.sample("effusion.jpg")));
    assertThat(run.err).isEmpty();
    assertThat(run.code).isZero();
    assertThat(run.out).isEmpty();
  }

  @Test
  void dataAreUtf8InEveryLocale() throws Exception {
    Files.writeString(folder.resolve("ünïcödé.csv"), "id,report\nJosé,No pneumothorax.\n");
    Files.writeString(
        folder.resolve("u.jsonl"), "{\"id\":\"胸\",\"report\":\"No pneumothorax.\"}\n");
    for (String locale : List.of("LC_ALL=C", "LC_ALL=POSIX", "LC_ALL= LANG=xx_YY.ISO-8859-1")) {
      Ended csv = shell(locale + " ./radialog label ünïcödé.csv");
      assertThat(csv.code).as(csv.err.toString()).isZero();
      assertThat(csv.out).as(locale).contains("\nJosé,");
      Ended json = shell(locale + " ./radialog label --json u.jsonl");
      assertThat(JSON.readTree(json.out).at("/id").asString()).as(locale).isEqualTo("胸");
    }
    Ended missing = shell("LC_ALL=C ./radialog label fehlt-ü.csv");
    assertThat(missing.err).hasSize(1).first().asString().contains("fehlt-ü.csv");
  }

  @Test
  void aFileIsFoundByTheBytesOfItsName() throws Exception {
    Ended run =
        shell(
            "mkdir $'d\\351' && cp good.csv $'d\\351/caf\\351 ü.csv' && cp good.csv"
                + " $'d\\351/caf\\350.csv' && ./radialog label $'d\\351/caf\\351 ü.csv' &&"
                + " ./radialog label \"$PWD\"/$'d\\351/caf\\350.csv'");
    assertThat(run.code).as(run.err.toString()).isZero();
    assertThat(run.out.lines().filter(line -> line.startsWith("b,"))).hasSize(2);
  }

  @Test
  void aLimitOfOpenFilesThatIsTooLowIsOneLine() throws Exception {
    Ended run = shell("ulimit -n 32; ./radialog label good.csv");
    assertThat(run.code).isEqualTo(Main.CANNOT_RUN);
    assertThat(run.err).hasSize(1).first().asString().contains("32", "ulimit");
  }

  @Test
  void argumentsThatSteerATerminalAreShownEscaped() throws Exception {
    Ended run = shell("./radialog label $'a\\033[2J\\r\\342\\200\\256b.csv'");
    assertThat(run.code).isEqualTo(Main.CANNOT_RUN);
    assertThat(run.err).hasSize(1).first().asString().contains("a\\u001b[2J \\u202eb.csv");
  }

  private record Ended(int code, String out, List<String> err) {}

  private Ended shell(String command) throws IOException, InterruptedException {
    ProcessBuilder builder = new ProcessBuilder("bash", "-c", command).directory(folder.toFile());
    builder.environment().put("HOME", folder.toString());
    builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
    builder.environment().remove("RADIALOG_CACHE");
    // the natives that this machine's tests have unpacked
    Path natives = Path.of(System.getProperty("user.home"), ".javacpp", "cache");
    builder
        .environment()
        .put(
            "RADIALOG_JAVA_OPTS",
            "-XX:TieredStopAtLevel=1 -Dorg.bytedeco.javacpp.cachedir=" + natives);
    Path err = folder.resolve("stderr");
    Process process = builder.redirectError(err.toFile()).start();
    process.getOutputStream().close();
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor(120, TimeUnit.SECONDS)).isTrue();
    return new Ended(process.exitValue(), out, Files.readAllLines(err));
  }
}
