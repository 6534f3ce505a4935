package org.radialog.cli;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SequencedCollection;
import java.util.concurrent.Callable;
import org.radialog.base.RadialogException;
import org.radialog.weights.Checkpoint;
import org.radialog.weights.TensorInfo;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.node.ObjectNode;

/** {@code radialog inspect FILE}: the tensors and metadata of a checkpoint, from its headers. */
@Command(
    name = "inspect",
    description = "Prints the tensors and metadata of a checkpoint without loading it.",
    mixinStandardHelpOptions = true)
final class InspectCommand implements Callable<Integer> {
  // A vocabulary among the metadata would fill the screen.
  private static final int SHOWN = 100;

  @Parameters(
      paramLabel = "FILE",
      description = "safetensors, GGUF, PyTorch (.pt .pth .bin .ckpt), or a folder of shards")
  private List<Path> files = List.of();

  @Option(names = "--json", description = "One JSON object a file and line.")
  private boolean json;

  @Override
  public Integer call() {
    int code = Main.DONE;
    for (Path file : files) {
      try (Checkpoint checkpoint = Checkpoint.open(file)) {
        if (json) {
          System.out.println(asJson(file, checkpoint));
        } else {
          print(file, checkpoint);
        }
      } catch (RadialogException e) {
        Terminal.say(e.getMessage());
        code = Main.SOME_FAILED;
      }
    }
    return code;
  }

  private static ObjectNode asJson(Path file, Checkpoint checkpoint) {
    ObjectNode root = Json.object();
    root.put("path", file.toString());
    root.put("format", checkpoint.format());
    root.put("parameters", parameters(checkpoint));
    root.set("metadata", Json.tree(checkpoint.metadata()));
    var tensors = root.putArray("tensors");
    for (TensorInfo tensor : checkpoint.tensors().values()) {
      ObjectNode row = tensors.addObject();
      row.put("name", tensor.name());
      row.put("dtype", tensor.dtype().name());
      var shape = row.putArray("shape");
      Arrays.stream(tensor.shape()).forEach(shape::add);
      row.put("bytes", tensor.bytes());
    }
    return root;
  }

  private static void print(Path file, Checkpoint checkpoint) {
    SequencedCollection<TensorInfo> tensors = checkpoint.tensors().sequencedValues();
    System.out.printf(
        Locale.ROOT,
        "%s: %s, %d tensors, %,d parameters%n",
        file,
        checkpoint.format(),
        tensors.size(),
        parameters(checkpoint));
    for (Map.Entry<String, Object> entry : checkpoint.metadata().entrySet()) {
      String value = String.valueOf(entry.getValue()).replace('\n', ' ');
      System.out.printf(
          "  %s = %s%n",
          entry.getKey(), value.length() > SHOWN ? value.substring(0, SHOWN) + " …" : value);
    }
    int width = tensors.stream().mapToInt(t -> t.name().length()).max().orElse(0);
    for (TensorInfo tensor : tensors) {
      System.out.printf(
          Locale.ROOT,
          "  %-" + Math.max(1, width) + "s  %-5s  %-22s %,14d bytes%n",
          tensor.name(),
          tensor.dtype(),
          Arrays.toString(tensor.shape()),
          tensor.bytes());
    }
  }

  private static long parameters(Checkpoint checkpoint) {
    return checkpoint.tensors().values().stream().mapToLong(TensorInfo::elements).sum();
  }
}
