package org.radialog.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.radialog.base.ProcessMemory;
import org.radialog.base.RadialogException;
import org.radialog.bench.LlamaShape;
import org.radialog.bench.Speed;
import org.radialog.bench.TrainingStep;
import org.radialog.dialog.RaDialog;
import org.radialog.imaging.Radiograph;
import org.radialog.kernels.ReadBandwidth;
import org.radialog.language.LlamaWeights;
import org.radialog.language.Precision;
import org.radialog.published.ModelConfig;
import org.radialog.published.ModelFolder;
import org.radialog.weights.Checkpoint;
import org.radialog.wire.Notice;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** {@code radialog bench}: speed and memory of a model on this machine. */
@Command(
    name = "bench",
    description = "Measures the speed and memory use of a model on this machine.",
    subcommands = BenchTextCommand.class,
    mixinStandardHelpOptions = true)
final class BenchCommand implements Callable<Integer> {
  // A model with at least this many bytes of weights counts as large.
  private static final long LARGE = 1L << 30;

  private static final int MOST_BUSY = 64;
  private static final int BUSY_ROUNDS = 5;

  private static final int ANSWER = 80; // tokens of an answer when passes are replayed

  @Spec private @Nullable CommandSpec spec;
  @Mixin private ModelOptions model = new ModelOptions();

  @Option(
      names = "--image",
      paramLabel = "IMAGE",
      description = "The image to encode (default: a sample).")
  private @Nullable Path image;

  @Option(
      names = "--fresh",
      description =
          "Measures only the first 100 tokens of this process at context 300, without"
              + " warm-up.")
  private boolean fresh;

  @Option(
      names = "--context",
      paramLabel = "N",
      description = "Measures only prompts of N tokens and single-stream decode steps after them.")
  private List<Integer> contexts = List.of();

  @Option(
      names = "--lookup",
      arity = "0..1",
      fallbackValue = "20",
      paramLabel = "N",
      description =
          "Measures only N corrections of reports on the samples (20 if N is omitted),"
              + " alternately with and without prompt lookup. With --json, also prints [tokens"
              + " computed, tokens kept] for each pass.")
  private @Nullable Integer lookup;

  @Option(
      names = "--busy",
      arity = "0..1",
      fallbackValue = "2",
      paramLabel = "N",
      description =
          "Measures only a prompt of 79 tokens and 95 decode steps, alternately with N"
              + " busy processes (2 if N is omitted) and without them.")
  private @Nullable Integer busy;

  @Option(
      names = "--shape",
      paramLabel = "NAME",
      description = {
        "Measures a language model of this shape with random weights instead of a"
            + " model: llama-7b or smollm2-135m."
      })
  private @Nullable String shape;

  @Option(
      names = "--train",
      paramLabel = "BxT",
      description =
          "Measures a LoRA training step of B sequences of T tokens, such as 8x256, on --shape or"
              + " on the model's language model; --quantize may also be fp32 or bf16.")
  private @Nullable String train;

  @Option(
      names = "--quantize",
      paramLabel = "P",
      defaultValue = "int4",
      description = "Precision of --shape: int8 or int4 (default: ${DEFAULT-VALUE}).")
  private Precision quantize = Precision.INT4;

  @Option(
      names = "--work",
      paramLabel = "DIR",
      description = {
        "Keeps the weights of --shape in DIR for the next run, about 4 to 7 GB for"
            + " llama-7b (default: they are generated and deleted)."
      })
  private @Nullable Path work;

  @Option(
      names = "--replay",
      paramLabel = "FILE",
      description = {
        "Measures only the passes in FILE, the output of bench --lookup --json, with"
            + " given tokens instead of chosen ones, and compares them with single steps."
      })
  private @Nullable Path replay;

  @Option(names = "--json", description = "Prints one JSON object.")
  private boolean json;

  @Override
  public Integer call() {
    if (lookup != null && lookup < 1 && spec != null) {
      throw new ParameterException(
          spec.commandLine(), "--lookup: " + lookup + " corrections, expected at least 1");
    }
    if (busy != null && (busy < 1 || busy > MOST_BUSY) && spec != null) {
      throw new ParameterException(
          spec.commandLine(), "--busy: " + busy + " processes, expected 1 to " + MOST_BUSY);
    }
    ObjectNode root = Json.object();
    Optional<String> difference;
    if (train != null) {
      difference = train(root, train);
    } else if (shape != null) {
      difference = shape(root, LlamaShape.of(shape));
    } else if (ModelFolder.open(model.folder()).config().vision().isEmpty()) {
      try (Speed speed = Speed.ofLanguage(model.folder(), model.options())) {
        difference = measure(root, speed, Optional.empty());
      }
    } else {
      try (RaDialog radialog = model.load();
          Speed speed = Speed.of(radialog)) {
        root.put("precision", radialog.precision().name().toLowerCase(Locale.ROOT));
        root.put("kernels", radialog.precision().label());
        difference =
            measure(root, speed, Optional.of(image != null ? image : sample("effusion.jpg")));
      }
    }
    if (json) {
      Terminal.data().println(root);
    } else {
      print(root, "");
      System.out.println(Notice.RESEARCH_USE);
    }
    difference.ifPresent(Terminal::say);
    return difference.isPresent() ? Main.SOME_FAILED : Main.DONE;
  }

  private Optional<String> train(ObjectNode root, String size) {
    Matcher parts = Pattern.compile("(\\d{1,4})x(\\d{1,5})").matcher(size);
    if (spec != null && !parts.matches()) {
      throw new ParameterException(
          spec.commandLine(), "--train needs a size such as 8x256, found " + size);
    }
    int batch = Integer.parseInt(parts.group(1));
    int tokens = Integer.parseInt(parts.group(2));
    TrainingStep step;
    if (shape != null) {
      LlamaShape of = LlamaShape.of(shape);
      root.put("shape", of.label());
      step = TrainingStep.measure(new TrainingStep.Setup(of.weights(), quantize, batch, tokens));
    } else {
      ModelConfig config = ModelFolder.open(model.folder()).config();
      root.put("model", config.id());
      Path file = model.folder().resolve(config.language().weights());
      try (Checkpoint base = Checkpoint.open(file)) {
        LlamaWeights weights =
            config
                .language()
                .network()
                .map(network -> LlamaWeights.of(network, base))
                .orElseGet(() -> LlamaWeights.of(base));
        step = TrainingStep.measure(new TrainingStep.Setup(weights, quantize, batch, tokens));
      }
    }
    root.put("precision", quantize.label());
    root.put("step_seconds", Json.rounded(step.seconds()));
    root.put("peak_bytes", step.peakBytes());
    root.put("loss", step.loss());
    return Optional.empty();
  }

  private Optional<String> shape(ObjectNode root, LlamaShape of) {
    root.put("shape", of.label());
    root.put("precision", quantize.label());
    if (work != null) {
      try (Speed speed = Speed.of(of, quantize, work)) {
        return measure(root, speed, Optional.empty());
      }
    }
    try {
      Path folder = Files.createTempDirectory("radialog-bench");
      try (Speed speed = Speed.of(of, quantize, folder)) {
        return measure(root, speed, Optional.empty());
      } finally {
        try (Stream<Path> files = Files.list(folder)) {
          for (Path file : files.toList()) {
            Files.delete(file);
          }
        }
        Files.delete(folder);
      }
    } catch (IOException e) {
      throw new RadialogException("cannot store the weights of --shape: " + e, e);
    }
  }

  /** Fills {@code root}; a film is measured only if the model reads films. */
  private Optional<String> measure(ObjectNode root, Speed speed, Optional<Path> film) {
    Optional<String> difference = Optional.empty();
    ObjectNode machine = root.putObject("machine");
    machine.put("cpu", cpu());
    machine.put("threads", Runtime.getRuntime().availableProcessors());
    if (fresh) {
      double rate = speed.decode(300, 1, 100);
      root.put("first_100_tokens_ms", Json.rounded(100_000 / rate));
    } else if (busy != null) {
      Speed.Busy b = speed.busy(busy, BUSY_ROUNDS);
      root.putObject("busy")
          .put("processes", b.processes())
          .put("prompt_79_ms", Json.rounded(b.promptMillis()))
          .put("prompt_79_ms_busy", Json.rounded(b.promptMillisBusy()))
          .put("prompt_ratio", Json.rounded(b.promptMillisBusy() / b.promptMillis()))
          .put("steps_95_ms", Json.rounded(b.stepsMillis()))
          .put("steps_95_ms_busy", Json.rounded(b.stepsMillisBusy()))
          .put("steps_ratio", Json.rounded(b.stepsMillisBusy() / b.stepsMillis()));
    } else if (replay != null) {
      Speed.Replay replayed = speed.replay(300, ANSWER, passes(replay), 3);
      root.putObject("replay")
          .put("passes", passes(replay).size())
          .put("tokens_per_second", Json.rounded(replayed.inPasses()))
          .put("tokens_per_second_without", Json.rounded(replayed.singly()))
          .put("ratio", Json.rounded(replayed.ratio()));
    } else if (lookup != null) {
      List<Radiograph> films =
          Stream.of("cardiomegaly.jpg", "effusion.jpg", "no-finding.jpg")
              .map(name -> Radiograph.read(sample(name)))
              .toList();
      Speed.Lookup turns = speed.lookup(films, lookup, model.seed());
      lookup(root.putObject("lookup"), turns);
      difference = turns.difference();
    } else {
      Roofline roofline =
          new Roofline(
              ReadBandwidth.gigabytesPerSecond(
                  Math.min(2, Runtime.getRuntime().availableProcessors())),
              Speed.matmulGflops(Precision.FP32, 1024),
              Speed.matmulGflops(Precision.BF16, 4096));
      machine.put("read_gb_s", Json.rounded(roofline.readGbS));
      machine.put("matmul_gflop_s", Json.rounded(roofline.matmul));
      machine.put("matmul_bf16_gflop_s", Json.rounded(roofline.matmulBf16));
      film.ifPresent(
          f -> root.put("encode_ms", Json.rounded(speed.encodeMillis(Radiograph.read(f), 10))));
      prefill(root, speed, contexts.isEmpty() ? List.of(64, 300, 512, 1024) : contexts, roofline);
      ArrayNode rows =
          decode(root, speed, contexts.isEmpty() ? List.of(100, 300, 1000) : contexts, roofline);
      if (contexts.isEmpty()) {
        row(rows.addObject(), speed, 300, 4, roofline);
        row(rows.addObject(), speed, 300, 8, roofline);
      }
    }
    root.put(
        "peak_rss_mb",
        ProcessMemory.peak()
                .orElseThrow(() ->
                    new RadialogException(
                        "peak memory is read from /proc, which this system lacks"))
            / (1 << 20));
    return difference;
  }

  /** The limits of the machine, measured in the same run. */
  private record Roofline(double readGbS, double matmul, double matmulBf16) {}

  private static List<Speed.Pass> passes(Path file) {
    try {
      List<Speed.Pass> passes = new ArrayList<>();
      for (JsonNode pass : Json.read(file).path("lookup").path("passes")) {
        passes.add(new Speed.Pass(pass.path(0).asInt(), pass.path(1).asInt()));
      }
      if (passes.isEmpty()) {
        throw new RadialogException(
            file + " has no lookup.passes; create the file with: radialog bench --lookup --json");
      }
      return passes;
    } catch (JacksonException | IllegalArgumentException e) {
      throw new RadialogException(
          file + " is not the output of bench --lookup --json: " + e.getMessage(), e);
    }
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

  // A pass of a large model takes seconds, so two are enough.
  private static int rounds(Speed speed) {
    return speed.stepBytes(0) > LARGE ? 2 : 5;
  }

  private static void prefill(
      ObjectNode root, Speed speed, List<Integer> lengths, Roofline roofline) {
    ArrayNode rows = root.putArray("prefill");
    speed.prefill(lengths.getFirst(), 1); // warm-up: the kernels are compiled
    for (int tokens : lengths) {
      double rate = speed.prefill(tokens, rounds(speed));
      rows.addObject()
          .put("tokens", tokens)
          .put("tokens_per_second", Json.rounded(rate))
          .put("matmul_share", share(2e-9 * speed.multiplications() * rate, roofline.matmulBf16));
    }
  }

  private static ArrayNode decode(
      ObjectNode root, Speed speed, List<Integer> contexts, Roofline roofline) {
    ArrayNode rows = root.putArray("decode");
    speed.decode(100, 1, steps(speed)); // warm-up: the kernels are compiled
    for (int context : contexts) {
      row(rows.addObject(), speed, context, 1, roofline);
    }
    return rows;
  }

  private static int steps(Speed speed) {
    return speed.stepBytes(0) > LARGE ? 40 : 200;
  }

  private static void row(
      ObjectNode row, Speed speed, int context, int streams, Roofline roofline) {
    double best = 0;
    for (int i = 0; i < Math.min(3, rounds(speed)); i++) {
      best = Math.max(best, speed.decode(context, streams, steps(speed)));
    }
    row.put("context", context)
        .put("streams", streams)
        .put("tokens_per_second", Json.rounded(best * streams));
    if (streams == 1) {
      row.put("read_share", share(1e-9 * speed.stepBytes(context) * best, roofline.readGbS));
    }
  }

  private static double share(double of, double all) {
    return Json.rounded(of / all);
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
}
