package org.radialog.vision;

import static org.bytedeco.pytorch.global.torch.gelu;

import org.bytedeco.pytorch.Tensor;
import org.radialog.torch.Linear;
import org.radialog.torch.Parameters;
import org.radialog.torch.Scope;

/**
 * The second version's alignment, LLaVA-1.5's projector: two linears with an erf-GELU between them
 * on every patch. Keys {@code mm_projector.0} and {@code mm_projector.2}.
 *
 * <p>Dimensions: B batch, C channels of the features, h w cells, D width of the language model.
 */
public final class MlpProjector implements Alignment {
  /**
   * Sizes.
   *
   * @param channels of the features
   * @param hidden width between the linears
   * @param out width of the language model, D
   */
  public record Config(int channels, int hidden, int out, TokenOrder tokenOrder) {
    /** The published sizes. */
    public static final Config PUBLISHED = new Config(512, 4096, 4096, TokenOrder.PATCHES);
  }

  private final Config config;
  private final Linear first;
  private final Linear second;

  private MlpProjector(Config config, Linear first, Linear second) {
    this.config = config;
    this.first = first;
    this.second = second;
  }

  /** The projector with its tensors in {@code p}. */
  public static MlpProjector of(Parameters p, Config c) {
    return new MlpProjector(
        c,
        Linear.of(p.at("mm_projector.0."), c.channels(), c.hidden()),
        Linear.of(p.at("mm_projector.2."), c.hidden(), c.out()));
  }

  /** The sizes. */
  public Config config() {
    return config;
  }

  @Override
  public Tensor forward(Tensor features, double dropout) {
    try (Scope scope = new Scope()) {
      Tensor x = config.tokenOrder().tokens(features, config.channels()); // [B, h·w, C]
      x = gelu(first.forward(x)); // [B, h·w, hidden]
      return scope.keep(second.forward(x)); // [B, h·w, D]
    }
  }
}
