package org.radialog.published;

import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.util.Optional;
import java.util.stream.Stream;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.radialog.testing.Golden;
import org.radialog.testing.GoldenCase;
import org.radialog.testing.Outputs;
import org.radialog.testing.Parity;
import org.radialog.testing.Reduced;
import org.radialog.torch.Autocast;
import org.radialog.torch.Parameters;
import org.radialog.torch.Scope;
import org.radialog.torch.Torch;
import org.radialog.vision.MlpProjector;
import org.radialog.vision.TokenOrder;
import org.radialog.vision.VisionEncoder;

/** The projector of the second version against PyTorch. */
class MlpProjectorParityTest {
  private static final double TOLERANCE = 1e-5;
  private static final String NORMS = "gradient_norms_of_mean_square";

  @TestFactory
  Stream<DynamicTest> tokensAndGradients() {
    return Golden.tests(
        "projector",
        c ->
            Stream.of(
                dynamicTest(
                    c + "/tokens", () -> Parity.check(c + "/tokens", tokens(c), c, TOLERANCE)),
                dynamicTest(
                    c + "/" + NORMS,
                    () -> Parity.check(c + "/" + NORMS, gradientNorms(c), c, TOLERANCE)),
                dynamicTest(
                    c + "/tokens.bf16",
                    () -> {
                      try (Autocast _ = Autocast.bf16()) {
                        Reduced.check(c, "tokens", "bf16", tokens(c));
                      }
                    })));
  }

  private static float[] tokens(GoldenCase c) {
    try (Scope _ = new Scope();
        Parameters p = parameters(c)) {
      return Torch.floats(projector(c, p).forward(features(c)));
    }
  }

  private static double[] gradientNorms(GoldenCase c) {
    try (Scope _ = new Scope();
        Parameters p = parameters(c)) {
      MlpProjector projector = projector(c, p);
      p.trainable(_ -> true);
      projector.forward(features(c)).square().mean().backward();
      return c.keys().stream()
          .mapToDouble(key -> norm(Outputs.named(p.named(), key.name()).grad()))
          .toArray();
    }
  }

  // In double: libtorch's fp32 norm of 17 million values is wrong in the fourth digit.
  private static double norm(Tensor gradient) {
    double squares = 0;
    for (float value : Torch.floats(gradient)) {
      squares += (double) value * value;
    }
    return Math.sqrt(squares);
  }

  private static MlpProjector projector(GoldenCase c, Parameters p) {
    int channels = Math.toIntExact(c.floats("features").shape()[1]);
    int hidden = c.config().required("hidden").intValue();
    return MlpProjector.of(
        p,
        new MlpProjector.Config(hidden, VisionEncoder.Source.PATCHES, TokenOrder.PATCHES),
        channels,
        hidden);
  }

  static Tensor features(GoldenCase c) {
    GoldenCase.Floats features = c.floats("features");
    return Torch.tensor(features.values(), features.shape());
  }

  private static Parameters parameters(GoldenCase c) {
    return Parameters.of((name, shape) -> Optional.of(c.weight(name, shape)));
  }
}
