package org.radialog.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import org.radialog.testmodel.TinyModel;

/**
 * Every {@code ./radialog} line of the README and the documents does what it is printed for. Lines
 * that need data which is not in the repository, named in capitals, are parsed only.
 */
class DocumentedCommandsTest {
  private static final Pattern WORD = Pattern.compile("\"([^\"]*)\"|(\\S+)");
  private static final Pattern PLACEHOLDER =
      Pattern.compile(
          "\\b[A-Z]{3,}\\b(?!\\.)|\\b[A-Z_]{3,}\\.(?:csv|jsonl?|tgz)|efficientnet.*\\.pth");

  private static final Map<String, String> SMALLER =
      Map.of("llama-7b", "smollm2-135m", "1x700", "1x32");

  @TempDir private Path folder;

  @TestFactory
  Stream<DynamicTest> commands() throws IOException {
    Set<String> lines = new LinkedHashSet<>();
    for (Path document : documents()) {
      boolean code = false;
      for (String line : Files.readAllLines(document)) {
        if (line.startsWith("```")) {
          code = !code;
        } else if (code && line.startsWith("./radialog ")) {
          lines.add(line.substring("./radialog ".length()));
        }
      }
    }
    assertThat(lines).hasSizeGreaterThan(15);
    return lines.stream().map(line -> DynamicTest.dynamicTest(line, () -> check(words(line))));
  }

  private static List<Path> documents() throws IOException {
    List<Path> documents = new ArrayList<>(List.of(CommandLineRun.ROOT.resolve("README.md")));
    try (Stream<Path> files = Files.list(CommandLineRun.ROOT.resolve("docs"))) {
      files.filter(file -> file.toString().endsWith(".md")).sorted().forEach(documents::add);
    }
    return documents;
  }

  private void check(List<String> words) {
    if (words.stream().anyMatch(word -> PLACEHOLDER.matcher(word).find())) {
      Main.commandLine()
          .parseArgs(words.stream().takeWhile(word -> !word.equals(">")).toArray(String[]::new));
      return;
    }
    CommandLineRun run =
        CommandLineRun.withInput(
            "Is there a pneumothorax?\n",
            shortened(words).stream().map(this::placed).toArray(String[]::new));
    assertThat(run.code()).as(run.err()).isEqualTo(Main.DONE);
    assertThat(run.out()).isNotBlank();
  }

  // A measurement of minutes: here its shortest form on a small model will do.
  private static List<String> shortened(List<String> words) {
    List<String> model = List.of("--model", TinyModel.folder().toString());
    return switch (String.join(" ", words)) {
      case "bench" -> and(List.of("bench", "--context", "64"), model);
      case "bench --busy" -> and(List.of("bench", "--busy", "1"), model);
      case "evaluate --protocol general", "evaluate --protocol general --control no_adapter" ->
          and(words, model);
      default -> words.stream().map(word -> SMALLER.getOrDefault(word, word)).toList();
    };
  }

  private static List<String> and(List<String> words, List<String> more) {
    return Stream.concat(words.stream(), more.stream()).toList();
  }

  private static List<String> words(String line) {
    List<String> words = new ArrayList<>();
    Matcher matcher = WORD.matcher(line);
    while (matcher.find()) {
      words.add(matcher.group(1) == null ? matcher.group(2) : matcher.group(1));
    }
    return words;
  }

  // What is read lies in the checkout, what is written goes elsewhere.
  private String placed(String word) {
    if (word.startsWith("samples/") || word.startsWith("models/")) {
      return CommandLineRun.ROOT.resolve(word).toString();
    }
    return List.of("report.html", "overlays", "dialogs.json").contains(word)
        ? folder.resolve(word).toString()
        : word;
  }
}
