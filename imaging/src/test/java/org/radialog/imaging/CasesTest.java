package org.radialog.imaging;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.radialog.codecs.ImageRefused;

/** Files that other readers take: a model sees the same grey levels as of a plain file. */
class CasesTest {
  private static final Preprocessing CHAIN = new Preprocessing(128, 112, DicomRecipe.VOI);

  static Stream<Path> dicom() {
    return Stream.of(
            "dicom-bits",
            "dicom-excess-padding",
            "dicom-headers",
            "dicom-lenient-elements",
            "dicom-lenient-elements-2",
            "dicom-meta-implicit",
            "dicom-sequences",
            "dicom-syntax-misdeclared",
            "dicom-voilut-depth")
        .flatMap(folder -> Cases.files(folder).stream())
        .filter(file -> file.toString().endsWith(".dcm"));
  }

  @ParameterizedTest
  @MethodSource("dicom")
  void anOddDicomFileIsSeenAsItsPlainPicture(Path file) {
    assertSeenAlike(file, Cases.file("dicom-bits/ref8.png"), 1);
  }

  @ParameterizedTest
  @ValueSource(strings = {"jpeg-harmless-warnings", "jpeg-icc", "jpeg-no-jfif"})
  void anOddJpegIsSeenAsItsPlainPicture(String folder) {
    for (Path file : Cases.files(folder)) {
      if (!file.endsWith("j31b_trunc90_EOI.jpg")) {
        assertSeenAlike(file, Cases.file(folder + "/refj.jpg"), 0);
      }
    }
  }

  @Test
  void aPngIsSeenAsItsSamplesStandWhateverItsOtherChunksSay() {
    for (Path file : Cases.files("png-variants")) {
      assertSeenAlike(file, Cases.file("png-variants/ref8.png"), 0);
    }
  }

  @Test
  void aVoiLutShowsTheSameWhateverDepthItsDescriptorSays() {
    Radiograph right = Radiograph.read(Cases.file("dicom-voilut-depth/d42_voilut12.dcm"));
    Radiograph wrong = Radiograph.read(Cases.file("dicom-voilut-depth/d43_voilut_agfa16.dcm"));

    assertThat(wrong.display()).isEqualTo(right.display());
    assertThat(CHAIN.bytes(wrong)).isEqualTo(CHAIN.bytes(right));
  }

  @ParameterizedTest
  @CsvSource({
    "dicom-refusals/d27_allpadding.dcm, CONSTANT, all pixels are equal",
    "dicom-refusals/d77_lies_uncompressed.dcm, CORRUPT, the pixel data are encapsulated",
    "dicom-refusals/d78_nopixels.dcm, TRUNCATED, without pixel data",
    "jpeg-harmless-warnings/j31b_trunc90_EOI.jpg, CORRUPT, premature end of data",
  })
  void whatHasNoWholePictureIsRefused(String name, ImageRefused.Reason reason, String message) {
    assertThatThrownBy(() -> Guard.STRICT.check(Radiograph.read(Cases.file(name)), DicomRecipe.VOI))
        .isInstanceOfSatisfying(ImageRefused.class, e -> assertThat(e.reason()).isEqualTo(reason))
        .hasMessageContaining(message);
  }

  private static void assertSeenAlike(Path file, Path plain, int tolerance) {
    byte[] expected = CHAIN.bytes(Radiograph.read(plain));
    byte[] seen = CHAIN.bytes(Radiograph.read(file));
    int worst = 0;
    for (int i = 0; i < seen.length; i++) {
      worst = Math.max(worst, Math.abs((seen[i] & 0xFF) - (expected[i] & 0xFF)));
    }
    assertThat(worst).as(file.toString()).isLessThanOrEqualTo(tolerance);
  }
}
