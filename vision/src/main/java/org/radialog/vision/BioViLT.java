package org.radialog.vision;

import static org.bytedeco.pytorch.global.torch.cat;
import static org.bytedeco.pytorch.global.torch.conv2d;
import static org.bytedeco.pytorch.global.torch.is_autocast_enabled;

import java.util.Arrays;
import java.util.Optional;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch.DeviceType;
import org.bytedeco.pytorch.global.torch.MemoryFormat;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.radialog.base.RadialogException;
import org.radialog.torch.Init;
import org.radialog.torch.Parameters;
import org.radialog.torch.Scope;
import org.radialog.torch.Torch;
import org.radialog.vision.ConvNorm.Activation;
import org.radialog.vision.ConvNorm.Geometry;
import org.radialog.vision.ConvNorm.Names;

/**
 * The image model of BioViL-T (arXiv 2301.04558): a backbone, a 1x1 convolution to patches, the
 * embedding that replaces a missing prior (or the {@link TemporalPooler} if there is one), and a
 * projector into the joint space. One pass serves both the findings classifier ({@link
 * VisionEncoder.Features#projected}, {@code projected_patch_embeddings}) and the language model
 * ({@link VisionEncoder.Features#patches}, {@code patch_embeddings}).
 *
 * <pre>
 *  image ─ backbone ─ backbone_to_vit ─┬─ patches ─ projector ─ projected
 *   missing_previous_emb or vit_pooler ┘
 * </pre>
 *
 * <p>Dimensions: B batch, S side of the image in pixels, C channels of the backbone, h = w = ceil(S
 * / 32) cells of the grid, P {@link Config#patchDim}, J {@link Config#jointDim}.
 *
 * <p>Tensor names are those of {@code biovil_t_image_model_proj_size_128.pt}; another backbone uses
 * its own published names after {@code encoder.encoder.}. An image is {@code [B, 3, S, S]} or, with
 * a single grey channel, {@code [B, 1, S, S]}, with values in [0, 1] as in RaDialog's
 * preprocessing. A backbone that expects another range rescales internally.
 */
public final class BioViLT implements AutoCloseable {
  /** The convolutional backbone. */
  public enum Backbone {
    /** The published backbone, 2048 channels. */
    RESNET50,
    /** The small backbone of {@code models/mini}, 1280 channels. */
    EFFICIENTNET_LITE0
  }

  /** The source of the mean and variance in batch normalisation. */
  public sealed interface Statistics permits BatchNorm, ForeignBatch, DividedBatch {}

  /** The source of the mean and variance in a process alone. */
  public enum BatchNorm implements Statistics {
    /** The running statistics from training, for inference. */
    RUNNING,
    /**
     * The statistics of the current batch, which also update the running statistics with momentum
     * 0.1. Used in training and for inference with the second RaDialog version.
     */
    BATCH
  }

  /**
   * The statistics of a batch of films that the network does not meet at inference: they leave the
   * running statistics as they are.
   */
  public record ForeignBatch() implements Statistics {}

  /**
   * Sizes and inference settings.
   *
   * @param backbone the convolutional network
   * @param batchNorm statistics used for inference; training passes its own choice to {@link
   *     #forward}
   * @param patchDim number of channels of a patch, without the half that represents the prior
   * @param jointDim number of channels of the joint space
   * @param prior whether the checkpoint contains the {@link TemporalPooler}, keys {@code
   *     encoder.vit_pooler.}
   * @param input the pixel normalisation that the encoder was trained with
   */
  public record Config(
      Backbone backbone,
      BatchNorm batchNorm,
      int patchDim,
      int jointDim,
      boolean prior,
      InputSpec input)
      implements VisionEncoder.Config {
    /** Maximum number of channels of a patch or of the joint space. */
    public static final int LARGEST = 4096;

    /** The published sizes. */
    public static final Config PUBLISHED = of(Backbone.RESNET50, 256, 128).withPrior(true);

    /**
     * Checks the sizes.
     *
     * @throws RadialogException if one is out of range
     */
    public Config {
      check("patch_dim", patchDim);
      check("joint_dim", jointDim);
    }

    private static void check(String name, int value) {
      if (value < 1 || value > LARGEST) {
        throw new RadialogException(name + " is " + value + ", expected 1 to " + LARGEST);
      }
    }

    /** A configuration with running statistics, no prior, and grey pixels in [0, 1]. */
    public static Config of(Backbone backbone, int patchDim, int jointDim) {
      return new Config(backbone, BatchNorm.RUNNING, patchDim, jointDim, false, InputSpec.GREY);
    }

    /** This configuration with other batch statistics. */
    public Config with(BatchNorm statistics) {
      return new Config(backbone, statistics, patchDim, jointDim, prior, input);
    }

    /** This configuration with or without the pooler. */
    public Config withPrior(boolean compares) {
      return new Config(backbone, batchNorm, patchDim, jointDim, compares, input);
    }

    @Override
    public int patchChannels() {
      return 2 * patchDim;
    }

    /**
     * Only the first half of the patch channels describes the film; the other half represents the
     * prior.
     */
    @Override
    public int filmChannels() {
      return patchDim;
    }

    @Override
    public int projectedChannels() {
      return jointDim;
    }

    /**
     * The classifier always uses running statistics; batch statistics apply only to the encoder of
     * the language model.
     */
    @Override
    public Config forClassifier() {
      return with(BatchNorm.RUNNING).withPrior(false);
    }

    @Override
    public VisionEncoder network(Parameters.Source weights, ScalarType type) {
      return BioViLTEncoder.of(weights, this, type);
    }
  }

  private final Config config;
  private final ImageBackbone backbone;
  private final Tensor toPatches; // [P, C, 1, 1]
  private final Tensor missingPrevious; // [1, P, 1, 1]
  private final ConvNorm projector0;
  private final Tensor projector3; // [J, J, 1, 1]
  private final Tensor projector3Bias; // [J]
  private final Optional<ScalarType> folded;

  private BioViLT(
      Config config,
      ImageBackbone backbone,
      Tensor toPatches,
      Tensor missingPrevious,
      ConvNorm projector0,
      Tensor projector3,
      Tensor projector3Bias,
      Optional<ScalarType> folded) {
    this.config = config;
    this.backbone = backbone;
    this.toPatches = toPatches;
    this.missingPrevious = missingPrevious;
    this.projector0 = projector0;
    this.projector3 = projector3;
    this.projector3Bias = projector3Bias;
    this.folded = folded;
  }

  /**
   * Builds the trainable network. Its tensors belong to {@code p}.
   *
   * @throws RadialogException if {@code p} lacks a tensor or has it in another shape
   */
  public static BioViLT of(Parameters p, Config c) {
    Parameters encoder = p.at("encoder.encoder.");
    ImageBackbone backbone =
        switch (c.backbone()) {
          case RESNET50 -> ResNet50.of(encoder);
          case EFFICIENTNET_LITE0 -> EfficientNetLite0.of(encoder);
        };
    long channels =
        switch (c.backbone()) {
          case RESNET50 -> ResNet50.CHANNELS;
          case EFFICIENTNET_LITE0 -> EfficientNetLite0.CHANNELS;
        };
    long patch = c.patchDim();
    long joint = c.jointDim();
    return new BioViLT(
        c,
        backbone,
        p.get("encoder.backbone_to_vit.weight", Init.kaimingUniform(), patch, channels, 1, 1),
        p.get("encoder.missing_previous_emb", Init.normal(0.02), 1, patch, 1, 1),
        ConvNorm.of(
            p,
            new Names("projector.model.0", "projector.model.1"),
            Geometry.dense(2 * patch, joint, 1, 1),
            1e-5,
            Activation.RELU),
        p.get("projector.model.3.weight", Init.kaimingUniform(), joint, joint, 1, 1),
        p.get("projector.model.3.bias", Init.bias(joint), joint),
        Optional.empty());
  }

  /**
   * Builds the network for inference with running statistics: normalisations are folded into the
   * convolutions, the memory format is channels-last, and weights have {@code type} (Float or
   * BFloat16). It owns its tensors, so {@code p} may be closed.
   *
   * @throws RadialogException if {@code p} lacks a tensor or has it in another shape
   */
  public static BioViLT folded(Parameters p, Config c, ScalarType type) {
    BioViLT n = of(p, c);
    try (Scope scope = new Scope();
        NoGradGuard _ = new NoGradGuard()) {
      return new BioViLT(
          c,
          n.backbone.fold(type),
          copy(scope, n.toPatches, type),
          copy(scope, n.missingPrevious, type),
          n.projector0.fold(type),
          copy(scope, n.projector3, type),
          copy(scope, n.projector3Bias, type),
          Optional.of(type));
    }
  }

  private static Tensor copy(Scope scope, Tensor t, ScalarType type) {
    return scope.release(t.detach().clone().to(type));
  }

  /** Whether a tensor is a running mean or variance, which receives no gradient. */
  public static boolean isBuffer(String name) {
    return name.endsWith(".running_mean") || name.endsWith(".running_var");
  }

  /** The sizes. */
  public Config config() {
    return config;
  }

  /** Image {@code [B, 3 or 1, S, S]} to patches and joint space, with running statistics. */
  public VisionEncoder.Features forward(Tensor image) {
    return forward(image, BatchNorm.RUNNING);
  }

  /**
   * Image {@code [B, 3 or 1, S, S]} to patches and joint space.
   *
   * @throws RadialogException if the image has another shape
   */
  public VisionEncoder.Features forward(Tensor image, Statistics statistics) {
    try (Scope scope = new Scope()) {
      Tensor patches = fuse(patchEmbeddings(image, statistics)); // [B, 2 P, h, w]
      Tensor projected = project(patches, statistics); // [B, J, h, w]
      return new VisionEncoder.Features(scope.keep(output(patches)), scope.keep(output(projected)));
    }
  }

  /**
   * A film and its prior, both {@code [B, 3 or 1, 448, 448]}: the output of the pooler replaces the
   * embedding for a missing prior.
   *
   * @throws RadialogException if an image has another shape
   */
  public VisionEncoder.Features forward(Tensor image, Tensor prior, TemporalPooler pooler) {
    try (Scope scope = new Scope()) {
      Tensor current = patchEmbeddings(image, BatchNorm.RUNNING); // [B, P, h, w]
      Tensor before = patchEmbeddings(prior, BatchNorm.RUNNING); // [B, P, h, w]
      Tensor difference = pooler.forward(output(current), output(before)); // [B, P, h, w]
      Tensor patches =
          cat(new TensorVector(current, difference.to(Torch.type(current))), 1); // [B, 2 P, h, w]
      Tensor projected = project(patches, BatchNorm.RUNNING); // [B, J, h, w]
      return new VisionEncoder.Features(scope.keep(output(patches)), scope.keep(output(projected)));
    }
  }

  /** The patches of the film only, {@code patch_x} in the paper: {@code [B, P, h, w]}. */
  public Tensor patchEmbeddings(Tensor image, Statistics statistics) {
    try (Scope scope = new Scope()) {
      Tensor x = backbone.forward(input(image), statistics); // [B, C, h, w]
      return scope.keep(conv2d(x, toPatches)); // [B, P, h, w]
    }
  }

  // Concatenates the embedding of the missing prior to each patch.
  private Tensor fuse(Tensor patch) {
    long[] shape = Torch.shape(patch);
    Tensor prior = missingPrevious.expand(shape).to(Torch.type(patch)); // [B, P, h, w]
    return cat(new TensorVector(patch, prior), 1); // [B, 2 P, h, w]
  }

  /**
   * Projects patches {@code [B, 2 P, h, w]} to the joint space {@code [B, J, h, w]}. It is a
   * separate step so that gradients of a finding with respect to the patches can be computed.
   */
  public Tensor project(Tensor patches, Statistics statistics) {
    try (Scope scope = new Scope()) {
      Tensor x = folded.map(patches::to).orElse(patches);
      x = projector0.forward(x, statistics); // [B, J, h, w]
      long[] one = {1, 1};
      long[] none = {0, 0};
      x = conv2d(x, projector3, new TensorOptional(projector3Bias), one, none, one, 1);
      return scope.keep(output(x)); // [B, J, h, w]
    }
  }

  // Three channels, in the dtype and memory format that are fastest or most exact for the
  // convolutions: with channels-last, libtorch's fp32 batch statistics lose precision (3e-3 at the
  // output).
  private Tensor input(Tensor image) {
    long[] shape = Torch.shape(image);
    if (shape.length != 4 || (shape[1] != 1 && shape[1] != 3) || shape[2] < 32 || shape[3] < 32) {
      throw new RadialogException(
          "the image encoder expects images [batch, 1 or 3, rows, columns] of at least"
              + " 32 pixels per side, got "
              + Arrays.toString(shape));
    }
    Tensor x = image.expand(shape[0], 3, shape[2], shape[3]); // [B, 3, S, S]
    boolean fast = folded.isPresent() || is_autocast_enabled(DeviceType.CPU);
    x = x.contiguous(fast ? MemoryFormat.ChannelsLast : MemoryFormat.Contiguous);
    return folded.isPresent() ? x.to(folded.get()) : x;
  }

  private Tensor output(Tensor x) {
    return folded.isPresent() ? x.to(ScalarType.Float) : x;
  }

  /**
   * Frees the tensors that a folded network owns; those of a trainable network belong to its
   * parameters.
   */
  @Override
  public void close() {
    if (folded.isPresent()) {
      backbone.close();
      toPatches.close();
      missingPrevious.close();
      projector0.close();
      projector3.close();
      projector3Bias.close();
    }
  }
}
