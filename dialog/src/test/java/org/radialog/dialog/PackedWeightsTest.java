package org.radialog.dialog;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.radialog.language.Precision;
import org.radialog.published.ModelConfig;
import org.radialog.published.ModelFolder;
import org.radialog.testmodel.TinyModel;

/** What a cache of packed weights gives is the model files, or is made anew. */
@Timeout(240)
class PackedWeightsTest {
  private static final Decoding SHORT = Decoding.greedy(24);

  @TempDir private Path cache = Path.of("");

  private static String report(Path model, Options options) {
    try (RaDialog loaded = RaDialog.load(model, options);
        Dialog dialog = loaded.open(Study.of(TinyModel.film(1)))) {
      return dialog.report(SHORT, text -> {}).text();
    }
  }

  private static Path packed(Path folder, Precision precision) throws IOException {
    try (Stream<Path> all = Files.list(folder)) {
      return all.filter(f -> f.getFileName().toString().startsWith("tiny-" + precision.label()))
          .findFirst()
          .orElseThrow();
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"INT8", "BF16"})
  void aDamagedFileIsMadeAnewAndTheAnswerIsNeverAnother(Precision precision) throws IOException {
    Options options = Options.DEFAULT.with(precision).withCache(cache);
    String expected = report(TinyModel.folder(), Options.DEFAULT.with(precision));
    assertThat(report(TinyModel.folder(), options)).isEqualTo(expected);
    Path file = packed(cache, precision);
    byte[] whole = Files.readAllBytes(file);
    byte[] zeroed = whole.clone(); // as a power cut does
    Arrays.fill(zeroed, whole.length / 2, whole.length, (byte) 0);
    Files.write(file, zeroed);
    assertThat(check(options).holds()).isFalse();
    assertThat(check(options).detail()).contains(file.toString(), "damaged");
    assertThat(report(TinyModel.folder(), options)).isEqualTo(expected);
    assertThat(file).hasBinaryContent(whole);
    byte[] flipped = whole.clone();
    flipped[whole.length * 2 / 3] ^= 0x40;
    Files.write(file, flipped);
    assertThat(report(TinyModel.folder(), options)).isEqualTo(expected);
    assertThat(file).hasBinaryContent(whole);
    assertThat(check(options).holds()).isTrue();
    assertThat(check(options).detail()).contains("the model files");
  }

  private static Verification.Check check(Options options) {
    return RaDialog.verify(TinyModel.folder(), options).checks().stream()
        .filter(check -> check.name().equals("packed weights"))
        .findFirst()
        .orElseThrow();
  }

  @Test
  void aFolderThatClaimsTheDigestsOfAnotherDoesNotFillItsPlace(@TempDir Path forged)
      throws IOException {
    Options options = Options.DEFAULT.with(Precision.INT8).withCache(cache);
    String expected = report(TinyModel.folder(), Options.DEFAULT.with(Precision.INT8));
    copy(TinyModel.folder(), forged);
    byte[] trained = Files.readAllBytes(forged.resolve(ModelConfig.TRAINED));
    for (int i = trained.length / 2; i < trained.length; i += 4) {
      trained[i + 3] ^= (byte) 0x80; // other signs
    }
    Files.write(forged.resolve(ModelConfig.TRAINED), trained);
    assertThat(ModelFolder.open(forged).config())
        .isEqualTo(ModelFolder.open(TinyModel.folder()).config());
    assertThat(report(forged, options)).isNotEqualTo(expected);
    assertThat(report(TinyModel.folder(), options)).isEqualTo(expected);
  }

  @Test
  void filesThatChangeInTheirPlaceAreReadAgain(@TempDir Path model) throws Exception {
    copy(TinyModel.folder(), model);
    Thread.sleep(2100); // so that the digests of the files may be remembered
    Options options = Options.DEFAULT.with(Precision.INT8).withCache(cache);
    String before = report(model, options);
    try (Stream<Path> all = Files.list(cache)) {
      assertThat(all.filter(f -> f.getFileName().toString().startsWith("digest-"))).hasSize(2);
    }
    assertThat(report(model, options)).isEqualTo(before);
    Path base = model.resolve("base.gguf");
    var written = Files.getLastModifiedTime(base);
    byte[] weights = Files.readAllBytes(base);
    for (int i = weights.length * 3 / 4; i < weights.length; i += 4) {
      weights[i / 4 * 4 + 3] ^= (byte) 0x80;
    }
    Files.write(base, weights);
    Files.setLastModifiedTime(base, written); // of the same size and time
    String after = report(model, options);
    assertThat(after).isNotEqualTo(before);
    assertThat(after).isEqualTo(report(model, Options.DEFAULT.with(Precision.INT8)));
  }

  @Test
  void theStrengthOfTheAdapterIsAPartOfWhatIsKept(@TempDir Path weaker) throws IOException {
    Options options = Options.DEFAULT.with(Precision.INT8).withCache(cache);
    copy(TinyModel.folder(), weaker);
    Path config = weaker.resolve(ModelConfig.FILE);
    String text = Files.readString(config);
    assertThat(text).contains("\"alpha\" : 4.0");
    Files.writeString(config, text.replace("\"alpha\" : 4.0", "\"alpha\" : 200.0"));
    String expected = report(weaker, Options.DEFAULT.with(Precision.INT8));
    assertThat(report(TinyModel.folder(), options)).isNotEqualTo(expected);
    assertThat(report(weaker, options)).isEqualTo(expected);
  }

  @Test
  void whatKilledPackingsLeftIsSwept() throws IOException {
    Path left = cache.resolve(".tiny-int8.packed" + UUID.randomUUID() + ".tmp");
    Files.write(left, new byte[1 << 20]);
    report(TinyModel.folder(), Options.DEFAULT.with(Precision.INT8).withCache(cache));
    assertThat(left).doesNotExist();
  }

  @Test
  void aCacheThatIsFullOrReadOnlyMakesAStartSlowerAndNoMore(@TempDir Path place) throws Exception {
    Process mount =
        new ProcessBuilder("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", place.toString())
            .redirectErrorStream(true)
            .start();
    mount.getInputStream().transferTo(OutputStream.nullOutputStream());
    assumeTrue(
        mount.waitFor(10, TimeUnit.SECONDS) && mount.exitValue() == 0,
        "needs a Linux and a user who may mount a tmpfs");
    try {
      for (Precision precision : List.of(Precision.INT8, Precision.BF16)) {
        Options plain = Options.DEFAULT.with(precision);
        String expected = report(TinyModel.folder(), plain);
        assertThat(report(TinyModel.folder(), plain.withCache(place))).isEqualTo(expected);
        Files.write(place.resolve("full-" + precision), new byte[16 << 10]);
        assertThat(report(TinyModel.folder(), plain.withCache(place))).isEqualTo(expected);
        try (Stream<Path> all = Files.list(place)) {
          assertThat(all.filter(f -> f.toString().endsWith(".tmp"))).isEmpty();
        }
      }
    } finally {
      new ProcessBuilder("umount", "-l", place.toString()).start().waitFor();
    }
  }

  @Test
  void aCacheThatCannotBeMadeMakesAStartSlowerAndNoMore() throws IOException {
    Path file = Files.writeString(cache.resolve("a-file"), "not a folder");
    Options plain = Options.DEFAULT.with(Precision.INT8);
    assertThat(report(TinyModel.folder(), plain.withCache(file.resolve("cache"))))
        .isEqualTo(report(TinyModel.folder(), plain));
  }

  private static void copy(Path from, Path to) throws IOException {
    try (Stream<Path> all = Files.list(from)) {
      for (Path file : all.toList()) {
        Files.copy(file, to.resolve(file.getFileName()));
      }
    }
  }
}
