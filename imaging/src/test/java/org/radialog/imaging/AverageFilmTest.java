package org.radialog.imaging;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.IntPredicate;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.radialog.base.WholeFile;
import org.radialog.testing.Golden;
import org.radialog.testing.TestData;

/**
 * The average film and what it finds on films that did not enter it.
 *
 * <p>To rebuild the resource: {@code mvn -pl imaging -am verify -Dtest=AverageFilmTest
 * -Dsurefire.failIfNoSpecifiedTests=false -Dradialog.testdata=DIR}; where the resource differs, the
 * first test fails and leaves the new one in {@code imaging/target/average-film.raw}.
 */
class AverageFilmTest {
  // Thumbnails of all films, decoded once for all tests.
  private static final Map<Integer, List<byte[]>> BY_FOLD = new TreeMap<>();

  @Test
  void theResourceIsTheMeanOfTheFilmsOfFoldsOneToFour() throws IOException {
    List<byte[]> films = thumbnails(fold -> fold != 0);
    byte[] all = mean(films);
    byte[] expected =
        mean(
            films.stream()
                .filter(f -> AverageFilm.correlation(f, all) > AverageFilm.LEAST_CORRELATION)
                .toList());
    Path made = Golden.root().resolve("imaging/target/average-film.raw");
    WholeFile.write(made, out -> out.write(expected));

    Path resource =
        Golden.root().resolve("imaging/src/main/resources/org/radialog/imaging/average-film.raw");
    assertThat(resource).hasSameBinaryContentAs(made);
  }

  @Test
  void fewFilmsOfOtherPatientsAreDoubted() throws IOException {
    List<byte[]> films = thumbnails(fold -> fold == 0);
    long doubted = films.stream().filter(f -> doubted(f)).count();
    System.out.printf("testdata: false alarms on fold 0: %d of %d films%n", doubted, films.size());
    assertThat(doubted).isLessThanOrEqualTo(films.size() / 40);
  }

  @Test
  void mostInvertedFilmsAreCalledInverted() throws IOException {
    List<byte[]> films = thumbnails(fold -> fold == 0);
    long found =
        films.stream()
            .map(AverageFilmTest::inverted)
            .filter(f -> AverageFilm.look(f).likeness() == AverageFilm.Likeness.INVERTED)
            .count();
    long doubted = films.stream().map(AverageFilmTest::inverted).filter(f -> doubted(f)).count();
    System.out.printf(
        "testdata: inverted films of fold 0: %d of %d called inverted, %d warned of%n",
        found, films.size(), doubted);
    assertThat(found).isGreaterThanOrEqualTo(films.size() * 95L / 100);
  }

  @Test
  void mostTurnedFilmsAreDoubted() throws IOException {
    List<byte[]> films = thumbnails(fold -> fold == 0);
    for (int quarters = 1; quarters <= 3; quarters++) {
      int turns = quarters;
      long found = films.stream().map(f -> turned(f, turns)).filter(f -> doubted(f)).count();
      System.out.printf(
          "testdata: films of fold 0 turned by %d°: %d of %d doubted%n",
          90 * quarters, found, films.size());
      assertThat(found).isGreaterThanOrEqualTo(films.size() * 93L / 100);
    }
  }

  @Test
  void filmsOfAnotherHospitalAreRarelyDoubted() throws IOException {
    List<byte[]> films = new ArrayList<>();
    try (Stream<Path> files = Files.list(TestData.assumeRadiographs().resolve("hannover"))) {
      files
          .filter(f -> f.toString().endsWith(".png"))
          .forEach(f -> films.add(AverageFilm.thumbnail(Radiograph.read(f), DicomRecipe.MINMAX)));
    }
    long doubted = films.stream().filter(f -> doubted(f)).count();
    System.out.printf(
        "testdata: false alarms on Hannover's films: %d of %d%n", doubted, films.size());
    assertThat(doubted).isLessThanOrEqualTo(films.size() / 20);
  }

  private static boolean doubted(byte[] thumbnail) {
    return AverageFilm.look(thumbnail).likeness() != AverageFilm.Likeness.FRONTAL;
  }

  private static byte[] inverted(byte[] thumbnail) {
    byte[] inverted = thumbnail.clone();
    for (int i = 0; i < inverted.length; i++) {
      inverted[i] = (byte) ~inverted[i];
    }
    return inverted;
  }

  private static byte[] turned(byte[] thumbnail, int quarters) {
    byte[] turned = thumbnail;
    for (int i = 0; i < quarters; i++) {
      turned = AverageFilm.quarterTurn(turned, AverageFilm.SIDE);
    }
    return turned;
  }

  private static byte[] mean(List<byte[]> films) {
    byte[] mean = new byte[AverageFilm.SIDE * AverageFilm.SIDE];
    for (int i = 0; i < mean.length; i++) {
      int at = i;
      mean[i] =
          (byte) Math.round(films.stream().mapToInt(f -> f[at] & 0xFF).average().orElseThrow());
    }
    return mean;
  }

  private static List<byte[]> thumbnails(IntPredicate folds) throws IOException {
    if (BY_FOLD.isEmpty()) {
      readAll();
    }
    List<byte[]> thumbnails = new ArrayList<>();
    BY_FOLD.forEach((fold, films) -> {
      if (folds.test(fold)) {
        thumbnails.addAll(films);
      }
    });
    assertThat(thumbnails).isNotEmpty();
    return thumbnails;
  }

  private static void readAll() throws IOException {
    Path images = TestData.assumeRadiographs().resolve("nih14/images");
    Map<Integer, Integer> foldOf = new HashMap<>();
    try (Stream<String> lines = Files.lines(Golden.root().resolve("data/nih14-folds.csv"))) {
      lines
          .skip(1)
          .map(line -> line.split(",", -1))
          .forEach(row -> foldOf.put(Integer.valueOf(row[0]), Integer.valueOf(row[1])));
    }
    try (Stream<Path> files = Files.list(images)) {
      for (Path file : files.sorted().toList()) {
        // ChestX-ray14 names a file PATIENT_FOLLOWUP.
        Integer patient = Integer.valueOf(file.getFileName().toString().substring(0, 8));
        assertThat(foldOf).as("fold of each patient").containsKey(patient);
        BY_FOLD
            .computeIfAbsent(foldOf.getOrDefault(patient, -1), fold -> new ArrayList<>())
            .add(AverageFilm.thumbnail(Radiograph.read(file), DicomRecipe.MINMAX));
      }
    }
  }
}
