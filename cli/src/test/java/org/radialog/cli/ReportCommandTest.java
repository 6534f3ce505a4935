package org.radialog.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.zip.CRC32;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.radialog.clinical.Finding;
import org.radialog.published.ModelFolder;
import tools.jackson.databind.JsonNode;

class ReportCommandTest {
  @TempDir private Path folder;

  @Test
  void printsFindingsThenTheReportThenTheNotice() {
    CommandLineRun run = CommandLineRun.of("report", CommandLineRun.sample("effusion.jpg"));
    assertThat(run.code()).isEqualTo(0);
    assertThat(run.out().indexOf("Findings")).isBetween(0, run.out().indexOf("Report"));
    assertThat(run.out())
        .contains(
            "Pleural Effusion",
            "Not assessed by this model (never trained): Enlarged Cardiomediastinum")
        .endsWith("For research use, not for diagnosis.\n");
    String report =
        run.out().substring(run.out().indexOf("Report\n") + 7).split("\n\n", 2)[0].strip();
    assertThat(report.split("\\s+")).hasSizeGreaterThanOrEqualTo(40);
  }

  @Test
  void jsonHasOneObjectAnImageInInputOrderWithAllItsFields() {
    CommandLineRun run =
        CommandLineRun.of(
            "report",
            "--json",
            "--impression",
            CommandLineRun.sample("effusion.jpg"),
            folder.resolve("missing.png").toString(),
            CommandLineRun.sample("no-finding.jpg"));
    assertThat(run.code()).isEqualTo(1);
    List<JsonNode> lines = run.json();
    assertThat(lines).hasSize(3);
    JsonNode first = lines.getFirst();
    assertThat(first.at("/image/path").asString()).isEqualTo(CommandLineRun.sample("effusion.jpg"));
    assertThat(first.at("/image/sha256").asString()).hasSize(64);
    assertThat(first.at("/image/width").asInt()).isEqualTo(512);
    assertThat(first.at("/model/id").asString()).isNotEmpty();
    assertThat(first.at("/model/precision").asString()).isNotEmpty();
    assertThat(first.at("/model/kernels").asString()).isNotEmpty();
    assertThat(first.at("/guard/accepted").asBoolean()).isTrue();
    assertThat(first.at("/findings").size()).isEqualTo(Finding.COUNT);
    assertThat(first.at("/report/warnings").isArray()).isTrue();
    for (JsonNode finding : first.at("/findings")) {
      boolean assessed = !finding.at("/state").asString().equals("not_assessed");
      assertThat(finding.has("probability")).isEqualTo(assessed);
    }
    assertThat(first.at("/report/findings").asString()).isNotBlank();
    assertThat(first.at("/report/impression").asString()).isNotBlank();
    assertThat(first.at("/usage/prompt_tokens").asInt()).isGreaterThan(32);
    assertThat(first.at("/usage/completion_tokens").asInt()).isGreaterThan(20);
    for (String time : List.of("load", "encode", "prefill", "first_token", "decode", "total")) {
      assertThat(first.at("/timings_ms/" + time).isNumber()).as(time).isTrue();
    }
    assertThat(first.at("/notice").asString()).contains("not for diagnosis");
    JsonNode failed = lines.get(1);
    assertThat(failed.has("error")).isTrue();
    assertThat(failed.has("findings")).isFalse();
    assertThat(failed.has("report")).isFalse();
    assertThat(lines.get(2).at("/report/findings").asString()).isNotBlank();
  }

  @Test
  void theSameCommandPrintsTheSameTextTwice() {
    String[] command = {"report", "--json", CommandLineRun.sample("cardiomegaly.jpg")};
    String once = CommandLineRun.of(command).json().getFirst().at("/report").toString();
    assertThat(CommandLineRun.of(command).json().getFirst().at("/report").toString())
        .isEqualTo(once);
  }

  @Test
  void anEditOfTheFindingsIsMarkedAndStated() {
    JsonNode line =
        CommandLineRun.of(
                "report",
                "--json",
                "--findings",
                "+pneumothorax",
                CommandLineRun.sample("no-finding.jpg"))
            .json()
            .getFirst();
    JsonNode pneumothorax = line.at("/findings").get(Finding.PNEUMOTHORAX.column());
    assertThat(pneumothorax.at("/state").asString()).isEqualTo("present");
    assertThat(pneumothorax.at("/edited").asBoolean()).isTrue();
    assertThat(line.at("/report/findings").asString().toLowerCase(java.util.Locale.ROOT))
        .contains("pneumothorax");
  }

  @Test
  void aFindingThatTheModelWasNeverTaughtIsStatedBesideTheReport() {
    JsonNode line =
        CommandLineRun.of(
                "report",
                "--json",
                "--findings",
                "+fracture",
                CommandLineRun.sample("no-finding.jpg"))
            .json()
            .getFirst();
    String without =
        CommandLineRun.of("report", "--json", CommandLineRun.sample("no-finding.jpg"))
            .json()
            .getFirst()
            .at("/report/findings")
            .asString();
    assertThat(line.at("/report/findings").asString()).isEqualTo(without + " There is a fracture.");
    assertThat(line.at("/findings").get(Finding.FRACTURE.column()).at("/state").asString())
        .isEqualTo("present");
    assertThat(line.at("/findings").get(Finding.NO_FINDING.column()).at("/state").asString())
        .isEqualTo("absent");
  }

  @Test
  void onWhatIsProbablyNoFrontalFilmNoTextIsWrittenWithoutForce() throws Exception {
    String hand =
        java.nio.file.Path.of(ReportCommandTest.class.getResource("/cases/view/hand.jpg").toURI())
            .toString();
    CommandLineRun report =
        CommandLineRun.of("report", "--json", hand, CommandLineRun.sample("no-finding.jpg"));
    assertThat(report.code()).isEqualTo(1);
    assertThat(report.errLines()).anyMatch(l -> l.contains("probably not a frontal chest film"));
    JsonNode refused = report.json().getFirst();
    assertThat(refused.at("/error/code").asString()).isEqualTo("probably_not_frontal");
    assertThat(refused.at("/guard/accepted").asBoolean()).isFalse();
    assertThat(refused.at("/guard/warnings/0/code").asString()).isEqualTo("probably_not_frontal");
    assertThat(refused.has("report")).isFalse();
    assertThat(report.json().get(1).at("/report/findings").asString()).isNotBlank();

    assertThat(CommandLineRun.of("ask", hand, "Is there edema?").code()).isEqualTo(1);
    assertThat(CommandLineRun.withInput("/report\n", "chat", hand).code()).isEqualTo(1);
    assertThat(CommandLineRun.of("findings", hand).code()).isZero();

    CommandLineRun forced = CommandLineRun.of("report", "--json", "--force", hand);
    assertThat(forced.code()).isZero();
    assertThat(forced.json().getFirst().at("/guard/accepted").asBoolean()).isTrue();
    assertThat(forced.json().getFirst().at("/report/findings").asString()).isNotBlank();
  }

  @Test
  void anUnknownFindingIsAUsageErrorThatNamesTheNearest() {
    CommandLineRun run =
        CommandLineRun.of(
            "report", "--findings", "+Pneumonja", CommandLineRun.sample("no-finding.jpg"));
    assertThat(run.code()).isEqualTo(2);
    assertThat(run.err()).contains("Pneumonia");
  }

  @Test
  void writesOneSelfContainedPageAndThePicturesOfTheEvidence() throws IOException {
    Path page = folder.resolve("pages/report.html");
    Path evidence = folder.resolve("evidence");
    CommandLineRun run =
        CommandLineRun.of(
            "report",
            "--html",
            page.toString(),
            "--evidence",
            evidence.toString(),
            "--findings",
            "+Pleural Effusion",
            CommandLineRun.sample("effusion.jpg"));
    assertThat(run.code()).isEqualTo(0);
    String html = Files.readString(page);
    assertThat(html).contains("data:image/png;base64,", "not for diagnosis", "Pleural Effusion");
    assertThat(html).doesNotContain("http://", "https://", "{{");
    assertThat(html)
        .contains("Attribution, not localisation", "class=\"scale\"")
        .contains("<tr class=\"called alarm\"><th scope=\"row\">Pleural Effusion");
    BufferedImage overlay =
        ImageIO.read(evidence.resolve("effusion-pleural-effusion.png").toFile());
    assertThat(overlay.getWidth()).isEqualTo(512);
  }

  @Test
  void eachBadImageIsOneClearLineAndTheGoodOnesAreStillDone() throws IOException {
    List<String> bad = badImages();
    List<String> arguments = new ArrayList<>(List.of("report", "--json"));
    arguments.add(CommandLineRun.sample("effusion.jpg"));
    arguments.addAll(bad);
    arguments.add(CommandLineRun.sample("no-finding.jpg"));
    CommandLineRun run = CommandLineRun.of(arguments.toArray(String[]::new));
    assertThat(run.code()).isEqualTo(1);
    assertThat(run.errLines()).hasSize(bad.size());
    for (int i = 0; i < bad.size(); i++) {
      assertThat(run.errLines().get(i))
          .startsWith("radialog: ")
          .contains(String.valueOf(Path.of(bad.get(i)).getFileName()))
          .doesNotContain("Exception", "\tat ");
    }
    List<JsonNode> lines = run.json();
    assertThat(lines).hasSize(bad.size() + 2);
    assertThat(lines.getFirst().has("report")).isTrue();
    assertThat(lines.getLast().has("report")).isTrue();
    assertThat(lines.subList(1, bad.size() + 1)).allMatch(line -> line.has("error"));
  }

  private List<String> badImages() throws IOException {
    byte[] png = png(300, 300);
    List<Path> files =
        List.of(
            folder.resolve("missing.png"),
            write("text.png", "this is no picture".getBytes(StandardCharsets.UTF_8)),
            write("truncated.png", Arrays.copyOf(png, png.length / 2)),
            write("one-pixel.png", png(1, 1)),
            write("constant.png", constant()),
            write("huge.png", hugeHeader()),
            Files.createDirectory(folder.resolve("folder.png")),
            write("empty.jpg", new byte[0]),
            write("random.jpg", random()),
            write("truncated.dcm", truncatedDicom()));
    return files.stream().map(Path::toString).toList();
  }

  private Path write(String name, byte[] content) throws IOException {
    return Files.write(folder.resolve(name), content);
  }

  private static byte[] png(int width, int height) throws IOException {
    var image = new BufferedImage(width, height, BufferedImage.TYPE_BYTE_GRAY);
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        image.getRaster().setSample(x, y, 0, (x * 7 + y * 13) % 256);
      }
    }
    return encoded(image);
  }

  private static byte[] constant() throws IOException {
    return encoded(new BufferedImage(400, 400, BufferedImage.TYPE_BYTE_GRAY));
  }

  private static byte[] encoded(BufferedImage image) throws IOException {
    var out = new java.io.ByteArrayOutputStream();
    ImageIO.write(image, "png", out);
    return out.toByteArray();
  }

  /** A PNG whose header promises 30,000 × 30,000 pixels. */
  private static byte[] hugeHeader() throws IOException {
    byte[] png = png(16, 16);
    ByteBuffer header = ByteBuffer.wrap(png);
    header.putInt(16, 30_000).putInt(20, 30_000);
    CRC32 crc = new CRC32();
    crc.update(png, 12, 17);
    header.putInt(29, (int) crc.getValue());
    return png;
  }

  private static byte[] random() {
    byte[] bytes = new byte[5000];
    new java.util.Random(1).nextBytes(bytes);
    System.arraycopy(
        new byte[] {(byte) 0xFF, (byte) 0xD8, (byte) 0xFF, (byte) 0xE0}, 0, bytes, 0, 4);
    return bytes;
  }

  /** An explicit little-endian header of 256 × 256 pixels with 10 of its 65,536 bytes. */
  private static byte[] truncatedDicom() {
    ByteBuffer file = ByteBuffer.allocate(1024).order(java.nio.ByteOrder.LITTLE_ENDIAN);
    file.position(128).put("DICM".getBytes(StandardCharsets.US_ASCII));
    element(file, 2, 0x10, "UI", "1.2.840.10008.1.2.1\0".getBytes(StandardCharsets.US_ASCII));
    element(file, 0x28, 0x02, "US", new byte[] {1, 0});
    element(file, 0x28, 0x04, "CS", "MONOCHROME2 ".getBytes(StandardCharsets.US_ASCII));
    element(file, 0x28, 0x10, "US", new byte[] {0, 1});
    element(file, 0x28, 0x11, "US", new byte[] {0, 1});
    element(file, 0x28, 0x100, "US", new byte[] {8, 0});
    element(file, 0x28, 0x101, "US", new byte[] {8, 0});
    element(file, 0x28, 0x102, "US", new byte[] {7, 0});
    element(file, 0x28, 0x103, "US", new byte[] {0, 0});
    file.putShort((short) 0x7FE0).putShort((short) 0x10).put((byte) 'O').put((byte) 'B');
    file.putShort((short) 0).putInt(65536).put(new byte[10]);
    return Arrays.copyOf(file.array(), file.position());
  }

  private static void element(ByteBuffer file, int group, int element, String vr, byte[] value) {
    file.putShort((short) group).putShort((short) element);
    file.put(vr.getBytes(StandardCharsets.US_ASCII)).putShort((short) value.length).put(value);
  }

  @Test
  void aSectionThatTheModelDoesNotWriteIsRefusedBeforeAnyFilmIsRead(@TempDir Path folder)
      throws IOException {
    Path mini = CommandLineRun.ROOT.resolve("models/mini");
    for (String weights : List.of("base.gguf", "radialog.safetensors")) {
      Files.createSymbolicLink(folder.resolve(weights), mini.resolve(weights));
    }
    ModelFolder.write(folder, ModelFolder.open(mini).config());
    Path config = folder.resolve("config.json");
    Files.writeString(
        config,
        Files.readString(config)
            .replaceFirst("\"sections\" : \\[[^]]*]", "\"sections\" : [ \"findings\" ]"));
    String model = folder.toString();
    CommandLineRun run =
        CommandLineRun.of("report", "--model", model, "--impression", "no-such-film.png");
    assertThat(run.code()).isEqualTo(3);
    assertThat(run.out()).isEmpty();
    assertThat(run.errLines())
        .singleElement()
        .asString()
        .contains("radialog-mini writes no impression", "[findings]");
    Path table = folder.resolve("table.csv");
    Files.writeString(
        table,
        "image,report\n%s,The lungs are clear.\n".formatted(CommandLineRun.sample("effusion.jpg")));
    CommandLineRun evaluation =
        CommandLineRun.of(
            "evaluate",
            "--model",
            model,
            "--data",
            table.toString(),
            "--protocol",
            "impression",
            "--out",
            folder.resolve("result").toString());
    assertThat(evaluation.code()).isEqualTo(3);
    assertThat(evaluation.err()).contains("radialog-mini writes no impression");
    assertThat(folder.resolve("result/predictions.jsonl")).doesNotExist();
    assertThat(CommandLineRun.of("inspect", model).out()).contains("sections = findings\n");
    Files.delete(folder.resolve("base.gguf"));
    Files.delete(folder.resolve("radialog.safetensors"));
  }
}
