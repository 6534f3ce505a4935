package org.radialog.vision;

import static org.bytedeco.pytorch.global.torch.batch_norm;
import static org.bytedeco.pytorch.global.torch.constant_pad_nd;
import static org.bytedeco.pytorch.global.torch.conv2d;
import static org.bytedeco.pytorch.global.torch.is_autocast_enabled;
import static org.bytedeco.pytorch.global.torch.relu6_;
import static org.bytedeco.pytorch.global.torch.relu_;

import java.util.Arrays;
import java.util.Optional;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.global.torch.DeviceType;
import org.bytedeco.pytorch.global.torch.MemoryFormat;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.radialog.torch.Autocast;
import org.radialog.torch.Init;
import org.radialog.torch.Parameters;
import org.radialog.torch.Scope;
import org.radialog.torch.Torch;
import org.radialog.vision.BioViLT.BatchNorm;
import org.radialog.vision.BioViLT.Statistics;

/**
 * A convolution without bias followed by batch normalisation and activation: the building block of
 * both backbones and of the joint projector. Dimensions: B batch, C channels, h rows, w columns.
 *
 * <p>As built, it normalises with running or batch statistics and can be trained. {@link #fold}
 * converts it, for the running statistics, to a single convolution with a bias.
 */
final class ConvNorm implements AutoCloseable {
  /** The activation after the normalisation. */
  enum Activation {
    NONE,
    RELU,
    RELU6
  }

  /** How zeros are padded around the input. */
  enum Padding {
    /** (kernel - 1) / 2 on each side, as in PyTorch models. */
    SYMMETRIC,
    /**
     * As many as needed for ceil(h / stride) rows, the odd one at the bottom and right, as in
     * TensorFlow models.
     */
    SAME
  }

  /**
   * Sizes of the convolution; {@code groups} is 1, or the number of channels for a depthwise
   * convolution.
   */
  record Geometry(long in, long out, long kernel, long stride, long groups, Padding padding) {
    static Geometry dense(long in, long out, long kernel, long stride) {
      return new Geometry(in, out, kernel, stride, 1, Padding.SYMMETRIC);
    }
  }

  /** Checkpoint names of the two layers, without the trailing dot. */
  record Names(String conv, String norm) {}

  private static final double MOMENTUM = 0.1;

  private final Geometry geometry;
  private final Activation activation;
  private final double epsilon;
  private final Tensor weight; // [Cout, Cin / groups, k, k]
  private final Optional<Norm> norm;
  private final Optional<Tensor> bias; // [Cout], only in a folded unit, which owns weight and bias

  /** Scale, shift, running mean and running variance per channel, each {@code [Cout]}. */
  private record Norm(Tensor weight, Tensor bias, Tensor mean, Tensor variance) {
    // With the statistics of a batch x, which move the running ones.
    Norm of(DividedBatch batch, Tensor x, double epsilon) {
      DividedBatch.Moments moments = batch.moments(x, epsilon);
      try (NoGradGuard _ = new NoGradGuard()) {
        Scalar share = new Scalar(MOMENTUM);
        mean.lerp_(moments.mean(), share);
        variance.lerp_(moments.unbiased(), share);
      }
      return new Norm(weight, bias, moments.mean(), moments.variance());
    }
  }

  private ConvNorm(
      Geometry geometry,
      Activation activation,
      double epsilon,
      Tensor weight,
      Optional<Norm> norm,
      Optional<Tensor> bias) {
    this.geometry = geometry;
    this.activation = activation;
    this.epsilon = epsilon;
    this.weight = weight;
    this.norm = norm;
    this.bias = bias;
  }

  /** Builds the trainable unit from the tensors in {@code p} under {@code names}. */
  static ConvNorm of(Parameters p, Names names, Geometry g, double epsilon, Activation activation) {
    Parameters norm = p.at(names.norm() + ".");
    double fanOut = (double) g.out() * g.kernel() * g.kernel() / g.groups();
    return new ConvNorm(
        g,
        activation,
        epsilon,
        p.get(
            names.conv() + ".weight",
            Init.normal(Math.sqrt(2 / fanOut)),
            g.out(),
            g.in() / g.groups(),
            g.kernel(),
            g.kernel()),
        Optional.of(
            new Norm(
                norm.get("weight", Init.ones(), g.out()),
                norm.get("bias", Init.zeros(), g.out()),
                norm.get("running_mean", Init.zeros(), g.out()),
                norm.get("running_var", Init.ones(), g.out()))),
        Optional.empty());
  }

  /**
   * Folds the running statistics into a convolution with weights of {@code type}, channels-last:
   * {@code w' = w · gamma / sqrt(var + eps)}, {@code b' = beta - mean · gamma / sqrt(var + eps)}.
   * The result does not depend on this unit and owns its two tensors.
   */
  ConvNorm fold(ScalarType type) {
    Norm s = norm.orElseThrow(() -> new IllegalStateException("already folded"));
    try (Scope scope = new Scope();
        NoGradGuard _ = new NoGradGuard()) {
      Tensor gain = s.variance().add(new Scalar(epsilon)).rsqrt().mul(s.weight()); // [Cout]
      Tensor folded = weight.mul(gain.view(-1, 1, 1, 1)).to(type); // [Cout, Cin/groups, k, k]
      Tensor shift = s.bias().sub(s.mean().mul(gain)).to(type); // [Cout]
      return new ConvNorm(
          geometry,
          activation,
          epsilon,
          scope.release(folded.contiguous(MemoryFormat.ChannelsLast)),
          Optional.empty(),
          Optional.of(scope.release(shift)));
    }
  }

  /**
   * {@code [B, Cin, h, w]} to {@code [B, Cout, h', w']}.
   *
   * @param statistics used for normalisation; a folded unit has only the running ones
   */
  Tensor forward(Tensor x, Statistics statistics) {
    long[] stride = {geometry.stride(), geometry.stride()};
    long[] padding = new long[2];
    switch (geometry.padding()) {
      case SYMMETRIC -> Arrays.fill(padding, (geometry.kernel() - 1) / 2);
      case SAME -> {
        long rows = missing(x.size(2));
        long columns = missing(x.size(3));
        if (rows % 2 == 0 && columns % 2 == 0) {
          padding = new long[] {rows / 2, columns / 2};
        } else {
          long[] sides = {columns / 2, columns - columns / 2, rows / 2, rows - rows / 2};
          x = constant_pad_nd(x, sides); // [B, Cin, h + rows, w + columns]
        }
      }
    }
    Tensor y;
    if (is_autocast_enabled(DeviceType.CPU) && isSlowToTrainInBf16()) {
      try (Autocast _ = Autocast.off()) {
        Tensor exact = convolution(x.to(ScalarType.Float), stride, padding);
        y = exact.to(ScalarType.BFloat16); // [B, Cout, h', w']
      }
    } else {
      y = convolution(x, stride, padding); // [B, Cout, h', w']
    }
    if (norm.isPresent()) {
      y =
          switch (statistics) {
            case BatchNorm.RUNNING -> normalised(y, norm.get(), false, 0);
            case BatchNorm.BATCH -> normalised(y, norm.get(), true, MOMENTUM);
            case BioViLT.ForeignBatch _ -> normalised(y, norm.get(), true, 0);
            case DividedBatch batch -> normalised(y, norm.get().of(batch, y, epsilon), false, 0);
          };
    } else if (statistics != BatchNorm.RUNNING) {
      throw new IllegalStateException(
          "a network with folded normalisation has no batch statistics: build the"
              + " trainable network");
    }
    // In place, because neither convolution nor normalisation needs its output for the backward
    // pass.
    // The tensor returned by an in-place operation does not own its memory, so y is the result.
    switch (activation) {
      case NONE -> {}
      case RELU -> relu_(y);
      case RELU6 -> relu6_(y);
    }
    return y;
  }

  // [b, C, h, w]
  private Tensor normalised(Tensor x, Norm n, boolean batch, double momentum) {
    return batch_norm(
        x,
        new TensorOptional(n.weight()),
        new TensorOptional(n.bias()),
        new TensorOptional(n.mean()),
        new TensorOptional(n.variance()),
        batch,
        momentum,
        epsilon,
        false);
  }

  private Tensor convolution(Tensor x, long[] stride, long[] padding) {
    TensorOptional b = bias.map(TensorOptional::new).orElseGet(TensorOptional::new);
    long[] dilation = {1, 1};
    return conv2d(x, weight, b, stride, padding, dilation, geometry.groups());
  }

  // oneDNN has no fast bf16 backward pass for these depthwise convolutions: in bf16, the backward
  // pass of a batch of 8
  // through EfficientNet-Lite0 at 320 pixels takes 1.13 s.
  private boolean isSlowToTrainInBf16() {
    return geometry.groups() > 1 && (geometry.kernel() > 3 || geometry.stride() > 1);
  }

  // Number of zeros that SAME padding adds along an axis of n cells.
  private long missing(long n) {
    long outputs = Math.ceilDiv(n, geometry.stride());
    return Math.max(0, (outputs - 1) * geometry.stride() + geometry.kernel() - n);
  }

  /** Frees the tensors of a folded unit; those of a trainable unit belong to its parameters. */
  @Override
  public void close() {
    bias.ifPresent(b -> {
      b.close();
      weight.close();
    });
  }

  @Override
  public String toString() {
    return geometry + (bias.isPresent() ? " folded " + Torch.type(weight) : "");
  }
}
