package org.radialog.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.xml.stream.XMLInputFactory;
import javax.xml.stream.XMLStreamException;
import javax.xml.stream.XMLStreamReader;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.radialog.testing.Golden;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Every output of the golden cases is compared by some test of this build. A comparison prints a
 * line that Surefire keeps in the test's report; this room is the last one, so all reports are
 * there. What no test compares is named, with the reason, in {@code golden/unread.txt}.
 */
class GoldenReadTest {
  // Not only at the start of a line: what a library printed before may not have ended its own.
  private static final Pattern READ = Pattern.compile("\\bparity (\\S+/\\S+) \\S+ \\(");

  @Test
  void everyOutputIsReadOrListedAsUnread() {
    assumeTrue(Golden.isRepositorys(), "the golden cases are not those of the repository");
    Path root = Golden.root();
    Set<String> unchecked = unchecked(root);
    assumeTrue(
        unchecked.isEmpty(),
        () -> "not checked, for this build did not run all tests of the rooms " + unchecked);
    assertThat(unread(Golden.folder(), read(root)))
        .as("golden outputs that no test compared")
        .isEqualTo(listed(Golden.folder().resolve("unread.txt")));
  }

  @Test
  void anOutputOfACaseThatNoTestReadIsNamedAndAWholeCaseToo(@TempDir Path folder)
      throws IOException {
    Files.writeString(folder.resolve("net-a.json"), "{\"outputs\":{\"logits\":{},\"loss\":{}}}");
    Files.writeString(folder.resolve("net-b.json"), "{\"outputs\":{\"logits\":{}}}");
    Files.writeString(folder.resolve("texts.json"), "{\"values\":{}}");
    Files.writeString(folder.resolve("net-keys.json"), "{\"keys\":[]}");
    assertThat(unread(folder, Set.of("net-a/logits", "net-b/logits", "texts/one", "net-a/other")))
        .containsExactly("net-a/loss");
    assertThat(unread(folder, Set.of("net-a/logits", "net-a/loss")))
        .containsExactly("net-b/logits", "texts");
  }

  @Test
  void aReportSaysWhatItsTestsRead(@TempDir Path root) throws IOException {
    Path reports = Files.createDirectories(root.resolve("room/target/surefire-reports"));
    Files.writeString(
        reports.resolve("TEST-a.xml"),
        "<testsuite><testcase name=\"a\"><system-out><![CDATA[said.parity net/a 1e-6 (1e-5)\n"
            + "parity net/b 0 (exact)\n]]></system-out></testcase></testsuite>");
    assertThat(read(root)).containsExactly("net/a", "net/b");
  }

  /** The rooms with parity tests of which this build has run none, or only those asked for. */
  private static Set<String> unchecked(Path root) {
    String selected = System.getProperty("radialog.selected", "");
    boolean all = selected.isEmpty() || selected.contains("${");
    Set<String> unchecked = new TreeSet<>();
    for (Path room : rooms(root)) {
      if (hasParityTests(room) && !(all && reports(room).findAny().isPresent())) {
        unchecked.add(String.valueOf(room.getFileName()));
      }
    }
    return unchecked;
  }

  private static List<Path> rooms(Path root) {
    return children(root).filter(room -> Files.exists(room.resolve("pom.xml"))).toList();
  }

  private static boolean hasParityTests(Path room) {
    Path tests = room.resolve("src/test/java/org/radialog/" + room.getFileName());
    return children(tests).anyMatch(file -> file.toString().endsWith("ParityTest.java"));
  }

  /** The reports that this build wrote. */
  private static Stream<Path> reports(Path room) {
    Instant begun = Instant.parse(System.getProperty("radialog.begun", "1970-01-01T00:00:00Z"));
    return children(room.resolve("target/surefire-reports"))
        .filter(file -> String.valueOf(file.getFileName()).matches("TEST-.*\\.xml"))
        .filter(file -> !modified(file).isBefore(begun));
  }

  private static Instant modified(Path file) {
    try {
      return Files.getLastModifiedTime(file).toInstant();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Stream<Path> children(Path folder) {
    if (!Files.isDirectory(folder)) {
      return Stream.of();
    }
    try (Stream<Path> children = Files.list(folder)) {
      return children.sorted().toList().stream();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The labels {@code case/output} that the tests compared. */
  private static Set<String> read(Path root) {
    Set<String> read = new TreeSet<>();
    children(root)
        .flatMap(GoldenReadTest::reports)
        .flatMap(report -> READ.matcher(text(report)).results())
        .forEach(line -> read.add(line.group(1)));
    return read;
  }

  private static String text(Path report) {
    StringBuilder text = new StringBuilder();
    try (InputStream in = Files.newInputStream(report)) {
      XMLStreamReader xml = XMLInputFactory.newDefaultFactory().createXMLStreamReader(in);
      while (xml.hasNext()) {
        int event = xml.next();
        if (event == XMLStreamReader.CHARACTERS || event == XMLStreamReader.CDATA) {
          text.append(xml.getText());
        }
      }
      return text.toString();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (XMLStreamException e) {
      throw new IllegalStateException(report + " is no report of Surefire", e);
    }
  }

  private static Set<String> unread(Path folder, Set<String> read) {
    Set<String> unread = new TreeSet<>();
    children(folder)
        .filter(file -> String.valueOf(file.getFileName()).endsWith(".json"))
        .filter(file -> !String.valueOf(file.getFileName()).endsWith("-keys.json"))
        .forEach(file -> {
          String name = String.valueOf(file.getFileName()).replace(".json", "");
          JsonNode json = JsonMapper.shared().readTree(file.toFile());
          for (String output : json.path("outputs").propertyNames()) {
            if (!read.contains(name + "/" + output)) {
              unread.add(name + "/" + output);
            }
          }
          if (json.path("outputs").isEmpty()
              && read.stream().noneMatch(label -> label.startsWith(name + "/"))) {
            unread.add(name);
          }
        });
    return unread;
  }

  private static Set<String> listed(Path file) {
    try (Stream<String> lines = Files.lines(file)) {
      return new TreeSet<>(lines.filter(line -> !line.isBlank() && !line.startsWith("#")).toList());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
