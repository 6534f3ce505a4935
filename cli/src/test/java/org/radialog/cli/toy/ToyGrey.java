package org.radialog.cli.toy;

import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.radialog.base.RadialogException;
import org.radialog.torch.Parameters;
import org.radialog.vision.InputSpec;
import org.radialog.vision.VisionEncoder;

/** An image encoder without weights: a patch is the mean grey of a square, in every channel. */
public record ToyGrey(Config config) implements VisionEncoder {
  private static final int SQUARE = 32;

  /** What {@code META-INF/services} names. */
  public static final class ToyKind implements Kind {
    @Override
    public String name() {
      return "toy-grey";
    }

    @Override
    public Class<Config> config() {
      return Config.class;
    }
  }

  /** Sizes; P and J as in {@link VisionEncoder}. */
  public record Config(int patchChannels, int projectedChannels) implements VisionEncoder.Config {
    @Override
    public InputSpec input() {
      return InputSpec.GREY;
    }

    @Override
    public int filmChannels() {
      return patchChannels;
    }

    @Override
    public boolean prior() {
      return false;
    }

    @Override
    public VisionEncoder network(Parameters.Source weights, ScalarType type) {
      return new ToyGrey(this);
    }
  }

  @Override
  public InputSpec input() {
    return config.input();
  }

  @Override
  public Features encode(Tensor pixels) {
    Tensor patches = // [B, P, S / 32, S / 32]
        torch.avg_pool2d(pixels, SQUARE).repeat(1, config.patchChannels(), 1, 1);
    return new Features(patches, project(patches));
  }

  @Override
  public Features encode(Tensor pixels, Tensor prior) {
    throw new RadialogException("a toy compares nothing");
  }

  @Override
  public Tensor project(Tensor patches) {
    return patches.narrow(1, 0, config.projectedChannels());
  }

  @Override
  public void close() {
    // nothing is held
  }
}
