package org.radialog.imaging;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.radialog.codecs.ImageRefused;
import org.radialog.testing.Golden;

/** Each row of the table in {@code docs/dicom.md} says what happens to its file. */
class DicomOdditiesTest {
  /** A row: what is done is {@code read} or {@code refused (CODE)}. */
  record Row(String file, String done, String likeness) {}

  static List<Row> rows() throws IOException {
    String text = Files.readString(Golden.root().resolve("docs/dicom.md"));
    return text.substring(text.indexOf("## Oddities"))
        .lines()
        .filter(line -> line.startsWith("| `"))
        .map(line -> line.split("\\|", -1))
        .map(cells -> new Row(name(cells[1]), cells[3].strip(), name(cells[5])))
        .toList();
  }

  private static String name(String cell) {
    return cell.strip().replace("`", "");
  }

  @ParameterizedTest
  @MethodSource("rows")
  void aRowSaysWhatIsDone(Row row) {
    Path file = Cases.file(row.file());
    if (row.done().equals("read")) {
      Radiograph film = Radiograph.read(file);
      assertThat(film.width()).isPositive();
      if (!row.likeness().isEmpty()) {
        assertAlike(film, Radiograph.read(Cases.file(row.likeness())));
      }
      return;
    }
    assertThatThrownBy(() -> Guard.FORCED.check(Radiograph.read(file), DicomRecipe.VOI))
        .isInstanceOfSatisfying(
            ImageRefused.class,
            e -> assertThat("refused (%s)".formatted(e.code())).isEqualTo(row.done()));
  }

  private static void assertAlike(Radiograph film, Radiograph plain) {
    boolean sameFormat = plain.format() == film.format();
    byte[] seen = sameFormat ? film.display() : film.levels(DicomRecipe.VOI);
    byte[] expected = sameFormat ? plain.display() : plain.levels(DicomRecipe.VOI);
    for (int i = 0; i < seen.length; i++) {
      assertThat(seen[i] & 0xFF)
          .as("pixel %d", i)
          .isBetween((expected[i] & 0xFF) - (sameFormat ? 0 : 1), (expected[i] & 0xFF) + 1);
    }
  }

  @Test
  void everyOddFileHasItsRow() throws IOException {
    Set<String> named =
        rows().stream()
            .flatMap(row -> List.of(row.file(), row.likeness()).stream())
            .collect(Collectors.toSet());
    for (Path file : Cases.files("dicom-own")) {
      assertThat(named).contains("dicom-own/" + file.getFileName());
    }
  }

  @Test
  void elementsBeyondAnyNumberAreRefused() {
    byte[] element = DicomBytes.bare(true).bytes();
    byte[] many = new byte[element.length * 1_000_001];
    for (int i = 0; i < many.length; i += element.length) {
      System.arraycopy(element, 0, many, i, element.length);
    }

    assertRefused(many, "more than 1000000 DICOM elements");
  }

  @Test
  void textsAndNumbersBeyondAnyLengthAreRefusedByTheirElement() {
    String digits = "1".repeat(50_000);
    assertRefused(
        film().element(0x0028_1052, "DS", digits).pixels(1).bytes(),
        "(0028,1052) holds a number of more than 1024 digits");
    assertRefused(
        film().element(0x0028_0008, "IS", digits).pixels(1).bytes(),
        "(0028,0008) holds a text of 50000 bytes");
    assertRefused(
        film().element(0x0018_0015, "CS", digits).pixels(1).bytes(),
        "(0018,0015) holds a text of 50000 bytes");
  }

  @Test
  void ofManyNumbersTheFirstIsReadAndTheOthersCostNothing() {
    byte[] flood = new byte[60_000_000];
    Arrays.fill(flood, (byte) '\\');
    byte[] plain = film().pixels(1).bytes();
    byte[] file =
        DicomBytes.part10(DicomBytes.IMPLICIT)
            .shape(1, 1, 16, 12, false)
            .element(0x0028_1050, "DS", flood)
            .element(0x0028_1051, "DS", flood)
            .pixels(1)
            .bytes();
    allocated(plain); // loads the classes

    assertThat(allocated(file)).isLessThan(allocated(plain) + (1 << 20));
  }

  private static DicomBytes film() {
    return DicomBytes.part10(DicomBytes.EXPLICIT).shape(1, 1, 16, 12, false);
  }

  private static long allocated(byte[] file) {
    return Allocation.of(() -> Radiograph.decode("made.dcm", file, Limits.DEFAULT));
  }

  private static void assertRefused(byte[] file, String message) {
    assertThatThrownBy(() -> Radiograph.decode("made.dcm", file, Limits.DEFAULT))
        .isInstanceOf(ImageRefused.class)
        .hasMessageContaining(message)
        .satisfies(e -> assertThat(e.getMessage()).hasSizeLessThan(200));
  }
}
