package org.radialog.imaging;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.radialog.codecs.Samples;
import org.radialog.testing.Golden;
import org.radialog.testing.GoldenCase;
import org.radialog.testing.GoldenWeights;
import org.radialog.testing.TestData;
import tools.jackson.databind.JsonNode;

/**
 * The chain against hi-ml-multimodal, Pillow and torchvision, as golden case {@code preprocess}
 * holds it: every byte equal.
 */
class PreprocessParityTest {
  @TestFactory
  Stream<DynamicTest> preprocess() {
    return Golden.tests("preprocess", PreprocessParityTest::tests);
  }

  private static Stream<DynamicTest> tests(GoldenCase golden) {
    JsonNode values = golden.values();
    String salt = golden.salt();
    List<DynamicTest> tests = new ArrayList<>();

    tests.add(test("remap_of_0_to_255", () -> remapped(IntStream.range(0, 256)), values));
    tests.add(
        test(
            "remap_of_0_to_4095_step_13",
            () -> remapped(IntStream.iterate(0, i -> i < 4096, i -> i + 13)),
            values));
    for (var entry : values.get("formula_images").properties()) {
      tests.addAll(
          crops(
              "formula_images/" + entry.getKey(),
              entry.getValue(),
              values,
              () -> formula(salt, entry.getValue())));
    }
    for (var entry : values.get("made_files").properties()) {
      tests.addAll(
          crops(
              "made_files/" + entry.getKey(),
              entry.getValue(),
              values,
              () ->
                  Radiograph.read(Golden.folder().resolve("preprocess").resolve(entry.getKey()))));
    }
    for (var entry : values.get("radiographs").properties()) {
      tests.addAll(
          crops(
              "radiographs/" + entry.getKey(),
              entry.getValue(),
              values,
              () -> Radiograph.read(film(entry.getKey()))));
    }
    for (var entry : values.get("pictures").properties()) {
      tests.add(
          dynamicTest(
              "preprocess/pictures/" + entry.getKey(),
              () -> {
                String source = entry.getValue().asString();
                Path made = Golden.folder().resolve("preprocess").resolve(source);
                Radiograph film = Radiograph.read(Files.exists(made) ? made : film(source));
                int crop = Integer.parseInt(entry.getKey().replaceAll(".*-|\\.png", ""));
                byte[] expected =
                    Radiograph.read(Golden.folder().resolve(entry.getKey())).display();
                compare("pictures/" + entry.getKey(), chain(crop).bytes(film), expected);
              }));
    }
    return tests.stream();
  }

  private interface Source {
    Radiograph read();
  }

  private interface Levels {
    byte[] levels();
  }

  private static DynamicTest test(String output, Levels levels, JsonNode values) {
    return dynamicTest(
        "preprocess/" + output,
        () -> {
          byte[] expected = new byte[values.get(output).size()];
          for (int i = 0; i < expected.length; i++) {
            expected[i] = (byte) values.get(output).get(i).asInt();
          }
          compare(output, levels.levels(), expected);
        });
  }

  private static byte[] remapped(IntStream levels) {
    int[] all = levels.toArray();
    short[] words = new short[all.length];
    for (int i = 0; i < words.length; i++) {
      words[i] = (short) all[i];
    }
    return Radiograph.of("ramp", new Samples.Words(words.length, 1, 1, words))
        .levels(DicomRecipe.MINMAX);
  }

  private static List<DynamicTest> crops(
      String output, JsonNode expected, JsonNode values, Source source) {
    return expected.propertyNames().stream()
        .filter(name -> name.matches("[0-9]+"))
        .map(crop ->
            dynamicTest(
                "preprocess/" + output + "/" + crop,
                () ->
                    check(
                        output + "/" + crop,
                        chain(Integer.parseInt(crop)).bytes(source.read()),
                        expected.get(crop),
                        values.get("sample_indices_" + crop))))
        .toList();
  }

  private static Preprocessing chain(int crop) {
    return new Preprocessing(512, crop, DicomRecipe.MINMAX);
  }

  private static void check(String output, byte[] square, JsonNode expected, JsonNode indices)
      throws Exception {
    byte[] samples = new byte[indices.size()];
    byte[] expectedSamples = new byte[indices.size()];
    for (int i = 0; i < samples.length; i++) {
      samples[i] = square[indices.get(i).asInt()];
      expectedSamples[i] = (byte) expected.get("samples").get(i).asInt();
    }
    compare(output, samples, expectedSamples);
    String sha256 = HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(square));
    assertThat(sha256).as(output).isEqualTo(expected.get("sha256").asString());
  }

  private static void compare(String output, byte[] actual, byte[] expected) {
    assertThat(actual).as(output).hasSameSizeAs(expected);
    int error = 0;
    for (int i = 0; i < actual.length; i++) {
      error = Math.max(error, Math.abs((actual[i] & 0xFF) - (expected[i] & 0xFF)));
    }
    System.out.printf("parity preprocess/%s %d (0)%n", output, error);
    assertThat(error).as(output + ": largest difference in grey levels").isZero();
  }

  /** {@code floor((u + 1) / 2 * levels)} over the key of the image. */
  private static Radiograph formula(String salt, JsonNode image) {
    int[] shape =
        IntStream.range(0, image.get("shape").size())
            .map(i -> image.get("shape").get(i).asInt())
            .toArray();
    int channels = shape.length == 3 ? shape[2] : 1;
    int levels = image.get("levels").asInt();
    int count = shape[0] * shape[1] * channels;
    long[] drawn =
        GoldenWeights.ids(
            salt, "input/preprocess/" + image.get("name").asString(), 0, levels, count);
    short[] words = new short[count];
    byte[] bytes = new byte[count];
    for (int i = 0; i < count; i++) {
      int value = (int) drawn[i];
      words[i] = (short) value;
      bytes[i] = (byte) value;
    }
    return Radiograph.of(
        image.get("name").asString(),
        levels > 256
            ? new Samples.Words(shape[1], shape[0], channels, words)
            : new Samples.Bytes(shape[1], shape[0], channels, bytes));
  }

  private static Path film(String name) {
    Path films = TestData.assumeRadiographs();
    assumeTrue(Files.exists(films.resolve(name)), () -> "no " + name + " in " + films);
    System.out.println("testdata: " + name);
    return films.resolve(name);
  }
}
