package org.radialog.vision;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.Optional;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorBase;
import org.bytedeco.pytorch.TensorTensorHook;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.radialog.torch.ProcessGroup;
import org.radialog.torch.Scope;
import org.radialog.torch.Torch;

/**
 * Batch statistics, as {@link BioViLT.BatchNorm#BATCH}, of a batch whose films are divided among
 * processes. Mean and variance are those of the films of all processes, and so is their part in the
 * gradient: with the normalised values x and the gradient g that libtorch computes for constant
 * statistics, the gradient is {@code g − mean(g) − x · mean(g · x)}. Every process makes the
 * forward and the backward passes of the same network, each with at least one film.
 *
 * <p>B films of all processes, b of them in this process, C channels, h w cells.
 */
public final class DividedBatch implements BioViLT.Statistics, AutoCloseable {
  /**
   * A normalisation whose backward pass is still to come. The engine of libtorch makes the backward
   * passes in the reverse order of the forward passes.
   */
  private record Pending(
      Tensor values /* [b, C, h, w] */,
      Tensor mean /* [1, C, 1, 1] */,
      Tensor gain /* [1, C, 1, 1] */,
      double count) {
    void close() {
      values.close();
      mean.close();
      gain.close();
    }
  }

  /**
   * The statistics of each channel.
   *
   * @param mean [C]
   * @param variance [C], of the values as they are
   * @param unbiased [C], as an estimate from a sample
   */
  record Moments(Tensor mean, Tensor variance, Tensor unbiased) {}

  private final ProcessGroup group;
  private final int films; // B
  private final Deque<Pending> pending = new ArrayDeque<>();
  private final Gradient hook; // one for all layers: the binding has room for few callbacks
  private Optional<Tensor> handedOver = Optional.empty();

  /**
   * The statistics of batches of {@code films} films.
   *
   * @param films number of films in all processes together
   */
  public DividedBatch(ProcessGroup group, int films) {
    this.group = group;
    this.films = films;
    try (Scope scope = new Scope()) {
      this.hook = scope.release(new Gradient());
    }
  }

  /** The statistics of {@code values} [b, C, h, w], for a normalisation with {@code epsilon}. */
  Moments moments(Tensor values, double epsilon) {
    double count = (double) films * values.size(2) * values.size(3);
    ScalarType type = Torch.type(values);
    try (Scope scope = new Scope();
        NoGradGuard _ = new NoGradGuard()) {
      Tensor mean = sum(values); // [1, C, 1, 1], in fp64 as libtorch's own
      group.sum(mean);
      mean.div_(new Scalar(count));
      Tensor squares = sum(values.sub(mean.to(type)).square()); // [1, C, 1, 1]
      group.sum(squares);
      Tensor variance = squares.div(new Scalar(count)).to(type);
      if (values.requires_grad()) {
        values.register_hook(hook);
        pending.push(
            new Pending(
                scope.release(values.detach()),
                scope.release(mean.to(type)),
                scope.release(variance.add(new Scalar(epsilon)).rsqrt()),
                count));
      }
      return new Moments(
          scope.keep(mean.to(type).flatten()),
          scope.keep(variance.flatten()),
          scope.keep(squares.div(new Scalar(count - 1)).to(type).flatten()));
    }
  }

  // [b, C, h, w] to [1, C, 1, 1], in fp64
  private static Tensor sum(Tensor values) {
    return values.sum(new long[] {0, 2, 3}, true, new ScalarTypeOptional(ScalarType.Double));
  }

  /** Adds the part of the statistics to the gradient of a layer's values. */
  private final class Gradient extends TensorTensorHook {
    @Override
    public TensorBase call(TensorBase gradient) {
      handedOver.ifPresent(Tensor::close); // the library has its own reference by now
      Pending layer = pending.pop();
      try (Scope scope = new Scope();
          NoGradGuard _ = new NoGradGuard()) {
        Tensor constant = new Tensor(gradient); // [b, C, h, w]
        if (!Arrays.equals(Torch.shape(constant), Torch.shape(layer.values))) {
          throw new IllegalStateException("a gradient came out of order");
        }
        Tensor normal = layer.values.sub(layer.mean).mul(layer.gain); // [b, C, h, w]
        Tensor sums =
            torch.cat(
                new TensorVector(sum(constant), sum(constant.mul(normal))), 0); // [2, C, 1, 1]
        group.sum(sums);
        Tensor means = sums.div(new Scalar(layer.count)).to(Torch.type(constant)); // [2, C, 1, 1]
        Tensor whole =
            scope.release(
                constant.sub(means.narrow(0, 0, 1)).sub(normal.mul(means.narrow(0, 1, 1))));
        handedOver = Optional.of(whole);
        return whole; // [b, C, h, w]
      } finally {
        layer.close();
      }
    }
  }

  /** Frees what an incomplete backward pass has left. */
  @Override
  public void close() {
    handedOver.ifPresent(Tensor::close);
    pending.forEach(Pending::close);
    hook.close();
  }
}
