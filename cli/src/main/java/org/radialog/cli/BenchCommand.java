package org.radialog.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.radialog.dialog.RaDialog;
import org.radialog.dialog.Speed;
import org.radialog.imaging.Radiograph;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** {@code radialog bench}: speed and memory of a model on this machine. */
@Command(
    name = "bench",
    description = "Measures speed and memory of a model on this machine.",
    mixinStandardHelpOptions = true)
final class BenchCommand implements Callable<Integer> {
  @Spec private @Nullable CommandSpec spec;
  @Mixin private ModelOptions model = new ModelOptions();

  @Option(
      names = "--image",
      paramLabel = "IMAGE",
      description = "The film to encode (default: a sample).")
  private @Nullable Path image;

  @Option(
      names = "--fresh",
      description = "Only the first 100 tokens of this process at context 300, without warming up.")
  private boolean fresh;

  @Option(
      names = "--context",
      paramLabel = "N",
      description = "Only prompts of N tokens and single-stream steps behind them.")
  private List<Integer> contexts = List.of();

  @Option(
      names = "--lookup",
      arity = "0..1",
      fallbackValue = "20",
      paramLabel = "N",
      description =
          "Only N corrections of reports on the samples (20 without N), with and without prompt"
              + " lookup in turn. With --json also [tokens computed, tokens kept] of each pass.")
  private @Nullable Integer lookup;

  @Option(names = "--json", description = "One JSON object.")
  private boolean json;

  @Override
  public Integer call() {
    if (lookup != null && lookup < 1 && spec != null) {
      throw new ParameterException(
          spec.commandLine(), "--lookup: " + lookup + " corrections, expected at least 1");
    }
    Path film = image != null ? image : sample("effusion.jpg");
    ObjectNode root = Json.object();
    Optional<String> difference = Optional.empty();
    try (RaDialog radialog = model.load()) {
      Speed speed = new Speed(radialog);
      ObjectNode machine = root.putObject("machine");
      machine.put("cpu", cpu());
      machine.put("threads", Runtime.getRuntime().availableProcessors());
      root.put("precision", radialog.precision().name().toLowerCase(Locale.ROOT));
      root.put("kernels", radialog.precision().label());
      if (fresh) {
        double rate = speed.decode(300, 1, 100);
        root.put("first_100_tokens_ms", Json.rounded(100_000 / rate));
      } else if (lookup != null) {
        List<Radiograph> films =
            Stream.of("cardiomegaly.jpg", "effusion.jpg", "no-finding.jpg")
                .map(name -> Radiograph.read(sample(name)))
                .toList();
        Speed.Lookup turns = speed.lookup(films, lookup, model.seed());
        lookup(root.putObject("lookup"), turns);
        difference = turns.difference();
      } else if (!contexts.isEmpty()) {
        prefill(root, speed, contexts);
        decode(root, speed, contexts);
      } else {
        machine.put("read_gb_s", Json.rounded(readBandwidth()));
        machine.put("matmul_gflop_s", Json.rounded(Speed.matmulGflops(1024)));
        root.put("encode_ms", Json.rounded(speed.encodeMillis(Radiograph.read(film), 10)));
        prefill(root, speed, List.of(64, 300, 512));
        ArrayNode rows = decode(root, speed, List.of(100, 300, 1000));
        row(rows.addObject(), speed, 300, 4);
        row(rows.addObject(), speed, 300, 8);
      }
      root.put("peak_rss_mb", peakRss());
    }
    if (json) {
      System.out.println(root);
    } else {
      print(root, "");
      System.out.println(Notice.RESEARCH_USE);
    }
    difference.ifPresent(Terminal::say);
    return difference.isPresent() ? Main.SOME_FAILED : Main.DONE;
  }

  private static Path sample(String name) {
    return Path.of(System.getProperty("radialog.home", ""), "samples", name);
  }

  private void lookup(ObjectNode node, Speed.Lookup turns) {
    node.put("turns", turns.turns())
        .put("seed", model.seed())
        .put("tokens_per_second", Json.rounded(turns.with()))
        .put("tokens_per_second_without", Json.rounded(turns.without()))
        .put("ratio", Json.rounded(turns.with() / turns.without()))
        .put("tokens_per_pass", Json.rounded(turns.tokensAPass()))
        .put("same_tokens", turns.difference().isEmpty());
    if (json) {
      ArrayNode passes = node.putArray("passes");
      turns.passes().forEach(pass -> passes.addArray().add(pass.computed()).add(pass.kept()));
    }
  }

  private static void prefill(ObjectNode root, Speed speed, List<Integer> lengths) {
    ArrayNode rows = root.putArray("prefill");
    for (int tokens : lengths) {
      rows.addObject()
          .put("tokens", tokens)
          .put("tokens_per_second", Json.rounded(speed.prefill(tokens, 5)));
    }
  }

  private static ArrayNode decode(ObjectNode root, Speed speed, List<Integer> contexts) {
    ArrayNode rows = root.putArray("decode");
    speed.decode(100, 1, 300); // the kernels' compilation
    for (int context : contexts) {
      row(rows.addObject(), speed, context, 1);
    }
    return rows;
  }

  private static void row(ObjectNode row, Speed speed, int context, int streams) {
    double best = 0;
    for (int i = 0; i < 3; i++) {
      best = Math.max(best, speed.decode(context, streams, 200));
    }
    row.put("context", context)
        .put("streams", streams)
        .put("tokens_per_second", Json.rounded(best * streams));
  }

  private static void print(ObjectNode node, String indent) {
    node.properties()
        .forEach(field -> {
          if (field.getValue() instanceof ObjectNode object) {
            System.out.println(indent + field.getKey());
            print(object, indent + "  ");
          } else if (field.getValue().isArray()) {
            System.out.println(indent + field.getKey());
            field.getValue().forEach(row -> System.out.println(indent + "  " + row));
          } else {
            System.out.printf("%s%-22s %s%n", indent, field.getKey(), field.getValue().asString());
          }
        });
  }

  /** Best of five reads of 1 GiB by two threads, in GB/s. */
  private static double readBandwidth() {
    int threads = Math.min(2, Runtime.getRuntime().availableProcessors());
    long[][] memory = new long[threads][(1 << 27) / threads];
    double best = 0;
    for (int round = 0; round < 5; round++) {
      long begun = System.nanoTime();
      long sum =
          LongStream.range(0, threads)
              .parallel()
              .map(t -> LongStream.of(memory[(int) t]).sum())
              .sum();
      double seconds = (System.nanoTime() - begun) / 1e9;
      best = Math.max(best, (sum + (1L << 30)) / seconds / 1e9);
    }
    return best;
  }

  private static String cpu() {
    try {
      return Files.readAllLines(Path.of("/proc/cpuinfo")).stream()
          .filter(line -> line.startsWith("model name"))
          .map(line -> line.substring(line.indexOf(':') + 1).strip())
          .findFirst()
          .orElse(System.getProperty("os.arch", "unknown"));
    } catch (IOException e) {
      // only Linux has this file
      return System.getProperty("os.arch", "unknown");
    }
  }

  private static long peakRss() {
    try {
      return Files.readAllLines(Path.of("/proc/self/status")).stream()
          .filter(line -> line.startsWith("VmHWM:"))
          .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) / 1024)
          .findFirst()
          .orElse(-1);
    } catch (IOException e) {
      throw new UncheckedIOException("peak memory is read from /proc", e);
    }
  }
}
