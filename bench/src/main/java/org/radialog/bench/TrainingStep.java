package org.radialog.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.radialog.base.RadialogException;
import org.radialog.language.Llama;
import org.radialog.language.LlamaConfig;
import org.radialog.language.LlamaDecoder;
import org.radialog.language.LlamaLinear;
import org.radialog.language.LlamaLoading;
import org.radialog.language.LlamaWeights;
import org.radialog.language.LoraConfig;
import org.radialog.language.Precision;
import org.radialog.torch.AdamW;
import org.radialog.torch.Lanes;
import org.radialog.torch.Parameters;
import org.radialog.torch.Scope;
import org.radialog.torch.Torch;
import org.radialog.torch.TorchThreads;

/**
 * The time and memory of a training step of LoRA on all linear layers: forward and backward pass
 * over a batch, gradient clipping and AdamW. The loss covers the second half of each sequence.
 *
 * @param seconds median over the measured steps
 * @param peakBytes largest resident memory of the process so far
 * @param loss of the first step, which is that of the base: the adapter changes nothing at first
 */
public record TrainingStep(double seconds, long peakBytes, double loss) {
  private static final int RANK = 8;

  /**
   * What is measured.
   *
   * @param weights of the language model; must stay open
   * @param precision in which they are used; {@code INT8} and {@code INT4} are QLoRA
   * @param batch B, sequences per step
   * @param tokens T, tokens per sequence
   */
  public record Setup(LlamaWeights weights, Precision precision, int batch, int tokens) {
    // A step of a large model takes minutes: its first one is measured.
    private int steps() {
      return large() ? 0 : 5;
    }

    private boolean large() {
      return weights.config().hidden() >= 2048;
    }

    // Whether the backward pass recomputes one layer at a time.
    private boolean layerwise() {
      return large() || precision == Precision.INT8 || precision == Precision.INT4;
    }
  }

  /** Measures training steps. */
  public static TrainingStep measure(Setup setup) {
    LlamaWeights weights = setup.weights;
    LoraConfig lora = LoraConfig.trained(RANK, 2 * RANK, EnumSet.allOf(LlamaLinear.class));
    try (TorchThreads _ = TorchThreads.all();
        Parameters p = Parameters.fresh(1)) {
      return switch (setup.precision) {
        case FP32, BF16 -> {
          try (Llama llama = LlamaLoading.adapted(weights, lora, p, setup.precision)) {
            yield measure(setup, llama, p);
          }
        }
        case INT8, INT4 -> {
          try (LlamaDecoder packed =
                  LlamaDecoder.of(weights, Optional.empty(), false, setup.precision);
              Llama llama = LlamaLoading.adapted(packed, lora, p)) {
            yield measure(setup, llama, p);
          }
        }
      };
    }
  }

  private static TrainingStep measure(Setup setup, Llama llama, Parameters p) {
    LlamaConfig config = setup.weights.config();
    Random random = new Random(1);
    int[] ids = random.ints((long) setup.batch * setup.tokens, 0, config.vocab()).toArray();
    int[][] labels = new int[setup.batch][setup.tokens];
    for (int b = 0; b < setup.batch; b++) {
      System.arraycopy(ids, b * setup.tokens, labels[b], 0, setup.tokens);
      Arrays.fill(labels[b], 0, setup.tokens / 2, Llama.IGNORED);
    }
    p.trainable(name -> true);
    llama.training(true);
    double[] seconds = new double[Math.max(1, setup.steps())];
    double first = Double.NaN;
    try (AdamW optimizer = new AdamW(AdamW.Config.TORCH, p.named())) {
      for (int step = setup.steps() == 0 ? 0 : -1; step < seconds.length; step++) {
        long start = System.nanoTime();
        try (Scope _ = new Scope()) {
          optimizer.zeroGrad();
          Tensor x = llama.embed(ids).view(setup.batch, setup.tokens, config.hidden()); // [B, T, D]
          double loss;
          if (setup.layerwise()) {
            loss = llama.backward(x, labels, 1, step);
          } else {
            loss =
                Lanes.backward(
                    List.copyOf(p.named().values()),
                    IntStream.range(0, setup.batch).boxed().toList(),
                    rows -> part(setup, llama, x, labels, rows));
          }
          first = Double.isNaN(first) ? loss : first;
          optimizer.clipGradNorm(1);
          optimizer.step(1e-4);
        }
        if (step >= 0) {
          seconds[step] = (System.nanoTime() - start) / 1e9;
        }
      }
    }
    Torch.giveBack();
    Arrays.sort(seconds);
    return new TrainingStep(seconds[seconds.length / 2], peak(), first);
  }

  // The share of some sequences in the mean over all of them, which have as many labels each.
  private static Tensor part(
      Setup setup, Llama llama, Tensor x /* [B, T, D] */, int[][] labels, List<Integer> rows) {
    int[][] own = rows.stream().map(row -> labels[row]).toArray(int[][]::new);
    return llama
        .loss(x.narrow(0, rows.getFirst(), rows.size()), own)
        .mul(new Scalar((double) rows.size() / setup.batch));
  }

  // VmHWM of Linux, in kB.
  private static long peak() {
    Path status = Path.of("/proc/self/status");
    try {
      return Files.readAllLines(status).stream()
          .filter(line -> line.startsWith("VmHWM:"))
          .mapToLong(line -> 1024 * Long.parseLong(line.replaceAll("\\D", "")))
          .findFirst()
          .orElse(0);
    } catch (IOException e) {
      throw new RadialogException("cannot read the peak memory from " + status + ": " + e, e);
    }
  }
}
