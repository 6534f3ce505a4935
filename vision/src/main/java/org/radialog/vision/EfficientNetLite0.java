package org.radialog.vision;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.MemoryFormat;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.radialog.torch.Bf16;
import org.radialog.torch.Parameters;
import org.radialog.torch.Scope;
import org.radialog.vision.BioViLT.Statistics;
import org.radialog.vision.ConvNorm.Activation;
import org.radialog.vision.ConvNorm.Geometry;
import org.radialog.vision.ConvNorm.Names;
import org.radialog.vision.ConvNorm.Padding;

/**
 * EfficientNet-Lite0 up to its head convolution: EfficientNet-B0 (arXiv 1905.11946) without
 * squeeze-and-excitation and with ReLU6. Names and constants follow the PyTorch package {@code
 * efficientnet_lite_pytorch}, whose weights were converted from TensorFlow. For this reason it uses
 * SAME padding, an epsilon of 1e-3, and inputs of {@code (255 x - 127) / 128}.
 *
 * <p>Dimensions: B batch, S side of the image in pixels, C channels, h = w = ceil(S / 32).
 *
 * <p>The output is that of the head convolution, 1280 channels after ReLU6, which was the input of
 * the ImageNet classifier, not the 320 linear channels before it.
 */
final class EfficientNetLite0 implements ImageBackbone {
  static final long CHANNELS = 1280;
  private static final double EPSILON = 1e-3;

  /** {@code repeats} blocks; the first one has the stride and changes the width. */
  private record Stage(int repeats, long kernel, long stride, long expand, long out) {}

  private static final List<Stage> STAGES =
      List.of(
          new Stage(1, 3, 1, 1, 16),
          new Stage(2, 3, 2, 6, 24),
          new Stage(2, 5, 2, 6, 40),
          new Stage(3, 3, 2, 6, 80),
          new Stage(3, 5, 1, 6, 112),
          new Stage(4, 5, 2, 6, 192),
          new Stage(1, 3, 1, 6, 320));

  /**
   * MBConv, the inverted bottleneck: expand, depthwise convolution, project, with a residual
   * connection where shapes allow it.
   */
  private record Block(
      Optional<ConvNorm> expand, ConvNorm depthwise, ConvNorm project, boolean residual) {
    Tensor forward(Tensor x, Statistics statistics) {
      try (Scope scope = new Scope()) {
        Tensor y = expand.map(e -> e.forward(x, statistics)).orElse(x); // [B, 6 Cin, h, w]
        y = depthwise.forward(y, statistics); // [B, 6 Cin, h/stride, w/stride]
        y = project.forward(y, statistics); // [B, Cout, h/stride, w/stride]
        if (residual) {
          y.add_(x);
        }
        return scope.keep(y);
      }
    }

    Block fold(ScalarType type) {
      return new Block(
          expand.map(e -> e.fold(type)), depthwise.fold(type), project.fold(type), residual);
    }

    void close() {
      expand.ifPresent(ConvNorm::close);
      depthwise.close();
      project.close();
    }
  }

  private final ConvNorm stem;
  private final List<Block> blocks;
  private final ConvNorm head;

  private EfficientNetLite0(ConvNorm stem, List<Block> blocks, ConvNorm head) {
    this.stem = stem;
    this.blocks = blocks;
    this.head = head;
  }

  static EfficientNetLite0 of(Parameters p) {
    ConvNorm stem = unit(p, "_conv_stem", "_bn0", geometry(3, 32, 3, 2), Activation.RELU6);
    List<Block> blocks = new ArrayList<>();
    long in = 32;
    for (Stage stage : STAGES) {
      for (int i = 0; i < stage.repeats(); i++) {
        long stride = i == 0 ? stage.stride() : 1;
        blocks.add(block(p.at("_blocks." + blocks.size() + "."), stage, in, stride));
        in = stage.out();
      }
    }
    ConvNorm head = unit(p, "_conv_head", "_bn1", geometry(in, CHANNELS, 1, 1), Activation.RELU6);
    return new EfficientNetLite0(stem, List.copyOf(blocks), head);
  }

  private static Block block(Parameters p, Stage stage, long in, long stride) {
    long wide = in * stage.expand();
    Optional<ConvNorm> expand =
        stage.expand() == 1
            ? Optional.empty()
            : Optional.of(
                unit(p, "_expand_conv", "_bn0", geometry(in, wide, 1, 1), Activation.RELU6));
    Geometry depthwise = new Geometry(wide, wide, stage.kernel(), stride, wide, Padding.SAME);
    return new Block(
        expand,
        unit(p, "_depthwise_conv", "_bn1", depthwise, Activation.RELU6),
        unit(p, "_project_conv", "_bn2", geometry(wide, stage.out(), 1, 1), Activation.NONE),
        stride == 1 && in == stage.out());
  }

  private static ConvNorm unit(
      Parameters p, String conv, String norm, Geometry geometry, Activation activation) {
    return ConvNorm.of(p, new Names(conv, norm), geometry, EPSILON, activation);
  }

  private static Geometry geometry(long in, long out, long kernel, long stride) {
    return new Geometry(in, out, kernel, stride, 1, Padding.SAME);
  }

  @Override
  public EfficientNetLite0 fold(ScalarType type) {
    return new EfficientNetLite0(
        stem.fold(type), blocks.stream().map(b -> b.fold(type)).toList(), head.fold(type));
  }

  @Override
  public Tensor forward(Tensor image, Statistics statistics) {
    try (Scope scope = new Scope()) {
      // converts [0, 1] to the range of the ImageNet weights
      Tensor x = image.mul(new Scalar(255.0 / 128)).sub(new Scalar(127.0 / 128)); // [B, 3, S, S]
      if (x.scalar_type().intern() == ScalarType.Float && !Bf16.isFast()) {
        x = x.contiguous(MemoryFormat.ChannelsLast); // a training step then takes half the time
      }
      x = stem.forward(x, statistics); // [B, 32, S/2, S/2]
      for (Block block : blocks) {
        x = block.forward(x, statistics); // ... [B, 320, h, w]
      }
      return scope.keep(head.forward(x, statistics)); // [B, 1280, h, w]
    }
  }

  @Override
  public void close() {
    stem.close();
    blocks.forEach(Block::close);
    head.close();
  }
}
