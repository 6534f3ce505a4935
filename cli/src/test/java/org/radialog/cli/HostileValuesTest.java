package org.radialog.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
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
  void aNumberOfAMillionDigits() throws IOException {
    String digits = "9".repeat(1_000_000);
    Files.writeString(folder.resolve("config.json"), "{\"version\":" + digits + "}");
    expectLines(CommandLineRun.of("verify", folder.toString()));
    Path lines =
        write("digits.jsonl", "{\"id\":" + digits + ",\"report\":\"Edema.\"}\n{\"id\":1\n");
    expectMessages(CommandLineRun.of("label", lines.toString()));
  }

  @Test
  void filesOfReports() throws IOException {
    List<Path> files =
        List.of(
            write("a.csv", "id," + LONG.replace("\r", "") + "\n1,Edema.\n"),
            write("b.csv", "id,report\n\"" + LONG + "\n"),
            write("c.jsonl", "{\"id\":1,\"report\":" + LONG + "}\n"),
            write("d.jsonl", "{\"id\":1," + quoted(LONG) + ":2}\n"),
            write("e.json", "{\"a\":" + quoted(LONG) + ",\n oops"),
            write("f" + STEERING + ".jsonl", "oops\n"));
    for (Path file : files) {
      expectMessages(CommandLineRun.of("label", file.toString()));
      expectMessages(
          CommandLineRun.of(
              "evaluate", "--references", file.toString(), "--hypotheses", file.toString()));
      expectMessages(CommandLineRun.of("evaluate", "--from", file.toString()));
    }
  }

  @Test
  void elementsOfADicomFile() throws IOException {
    String uid = STEERING + "1.2.".repeat(16_000);
    List<Path> films =
        List.of(
            Files.write(folder.resolve("syntax.dcm"), dicom(uid, "MONOCHROME2 ")),
            Files.write(folder.resolve("colours.dcm"), dicom("1.2.840.10008.1.2.1\0", uid)),
            Files.write(
                folder.resolve("n" + STEERING + ".dcm"), dicom("1.2.840.10008.1.2.1\0", "X")));
    for (Path film : films) {
      expectLines(CommandLineRun.of("findings", film.toString()));
      expectMessages(CommandLineRun.of("findings", "--csv", film.toString()));
    }
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
    expectLines(CommandLineRun.of("report", STEERING, "--findings", "+" + LONG));
    expectLines(CommandLineRun.of("inspect", missing));
    expectLines(CommandLineRun.of("import", missing, missing));
    expectLines(CommandLineRun.of("compare", missing, missing));
    expectLines(CommandLineRun.of(STEERING + "9".repeat(30_000)));
  }

  private Path write(String name, String text) throws IOException {
    return Files.writeString(folder.resolve(name), text);
  }

  private static String quoted(String text) {
    return Json.tree(text).toString();
  }

  private static void expectLines(CommandLineRun run) {
    check(run.out());
    expectMessages(run);
  }

  /** What is on stdout is data, which has its own rules. */
  private static void expectMessages(CommandLineRun run) {
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

  /** An explicit little-endian film of 256 × 256 pixels whose pixels are missing. */
  private static byte[] dicom(String syntax, String photometric) {
    ByteBuffer file = ByteBuffer.allocate(150_000).order(ByteOrder.LITTLE_ENDIAN);
    file.position(128).put("DICM".getBytes(StandardCharsets.US_ASCII));
    element(file, 2, 0x10, "UI", syntax.getBytes(StandardCharsets.ISO_8859_1));
    element(file, 0x28, 0x02, "US", new byte[] {1, 0});
    element(file, 0x28, 0x04, "CS", photometric.getBytes(StandardCharsets.ISO_8859_1));
    element(file, 0x28, 0x10, "US", new byte[] {0, 1});
    element(file, 0x28, 0x11, "US", new byte[] {0, 1});
    element(file, 0x28, 0x100, "US", new byte[] {8, 0});
    element(file, 0x28, 0x101, "US", new byte[] {8, 0});
    element(file, 0x28, 0x102, "US", new byte[] {7, 0});
    element(file, 0x28, 0x103, "US", new byte[] {0, 0});
    return Arrays.copyOf(file.array(), file.position());
  }

  private static void element(ByteBuffer file, int group, int element, String vr, byte[] value) {
    byte[] even = Arrays.copyOf(value, value.length + value.length % 2);
    file.putShort((short) group).putShort((short) element);
    file.put(vr.getBytes(StandardCharsets.US_ASCII)).putShort((short) even.length).put(even);
  }
}
