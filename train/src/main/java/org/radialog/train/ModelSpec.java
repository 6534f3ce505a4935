package org.radialog.train;

import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.clinical.Finding;
import org.radialog.clinical.PromptFormat;
import org.radialog.clinical.PromptFormats;
import org.radialog.language.LoraConfig;
import org.radialog.torch.Linear;
import org.radialog.torch.Parameters;
import org.radialog.vision.BioViLT;
import org.radialog.vision.FindingsClassifier;
import org.radialog.vision.QFormer;
import org.radialog.vision.TokenOrder;
import org.radialog.vision.VisionEncoder;

/**
 * The networks that a recipe trains. Its parts are those of a model folder's {@code config.json}.
 *
 * @param image what reads the film and names findings, trained first
 * @param alignment the Q-Former between encoder and language model
 * @param adapter LoRA beside the language model's own weights
 * @param prompt name of the wording of the dialogs ({@link PromptFormats})
 */
public record ModelSpec(Image image, QFormer.Config alignment, LoraConfig adapter, String prompt) {

  /**
   * What reads the film.
   *
   * @param side of the square that the encoder sees, in pixels
   * @param vision the encoder; one film at a time, on EfficientNet-Lite0, by running statistics
   * @param classifier the head that names findings
   */
  public record Image(int side, BioViLT.Config vision, Head classifier) {
    /**
     * Checks the ranges.
     *
     * @throws RadialogException if a size is out of its range, or the encoder is none that is
     *     trained here
     */
    public Image {
      Ranges.whole("model.image.side", side, 32, 4096);
      if (vision.backbone() != BioViLT.Backbone.EFFICIENTNET_LITE0
          || vision.batchNorm() != BioViLT.BatchNorm.RUNNING
          || vision.prior()) {
        throw new RadialogException(
            Kind.UNSUPPORTED,
            ("model.image.vision is %s: training supports only the backbone"
                    + " efficientnet-lite0 with batch_norm running and prior false")
                .formatted(vision));
      }
    }

    /** Channels of a patch. */
    int patchChannels() {
      return vision.patchChannels();
    }

    /** Cells a side of the patch features: the encoder has stride 32. */
    int cells() {
      return (side + 31) / 32;
    }

    FindingsClassifier.Config head() {
      return new FindingsClassifier.Config(
          vision.jointDim(), classifier.pooling(), classifier.hidden(), Finding.COUNT);
    }

    /** The head that tells AP from PA by the mean patch, under {@code p}; for training alone. */
    Linear viewHead(Parameters p) {
      return Linear.of(p, patchChannels(), 1);
    }
  }

  /**
   * The classifier's head.
   *
   * @param pooling how the projected patch features become one vector
   * @param hidden width between its two linear layers
   */
  public record Head(FindingsClassifier.Pooling.Adaptive pooling, int hidden) {
    /**
     * Checks the range.
     *
     * @throws RadialogException if the width is out of it
     */
    public Head {
      Ranges.whole("model.image.classifier.hidden", hidden, 1, 65536);
    }
  }

  /**
   * Checks that the parts fit.
   *
   * @throws RadialogException if the alignment reads another output of the encoder than its
   *     patches, or there is no wording of the name
   */
  public ModelSpec {
    if (alignment.source() != VisionEncoder.Source.PATCHES
        || alignment.tokenOrder() != TokenOrder.PATCHES) {
      throw new RadialogException(
          Kind.UNSUPPORTED,
          ("model.alignment reads %s in the order %s: training supports only patches and"
                  + " patches")
              .formatted(alignment.source(), alignment.tokenOrder()));
    }
    PromptFormats.of(prompt);
  }

  /** The wording of the dialogs. */
  PromptFormat format() {
    return PromptFormats.of(prompt);
  }
}
