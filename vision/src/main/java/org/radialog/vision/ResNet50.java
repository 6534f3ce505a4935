package org.radialog.vision;

import static org.bytedeco.pytorch.global.torch.max_pool2d;
import static org.bytedeco.pytorch.global.torch.relu_;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.radialog.torch.Parameters;
import org.radialog.torch.Scope;
import org.radialog.vision.BioViLT.Statistics;
import org.radialog.vision.ConvNorm.Activation;
import org.radialog.vision.ConvNorm.Geometry;
import org.radialog.vision.ConvNorm.Names;

/**
 * ResNet-50 (arXiv 1512.03385) up to its last stage, with the tensor names of torchvision's model.
 * The stride of a stage is in the 3x3 convolution of its first block. The {@code fc} layer is not
 * used.
 *
 * <p>Dimensions: B batch, S side of the image in pixels, C channels, h = w = ceil(S / 32).
 */
public final class ResNet50 implements ImageBackbone {
  static final long CHANNELS = 2048;
  private static final double EPSILON = 1e-5;
  private static final int[] REPEATS = {3, 4, 6, 3};

  /**
   * A 1x1 convolution to a quarter of the width, a 3x3 and a 1x1 back, plus the input, which is
   * projected if its shape differs.
   */
  private record Bottleneck(
      ConvNorm conv1, ConvNorm conv2, ConvNorm conv3, Optional<ConvNorm> downsample) {
    Tensor forward(Tensor x, Statistics statistics) {
      try (Scope scope = new Scope()) {
        Tensor y = conv1.forward(x, statistics); // [B, C/4, h, w]
        y = conv2.forward(y, statistics); // [B, C/4, h/stride, w/stride]
        y = conv3.forward(y, statistics); // [B, C, h/stride, w/stride]
        Tensor shortcut = downsample.map(d -> d.forward(x, statistics)).orElse(x);
        y.add_(shortcut);
        relu_(y);
        return scope.keep(y);
      }
    }

    Bottleneck fold(ScalarType type) {
      return new Bottleneck(
          conv1.fold(type), conv2.fold(type), conv3.fold(type), downsample.map(d -> d.fold(type)));
    }

    void close() {
      conv1.close();
      conv2.close();
      conv3.close();
      downsample.ifPresent(ConvNorm::close);
    }
  }

  private final ConvNorm stem;
  private final List<List<Bottleneck>> layers;

  private ResNet50(ConvNorm stem, List<List<Bottleneck>> layers) {
    this.stem = stem;
    this.layers = layers;
  }

  public static ResNet50 of(Parameters p) {
    ConvNorm stem = unit(p, "conv1", "bn1", Geometry.dense(3, 64, 7, 2), Activation.RELU);
    List<List<Bottleneck>> layers = new ArrayList<>();
    long in = 64;
    for (int l = 0; l < REPEATS.length; l++) {
      long narrow = 64L << l;
      List<Bottleneck> blocks = new ArrayList<>();
      for (int i = 0; i < REPEATS[l]; i++) {
        long stride = i == 0 && l > 0 ? 2 : 1;
        Parameters block = p.at("layer" + (l + 1) + "." + i + ".");
        blocks.add(bottleneck(block, in, narrow, stride, i == 0));
        in = 4 * narrow;
      }
      layers.add(List.copyOf(blocks));
    }
    return new ResNet50(stem, List.copyOf(layers));
  }

  private static Bottleneck bottleneck(
      Parameters p, long in, long narrow, long stride, boolean first) {
    long out = 4 * narrow;
    return new Bottleneck(
        unit(p, "conv1", "bn1", Geometry.dense(in, narrow, 1, 1), Activation.RELU),
        unit(p, "conv2", "bn2", Geometry.dense(narrow, narrow, 3, stride), Activation.RELU),
        unit(p, "conv3", "bn3", Geometry.dense(narrow, out, 1, 1), Activation.NONE),
        first
            ? Optional.of(
                unit(
                    p,
                    "downsample.0",
                    "downsample.1",
                    Geometry.dense(in, out, 1, stride),
                    Activation.NONE))
            : Optional.empty());
  }

  private static ConvNorm unit(
      Parameters p, String conv, String norm, Geometry geometry, Activation activation) {
    return ConvNorm.of(p, new Names(conv, norm), geometry, EPSILON, activation);
  }

  @Override
  public ResNet50 fold(ScalarType type) {
    return new ResNet50(
        stem.fold(type),
        layers.stream().map(l -> l.stream().map(b -> b.fold(type)).toList()).toList());
  }

  @Override
  public Tensor forward(Tensor image, Statistics statistics) {
    try (Scope scope = new Scope()) {
      Tensor x = stem(image, statistics); // [B, 64, S/4, S/4]
      for (int l = 1; l <= layers.size(); l++) {
        x = layer(l, x, statistics); // ... [B, 2048, h, w]
      }
      return scope.keep(x);
    }
  }

  /** {@code [B, 3, S, S]} to {@code [B, 64, S/4, S/4]}. */
  public Tensor stem(Tensor image, Statistics statistics) {
    try (Scope scope = new Scope()) {
      Tensor x = stem.forward(image, statistics); // [B, 64, S/2, S/2]
      long[] kernel = {3, 3};
      long[] stride = {2, 2};
      long[] padding = {1, 1};
      long[] dilation = {1, 1};
      return scope.keep(max_pool2d(x, kernel, stride, padding, dilation, false));
    }
  }

  /**
   * Runs stage {@code number}, 1 to 4. Each stage but the first halves the grid and doubles the
   * width.
   */
  public Tensor layer(int number, Tensor x, Statistics statistics) {
    try (Scope scope = new Scope()) {
      for (Bottleneck block : layers.get(number - 1)) {
        x = block.forward(x, statistics);
      }
      return scope.keep(x);
    }
  }

  @Override
  public void close() {
    stem.close();
    layers.forEach(l -> l.forEach(Bottleneck::close));
  }
}
