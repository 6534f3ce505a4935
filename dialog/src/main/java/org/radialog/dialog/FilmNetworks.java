package org.radialog.dialog;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.radialog.base.RadialogException;
import org.radialog.published.ModelConfig;
import org.radialog.torch.Parameters;
import org.radialog.vision.Alignment;
import org.radialog.vision.FindingsClassifier;
import org.radialog.vision.VisionEncoder;

/**
 * The image networks of a model.
 *
 * @param parameters parameters of classifier and alignment
 * @param encoder encoder for the alignment; empty if the alignment does not read films
 * @param own separate encoder of the classifier; empty if it uses {@code encoder}
 */
record FilmNetworks(
    Parameters parameters,
    Optional<VisionEncoder> encoder,
    Optional<VisionEncoder> own,
    FindingsClassifier classifier,
    Alignment alignment)
    implements AutoCloseable {
  /**
   * Builds the image networks of a model.
   *
   * @param looks whether the alignment reads films
   * @param hidden D, width of the language model
   * @param type dtype of the encoder's convolutions
   * @throws RadialogException if a tensor is missing or has another shape
   */
  static FilmNetworks of(
      ModelConfig.Film config,
      boolean looks,
      Parameters.Source source,
      int hidden,
      ScalarType type) {
    VisionEncoder.Config vision = config.vision();
    List<Runnable> made = new ArrayList<>();
    try {
      Optional<VisionEncoder> encoder =
          looks ? Optional.of(vision.network(source.at("vision."), type)) : Optional.empty();
      encoder.ifPresent(network -> made.add(network::close));
      Optional<VisionEncoder> own =
          switch (config.classifier().encoder()) {
            case SHARED -> Optional.empty();
            case OWN ->
                Optional.of(vision.forClassifier().network(source.at("classifier.vision."), type));
          };
      own.ifPresent(network -> made.add(network::close));
      Parameters p = Parameters.of(source);
      made.add(p::close);
      return new FilmNetworks(
          p,
          encoder,
          own,
          FindingsClassifier.of(
              p.at("classifier."), config.classifier().network(vision.projectedChannels())),
          config.alignment().network(p, vision, hidden));
    } catch (RuntimeException | Error e) {
      made.forEach(Runnable::run);
      throw e;
    }
  }

  /** These networks with another alignment. */
  FilmNetworks with(Alignment other) {
    return new FilmNetworks(parameters, encoder, own, classifier, other);
  }

  /** The encoder whose features the classifier uses. */
  VisionEncoder classifierEncoder() {
    return own.or(() -> encoder).orElseThrow(FilmNetworks::noEncoder);
  }

  VisionEncoder alignmentEncoder() {
    return encoder.orElseThrow(FilmNetworks::noEncoder);
  }

  private static RadialogException noEncoder() {
    return new RadialogException(
        "the config of the model names no image encoder, but one is needed:"
            + " classifier.encoder is shared, but alignment.type reads no film");
  }

  @Override
  public void close() {
    encoder.ifPresent(VisionEncoder::close);
    own.ifPresent(VisionEncoder::close);
    parameters.close();
  }
}
