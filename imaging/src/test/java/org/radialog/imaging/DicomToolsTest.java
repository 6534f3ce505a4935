package org.radialog.imaging;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.radialog.codecs.ImageRefused;
import org.radialog.testing.TestData;

/**
 * Pixels equal those of dcmtk and gdcm, exactly where a coding is lossless and within 1 where it is
 * not. Without these tools on the PATH the tests are skipped by name, unless {@code
 * -Dradialog.tools=required}.
 */
class DicomToolsTest {
  @TempDir Path folder;

  /** Lossless ones must give the original, whichever tool wrote them. */
  static Stream<List<String>> losslessCodings() {
    List<String> codings =
        new ArrayList<>(
            List.of(
                "dcmcjpeg +e1",
                "gdcmconv --jpeg",
                "dcmcjpls +el",
                "dcmcjpls +el +t1 4 +t2 8 +t3 21 +rs 33",
                "gdcmconv --jpegls",
                "gdcmconv --j2k",
                "dcmcrle",
                "gdcmconv --rle",
                "dcmconv +td"));
    for (int predictor = 1; predictor <= 7; predictor++) {
      codings.add("dcmcjpeg +el +sv " + predictor);
    }
    return Stream.of("8", "10i", "12", "12s", "16", "16s")
        .flatMap(depth -> codings.stream().map(coding -> List.of(depth, coding)));
  }

  @ParameterizedTest
  @MethodSource("losslessCodings")
  void losslessCodingsGiveTheOriginal(List<String> depthAndCoding) {
    Path plain = plain(depthAndCoding.getFirst());
    Path coded = run(depthAndCoding.getLast(), plain, "coded.dcm");

    assertThat(difference(coded, plain)).isZero();
  }

  @ParameterizedTest
  @CsvSource({
    "8, dcmcjpeg +eb, dcmdjpeg",
    "8, dcmcjpeg +eb +q 30, dcmdjpeg",
    "8, dcmcjpeg +ee, dcmdjpeg",
    "8, gdcmconv --jpeg --lossy -q 60, gdcmconv --raw",
    "12, dcmcjpeg +ee, dcmdjpeg",
    "12, dcmcjpeg +ee +q 40, gdcmconv --raw",
    "10i, dcmcjpeg +ee +q 70, dcmdjpeg",
    "8, dcmcjpls +en +md 2, dcmdjpls",
    "10i, dcmcjpls +en +md 3, gdcmconv --raw",
    "12, dcmcjpls +en +md 5, dcmdjpls",
    "16, dcmcjpls +en +md 9, gdcmconv --raw",
    "8, gdcmconv --jpegls --lossy -e 3, dcmdjpls",
    "8, gdcmconv --j2k --lossy -q 60, gdcmconv --raw",
    "12, gdcmconv --j2k --lossy -r 8, gdcmconv --raw",
    "10i, gdcmconv --j2k --lossy -r 5, gdcmconv --raw",
    "16, gdcmconv --j2k --lossy -r 12, gdcmconv --raw",
    "12s, gdcmconv --j2k --lossy -r 5, gdcmconv --raw",
    "16s, gdcmconv --j2k --lossy -r 5, gdcmconv --raw",
    "12, gdcmconv --j2k --tile 20 -n 3, gdcmconv --raw",
  })
  void lossyCodingsAreWithinOneOfTheToolsDecoding(String depth, String encode, String decode) {
    Path coded = run(encode, plain(depth), "coded.dcm");
    Path decoded = run(decode, coded, "decoded.dcm");

    assertThat(difference(coded, decoded)).isLessThanOrEqualTo(1);
  }

  /** What is refused with `gdcmconv --raw` as the way out: the way leads out. */
  @ParameterizedTest
  @CsvSource({
    "progressive-jpeg-8.dcm, 1.2.840.10008.1.2.4.55",
    "jpeg-16-bit-dct-12.dcm, ''",
    "progressive-as-baseline-8.dcm, ''",
    "jpeg2000-roi-12.dcm, ''",
  })
  void theHintOfARefusalWorks(String name, String syntax) throws IOException {
    Path refused = Files.write(folder.resolve(name), CompressedFiles.bytes(name));
    assertThat(catchThrowable(() -> Radiograph.read(refused)))
        .isInstanceOf(ImageRefused.class)
        .hasMessageContaining(syntax)
        .hasMessageContaining("`gdcmconv --raw IN OUT`");

    Path converted = run("gdcmconv --raw", refused, "converted.dcm");
    assertThat(Radiograph.read(converted).width()).isEqualTo(53);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "RG1_J2KI",
        "wg04-RG2_J2KR",
        "wg04-RG2_JPLL",
        "wg04-RG2_RLE",
        "CR-MONO1-10-chest",
      })
  void realFilmsAreAsGdcmDecodesThem(String name) {
    isAsGdcmDecodesIt(TestData.assumeFolder().resolve("data/dicom").resolve(name + ".dcm"));
  }

  /** Those files of pydicom's wheel that are grey, of one frame and compressed. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "693_J2KI",
        "J2K_pixelrep_mismatch",
        "JPEG-lossy",
        "JPEG2000",
        "JPEGLSNearLossless_08",
        "JPEGLSNearLossless_16",
        "JPGExtended",
        "MR_small_RLE",
        "MR_small_jp2klossless",
        "MR_small_jpeg_ls_lossless",
        "image_dfl",
      })
  void filesOfPydicomAreAsGdcmDecodesThem(String name) {
    String wheel = System.getProperty("radialog.pydicom", "");
    assumeTrue(!wheel.isEmpty(), "needs -Dradialog.pydicom=DIR, pydicom's data/test_files");
    isAsGdcmDecodesIt(Path.of(wheel, name + ".dcm"));
  }

  private void isAsGdcmDecodesIt(Path file) {
    Path decoded = run("gdcmconv --raw", file, "decoded.dcm");

    assertThat(difference(file, decoded)).isLessThanOrEqualTo(1);
  }

  private Path plain(String depth) {
    assumeTools();
    try {
      return Files.write(
          folder.resolve("plain.dcm"), CompressedFiles.bytes("plain-" + depth + ".dcm"));
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static int difference(Path coded, Path plain) {
    return CompressedDicomTest.greatestDifference(
        Radiograph.read(coded).samples(), Radiograph.read(plain).samples());
  }

  private Path run(String tool, Path in, String out) {
    assumeTools();
    Path result = folder.resolve(out);
    List<String> command = new ArrayList<>(Arrays.asList(tool.split(" ", -1)));
    command.add(in.toString());
    command.add(result.toString());
    try {
      Path log = folder.resolve("log");
      int status =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(log.toFile())
              .start()
              .waitFor();
      assertThat(status).as("%s: %s", command, Files.readString(log)).isZero();
      return result;
    } catch (IOException | InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  private static void assumeTools() {
    for (String tool : List.of("dcmcjpeg", "dcmdjpeg", "dcmcjpls", "dcmcrle", "gdcmconv")) {
      boolean found =
          Arrays.stream(System.getenv("PATH").split(File.pathSeparator, -1))
              .anyMatch(place -> Files.isExecutable(Path.of(place, tool)));
      if (System.getProperty("radialog.tools", "").equals("required")) {
        assertThat(found).as("%s of dcmtk or gdcm is on the PATH", tool).isTrue();
      }
      assumeTrue(found, "needs " + tool + " of dcmtk or gdcm on the PATH");
    }
  }
}
