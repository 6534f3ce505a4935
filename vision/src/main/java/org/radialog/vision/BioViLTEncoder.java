package org.radialog.vision;

import java.util.Optional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.radialog.base.RadialogException;
import org.radialog.torch.Parameters;

/** {@link BioViLT} for inference, with the batch statistics and the pooler given by its config. */
final class BioViLTEncoder implements VisionEncoder {
  private final BioViLT.Config config;
  private final Parameters parameters; // of the layers that are not folded
  private final BioViLT network;
  private final Optional<TemporalPooler> pooler;

  private BioViLTEncoder(
      BioViLT.Config config,
      Parameters parameters,
      BioViLT network,
      Optional<TemporalPooler> pooler) {
    this.config = config;
    this.parameters = parameters;
    this.network = network;
    this.pooler = pooler;
  }

  /**
   * Builds the network.
   *
   * @param type dtype of the convolutions if running statistics allow them to be folded
   * @throws RadialogException if a tensor is missing or has another shape
   */
  static BioViLTEncoder of(Parameters.Source weights, BioViLT.Config c, ScalarType type) {
    Parameters p = Parameters.of(weights);
    try {
      Optional<TemporalPooler> pooler =
          c.prior()
              ? Optional.of(TemporalPooler.of(p.at("encoder.vit_pooler."), c.patchDim()))
              : Optional.empty();
      BioViLT network =
          switch (c.batchNorm()) {
            case RUNNING -> folded(weights, c, type);
            case BATCH -> BioViLT.of(p, c);
          };
      return new BioViLTEncoder(c, p, network, pooler);
    } catch (RuntimeException | Error e) {
      p.close();
      throw e;
    }
  }

  // The folded layers hold their own copies, so the originals can be freed at once.
  private static BioViLT folded(Parameters.Source weights, BioViLT.Config c, ScalarType type) {
    try (Parameters p = Parameters.of(weights)) {
      return BioViLT.folded(p, c, type);
    }
  }

  @Override
  public InputSpec input() {
    return config.input();
  }

  @Override
  public Features encode(Tensor pixels) {
    return network.forward(pixels, config.batchNorm());
  }

  @Override
  public Features encode(Tensor pixels, Tensor prior) {
    return network.forward(
        pixels,
        prior,
        pooler.orElseThrow(() ->
            new RadialogException(
                "this image encoder cannot compare a film with a prior film: it has no pooler")));
  }

  @Override
  public Tensor project(Tensor patches) {
    return network.project(patches, config.batchNorm());
  }

  @Override
  public void close() {
    network.close();
    parameters.close();
  }
}
