package org.radialog.vision;

import static org.bytedeco.pytorch.global.torch.gelu;

import org.bytedeco.pytorch.Tensor;
import org.radialog.base.RadialogException;
import org.radialog.torch.Linear;
import org.radialog.torch.Parameters;
import org.radialog.torch.Scope;

/**
 * The alignment of the second version, the projector of LLaVA-1.5: two linear layers with an
 * erf-GELU between them, applied to every patch. Tensor names are {@code mm_projector.0} and {@code
 * mm_projector.2}.
 *
 * <p>Dimensions: B batch, C channels of the features, h w cells, D width of the language model.
 */
public final class MlpProjector implements Alignment {
  /**
   * Sizes.
   *
   * @param hidden width between the linear layers
   * @param source the output of the image encoder that is the input
   * @param tokenOrder how the features are arranged as image tokens
   */
  public record Config(int hidden, VisionEncoder.Source source, TokenOrder tokenOrder)
      implements Alignment.Config {
    /** The published sizes. */
    public static final Config PUBLISHED =
        new Config(4096, VisionEncoder.Source.PATCHES, TokenOrder.PATCHES);

    /**
     * Checks the width.
     *
     * @throws RadialogException if it is out of range
     */
    public Config {
      if (hidden < 1 || hidden > 65536) {
        throw new RadialogException("hidden is " + hidden + ", expected 1 to 65536");
      }
    }

    @Override
    public Alignment.Input input() {
      return new Alignment.Input.Features(source);
    }

    @Override
    public Alignment network(Parameters p, VisionEncoder.Config encoder, int out) {
      return MlpProjector.of(p.at("projector."), this, encoder.channels(source), out);
    }
  }

  private final Config config;
  private final int channels; // C
  private final Linear first;
  private final Linear second;

  private MlpProjector(Config config, int channels, Linear first, Linear second) {
    this.config = config;
    this.channels = channels;
    this.first = first;
    this.second = second;
  }

  /**
   * Builds the projector from the tensors in {@code p}.
   *
   * @param channels C of the features
   * @param out width of the language model, D
   * @throws RadialogException if {@code p} lacks a tensor or has it in another shape
   */
  public static MlpProjector of(Parameters p, Config c, int channels, int out) {
    return new MlpProjector(
        c,
        channels,
        Linear.of(p.at("mm_projector.0."), channels, c.hidden()),
        Linear.of(p.at("mm_projector.2."), c.hidden(), out));
  }

  /** The sizes. */
  public Config config() {
    return config;
  }

  @Override
  public Tensor forward(Tensor features, double dropout) {
    try (Scope scope = new Scope()) {
      Tensor x = config.tokenOrder().tokens(features, channels); // [B, h·w, C]
      x = gelu(first.forward(x)); // [B, h·w, hidden]
      return scope.keep(second.forward(x)); // [B, h·w, D]
    }
  }
}
