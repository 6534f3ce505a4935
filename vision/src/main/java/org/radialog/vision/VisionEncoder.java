package org.radialog.vision;

import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.radialog.base.RadialogException;
import org.radialog.torch.Parameters;

/**
 * A network that turns a film into a grid of features, for inference. The features are the input of
 * the findings classifier and of the alignment. {@link VisionEncoders} lists the available kinds.
 *
 * <p>B batch, C channels of the input, S side of the film in pixels, h w cells of the grid, P
 * {@link Config#patchChannels}, J {@link Config#projectedChannels}.
 */
public interface VisionEncoder extends AutoCloseable {
  /** The pixel normalisation that the encoder was trained with. */
  InputSpec input();

  /**
   * Encodes films.
   *
   * @param pixels {@code [B, C, S, S]} as {@link #input} describes them
   * @throws RadialogException if they have another shape
   */
  Features encode(Tensor pixels);

  /**
   * Encodes films, each together with an earlier film of the same patient.
   *
   * @param pixels {@code [B, C, S, S]}
   * @param prior {@code [B, C, S, S]}
   * @throws RadialogException if they have another shape, or if the encoder cannot compare films
   *     ({@link Config#prior})
   */
  Features encode(Tensor pixels, Tensor prior);

  /**
   * Projects patches {@code [B, P, h, w]} to the joint space {@code [B, J, h, w]}. It is a separate
   * step so that gradients of a finding with respect to the patches can be computed.
   */
  Tensor project(Tensor patches);

  /** Frees the network. */
  @Override
  void close();

  /**
   * The outputs of an encoder, fp32.
   *
   * @param patches {@code [B, P, h, w]}
   * @param projected {@code [B, J, h, w]}, the joint space, the input of the findings classifier
   */
  record Features(Tensor patches, Tensor projected) {
    /** The output that {@code source} names. */
    public Tensor of(Source source) {
      return switch (source) {
        case PATCHES -> patches;
        case PROJECTED -> projected;
      };
    }
  }

  /** An output of the encoder. */
  enum Source {
    /** {@link Features#patches}. */
    PATCHES,
    /** {@link Features#projected}. */
    PROJECTED
  }

  /**
   * The sizes of an encoder, a record whose components are the fields of {@code vision} in a model
   * folder's {@code config.json}.
   */
  interface Config {
    /** The pixel normalisation that the encoder was trained with. */
    InputSpec input();

    /** P, number of channels of the patches. */
    int patchChannels();

    /** Number of leading patch channels that describe the film itself; heat maps use only these. */
    int filmChannels();

    /** J, number of channels of the joint space. */
    int projectedChannels();

    /** Whether the encoder can compare a film with an earlier one. */
    boolean prior();

    /** The configuration of the encoder if the findings classifier has a separate one. */
    default Config forClassifier() {
      return this;
    }

    /**
     * Builds the network. It owns its tensors.
     *
     * @param weights the tensors under the names of the checkpoint
     * @param type dtype of the convolutions or linear layers where the network supports a choice,
     *     Float or BFloat16
     * @throws RadialogException if a tensor is missing or has another shape
     */
    VisionEncoder network(Parameters.Source weights, ScalarType type);

    /** The number of channels of an output. */
    default int channels(Source source) {
      return switch (source) {
        case PATCHES -> patchChannels();
        case PROJECTED -> projectedChannels();
      };
    }
  }

  /**
   * A kind of encoder that a model folder may name in {@code vision.type}. Kinds other than {@link
   * VisionEncoders#BUILT_IN} are loaded from the class path as services of this interface. A folder
   * only names a kind, so it cannot make the program load other code.
   */
  interface Kind {
    /** The value of {@code vision.type}. */
    String name();

    /** The record of its sizes. */
    Class<? extends Config> config();
  }
}
