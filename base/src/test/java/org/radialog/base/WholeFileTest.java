package org.radialog.base;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.UUID;
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
  void piecesAreWrittenInTheirPlacesInAnyOrderFromAnyMemory() throws IOException {
    Path file = folder.resolve("placed");
    byte[] content = new byte[3 << 20];
    new Random(1).nextBytes(content);
    try (Arena arena = Arena.ofShared()) {
      MemorySegment off = arena.allocate(2 << 20);
      off.copyFrom(MemorySegment.ofArray(content).asSlice(1 << 20));
      WholeFile.place(
          file,
          content.length,
          places -> {
            places.put(1 << 20, off);
            places.put(0, MemorySegment.ofArray(content).asSlice(0, 1 << 20));
          });
    }
    assertThat(file).hasBinaryContent(content);
    assertThat(names()).containsExactly("placed");
  }

  @Test
  void aFileLargerThanTheFileSystemIsRefusedBeforeItIsMade() {
    Path file = folder.resolve("a.txt");
    WholeFile.write(file, "old");
    assertThatThrownBy(() ->
            WholeFile.place(
                file,
                1L << 60,
                places -> {
                  throw new IllegalStateException("must not be asked");
                }))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining("it needs " + (1L << 60) + " bytes");
    assertThat(file).hasContent("old");
    assertThat(names()).containsExactly("a.txt");
  }

  @Test
  void aFileThatIsNotFilledToItsEndIsRefused() {
    Path file = folder.resolve("a.txt");
    assertThatThrownBy(() ->
            WholeFile.place(file, 9, places -> places.put(0, MemorySegment.ofArray(new byte[8]))))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining("should have 9 bytes and got 8");
    assertThat(names()).isEmpty();
  }

  /** A mapping would end the process with a signal here. */
  @Test
  void aFileSystemThatFillsUpWhileAFileIsWrittenIsAnExceptionAndLeavesTheOldContent()
      throws Exception {
    Path small = Files.createDirectory(folder.resolve("small"));
    try (SmallFileSystem disk = SmallFileSystem.mount(small, 1 << 20)) {
      Path file = disk.folder().resolve("a.txt");
      WholeFile.write(file, "old");
      assertThatThrownBy(() ->
              WholeFile.place(
                  file,
                  800_000,
                  places -> {
                    Files.write(disk.folder().resolve("another"), new byte[700_000]);
                    places.put(0, MemorySegment.ofArray(new byte[800_000]));
                  }))
          .isInstanceOf(RadialogException.class)
          .hasMessageStartingWith("cannot write " + file);
      assertThat(file).hasContent("old");
      try (Stream<Path> left = Files.list(disk.folder())) {
        assertThat(left.map(f -> f.getFileName().toString()))
            .containsExactlyInAnyOrder("a.txt", "another");
      }
    }
  }

  @Test
  void leftoversOfKilledWritersAreSweptAndNothingElse() throws IOException {
    String uuid = UUID.randomUUID().toString();
    Files.write(folder.resolve(".a.packed" + uuid + ".tmp"), new byte[1000]);
    Files.createFile(folder.resolve(".a.packed.tmp"));
    Files.createFile(folder.resolve("a.packed" + uuid + ".tmp"));
    WholeFile.write(
        folder.resolve("b"),
        out -> {
          out.write(1);
          WholeFile.sweep(folder); // what is being written here stays
          out.write(2);
        });
    assertThat(folder.resolve("b")).hasBinaryContent(new byte[] {1, 2});
    assertThat(names()).containsExactlyInAnyOrder("b", ".a.packed.tmp", "a.packed" + uuid + ".tmp");
    WholeFile.sweep(folder.resolve("none"));
  }

  /** Begins a file and a folder and waits for its end. */
  static final class Writer {
    private Writer() {}

    public static void main(String[] arguments) {
      Path place = Path.of(arguments[0]);
      WholeFolder.write(
          place.resolve("model"),
          folder -> {
            WholeFile.write(folder.resolve("part"), "whole");
            WholeFile.write(
                place.resolve("file"),
                out -> {
                  out.write(1);
                  System.out.println("writing");
                  System.in.read();
                });
            return "done";
          });
    }
  }

  @Test
  void whatAnotherProcessWritesStaysUntilThatProcessIsKilled() throws Exception {
    ProcessBuilder builder =
        new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-Xshare:auto",
            "-cp",
            System.getProperty("java.class.path"),
            Writer.class.getName(),
            folder.toString());
    builder.redirectError(ProcessBuilder.Redirect.INHERIT);
    Process writer = builder.start();
    try (BufferedReader said =
        new BufferedReader(
            new InputStreamReader(writer.getInputStream(), StandardCharsets.UTF_8))) {
      assertThat(said.readLine()).isEqualTo("writing");
      List<String> under = names();
      assertThat(under).hasSize(2);
      WholeFile.sweep(folder);
      WholeFolder.write(folder.resolve("other"), other -> "an empty one");
      assertThat(names()).containsAll(under).hasSize(3);
    } finally {
      writer.destroyForcibly().waitFor();
    }
    WholeFile.sweep(folder);
    WholeFolder.write(folder.resolve("model"), model -> WholeFileTest.filled(model));
    assertThat(names()).containsExactlyInAnyOrder("other", "model");
    assertThat(folder.resolve("model/part")).hasContent("new");
  }

  private static String filled(Path model) {
    WholeFile.write(model.resolve("part"), "new");
    return "done";
  }

  @Test
  void aFolderThatFailsLeavesNothing() {
    assertThatThrownBy(() ->
            WholeFolder.write(
                folder.resolve("model"),
                model -> {
                  filled(model);
                  throw new IllegalStateException("no more numbers");
                }))
        .isInstanceOf(IllegalStateException.class);
    assertThat(names()).isEmpty();
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
