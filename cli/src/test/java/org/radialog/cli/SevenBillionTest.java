package org.radialog.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.radialog.testing.Golden;
import org.radialog.testing.LlamaSize;
import org.radialog.testing.LoraSize;
import org.radialog.testing.PublishedLayout;
import org.radialog.weights.DType;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * RaDialog v2 at its published size, weights by formula: it is imported to int4 and reports on a
 * film, within bounds of memory and time. Needs some 22 GB in the folder of the property {@code
 * radialog.seven}, and a few minutes; without the property it is skipped.
 */
class SevenBillionTest {
  private static final double GIB = 1L << 30;

  /** What a process came to. */
  private record Run(String out, double anonymousGib, double residentGib, double seconds) {}

  @Test
  void theSecondVersionIsImportedAndReportsWithinItsBounds() throws Exception {
    String property = System.getProperty("radialog.seven", "");
    assumeTrue(!property.isEmpty(), "-Dradialog.seven=DIR names no folder for 22 GB of weights");
    Path folder = Files.createDirectories(Path.of(property));
    Path source = folder.resolve("source");
    if (!Files.exists(source.resolve("llava-v1.5-7b/config.json"))) {
      write(source);
    }
    Path model = folder.resolve("int4");
    delete(model);

    Run imported =
        run("import", source.toString(), model.toString(), "--quantize", "int4", "--json");
    System.out.printf(
        "import: %.0f s, RssAnon at most %.2f GiB%n", imported.seconds, imported.anonymousGib);
    assertThat(imported.anonymousGib).isLessThanOrEqualTo(3e9 / GIB);

    String film = Golden.root().resolve("samples/effusion.jpg").toString();
    String[] report = {
      "report", film, "--model", model.toString(), "--max-new-tokens", "32", "--json"
    };
    run(report); // the files are in the page cache
    Run answered = run(report);
    JsonNode line = JsonMapper.shared().readTree(answered.out);
    JsonNode times = line.required("timings_ms");
    double start =
        (times.required("first_token").doubleValue() - times.required("prefill").doubleValue())
            / 1000;
    double files = bytes(model.resolve("packed")) + bytes(model);
    System.out.printf(
        "report: start %.1f s, prompt of %d tokens %.1f s, VmHWM %.2f GiB, weight files %.2f GiB%n",
        start,
        line.at("/usage/prompt_tokens").intValue(),
        times.required("prefill").doubleValue() / 1000,
        answered.residentGib,
        files / GIB);
    assertThat(line.at("/report/findings").stringValue()).isNotBlank();
    assertThat(line.at("/usage/completion_tokens").intValue()).isEqualTo(32);
    assertThat(start).isLessThanOrEqualTo(6);
    assertThat(answered.residentGib).isLessThanOrEqualTo((files + 1.5e9) / GIB);
  }

  // Files directly in a folder.
  private static double bytes(Path folder) throws IOException {
    double bytes = 0;
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        bytes += Files.size(file);
      }
    }
    return bytes;
  }

  private static void write(Path source) throws IOException {
    PublishedLayout layout = new PublishedLayout("seven");
    layout.v2Hub(source, LlamaSize.LLAVA, LoraSize.V2, DType.BF16);
    Map<String, byte[]> tokenizer = new LinkedHashMap<>();
    Path small = Golden.file("tokenizer-llama");
    try (Stream<Path> files = Files.list(small)) {
      for (Path file : files.toList()) {
        tokenizer.put(String.valueOf(file.getFileName()), Files.readAllBytes(file));
      }
    }
    tokenizer.put("tokenizer.model", grown(small.resolve("tokenizer.model")));
    layout.llama(
        source.resolve("llava-v1.5-7b"),
        PublishedLayout.Family.LLAVA,
        LlamaSize.LLAVA,
        DType.F16,
        2,
        tokenizer);
  }

  // The small vocabulary with further pieces behind its own, one for each row of the model.
  private static byte[] grown(Path small) throws IOException {
    ByteArrayOutputStream model = new ByteArrayOutputStream();
    model.writeBytes(Files.readAllBytes(small));
    int pieces = Golden.theCase("tokenizer-llama").values().required("pieces").size();
    for (int id = pieces; id < LlamaSize.LLAVA.vocab(); id++) {
      byte[] text = ("\u2581w" + id).getBytes(StandardCharsets.UTF_8);
      ByteBuffer piece = ByteBuffer.allocate(text.length + 7).order(ByteOrder.LITTLE_ENDIAN);
      piece.put((byte) 0x0a).put((byte) text.length).put(text); // field 1: the piece
      piece.put((byte) 0x15).putFloat(-100f - id); // field 2: its score
      model.write(0x0a); // field 1 of the model, once more
      model.write(piece.capacity());
      model.writeBytes(piece.array());
    }
    return model.toByteArray();
  }

  private static void delete(Path folder) throws IOException {
    if (Files.exists(folder)) {
      try (Stream<Path> files = Files.walk(folder)) {
        for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
          Files.delete(file);
        }
      }
    }
  }

  // The launcher becomes the JVM, so that its own process is looked at.
  private static Run run(String... arguments) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of(Golden.root().resolve("radialog").toString()));
    command.addAll(List.of(arguments));
    Path out = Files.createTempFile("radialog", ".out");
    long begun = System.nanoTime();
    Process process =
        new ProcessBuilder(command)
            .redirectOutput(out.toFile())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    long anonymous = 0;
    long resident = 0;
    while (process.isAlive()) {
      for (String line : status(process.pid())) {
        if (line.startsWith("RssAnon:")) {
          anonymous = Math.max(anonymous, kib(line));
        } else if (line.startsWith("VmHWM:")) {
          resident = Math.max(resident, kib(line));
        }
      }
      Thread.sleep(50);
    }
    assertThat(process.exitValue()).isZero();
    return new Run(
        Files.readString(out),
        anonymous * 1024 / GIB,
        resident * 1024 / GIB,
        (System.nanoTime() - begun) / 1e9);
  }

  private static List<String> status(long pid) throws IOException {
    try {
      return Files.readAllLines(Path.of("/proc/" + pid + "/status"));
    } catch (NoSuchFileException e) {
      return List.of(); // it has ended meanwhile
    }
  }

  private static long kib(String line) {
    return Long.parseLong(line.replaceAll("\\D", ""));
  }
}
