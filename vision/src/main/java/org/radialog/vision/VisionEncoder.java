package org.radialog.vision;

import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.radialog.base.RadialogException;
import org.radialog.torch.Parameters;

/**
 * A network that turns a film into a grid of features, for inference: what feeds the findings
 * classifier and the alignment. Which kinds there are {@link VisionEncoders} says.
 *
 * <p>B batch, C channels of the input, S side of the film in pixels, h w cells of the grid, P
 * {@link Config#patchChannels}, J {@link Config#projectedChannels}.
 */
public interface VisionEncoder extends AutoCloseable {
  /** The pixels that it was trained on. */
  InputSpec input();

  /**
   * Looks at films.
   *
   * @param pixels {@code [B, C, S, S]} as {@link #input} describes them
   * @throws RadialogException if they have another shape
   */
  Features encode(Tensor pixels);

  /**
   * Looks at films, each beside an earlier one of the same patient.
   *
   * @param pixels {@code [B, C, S, S]}
   * @param prior {@code [B, C, S, S]}
   * @throws RadialogException if they have another shape, or {@link Config#prior} says that it
   *     compares none
   */
  Features encode(Tensor pixels, Tensor prior);

  /**
   * Patches {@code [B, P, h, w]} to the joint space {@code [B, J, h, w]}: the way from one output
   * to the other alone, for gradients of a finding with respect to the patches.
   */
  Tensor project(Tensor patches);

  /** Frees the network. */
  @Override
  void close();

  /**
   * What an encoder gives, fp32.
   *
   * @param patches {@code [B, P, h, w]}
   * @param projected {@code [B, J, h, w]}, the joint space, which the findings classifier reads
   */
  record Features(Tensor patches, Tensor projected) {
    /** One of the two. */
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
   * The sizes of an encoder as {@code vision} in a model folder's {@code config.json} states them:
   * a record whose components are the fields.
   */
  interface Config {
    /** The pixels that it was trained on. */
    InputSpec input();

    /** P, channels of the patches. */
    int patchChannels();

    /** How many of the first of these describe the film itself, for maps over the film. */
    int filmChannels();

    /** J, channels of the joint space. */
    int projectedChannels();

    /** Whether it can compare a film with an earlier one. */
    boolean prior();

    /** The encoder of a findings classifier that has one of its own. */
    default Config forClassifier() {
      return this;
    }

    /**
     * The network. It owns its tensors.
     *
     * @param weights under the names of its checkpoint
     * @param type of the convolutions or linears where the network can choose, Float or BFloat16
     * @throws RadialogException if a tensor is missing or has another shape
     */
    VisionEncoder network(Parameters.Source weights, ScalarType type);

    /** Channels of an output. */
    default int channels(Source source) {
      return switch (source) {
        case PATCHES -> patchChannels();
        case PROJECTED -> projectedChannels();
      };
    }
  }

  /**
   * A kind of encoder that a model folder may name in {@code vision.type}. Kinds beyond {@link
   * VisionEncoders#BUILT_IN} are found on the class path as services of this interface: a folder
   * names a kind, and only kinds that the program brought are ever built.
   */
  interface Kind {
    /** The name in the file. */
    String name();

    /** The record that holds its sizes. */
    Class<? extends Config> config();
  }
}
