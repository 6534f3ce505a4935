package org.radialog.dialog;

import static org.bytedeco.pytorch.global.torch.conv2d;

import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.radialog.base.RadialogException;
import org.radialog.torch.Init;
import org.radialog.torch.Parameters;
import org.radialog.vision.InputSpec;
import org.radialog.vision.VisionEncoder;

/**
 * As little as an image encoder can be, and no more than main code knows of one: each square of the
 * film becomes a patch by one linear, and the patch a vector of the joint space by another.
 */
public final class ToyVisionEncoder implements VisionEncoder {
  /** What {@code META-INF/services} names. */
  public static final class ToyKind implements Kind {
    @Override
    public String name() {
      return "toy-squares";
    }

    @Override
    public Class<Config> config() {
      return Config.class;
    }
  }

  /**
   * Sizes; P and J as in {@link VisionEncoder}.
   *
   * @param square side of a square in pixels
   */
  public record Config(int square, int patch, int joint, InputSpec input)
      implements VisionEncoder.Config {
    @Override
    public int patchChannels() {
      return patch;
    }

    @Override
    public int filmChannels() {
      return patch;
    }

    @Override
    public int projectedChannels() {
      return joint;
    }

    @Override
    public boolean prior() {
      return false;
    }

    @Override
    public VisionEncoder network(Parameters.Source weights, ScalarType type) {
      return new ToyVisionEncoder(this, Parameters.of(weights));
    }

    Tensor squares(Parameters p) {
      return p.get("squares.weight", Init.zeros(), patch, input.channels(), square, square);
    }

    Tensor projector(Parameters p) {
      return p.get("projector.weight", Init.zeros(), joint, patch, 1, 1);
    }
  }

  private final Config config;
  private final Parameters parameters;
  private final Tensor squares; // [P, C, square, square]
  private final Tensor projector; // [J, P, 1, 1]

  private ToyVisionEncoder(Config config, Parameters parameters) {
    this.config = config;
    this.parameters = parameters;
    this.squares = config.squares(parameters);
    this.projector = config.projector(parameters);
  }

  @Override
  public InputSpec input() {
    return config.input();
  }

  @Override
  public Features encode(Tensor pixels) {
    Tensor patches = // [B, P, h, w]
        conv2d(
            pixels,
            squares,
            new TensorOptional(),
            new long[] {config.square(), config.square()},
            new long[] {0, 0},
            new long[] {1, 1},
            1);
    return new Features(patches, project(patches));
  }

  @Override
  public Features encode(Tensor pixels, Tensor prior) {
    throw new RadialogException("a toy compares nothing");
  }

  @Override
  public Tensor project(Tensor patches) {
    return conv2d(patches, projector);
  }

  @Override
  public void close() {
    parameters.close();
  }
}
