package org.radialog.loop.toy;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Random;
import java.util.SequencedMap;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.radialog.loop.Stage;
import org.radialog.torch.AdamW;
import org.radialog.torch.Init;
import org.radialog.torch.Linear;
import org.radialog.torch.LossScale;
import org.radialog.torch.Parameters;
import org.radialog.torch.Schedule;
import org.radialog.torch.Scope;
import org.radialog.torch.Torch;
import org.radialog.weights.DType;

/**
 * A stage defined outside the main code: a linear layer learns the sum of four numbers, with
 * dropout on its inputs.
 */
final class ToyStage implements Stage, AutoCloseable {
  private final String name;
  private final long steps;
  private final double minutes;
  private ScalarType type = ScalarType.Float; // in which the layer is computed
  private Optional<LossScale> scale = Optional.empty();
  private final Parameters parameters = Parameters.fresh(3);
  private final Linear layer = Linear.of(parameters, 4, 1);
  private final AdamW optimizer;

  ToyStage(String name, long steps, double minutes) {
    this.name = name;
    this.steps = steps;
    this.minutes = minutes;
    parameters.trainable(_ -> true);
    this.optimizer = new AdamW(AdamW.Config.TORCH, parameters.named());
  }

  /** Adds numbers to its checkpoint, which nothing changes. */
  ToyStage heavier(int numbers) {
    parameters.get("ballast", Init.zeros(), numbers);
    return this;
  }

  @Override
  public void close() {
    optimizer.close();
    parameters.close();
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public Plan plan() {
    return new Plan(steps, 5, 2, Schedule.constant(0.05, 0), 10, minutes, 17);
  }

  @Override
  public SequencedMap<String, Tensor> tensors() {
    return parameters.named();
  }

  @Override
  public AdamW optimizer() {
    return optimizer;
  }

  /** Computes the layer in fp16. */
  ToyStage inFp16() {
    type = ScalarType.Half;
    scale = Optional.of(new LossScale());
    return this;
  }

  @Override
  public Optional<LossScale> lossScale() {
    return scale;
  }

  // [B, 4] to [B, 1]
  private Tensor summed(Tensor numbers) {
    return torch
        .linear(
            numbers.to(type),
            layer.weight().to(type),
            new TensorOptional(layer.bias().orElseThrow().to(type)))
        .to(ScalarType.Float);
  }

  @Override
  public Tensor loss(long step) {
    float[] numbers = new float[32];
    float[] sums = new float[8];
    Random random = new Random(step);
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = random.nextFloat();
      sums[i / 4] += numbers[i];
    }
    Tensor hidden = torch.dropout(Torch.tensor(numbers, 8, 4), 0.1, true);
    return torch.mse_loss(summed(hidden), Torch.tensor(sums, 8, 1));
  }

  @Override
  public List<Measure> measures() {
    return List.of(new Measure(name + "_of_ones", Axis.LOSS), new Measure("never", Axis.SCORE));
  }

  @Override
  public Map<String, OptionalDouble> validate() {
    try (Scope _ = new Scope();
        NoGradGuard _ = new NoGradGuard()) {
      double sum = Torch.item(summed(Torch.tensor(new float[] {1, 1, 1, 1}, 1, 4)));
      return Map.of(
          name + "_of_ones", OptionalDouble.of(Math.abs(sum - 4)), "never", OptionalDouble.empty());
    }
  }

  @Override
  public void save(Path folder) {
    parameters.save(folder.resolve(name + ".safetensors"), Map.of(), DType.F32);
  }
}
