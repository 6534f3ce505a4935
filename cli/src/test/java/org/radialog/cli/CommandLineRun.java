package org.radialog.cli;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What a command printed and how it ended, run in this process on the embedded model. */
record CommandLineRun(int code, String out, String err) {
  private static final JsonMapper JSON = JsonMapper.builder().build();

  /** The root of the checkout. */
  static final Path ROOT = Path.of(System.getProperty("radialog.root", ""));

  static CommandLineRun of(String... arguments) {
    return withInput("", arguments);
  }

  static CommandLineRun withInput(String input, String... arguments) {
    return withInput(input.getBytes(StandardCharsets.UTF_8), arguments);
  }

  static CommandLineRun withInput(byte[] input, String... arguments) {
    return withInput(input, new ByteArrayOutputStream(), new ByteArrayOutputStream(), arguments);
  }

  /** The same with messages among the results, as a terminal shows them: both are {@code out}. */
  static CommandLineRun onATerminal(String input, String... arguments) {
    var both = new ByteArrayOutputStream();
    return withInput(input.getBytes(StandardCharsets.UTF_8), both, both, arguments);
  }

  private static CommandLineRun withInput(
      byte[] input,
      ByteArrayOutputStream outBytes,
      ByteArrayOutputStream errBytes,
      String... arguments) {
    PrintStream out = System.out;
    PrintStream err = System.err;
    InputStream in = System.in;
    System.setProperty("radialog.home", ROOT.toString());
    if (System.getProperty("radialog.cache") == null) { // as the launcher does: packed once
      System.setProperty("radialog.cache", ROOT.resolve("cli/target/cache").toString());
    }
    try {
      System.setOut(new PrintStream(outBytes, true, StandardCharsets.UTF_8));
      System.setErr(new PrintStream(errBytes, true, StandardCharsets.UTF_8));
      System.setIn(new ByteArrayInputStream(input));
      int code = Main.run(arguments);
      return new CommandLineRun(
          code,
          outBytes.toString(StandardCharsets.UTF_8),
          errBytes.toString(StandardCharsets.UTF_8));
    } finally {
      System.setOut(out);
      System.setErr(err);
      System.setIn(in);
    }
  }

  static String sample(String name) {
    return ROOT.resolve("samples").resolve(name).toString();
  }

  List<String> errLines() {
    return err.lines().toList();
  }

  /** Each line of stdout as JSON. */
  List<JsonNode> json() {
    return out.lines().map(JSON::readTree).toList();
  }
}
