package org.radialog.cli;

import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.radialog.base.RadialogException;
import org.radialog.dialog.Decoding;
import org.radialog.dialog.Guidance;
import org.radialog.dialog.Options;
import org.radialog.dialog.RaDialog;
import org.radialog.language.Precision;
import picocli.CommandLine.Option;

/** The choice of the model and how it answers. */
final class ModelOptions {
  @Option(
      names = "--model",
      paramLabel = "DIR",
      description = "Model folder (default: the embedded models/mini).")
  private @Nullable Path folder;

  @Option(
      names = "--precision",
      paramLabel = "P",
      description = {
        "Precision of the language model: fp32, bf16, int8 or int4 (default: the"
            + " fastest one that the vector instructions of this CPU support)."
      })
  private @Nullable Precision precision;

  @Option(
      names = "--max-new-tokens",
      paramLabel = "N",
      defaultValue = "300",
      converter = Numeric.Count.class,
      description = "Maximum length of an answer, in tokens (default: ${DEFAULT-VALUE}).")
  private int maxNewTokens;

  @Option(
      names = "--temperature",
      paramLabel = "T",
      defaultValue = "0",
      converter = Numeric.Temperature.class,
      description = "Sampling temperature; 0 always takes the most likely token.")
  private double temperature;

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "0",
      description = "Seed of the sampling; the same seed gives the same tokens.")
  private long seed;

  @Option(
      names = "--guidance",
      paramLabel = "WHEN",
      defaultValue = "as_model",
      description = {
        "Whether a sentence that contradicts the findings is written again before it is shown: on,"
            + " off, or as_model: not with published weights (default: ${DEFAULT-VALUE})."
      })
  private Guidance.Wanted guidance = Guidance.Wanted.AS_MODEL;

  /** The model folder. */
  Path folder() {
    if (folder != null) {
      return folder;
    }
    String home = System.getProperty("radialog.home");
    if (home == null) {
      throw new RadialogException(
          "no model: expected --model DIR, because this process was not started by ./radialog");
    }
    return Path.of(home, "models", "mini");
  }

  /** The seed for everything that is drawn at random. */
  long seed() {
    return seed;
  }

  Decoding decoding() {
    return Decoding.greedy(maxNewTokens).sampled(temperature, 1, seed).with(guidance);
  }

  Options options() {
    return precision == null ? cached() : cached().with(precision);
  }

  /** Options with the cache of the launcher. */
  static Options cached() {
    return Optional.ofNullable(System.getProperty("radialog.cache"))
        .map(Path::of)
        .map(Options.DEFAULT::withCache)
        .orElse(Options.DEFAULT);
  }

  RaDialog load() {
    return RaDialog.load(folder(), options());
  }
}
