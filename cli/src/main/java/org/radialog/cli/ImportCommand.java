package org.radialog.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.radialog.clinical.PromptFormat;
import org.radialog.dialog.RaDialog;
import org.radialog.language.Precision;
import org.radialog.published.ModelConfig;
import org.radialog.published.ModelImport;
import org.radialog.vision.BioViLT;
import org.radialog.wire.Notice;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.node.ObjectNode;

/** {@code radialog import SRC DEST}: creates a model folder from published files. */
@Command(
    name = "import",
    description = {
      "Creates a model folder from published files: RaDialog v2 or v1 with its"
          + " language model, or only a language model of the Llama family."
    },
    mixinStandardHelpOptions = true)
final class ImportCommand implements Callable<Integer> {
  @Spec private @Nullable CommandSpec spec;

  @Parameters(
      index = "0",
      paramLabel = "SRC",
      description = "A folder with all files, in any sub-folders, or one file")
  private Path source = Path.of("");

  @Parameters(index = "1", paramLabel = "DEST", description = "The model folder to create")
  private Path target = Path.of("");

  @Option(
      names = "--quantize",
      paramLabel = "P",
      description = {
        "Precision of the language model: bf16, int8 or int4 (default: bf16; a GGUF"
            + " file is kept unchanged)."
      })
  private @Nullable Precision quantize;

  @Option(
      names = "--batch-norm",
      paramLabel = "S",
      defaultValue = "running",
      description = {
        "Batch norm statistics of the image encoder that feeds the language model:"
            + " running, or batch, which was used for the published scores of version 2"
            + " (default: ${DEFAULT-VALUE})."
      })
  private BioViLT.BatchNorm batchNorm = BioViLT.BatchNorm.RUNNING;

  @Option(
      names = "--compat",
      paramLabel = "NAME",
      split = ",",
      description = {
        "Quirks of the original prompts to reproduce: training-layout (<image> on a"
            + " separate line, as in the training of v2), demo-system-prompt, empty-findings."
      })
  private List<String> compat = List.of();

  @Option(
      names = "--license",
      paramLabel = "SPDX",
      description = "Licence of the result (default: the known licence of the published files).")
  private @Nullable String license;

  @Option(names = "--json", description = "Prints one JSON object.")
  private boolean json;

  @Override
  public Integer call() {
    ModelConfig config =
        RaDialog.importFrom(
            new ModelImport.Request(
                source,
                target,
                Optional.ofNullable(quantize),
                batchNorm,
                oddities(),
                Optional.ofNullable(license)),
            Terminal.progress());
    if (json) {
      ObjectNode root = Json.object();
      root.put("path", target.toString());
      root.put("id", config.id());
      root.put("license", config.license());
      root.set("files", Json.tree(config.files()));
      root.set("sources", Json.tree(config.sources()));
      Terminal.data().println(root);
    } else {
      print(config);
    }
    return Main.DONE;
  }

  private List<PromptFormat.Compat> oddities() {
    List<PromptFormat.Compat> known = Arrays.asList(PromptFormat.Compat.values());
    List<PromptFormat.Compat> named = new ArrayList<>();
    for (String name : compat) {
      named.add(
          known.stream()
              .filter(c -> c.text().equalsIgnoreCase(name))
              .findFirst()
              .orElseThrow(() -> unknown(name, known)));
    }
    return named;
  }

  private RuntimeException unknown(String name, List<PromptFormat.Compat> known) {
    String message =
        "--compat: unknown value \"%s\", expected %s"
            .formatted(
                name,
                known.stream().map(PromptFormat.Compat::text).collect(Collectors.joining(", ")));
    return spec == null
        ? new IllegalArgumentException(message)
        : new ParameterException(spec.commandLine(), message);
  }

  private void print(ModelConfig config) {
    System.out.printf("%s: %s, licence %s%n", target, config.id(), config.license());
    for (ModelConfig.FileEntry file : config.files()) {
      System.out.printf(
          "  %-36s %,15d bytes  sha256 %s%n", file.path(), file.bytes(), file.sha256());
    }
    System.out.printf(
        "created from %d files, %,d bytes; the self test is recorded%n",
        config.sources().size(),
        config.sources().stream().mapToLong(ModelConfig.FileEntry::bytes).sum());
    System.out.printf(
        config.vision().isPresent()
            ? "to check it: radialog verify %s   to use it: --model %s%n"
            : "to check it: radialog verify %s   to measure it: radialog bench --model %s%n",
        target,
        target);
    System.out.println(Notice.RESEARCH_USE);
  }
}
