package org.radialog.vision;

import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.MemoryFormat;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.radialog.testing.GoldenCase;
import org.radialog.testing.GoldenWeights;
import org.radialog.testing.Parity;
import org.radialog.torch.Parameters;
import org.radialog.torch.Scope;
import org.radialog.torch.Torch;
import org.radialog.vision.BioViLT.BatchNorm;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Compares the small backbone with the Python package that its ImageNet weights come from, for an
 * image side with even halves and for one with odd halves, where SAME padding is asymmetric.
 */
class EfficientNetLite0ParityTest {
  private static final double TOLERANCE = 1e-5;
  private static final JsonNode REFERENCE = read("efficientnet-lite0.json");

  @TestFactory
  Stream<DynamicTest> features() {
    return REFERENCE
        .required("outputs")
        .valueStream()
        .flatMap(output -> {
          String name = "efficientnet-lite0/features-" + output.required("side").intValue();
          return Stream.of(
              dynamicTest(name, () -> check(name, output, false)),
              dynamicTest(name + ".folded", () -> check(name + ".folded", output, true)));
        });
  }

  private static void check(String name, JsonNode output, boolean folded) {
    double[] expected = GoldenCase.doubles(output.required("values"));
    int step = output.required("flat_step").intValue();
    float[] features = run(output.required("side").intValue(), folded);
    double[] actual = new double[expected.length];
    for (int i = 0; i < actual.length; i++) {
      actual[i] = features[i * step];
    }
    Parity.check(name, actual, expected, TOLERANCE);
  }

  private static float[] run(int side, boolean folded) {
    long[] shape = {2, 3, side, side};
    float[] image = GoldenWeights.floats("", "input/efficientnet-lite0/" + side, -30, 30, shape);
    try (Scope _ = new Scope();
        NoGradGuard _ = new NoGradGuard();
        Parameters p =
            Parameters.of((name, size) -> Optional.of(GoldenWeights.fill("", name, size)))) {
      EfficientNetLite0 network = EfficientNetLite0.of(p);
      Tensor x = Torch.tensor(image, shape);
      if (!folded) {
        return Torch.floats(network.forward(x, BatchNorm.RUNNING));
      }
      try (EfficientNetLite0 fast = network.fold(ScalarType.Float)) {
        return Torch.floats(
            fast.forward(x.contiguous(MemoryFormat.ChannelsLast), BatchNorm.RUNNING));
      }
    }
  }

  private static JsonNode read(String resource) {
    try (InputStream in =
        Objects.requireNonNull(
            EfficientNetLite0ParityTest.class.getResourceAsStream(resource), resource)) {
      return JsonMapper.builder().build().readTree(in);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
