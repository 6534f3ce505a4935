package org.radialog.loop;

import java.util.LinkedHashMap;
import java.util.SequencedMap;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.radialog.torch.Scope;

/**
 * The exponential moving average of a network's tensors, including running statistics. It
 * generalises better than the weights of the last step (arXiv 1803.05407 and earlier work).
 */
public final class WeightAverage implements AutoCloseable {
  private final SequencedMap<String, Tensor> current;
  private final SequencedMap<String, Tensor> average = new LinkedHashMap<>();
  private final double decay;

  /**
   * An average that starts at the current values.
   *
   * @param current live tensors by name
   * @param decay weight of the average at each update
   */
  public WeightAverage(SequencedMap<String, Tensor> current, double decay) {
    this.current = current;
    this.decay = decay;
    try (Scope scope = new Scope();
        NoGradGuard _ = new NoGradGuard()) {
      current.forEach((name, tensor) -> average.put(name, scope.release(tensor.detach().clone())));
    }
  }

  /**
   * Updates the average after step {@code step}; early in training, the current weights count more.
   */
  public void update(long step) {
    double keep = Math.min(decay, (1.0 + step) / (10.0 + step));
    current.forEach((name, tensor) -> {
      try (Scope _ = new Scope();
          NoGradGuard _ = new NoGradGuard()) {
        average(name).lerp_(tensor.detach(), new Scalar(1 - keep));
      }
    });
  }

  /** The averages by name; these are the live tensors. */
  public SequencedMap<String, Tensor> tensors() {
    return average;
  }

  private Tensor average(String name) {
    Tensor tensor = average.get(name);
    if (tensor == null) {
      throw new IllegalStateException("no average of " + name);
    }
    return tensor;
  }

  @Override
  public void close() {
    average.values().forEach(Tensor::close);
    average.clear();
  }
}
