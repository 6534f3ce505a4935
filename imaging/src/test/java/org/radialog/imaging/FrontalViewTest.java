package org.radialog.imaging;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.radialog.base.WholeFile;
import org.radialog.testing.Golden;
import org.radialog.testing.TestData;

/**
 * What is told from a frontal chest film, and how seldom a real one is refused.
 *
 * <p>To rebuild the resource: {@code mvn -pl imaging -am verify -Dtest=FrontalViewTest
 * -Dsurefire.failIfNoSpecifiedTests=false -Dradialog.testdata=DIR}; where the resource differs, the
 * first test fails and leaves the new one in {@code imaging/target/frontal-view.raw}.
 */
class FrontalViewTest {
  // The distance that becomes 1: the third farthest of the 1,119 films of nih14, and a tenth more.
  private static final double UNIT = 500;

  @Test
  void theResourceIsTheDistributionOfTheFilmsOutsideFoldZero() throws IOException {
    List<float[]> films = new ArrayList<>();
    Path radiographs = TestData.assumeRadiographs();
    Map<Integer, Integer> folds = folds();
    for (String set : List.of("nih128", "rsna-normal")) {
      int read = 0;
      for (Path file : pictures(radiographs.resolve(set))) {
        if (folds.getOrDefault(patient(file), -1) != 0
            && (set.equals("nih128") || read++ % 3 == 0)) {
          films.add(
              FrontalView.features(FrontalView.picture(Radiograph.read(file), DicomRecipe.VOI)));
        }
      }
    }
    FrontalView made = distribution(films);
    for (float[] film : films.subList(0, 200)) {
      assertThat(FrontalView.nih().distance(film)).isCloseTo(made.distance(film), within(0.01));
    }
  }

  @Test
  void realFrontalFilmsAreSeldomRefused() throws IOException {
    Path radiographs = TestData.assumeRadiographs();
    for (var gate : Map.of("nih14", 0.002, "hannover", 0.02, "kermany", 0.02).entrySet()) {
      List<Path> films = pictures(radiographs.resolve(gate.getKey()));
      List<Path> refused = films.stream().filter(FrontalViewTest::isRefused).toList();
      System.out.printf(
          "testdata: refused as no frontal film, %s: %d of %d%n",
          gate.getKey(), refused.size(), films.size());
      assertThat(refused).hasSizeLessThanOrEqualTo((int) (films.size() * gate.getValue()));
    }
  }

  @Test
  void aLateralFilmOfTheChestIsRefused() {
    assertThat(
            isRefused(TestData.assumeRadiographs().resolve("iu").resolve("CXR7_IM-2263-2001.png")))
        .isTrue();
  }

  private static boolean isRefused(Path file) {
    return Guard.STRICT.check(Radiograph.read(file), DicomRecipe.VOI).stream()
        .anyMatch(w -> w.code() == Guard.Code.PROBABLY_NOT_FRONTAL);
  }

  private static List<Path> pictures(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      return files.filter(f -> f.toString().matches(".*\\.(png|jpe?g)")).sorted().toList();
    }
  }

  private static Map<Integer, Integer> folds() throws IOException {
    Map<Integer, Integer> folds = new HashMap<>();
    try (Stream<String> lines = Files.lines(Golden.root().resolve("data/nih14-folds.csv"))) {
      lines
          .skip(1)
          .map(line -> line.split(",", -1))
          .forEach(row -> folds.put(Integer.valueOf(row[0]), Integer.valueOf(row[1])));
    }
    return folds;
  }

  // ChestX-ray14 names a file PATIENT_FOLLOWUP.
  private static Integer patient(Path file) {
    return Integer.valueOf(file.getFileName().toString().substring(0, 8));
  }

  /** The distribution of {@code films}, written to {@code imaging/target}. */
  private static FrontalView distribution(List<float[]> films) {
    int n = FrontalView.FEATURES;
    float[] mean = new float[n];
    for (int i = 0; i < n; i++) {
      int at = i;
      mean[i] = (float) films.stream().mapToDouble(f -> f[at]).average().orElseThrow();
    }
    double[][] covariance = new double[n][n];
    for (float[] film : films) {
      for (int i = 0; i < n; i++) {
        double d = film[i] - mean[i];
        for (int j = 0; j <= i; j++) {
          covariance[i][j] += d * (film[j] - mean[j]) / films.size();
        }
      }
    }
    double average = 0;
    for (int i = 0; i < n; i++) {
      average += covariance[i][i] / n;
      for (int j = 0; j < i; j++) {
        covariance[j][i] = covariance[i][j];
      }
    }
    double[][] components = principal(covariance, FrontalView.COMPONENTS);
    // The average variance is added everywhere: a direction in which the films of the set hardly
    // differ is not one in which others could not.
    float[][] rows = new float[FrontalView.COMPONENTS][n];
    float[] variances = new float[FrontalView.COMPONENTS];
    double explained = 0;
    for (int k = 0; k < FrontalView.COMPONENTS; k++) {
      double variance = dot(components[k], times(covariance, components[k]));
      explained += variance;
      variances[k] = (float) ((variance + average) * UNIT);
      for (int i = 0; i < n; i++) {
        rows[k][i] = (float) components[k][i];
      }
    }
    double left = (average * n - explained) / (n - FrontalView.COMPONENTS);
    float rest = (float) ((left + average) * UNIT);
    WholeFile.write(
        Golden.root().resolve("imaging/target/frontal-view.raw"),
        out -> {
          DataOutputStream floats = new DataOutputStream(out);
          write(floats, mean);
          for (float[] row : rows) {
            write(floats, row);
          }
          write(floats, variances);
          floats.writeFloat(rest);
          floats.flush();
        });
    return new FrontalView(mean, rows, variances, rest);
  }

  private static void write(DataOutputStream floats, float[] values) throws IOException {
    for (float value : values) {
      floats.writeFloat(value);
    }
  }

  /** The first components of a covariance by orthogonal iteration, from a fixed beginning. */
  private static double[][] principal(double[][] covariance, int count) {
    Random random = new Random(1);
    double[][] basis = new double[count][covariance.length];
    for (double[] row : basis) {
      Arrays.setAll(row, i -> random.nextGaussian());
    }
    for (int iteration = 0; iteration < 100; iteration++) {
      for (int k = 0; k < count; k++) {
        basis[k] = times(covariance, basis[k]);
        for (int earlier = 0; earlier < k; earlier++) {
          double along = dot(basis[k], basis[earlier]);
          for (int i = 0; i < basis[k].length; i++) {
            basis[k][i] -= along * basis[earlier][i];
          }
        }
        double length = Math.sqrt(dot(basis[k], basis[k]));
        for (int i = 0; i < basis[k].length; i++) {
          basis[k][i] /= length;
        }
      }
    }
    return basis;
  }

  private static double[] times(double[][] matrix, double[] vector) {
    return Arrays.stream(matrix).mapToDouble(row -> dot(row, vector)).toArray();
  }

  private static double dot(double[] a, double[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += a[i] * b[i];
    }
    return sum;
  }
}
