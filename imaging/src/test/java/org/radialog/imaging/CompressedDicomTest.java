package org.radialog.imaging;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.zip.Deflater;
import java.util.zip.DeflaterOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.radialog.codecs.ImageRefused;
import org.radialog.codecs.Samples;
import org.radialog.testing.TestData;

/** Compressed DICOM gives the pixels of the plain file, whole, or is refused. */
class CompressedDicomTest {
  private static final String BASELINE = "1.2.840.10008.1.2.4.50";
  private static final String LOSSLESS = "1.2.840.10008.1.2.4.57";
  private static final String RLE = "1.2.840.10008.1.2.5";
  private static final String DEFLATED = "1.2.840.10008.1.2.1.99";

  static List<CompressedFiles.Case> files() {
    return CompressedFiles.all();
  }

  @ParameterizedTest
  @MethodSource("files")
  void everyCodingGivesTheStoredValuesOfThePlainFile(CompressedFiles.Case file) {
    Samples coded = read(file.bytes());
    Samples plain = read(CompressedFiles.bytes(file.plain()));

    assertThat(coded.width()).isEqualTo(53);
    assertThat(coded.height()).isEqualTo(48);
    assertThat(greatestDifference(coded, plain)).isLessThanOrEqualTo(file.tolerance());
  }

  /** A public kind of file: JPEG baseline, against the same film as a PNG. */
  @Test
  void aFilmInJpegBaselineIsTheSameAsItsPng() throws IOException {
    byte[] dicom = resource("/cases/dicom-refusals/d76_jpegbaseline.dcm");
    byte[] png = resource("/cases/dicom-bits/ref8.png");
    byte[] coded = Radiograph.decode("d76", dicom, Limits.DEFAULT).levels(DicomRecipe.VOI);
    byte[] plain = Radiograph.decode("ref8", png, Limits.DEFAULT).levels(DicomRecipe.VOI);

    assertThat(coded).hasSameSizeAs(plain);
    for (int i = 0; i < plain.length; i++) {
      assertThat(Math.abs((coded[i] & 0xFF) - (plain[i] & 0xFF))).isLessThanOrEqualTo(2);
    }
  }

  private static byte[] resource(String name) throws IOException {
    try (InputStream in = CompressedDicomTest.class.getResourceAsStream(name)) {
      return in.readAllBytes();
    }
  }

  @Test
  void aFrameMayBeSplitOverFragmentsAndItsOffsetTableBeWrong() {
    byte[] frame = frame("jpeg-ls-12.dcm");
    int half = frame.length / 4 * 2;
    byte[] first = Arrays.copyOf(frame, half);
    byte[] second = Arrays.copyOfRange(frame, half, frame.length);
    DicomBytes file =
        DicomBytes.part10("1.2.840.10008.1.2.4.80")
            .shape(48, 53, 16, 12, false)
            .header(0x7FE0_0010, "OB", -1)
            .header(0xFFFE_E000, "", 8)
            .raw(new byte[] {9, 0, 0, 0, -1, -1, 0, 0})
            .header(0xFFFE_E000, "", first.length)
            .raw(first)
            .header(0xFFFE_E000, "", 0)
            .header(0xFFFE_E000, "", second.length)
            .raw(second)
            .header(0xFFFE_E0DD, "", 0);

    assertThat(values(file.read().samples())).isEqualTo(values(read("plain-12.dcm")));
  }

  @Test
  void aSecondPictureOrFrameIsNamed() {
    byte[] frame = frame("jpeg-sv1-12.dcm");
    DicomBytes file =
        DicomBytes.part10(LOSSLESS).shape(48, 53, 16, 12, false).fragments(frame, frame);

    assertRefused(file, ImageRefused.Reason.CORRUPT, "a second picture");
  }

  @Test
  void theCodestreamTellsWhatItIsWhereTheSyntaxNamesARelatedOne() {
    DicomBytes file =
        DicomBytes.part10(BASELINE)
            .shape(48, 53, 16, 12, false)
            .fragments(frame("jpeg2000-12.dcm"));

    assertThat(values(file.read().samples())).isEqualTo(values(read("plain-12.dcm")));
    assertRefused(
        DicomBytes.part10(BASELINE).shape(48, 53, 16, 12, false).fragments(new byte[] {1, 2, 3, 4}),
        ImageRefused.Reason.CORRUPT,
        "JPEG Baseline (Process 1) (1.2.840.10008.1.2.4.50), the pixel data begin with the bytes 01"
            + " 02 03 04");
  }

  @Test
  void aCodestreamInTheBoxesOfAJp2FileIsRead() throws IOException {
    byte[] frame = frame("jpeg2000-12.dcm");
    var boxes = new ByteArrayOutputStream();
    boxes.write(new byte[] {0, 0, 0, 12, 'j', 'P', ' ', ' ', 13, 10, (byte) 0x87, 10});
    boxes.write(ByteBuffer.allocate(8).putInt(8).put(new byte[] {'f', 't', 'y', 'p'}).array());
    boxes.write(
        ByteBuffer.allocate(8)
            .putInt(frame.length + 8)
            .put(new byte[] {'j', 'p', '2', 'c'})
            .array());
    boxes.write(frame);
    DicomBytes file =
        DicomBytes.part10("1.2.840.10008.1.2.4.90")
            .shape(48, 53, 16, 12, false)
            .fragments(boxes.toByteArray());

    assertThat(values(file.read().samples())).isEqualTo(values(read("plain-12.dcm")));
  }

  @Test
  void encapsulatedPlainPixelsAreRead() {
    DicomBytes file =
        DicomBytes.part10("1.2.840.10008.1.2.1.98")
            .shape(1, 3, 16, 12, false)
            .fragments(new byte[] {1, 0, 2, 1}, new byte[] {(byte) 255, 15});

    assertThat(values(file.read().samples())).containsExactly(1, 258, 4095);
  }

  @ParameterizedTest
  @CsvSource({
    "jpeg-sv1-12.dcm, 1.2.840.10008.1.2.4.70",
    "jpeg-baseline-8.dcm, 1.2.840.10008.1.2.4.50",
    "jpeg-ls-12.dcm, 1.2.840.10008.1.2.4.80",
    "jpeg2000-12.dcm, 1.2.840.10008.1.2.4.90",
    "rle-16.dcm, 1.2.840.10008.1.2.5",
  })
  void aFrameOfAnotherSizeOrCutAnywhereIsRefused(String name, String syntax) {
    byte[] frame = frame(name);
    boolean eight = name.contains("-8.");
    int stored = eight ? 8 : name.contains("16") ? 16 : 12;
    for (int[] size : new int[][] {{47, 53}, {48, 52}, {53, 49}, {96, 53}}) {
      assertThatThrownBy(() ->
              DicomBytes.part10(syntax)
                  .shape(size[0], size[1], eight ? 8 : 16, stored, false)
                  .fragments(frame)
                  .read())
          .as("%d×%d", size[1], size[0])
          .isInstanceOf(ImageRefused.class);
    }
    int whole = frame.length - (frame[frame.length - 1] == 0 ? 2 : 1); // a last zero may be padding
    for (int length = 0; length < whole; length += length < 300 || length > whole - 60 ? 1 : 97) {
      byte[] part = Arrays.copyOf(frame, length);
      DicomBytes file = DicomBytes.part10(syntax).shape(48, 53, eight ? 8 : 16, stored, false);
      assertThatThrownBy(() -> file.fragments(part).read())
          .as("%s, first %d of %d bytes", name, length, frame.length)
          .isInstanceOf(ImageRefused.class);
    }
  }

  @Test
  void contradictionsBetweenHeaderAndCodestreamAreRefused() {
    byte[] twelve = frame("jpeg-sv1-12.dcm");
    assertRefused(
        DicomBytes.part10(LOSSLESS).shape(48, 53, 8, 8, false).fragments(twelve),
        ImageRefused.Reason.CORRUPT,
        "the codestream has 16 bits per sample, the DICOM header says 8 of 8 allocated");
    assertRefused(
        DicomBytes.part10(LOSSLESS)
            .shape(48, 53, 16, 16, true)
            .fragments(frame("jpeg-baseline-8.dcm")),
        ImageRefused.Reason.CORRUPT,
        "the codestream has 8 bits per sample, the DICOM header says 16 of 16 allocated, signed");
    assertRefused(
        DicomBytes.part10(LOSSLESS).shape(48, 53, 16, 12, false).pixels(1, 2),
        ImageRefused.Reason.CORRUPT,
        "not encapsulated although the transfer syntax says JPEG Lossless");
    assertRefused(
        DicomBytes.part10(RLE).shape(48, 53, 8, 8, false).fragments(frame("rle-16.dcm")),
        ImageRefused.Reason.CORRUPT,
        "has 2 segments, grey of 8 bits allocated has 1");
  }

  @Test
  void bitsBesideTheStoredOnesAreNoiseInAnExactCodingToo() {
    // As true lossless coders keep them: overlays and filled-up signs in the high bits of a cell.
    int[] cells = {0xF012, 0x0FFF, 0x8800, 0x0000};
    byte[] stream = LosslessJpeg.of(4, 1, 16).encode(cells);

    assertThat(
            values(
                DicomBytes.part10(LOSSLESS)
                    .shape(1, 4, 16, 12, false)
                    .fragments(stream)
                    .read()
                    .samples()))
        .containsExactly(0x012, 0xFFF, 0x800, 0);
  }

  /** Every depth of T.81's lossless process, with what else its streams may hold. */
  @ParameterizedTest
  @ValueSource(ints = {2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16})
  void losslessJpegOfEveryDepthIsExact(int bits) {
    var random = new Random(bits);
    for (int predictor = 1; predictor <= 7; predictor++) {
      int[] values = random.ints(7 * 11, 0, 1 << bits).toArray();
      for (int restart : new int[] {0, 7, 21}) {
        var encoder = LosslessJpeg.of(7, 11, bits).predictor(predictor).restart(restart);

        assertThat(decoded(encoder.encode(values), 7, 11, bits))
            .as("predictor %d, restart %d", predictor, restart)
            .isEqualTo(values);
      }
    }
  }

  @Test
  void fillBytesAndALateNumberOfLinesAreRead() {
    int[] values = new Random(3).ints(7 * 11, 0, 4096).toArray();

    assertThat(decoded(LosslessJpeg.of(7, 11, 12).fill(5).restart(14).encode(values), 7, 11, 12))
        .isEqualTo(values);
    assertThat(decoded(LosslessJpeg.of(7, 11, 12).linesLater(11).encode(values), 7, 11, 12))
        .isEqualTo(values);
    assertThatThrownBy(
            () -> decoded(LosslessJpeg.of(7, 11, 12).linesLater(10).encode(values), 7, 11, 12))
        .isInstanceOf(ImageRefused.class)
        .hasMessageContaining("has 10 lines, the DICOM header says 11");
  }

  @Test
  void aPointTransformGivesBackItsBits() {
    int[] values = new Random(4).ints(7 * 11, 0, 1024).map(v -> v << 2).toArray();

    assertThat(decoded(LosslessJpeg.of(7, 11, 12).shift(2).encode(values), 7, 11, 12))
        .isEqualTo(values);
  }

  @Test
  void aRestartMarkerThatIsMissingOrOutOfTurnIsRefused() {
    int[] values = new Random(3).ints(7 * 11, 0, 4096).toArray();
    byte[] stream = LosslessJpeg.of(7, 11, 12).restart(21).encode(values);
    for (int at = 0; at + 1 < stream.length; at++) {
      if (stream[at] == -1 && stream[at + 1] == (byte) 0xD1) {
        byte[] wrong = stream.clone();
        wrong[at + 1] = (byte) 0xD2;
        assertThatThrownBy(() -> decoded(wrong, 7, 11, 12))
            .hasMessageContaining("expected restart marker FFD1");
        byte[] gone = new byte[stream.length - 2];
        System.arraycopy(stream, 0, gone, 0, at);
        System.arraycopy(stream, at + 2, gone, at, gone.length - at);
        assertThatThrownBy(() -> decoded(gone, 7, 11, 12)).isInstanceOf(ImageRefused.class);
        return;
      }
    }
    throw new AssertionError("no restart marker was written");
  }

  @Test
  void colourAndProcessesThatAreNotReadAreNamed() {
    byte[] stream = LosslessJpeg.of(2, 2, 8).encode(new int[4]);
    int frame = 2;
    assertThat(stream[frame + 1]).isEqualTo((byte) 0xC3);
    byte[] progressive = stream.clone();
    progressive[frame + 1] = (byte) 0xC2;
    assertThatThrownBy(() -> decoded(progressive, 2, 2, 8))
        .hasMessageContaining("process progressive (SOF2)")
        .hasMessageContaining("`gdcmconv --raw IN OUT`");
    byte[] colour = stream.clone();
    colour[frame + 9] = 3;
    assertThatThrownBy(() -> decoded(colour, 2, 2, 8)).hasMessageContaining("has 3 components");
    assertThatThrownBy(() -> read("ht-jpeg2000-12.dcm"))
        .hasMessageContaining("High-Throughput JPEG 2000 (1.2.840.10008.1.2.4.201)")
        .hasMessageContaining("pylibjpeg-openjpeg");
    assertThatThrownBy(() ->
            DicomBytes.part10("1.2.840.10008.1.2.4.90")
                .shape(48, 53, 16, 12, false)
                .fragments(frame("ht-jpeg2000-12.dcm"))
                .read())
        .hasMessageContaining("the frame is High-Throughput JPEG 2000");
    assertRefused(
        DicomBytes.part10(BASELINE).shape("YBR_FULL_422", 2, 2, 8, 8, 7, false).fragments(stream),
        ImageRefused.Reason.UNSUPPORTED,
        "photometric interpretation YBR_FULL_422");
  }

  @Test
  void anEncapsulatedIconIsSteppedOver() {
    DicomBytes file = DicomBytes.part10(LOSSLESS);
    DicomBytes icon = file.item().shape(1, 1, 8, 8, false).fragments(new byte[] {1, 2});
    file.sequence(0x0008_8000, true, icon) // in place of the icon's own tag, whose group follows
        .shape(2, 2, 8, 8, false)
        .fragments(LosslessJpeg.of(2, 2, 8).encode(new int[] {1, 2, 3, 4}));

    assertThat(values(file.read().samples())).containsExactly(1, 2, 3, 4);
  }

  @Test
  void aDeflatedDataSetIsBoundedBeforeItIsHeld() {
    byte[] zeros = new byte[40 << 20];
    byte[] bomb = deflated(zeros);
    assertThat(bomb.length).isLessThan(100_000);

    assertThatThrownBy(() -> Radiograph.decode("bomb", bomb, new Limits(1000, 16 << 20)))
        .isInstanceOfSatisfying(
            ImageRefused.class,
            e -> assertThat(e.reason()).isEqualTo(ImageRefused.Reason.TOO_LARGE))
        .hasMessageContaining("more than 16 MiB");
    assertThatThrownBy(
            () -> Radiograph.decode("cut", Arrays.copyOf(bomb, bomb.length - 9), Limits.DEFAULT))
        .isInstanceOfSatisfying(
            ImageRefused.class,
            e -> assertThat(e.reason()).isEqualTo(ImageRefused.Reason.TRUNCATED));
  }

  @Test
  void aLongRunOfRleIsReadAndOneThatIsTooLongRefused() {
    // 300 bytes: runs of 128, 128 and 44, the last one byte of literal.
    byte[] segment = {-127, 7, -128, -127, 7, -43 + 1, 7, 0, 9};
    ByteBuffer frame = ByteBuffer.allocate(64 + segment.length + 1).order(ByteOrder.LITTLE_ENDIAN);
    frame.putInt(1).putInt(64).position(64).put(segment);
    byte[] bytes = frame.array();

    int[] values =
        values(DicomBytes.part10(RLE).shape(10, 30, 8, 8, false).fragments(bytes).read().samples());
    assertThat(values[0]).isEqualTo(7);
    assertThat(values[298]).isEqualTo(7);
    assertThat(values[299]).isEqualTo(9);
    assertRefused(
        DicomBytes.part10(RLE).shape(10, 29, 8, 8, false).fragments(bytes),
        ImageRefused.Reason.CORRUPT,
        "more than the 290 bytes");
    assertRefused(
        DicomBytes.part10(RLE).shape(10, 31, 8, 8, false).fragments(bytes),
        ImageRefused.Reason.TRUNCATED,
        "of 310 bytes");
  }

  @Test
  void aRealFilmIsTheSameInEveryCodingThatItCameIn() {
    Path folder = TestData.assumeFolder().resolve("data/dicom");
    int[] plain = values(Radiograph.read(folder.resolve("wg04-RG2_UNC.dcm")).samples());
    for (String coding : List.of("RLE", "J2KR", "JPLL")) {
      assertThat(values(Radiograph.read(folder.resolve("wg04-RG2_" + coding + ".dcm")).samples()))
          .as(coding)
          .isEqualTo(plain);
    }
    Radiograph chest = Radiograph.read(folder.resolve("RG1_J2KI.dcm"));
    int[] values = values(chest.samples());
    assertThat(chest.width()).isEqualTo(1841);
    assertThat(Arrays.stream(values).min().orElseThrow()).isBetween(802, 804);
    assertThat(Arrays.stream(values).max().orElseThrow()).isBetween(26_511, 26_513);
    assertThat(Guard.STRICT.check(chest, DicomRecipe.VOI)).isEmpty();
  }

  // ---- What the tests are made of ----

  private static void assertRefused(DicomBytes file, ImageRefused.Reason reason, String message) {
    assertThatThrownBy(file::read)
        .isInstanceOfSatisfying(ImageRefused.class, e -> assertThat(e.reason()).isEqualTo(reason))
        .hasMessageContaining(message);
  }

  private static int[] decoded(byte[] stream, int columns, int rows, int bits) {
    return values(
        DicomBytes.part10(LOSSLESS)
            .shape(rows, columns, bits <= 8 ? 8 : 16, bits, false)
            .fragments(stream)
            .read()
            .samples());
  }

  private static Samples read(String name) {
    return read(CompressedFiles.bytes(name));
  }

  private static Samples read(byte[] file) {
    return Radiograph.decode("made.dcm", file, Limits.DEFAULT).samples();
  }

  static int greatestDifference(Samples one, Samples other) {
    assertThat(one.width()).isEqualTo(other.width());
    assertThat(one.height()).isEqualTo(other.height());
    return IntStream.range(0, one.width() * one.height())
        .map(i -> Math.abs(one.at(i) - other.at(i)))
        .max()
        .orElseThrow();
  }

  private static int[] values(Samples samples) {
    return IntStream.range(0, samples.width() * samples.height()).map(samples::at).toArray();
  }

  /** The frame of a file with one fragment, which is its last element. */
  private static byte[] frame(String name) {
    byte[] file = CompressedFiles.bytes(name);
    ByteBuffer in = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
    for (int at = file.length - 8; ; at--) {
      // An item whose length reaches to the delimiter, with its offset table before it.
      if (at < 8) {
        throw new AssertionError(name + " has no fragment");
      }
      if (in.getInt(at) == 0xE000_FFFE && in.getInt(at + 4) == file.length - 8 - (at + 8)) {
        return Arrays.copyOfRange(file, at + 8, file.length - 8);
      }
    }
  }

  private static byte[] deflated(byte[] set) {
    var out = new ByteArrayOutputStream();
    out.writeBytes(new byte[128]);
    out.writeBytes("DICM".getBytes(java.nio.charset.StandardCharsets.US_ASCII));
    out.writeBytes(DicomBytes.bare(true).item().element(0x0002_0010, "UI", DEFLATED).bytes());
    try (var deflater =
        new DeflaterOutputStream(out, new Deflater(Deflater.BEST_COMPRESSION, true))) {
      deflater.write(set);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
    return out.toByteArray();
  }
}
