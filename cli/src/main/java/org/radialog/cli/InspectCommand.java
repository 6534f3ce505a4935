package org.radialog.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SequencedCollection;
import java.util.SequencedSet;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.radialog.base.Printable;
import org.radialog.base.RadialogException;
import org.radialog.language.LoraConfig;
import org.radialog.published.CheckpointKind;
import org.radialog.published.Recognition;
import org.radialog.text.TextTokenizer;
import org.radialog.weights.Checkpoint;
import org.radialog.weights.TensorInfo;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * {@code radialog inspect FILE}: prints the type, the tensors and the metadata of a checkpoint,
 * from its headers. For a folder it does so for every checkpoint in it, and prints its settings.
 */
@Command(
    name = "inspect",
    description = "Prints the type, tensors and metadata of a checkpoint without loading it.",
    mixinStandardHelpOptions = true)
final class InspectCommand implements Callable<Integer> {
  // A vocabulary in the metadata, or the names of a frozen encoder, would fill the screen.
  private static final int SHOWN = 100;
  private static final int NAMES = 8;

  private static final Pattern CHECKPOINT =
      Pattern.compile(".*\\.(safetensors|gguf|pt|pth|bin|ckpt|pkl|index\\.json)");
  private static final Pattern SHARD =
      Pattern.compile(".*-\\d{5}-of-\\d{5}\\.(safetensors|bin|gguf)");
  private static final String OPAQUE = "__class__";

  @Parameters(
      arity = "1..*",
      paramLabel = "FILE",
      description =
          "safetensors, GGUF, PyTorch (.pt .pth .bin .ckpt), pickle, or a folder of these")
  private List<Path> files = List.of();

  @Option(names = "--json", description = "Prints one line with a JSON object per file.")
  private boolean json;

  private int code = Main.DONE;

  @Override
  public Integer call() {
    for (Path file : files) {
      if (Files.isDirectory(file)) {
        guarded(() -> folder(file));
      } else {
        guarded(() -> checkpoint(file));
      }
    }
    return code;
  }

  private void guarded(Runnable part) {
    try {
      part.run();
    } catch (RadialogException e) {
      Terminal.say(e.getMessage());
      code = Main.SOME_FAILED;
    }
  }

  private void checkpoint(Path file) {
    try (Checkpoint checkpoint = Checkpoint.open(file)) {
      Recognition recognition = Recognition.of(checkpoint);
      if (json) {
        Terminal.data().println(asJson(file, checkpoint, recognition));
      } else {
        print(file, checkpoint, recognition);
      }
    }
  }

  private void folder(Path folder) {
    List<Path> all;
    try (Stream<Path> children = Files.list(folder)) {
      all = children.filter(Files::isRegularFile).sorted().toList();
    } catch (IOException e) {
      throw new RadialogException(folder + ": the folder cannot be read: " + e, e);
    }
    boolean indexed = all.stream().anyMatch(f -> f.toString().endsWith(".index.json"));
    List<Path> checkpoints =
        all.stream()
            .filter(f -> CHECKPOINT.matcher(f.toString()).matches())
            .filter(f -> !indexed || !SHARD.matcher(f.toString()).matches())
            .toList();
    List<Path> settings =
        Stream.of("config.json", "adapter_config.json", "tokenizer_config.json")
            .map(folder::resolve)
            .filter(all::contains)
            .toList();
    boolean hasTokenizer =
        Stream.of("tokenizer.json", "tokenizer.model").map(folder::resolve).anyMatch(all::contains);
    if (checkpoints.isEmpty() && settings.isEmpty() && !hasTokenizer) {
      throw new RadialogException(
          folder + ": the folder has no checkpoint, no config.json and no tokenizer; name a file");
    }
    ObjectNode root = Json.object();
    root.put("path", folder.toString());
    root.put("format", "folder");
    settings.forEach(file -> guarded(() -> root.set(file.getFileName().toString(), read(file))));
    if (hasTokenizer) {
      guarded(() -> {
        try (TextTokenizer tokenizer = TextTokenizer.open(folder)) {
          root.put("tokenizer", tokenizer.toString());
        }
      });
    }
    if (json) {
      Terminal.data().println(root);
    } else {
      System.out.printf(
          Locale.ROOT,
          "%s: a folder of %d checkpoints%n",
          Printable.escaped(folder.toString()),
          checkpoints.size());
      if (root.has("tokenizer")) {
        System.out.printf("  tokenizer: %s%n", Printable.escaped(root.get("tokenizer").asString()));
      }
      settings.forEach(file -> guarded(() -> printSettings(file)));
    }
    checkpoints.forEach(file -> guarded(() -> checkpoint(file)));
  }

  private static JsonNode read(Path file) {
    try {
      return Json.read(file);
    } catch (JacksonException e) {
      throw new RadialogException(file + ": expected JSON, found " + e.getOriginalMessage(), e);
    }
  }

  private static void printSettings(Path file) {
    JsonNode root = read(file);
    if (file.endsWith("adapter_config.json")) {
      LoraConfig lora = LoraConfig.parse(root);
      System.out.printf(
          Locale.ROOT,
          "  %s: LoRA of rank %d, alpha %s%n",
          file.getFileName(),
          lora.r(),
          lora.alpha());
      return;
    }
    System.out.printf("  %s:%n", file.getFileName());
    for (Map.Entry<String, JsonNode> field : root.properties()) {
      JsonNode value = field.getValue();
      boolean list = value.isArray() && value.valueStream().allMatch(JsonNode::isValueNode);
      if (value.isValueNode() || list) {
        String words =
            list
                ? value.valueStream().map(JsonNode::asString).collect(Collectors.joining(", "))
                : value.asString();
        System.out.printf("    %s = %s%n", Printable.of(field.getKey()), shortened(words));
      }
    }
  }

  private static ObjectNode asJson(Path file, Checkpoint checkpoint, Recognition recognition) {
    ObjectNode root = Json.object();
    root.put("path", file.toString());
    root.put("format", checkpoint.format());
    root.put("parameters", parameters(checkpoint));
    root.put("looks_like", recognition.kind().title());
    root.put("kind", recognition.kind().getClass().getSimpleName());
    root.put("complete", recognition.complete());
    root.set("sizes", Json.tree(recognition.kind().sizes()));
    ArrayNode missing = root.putArray("missing");
    for (Recognition.Missing tensor : recognition.missing()) {
      ObjectNode row = missing.addObject();
      row.put("name", tensor.name());
      row.set("expected", Json.tree(tensor.expected()));
      tensor.found().ifPresent(shape -> row.set("found", Json.tree(shape)));
    }
    root.set("ignored", Json.tree(recognition.ignored()));
    root.set("unknown", Json.tree(recognition.unknown()));
    root.set("problems", Json.tree(recognition.problems()));
    root.set(
        "not_computable",
        Json.tree(
            checkpoint.tensors().values().stream()
                .flatMap(tensor -> tensor.foreign().stream())
                .map(Enum::name)
                .distinct()
                .toList()));
    root.set("opaque_classes", Json.tree(opaque(checkpoint.metadata())));
    root.set("metadata", Json.tree(checkpoint.metadata()));
    var tensors = root.putArray("tensors");
    for (TensorInfo tensor : checkpoint.tensors().values()) {
      ObjectNode row = tensors.addObject();
      row.put("name", tensor.name());
      row.put("dtype", tensor.type());
      var shape = row.putArray("shape");
      Arrays.stream(tensor.shape()).forEach(shape::add);
      row.put("bytes", tensor.bytes());
    }
    return root;
  }

  private static void print(Path file, Checkpoint checkpoint, Recognition recognition) {
    SequencedCollection<TensorInfo> tensors = checkpoint.tensors().sequencedValues();
    System.out.printf(
        Locale.ROOT,
        "%s: %s, %d tensors, %,d parameters%n",
        Printable.escaped(file.toString()),
        checkpoint.format(),
        tensors.size(),
        parameters(checkpoint));
    print(recognition);
    String foreign =
        tensors.stream()
            .flatMap(tensor -> tensor.foreign().stream())
            .collect(Collectors.groupingBy(type -> type, TreeMap::new, Collectors.counting()))
            .entrySet()
            .stream()
            .map(type -> type.getKey() + " (" + type.getValue() + " tensors)")
            .collect(Collectors.joining(", "));
    if (!foreign.isEmpty()) {
      System.out.printf("  this program cannot compute with %s%n", foreign);
    }
    SequencedSet<String> opaque = opaque(checkpoint.metadata());
    if (!opaque.isEmpty()) {
      System.out.printf(
          "  classes not read: %s%n",
          opaque.stream().map(Printable::of).collect(Collectors.joining(", ")));
    }
    for (Map.Entry<String, Object> entry : checkpoint.metadata().entrySet()) {
      System.out.printf(
          "  %s = %s%n", Printable.of(entry.getKey()), shortened(String.valueOf(entry.getValue())));
    }
    int width = tensors.stream().mapToInt(t -> Printable.of(t.name()).length()).max().orElse(0);
    for (TensorInfo tensor : tensors) {
      System.out.printf(
          Locale.ROOT,
          "  %-" + Math.max(1, width) + "s  %-5s  %-22s %,14d bytes%n",
          Printable.of(tensor.name()),
          tensor.type(),
          Arrays.toString(tensor.shape()),
          tensor.bytes());
    }
  }

  private static void print(Recognition recognition) {
    CheckpointKind kind = recognition.kind();
    System.out.printf("  looks like: %s%n", Printable.escaped(kind.title()));
    if (!kind.sizes().isEmpty()) {
      System.out.printf(
          "  sizes: %s%n",
          kind.sizes().entrySet().stream()
              .map(size -> Printable.escaped(size.getKey() + " " + size.getValue()))
              .collect(Collectors.joining(", ")));
    }
    recognition
        .problems()
        .forEach(problem -> System.out.printf("  problem: %s%n", Printable.escaped(problem)));
    printNames(
        "missing", recognition.missing().stream().map(Recognition.Missing::toString).toList());
    printNames("ignored", recognition.ignored());
    if (!(kind instanceof CheckpointKind.Unknown)) { // the table already contains all of them
      printNames("unknown", recognition.unknown());
    }
  }

  private static void printNames(String what, List<String> names) {
    if (!names.isEmpty()) {
      int more = names.size() - NAMES;
      System.out.printf(
          "  %s: %s%s%n",
          what,
          names.stream().limit(NAMES).map(Printable::of).collect(Collectors.joining("; ")),
          more > 0 ? "; and " + more + " more (all of them with --json)" : "");
    }
  }

  // The classes of objects in a pickle, none of which was executed.
  private static SequencedSet<String> opaque(Object metadata) {
    SequencedSet<String> classes = new LinkedHashSet<>();
    List<Object> left = new ArrayList<>(List.of(metadata));
    while (!left.isEmpty()) {
      switch (left.removeLast()) {
        case Map<?, ?> map -> {
          if (map.get(OPAQUE) instanceof String name) {
            classes.add(name);
          }
          left.addAll(map.values());
        }
        case List<?> list -> left.addAll(list);
        case Object _ -> {} // plain values have no class name
      }
    }
    return classes;
  }

  private static String shortened(String text) {
    String line = text.replace('\n', ' ');
    if (line.length() <= SHOWN) {
      return Printable.escaped(line);
    }
    int end = Character.isHighSurrogate(line.charAt(SHOWN - 1)) ? SHOWN - 1 : SHOWN;
    return Printable.escaped(line.substring(0, end)) + " …";
  }

  private static long parameters(Checkpoint checkpoint) {
    return checkpoint.tensors().values().stream().mapToLong(TensorInfo::elements).sum();
  }
}
