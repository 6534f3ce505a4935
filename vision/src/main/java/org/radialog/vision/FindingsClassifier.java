package org.radialog.vision;

import static org.bytedeco.pytorch.global.torch.adaptive_avg_pool2d;
import static org.bytedeco.pytorch.global.torch.avg_pool2d;
import static org.bytedeco.pytorch.global.torch.binary_cross_entropy_with_logits;
import static org.bytedeco.pytorch.global.torch.relu;

import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.SequencedMap;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.global.torch.Reduction;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.torch.Linear;
import org.radialog.torch.Parameters;
import org.radialog.torch.Scope;
import org.radialog.torch.Torch;

/**
 * RaDialog's findings classifier: pooling of the joint space followed by two linear layers, with
 * one logit per finding in the order of the CheXpert columns. Tensor names are {@code fc1} and
 * {@code fc2}, prefixed with {@code model.} in the published Lightning checkpoint.
 *
 * <p>Dimensions: B batch, J channels of the joint space, h w cells of the grid, k cells per side
 * after pooling, F hidden width, L labels.
 */
public final class FindingsClassifier {
  /** How the grid is reduced to {@code k x k} cells. */
  public sealed interface Pooling {
    /** Number of cells per side after pooling. */
    int cells();

    /**
     * Means over windows of {@code kernel x kernel} cells; a grid that does not yield {@code cells}
     * per side is refused. The published classifier has kernel 4 and 4 cells, for a film of 488
     * pixels.
     *
     * @param kernel side of a window in cells, 1 to 64
     * @param cells number of cells per side after pooling, 1 to 64
     */
    record Window(int kernel, int cells) implements Pooling {
      /**
       * Checks the sizes.
       *
       * @throws RadialogException if one is not 1 to 64
       */
      public Window {
        check("kernel", kernel);
        check("cells", cells);
      }
    }

    /**
     * Means over {@code cells x cells} parts of a grid of any size; 1 is the global mean.
     *
     * @param cells number of cells per side after pooling, 1 to 64
     */
    record Adaptive(int cells) implements Pooling {
      /**
       * Checks the size.
       *
       * @throws RadialogException if it is not 1 to 64
       */
      public Adaptive {
        check("cells", cells);
      }
    }

    private static void check(String name, int value) {
      if (value < 1 || value > 64) {
        throw new RadialogException(name + " is " + value + ", expected 1 to 64");
      }
    }

    /** The record for each value of {@code classifier.pooling.type} in a model folder. */
    static SequencedMap<String, Class<? extends Pooling>> kinds() {
      SequencedMap<String, Class<? extends Pooling>> kinds = new LinkedHashMap<>();
      kinds.put("window", Window.class);
      kinds.put("adaptive", Adaptive.class);
      return Collections.unmodifiableSequencedMap(kinds);
    }
  }

  /**
   * Sizes.
   *
   * @param jointDim J, number of channels of the input
   * @param pooling how the grid is reduced to a vector
   * @param hidden F, width between the two linear layers
   * @param labels L, number of logits
   */
  public record Config(int jointDim, Pooling pooling, int hidden, int labels) {
    /** The published sizes: 128 x 4 x 4 features, 512 hidden, 14 labels. */
    public static final Config PUBLISHED = new Config(128, new Pooling.Window(4, 4), 512, 14);

    /** Number of inputs of the first linear layer, {@code J · k · k}. */
    public long features() {
      return (long) jointDim * pooling.cells() * pooling.cells();
    }
  }

  private final Config config;
  private final Linear fc1;
  private final Linear fc2;

  private FindingsClassifier(Config config, Linear fc1, Linear fc2) {
    this.config = config;
    this.fc1 = fc1;
    this.fc2 = fc2;
  }

  /**
   * Builds the classifier from the tensors in {@code p}.
   *
   * @throws RadialogException if {@code p} lacks a tensor or has it in another shape
   */
  public static FindingsClassifier of(Parameters p, Config c) {
    return new FindingsClassifier(
        c,
        Linear.of(p.at("fc1."), c.features(), c.hidden()),
        Linear.of(p.at("fc2."), c.hidden(), c.labels()));
  }

  /** The sizes. */
  public Config config() {
    return config;
  }

  /**
   * Joint space {@code [B, J, h, w]} to logits {@code [B, L]}; the probability of a finding is the
   * sigmoid of its logit.
   *
   * @throws RadialogException if the grid or the number of channels does not match
   */
  public Tensor forward(Tensor projected) {
    try (Scope scope = new Scope()) {
      Tensor x = relu(fc1.forward(features(projected))); // [B, F]
      return scope.keep(fc2.forward(x)); // [B, L]
    }
  }

  /** Joint space {@code [B, J, h, w]} to the pooled features {@code [B, J · k · k]}. */
  public Tensor features(Tensor projected) {
    long[] shape = Torch.shape(projected);
    if (shape.length != 4 || shape[1] != config.jointDim()) {
      throw new RadialogException(
          Kind.REFUSED_WEIGHTS,
          "the findings classifier expects [batch, "
              + config.jointDim()
              + ", rows, columns], got "
              + Arrays.toString(shape));
    }
    try (Scope scope = new Scope()) {
      Tensor pooled =
          switch (config.pooling()) {
            case Pooling.Window(int kernel, int cells) -> {
              requireCells(shape, kernel, cells);
              yield avg_pool2d(projected, kernel, kernel);
            }
            case Pooling.Adaptive(int cells) -> adaptive_avg_pool2d(projected, cells, cells);
          }; // [B, J, k, k]
      return scope.keep(pooled.flatten(1, 3)); // [B, J · k · k], channel-major
    }
  }

  private static void requireCells(long[] shape, int kernel, int cells) {
    if (shape[2] / kernel != cells || shape[3] / kernel != cells) {
      long side = 32L * kernel * cells;
      throw new RadialogException(
          Kind.REFUSED_WEIGHTS,
          "the findings classifier pools "
              + kernel
              + " x "
              + kernel
              + " cells into "
              + cells
              + " x "
              + cells
              + " and expects a grid of "
              + kernel * cells
              + " cells per side (films of "
              + (side - 31)
              + " to "
              + side
              + " pixels), got "
              + shape[2]
              + " x "
              + shape[3]);
    }
  }

  /**
   * Binary cross-entropy, averaged over the known labels.
   *
   * @param logits {@code [B, L]}
   * @param targets {@code [B, L]}, 0 or 1
   * @param known {@code [B, L]}, 1 if the label is known, 0 if it is ignored
   * @param positiveWeight {@code [L]}, the weight of a positive relative to a negative
   */
  public static Tensor loss(Tensor logits, Tensor targets, Tensor known, Tensor positiveWeight) {
    try (Scope scope = new Scope()) {
      Tensor sum =
          binary_cross_entropy_with_logits(
              logits,
              targets,
              new TensorOptional(known),
              new TensorOptional(positiveWeight),
              Reduction.Sum.value);
      return scope.keep(sum.div(known.sum().clamp_min(new Scalar(1))));
    }
  }

  /**
   * The published weights of the positives, {@code ln(n / positives)} per label.
   *
   * @param known number of films per label for which the label is known, n
   * @param positives number of films per label for which the finding is present
   * @throws RadialogException if a label is never present, or always present
   */
  public static float[] positiveWeights(long[] known, long[] positives) {
    float[] weights = new float[known.length];
    for (int i = 0; i < known.length; i++) {
      if (positives[i] <= 0 || positives[i] >= known[i]) {
        throw new RadialogException(
            Kind.REFUSED_WEIGHTS,
            "label "
                + i
                + " is present in "
                + positives[i]
                + " of "
                + known[i]
                + " films: a positive weight needs present and absent films; leave the label out"
                + " of the loss");
      }
      weights[i] = (float) Math.log((double) known[i] / positives[i]);
    }
    return weights;
  }
}
