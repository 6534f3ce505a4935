package org.radialog.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.radialog.testing.Golden;

/** {@code docs/architecture.md} is a map: what it names is there, and no room is missing. */
class ArchitectureMapTest {
  private static final Path ROOT = Golden.root();
  private static final Pattern FILE = Pattern.compile("`([a-z]+)/([A-Za-z0-9]+)\\.java`");
  private static final Pattern ROOM = Pattern.compile("(?m)^\\| `([a-z]+)/` \\|");

  @Test
  void everyFileThatTheMapNamesExists() throws IOException {
    Set<String> missing = new TreeSet<>();
    int named = 0;
    Matcher file = FILE.matcher(map());
    while (file.find()) {
      named++;
      String room = file.group(1);
      Path path =
          ROOT.resolve(
              "%s/src/main/java/org/radialog/%s/%s.java".formatted(room, room, file.group(2)));
      if (!Files.isRegularFile(path)) {
        missing.add(file.group());
      }
    }

    assertThat(named).isGreaterThan(60);
    assertThat(missing).isEmpty();
  }

  @Test
  void everyRoomIsOnTheMapAndHasItsFilesThere() throws IOException {
    List<String> rooms = ROOM.matcher(map()).results().map(room -> room.group(1)).sorted().toList();
    try (Stream<Path> folders = Files.list(ROOT)) {
      assertThat(rooms)
          .containsExactlyElementsOf(
              folders
                  .filter(folder -> Files.isRegularFile(folder.resolve("pom.xml")))
                  .map(folder -> folder.getFileName().toString())
                  .sorted()
                  .toList());
    }
    for (String room : rooms) {
      assertThat(map())
          .as("a file of " + room)
          .containsPattern("`" + room + "/[A-Za-z0-9]+\\.java`");
    }
  }

  private static String map() throws IOException {
    return Files.readString(ROOT.resolve("docs/architecture.md"));
  }
}
