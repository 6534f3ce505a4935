package org.radialog.base;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WholeFileTest {
  @TempDir private Path folder = Path.of("");

  @Test
  void writesTextAsUtf8() throws IOException {
    Path file = folder.resolve("a.txt");
    WholeFile.write(file, "Größe ✓\n");
    assertThat(Files.readAllBytes(file)).isEqualTo("Größe ✓\n".getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void othersMayReadWhatTheProcessLetsThemRead() throws IOException {
    Path plain = Files.writeString(folder.resolve("plain"), "text");
    Path whole = folder.resolve("whole");
    WholeFile.write(whole, "text");
    assertThat(Files.getPosixFilePermissions(whole))
        .isEqualTo(Files.getPosixFilePermissions(plain));
  }

  @Test
  void makesMissingFolders() {
    Path file = folder.resolve("one/two/a.txt");
    WholeFile.write(file, "text");
    assertThat(file).hasContent("text");
  }

  @Test
  void replacesWhatStoodThere() {
    Path file = folder.resolve("a.txt");
    WholeFile.write(file, "a longer text from before");
    WholeFile.write(file, "new");
    assertThat(file).hasContent("new");
    assertThat(names()).containsExactly("a.txt");
  }

  @Test
  void aFailureLeavesTheOldContentAndNothingElse() {
    Path file = folder.resolve("a.txt");
    WholeFile.write(file, "old");
    assertThatThrownBy(() ->
            WholeFile.write(
                file,
                out -> {
                  out.write(new byte[1 << 20]);
                  throw new IOException("the disk is full");
                }))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining(file.toString())
        .hasMessageContaining("the disk is full");
    assertThat(file).hasContent("old");
    assertThat(names()).containsExactly("a.txt");
  }

  @Test
  void anUncheckedFailureLeavesTheOldContentToo() {
    Path file = folder.resolve("a.txt");
    WholeFile.write(file, "old");
    assertThatThrownBy(() ->
            WholeFile.write(
                file,
                out -> {
                  out.write(1);
                  throw new IllegalStateException("no more numbers");
                }))
        .isInstanceOf(IllegalStateException.class);
    assertThat(file).hasContent("old");
    assertThat(names()).containsExactly("a.txt");
  }

  @Test
  void aMappedFileHoldsWhatItWasFilledWith() throws IOException {
    Path file = folder.resolve("mapped");
    WholeFile.map(file, 3, whole -> whole.set(ValueLayout.JAVA_BYTE, 1, (byte) 7));
    assertThat(Files.readAllBytes(file)).containsExactly(0, 7, 0);
    assertThat(names()).containsExactly("mapped");
  }

  @Test
  void aMappingLargerThanTheFileSystemIsRefusedBeforeItIsFilled() {
    Path file = folder.resolve("a.txt");
    WholeFile.write(file, "old");
    assertThatThrownBy(() ->
            WholeFile.map(
                file,
                1L << 60,
                whole -> {
                  throw new IllegalStateException("must not be asked");
                }))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining("it needs " + (1L << 60) + " bytes");
    assertThat(file).hasContent("old");
    assertThat(names()).containsExactly("a.txt");
  }

  @Test
  void aFolderInTheWayIsNamed() {
    Path file = folder.resolve("a");
    WholeFile.write(file.resolve("b"), "inside");
    assertThatThrownBy(() -> WholeFile.write(file, "text"))
        .isInstanceOf(RadialogException.class)
        .hasMessageStartingWith("cannot write " + file);
    assertThat(file.resolve("b")).hasContent("inside");
  }

  private List<String> names() {
    try (Stream<Path> children = Files.list(folder)) {
      return children.map(f -> f.getFileName().toString()).toList();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }
}
