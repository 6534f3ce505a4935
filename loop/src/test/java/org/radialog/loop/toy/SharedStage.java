package org.radialog.loop.toy;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Random;
import java.util.SequencedMap;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.radialog.loop.Share;
import org.radialog.loop.Stage;
import org.radialog.torch.AdamW;
import org.radialog.torch.Linear;
import org.radialog.torch.LossScale;
import org.radialog.torch.Parameters;
import org.radialog.torch.Schedule;
import org.radialog.torch.Torch;
import org.radialog.weights.DType;
import org.radialog.weights.SafetensorsWriter;

/**
 * A stage whose batches processes can share: a linear layer learns the sum of four numbers. Each
 * process notes in a file of its own what it saw, and one may be told to die.
 */
final class SharedStage implements Stage, AutoCloseable {
  static final String NAME = "shared";
  static final int STEPS = 9;
  static final int BATCH = 8;
  private static final int SKIPPED = 3; // step

  private final Path notes;
  private final int dyingAt; // step at which process 1 ends; -1 for never
  private final Parameters parameters = Parameters.fresh(3);
  private final Linear layer = Linear.of(parameters, 4, 1);
  private final AdamW optimizer;
  private final LossScale scale = new LossScale();

  SharedStage(Path notes, int dyingAt) {
    this.notes = notes;
    this.dyingAt = dyingAt;
    parameters.trainable(_ -> true);
    this.optimizer = new AdamW(AdamW.Config.TORCH, parameters.named());
  }

  @Override
  public void close() {
    optimizer.close();
    parameters.close();
  }

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public Plan plan() {
    return new Plan(STEPS, 0, 4, Schedule.constant(0.05, 0), 0.1, 0, 17);
  }

  @Override
  public SequencedMap<String, Tensor> tensors() {
    return parameters.named();
  }

  @Override
  public AdamW optimizer() {
    return optimizer;
  }

  @Override
  public Tensor loss(long step) {
    return loss(step, IntStream.range(0, BATCH).boxed().toList());
  }

  @Override
  public Optional<LossScale> lossScale() {
    return Optional.of(scale);
  }

  @Override
  public boolean divisible(int processes) {
    return true;
  }

  @Override
  public double backward(long step, Share share) {
    if (share.rank() == 1 && step == dyingAt) {
      System.err.println("radialog: the disk is full");
      Runtime.getRuntime().halt(9);
    }
    List<Integer> own = share.of(IntStream.range(0, BATCH).boxed().toList());
    note(step, share, own);
    Tensor part = loss(step, own).mul(new Scalar((double) own.size() / BATCH));
    // The gradient of the last number of a batch overflows once.
    boolean overflows = step == SKIPPED && own.contains(BATCH - 1);
    scale.of(overflows ? part.mul(new Scalar(1e37)) : part).backward();
    return Torch.item(part);
  }

  private void note(long step, Share share, List<Integer> own) {
    StringBuilder lines = new StringBuilder();
    own.forEach(i -> lines.append(step).append(' ').append(i).append('\n'));
    try {
      Files.writeString(
          notes.resolve("seen-" + share.rank()),
          lines,
          UTF_8,
          StandardOpenOption.CREATE,
          StandardOpenOption.APPEND);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  // [1]
  private Tensor loss(long step, List<Integer> some) {
    float[] numbers = new float[some.size() * 4];
    float[] sums = new float[some.size()];
    for (int i = 0; i < sums.length; i++) {
      Random random = new Random(step * BATCH + some.get(i));
      for (int k = 0; k < 4; k++) {
        numbers[i * 4 + k] = random.nextFloat();
        sums[i] += numbers[i * 4 + k];
      }
    }
    return torch.mse_loss(
        layer.forward(Torch.tensor(numbers, sums.length, 4)), Torch.tensor(sums, sums.length, 1));
  }

  @Override
  public List<Measure> measures() {
    return List.of();
  }

  @Override
  public Map<String, OptionalDouble> validate() {
    return Map.of();
  }

  /** Weights, and the gradients of the last step. */
  @Override
  public void save(Path folder) {
    SequencedMap<String, Tensor> all = new LinkedHashMap<>(parameters.named());
    parameters.named().forEach((name, tensor) -> all.put("gradient." + name, tensor.grad()));
    SafetensorsWriter.write(
        folder.resolve(NAME + ".safetensors"), Map.of(), Parameters.entries(all, DType.F32));
  }
}
