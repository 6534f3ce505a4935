package org.radialog.train;

import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.clinical.Finding;
import org.radialog.clinical.PromptFormat;
import org.radialog.clinical.PromptFormats;
import org.radialog.language.LoraConfig;
import org.radialog.loop.Ranges;
import org.radialog.torch.Linear;
import org.radialog.torch.Parameters;
import org.radialog.vision.Alignment;
import org.radialog.vision.BioViLT;
import org.radialog.vision.FindingsClassifier;
import org.radialog.vision.MlpProjector;
import org.radialog.vision.QFormer;
import org.radialog.vision.RowProjector;
import org.radialog.vision.TokenOrder;
import org.radialog.vision.VisionEncoder;

/**
 * The networks trained by a recipe. The parts correspond to those in a model folder's {@code
 * config.json}.
 *
 * @param image image encoder and findings classifier, which are trained first
 * @param alignment Q-Former or MLP between encoder and language model
 * @param adapter LoRA adapter of the language model
 * @param prompt name of the prompt format ({@link PromptFormats})
 */
public record ModelSpec(
    Image image, Alignment.Config alignment, LoraConfig adapter, String prompt) {

  /**
   * The image networks.
   *
   * @param side side of the square encoder input, in pixels
   * @param vision the encoder: EfficientNet-Lite0 with running statistics, without a prior
   * @param classifier head of the findings classifier
   */
  public record Image(int side, BioViLT.Config vision, Head classifier) {
    /**
     * Checks the ranges.
     *
     * @throws RadialogException if a size is out of range, or this encoder cannot be trained here
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

    /** Number of channels of a patch. */
    int patchChannels() {
      return vision.patchChannels();
    }

    /** Number of cells per side of the patch features; the encoder has stride 32. */
    int cells() {
      return (side + 31) / 32;
    }

    FindingsClassifier.Config head() {
      return new FindingsClassifier.Config(
          vision.jointDim(), classifier.pooling(), classifier.hidden(), Finding.COUNT);
    }

    /**
     * A head that distinguishes AP from PA by the mean patch, under {@code p}; used in training
     * only.
     */
    Linear viewHead(Parameters p) {
      return Linear.of(p, patchChannels(), 1);
    }
  }

  /**
   * The head of the classifier.
   *
   * @param pooling how the projected patch features are reduced to a vector
   * @param hidden width between the two linear layers
   */
  public record Head(FindingsClassifier.Pooling.Adaptive pooling, int hidden) {
    /**
     * Checks the range.
     *
     * @throws RadialogException if the width is out of range
     */
    public Head {
      Ranges.whole("model.image.classifier.hidden", hidden, 1, 65536);
    }
  }

  /**
   * Checks that the parts are consistent.
   *
   * @throws RadialogException if the alignment uses an output of the encoder other than its
   *     patches, or there is no prompt format with this name
   */
  public ModelSpec {
    boolean patches =
        switch (alignment) {
          case QFormer.Config c -> read(c.source(), c.tokenOrder());
          case MlpProjector.Config c -> read(c.source(), c.tokenOrder());
          case RowProjector.Config _ -> false;
        };
    if (!patches) {
      throw new RadialogException(
          Kind.UNSUPPORTED,
          ("model.alignment is %s: training supports only a qformer or mlp with source patches and"
                  + " token_order patches")
              .formatted(alignment));
    }
    PromptFormats.of(prompt);
  }

  private static boolean read(VisionEncoder.Source source, TokenOrder order) {
    return source == VisionEncoder.Source.PATCHES && order == TokenOrder.PATCHES;
  }

  /** N, the number of image tokens of a film. */
  int imageTokens() {
    return switch (alignment) {
      case QFormer.Config c -> c.queries();
      case MlpProjector.Config _, RowProjector.Config _ -> image.cells() * image.cells();
    };
  }

  /** The alignment in the words of a model card. */
  String alignmentInWords() {
    return switch (alignment) {
      case QFormer.Config c ->
          "Q-Former, %d queries, %d layers, width %d"
              .formatted(c.queries(), c.layers(), c.hidden());
      case MlpProjector.Config c -> "MLP of two layers, width %d".formatted(c.hidden());
      case RowProjector.Config _ -> "projector of precomputed rows";
    };
  }

  /** The prompt format. */
  PromptFormat format() {
    return PromptFormats.of(prompt);
  }
}
