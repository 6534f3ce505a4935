package org.radialog.published;

import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.radialog.testing.Golden;
import org.radialog.testing.GoldenCase;
import org.radialog.testing.Outputs;
import org.radialog.testing.Parity;
import org.radialog.testing.Reduced;
import org.radialog.torch.Parameters;
import org.radialog.torch.Scope;
import org.radialog.torch.Torch;
import org.radialog.vision.BioViLT;
import org.radialog.vision.BioViLT.Backbone;
import org.radialog.vision.BioViLT.BatchNorm;
import org.radialog.vision.BioViLT.Config;
import org.radialog.vision.ResNet50;
import org.radialog.vision.TemporalPooler;
import org.radialog.vision.VisionEncoder;

/** The ResNet-50 image model against hi-ml-multimodal, without and with a prior. */
class BioViLTParityTest {
  private static final double FORWARD = 1e-5;
  private static final double BATCH_STATISTICS = 1e-3;
  private static final double POSITIONS = 1e-6;

  @TestFactory
  Stream<DynamicTest> runningStatistics() {
    return Golden.tests(
        "biovilt",
        c ->
            Stream.of("single", "large")
                .filter(input -> given(c, input))
                .flatMap(input -> {
                  Outputs<float[]> outputs =
                      new Outputs<>(() -> exact(c, input, config(c), parameters(c)));
                  return expected(c, input).stream()
                      .map(output ->
                          dynamicTest(
                              c + "/" + output,
                              () -> {
                                Parity.check(c + "/" + output, outputs.get(output), c, FORWARD);
                              }));
                }));
  }

  @TestFactory
  Stream<DynamicTest> withAPrior() {
    return Golden.tests(
        "biovilt",
        c -> {
          if (!given(c, "previous")) {
            return Stream.empty();
          }
          Outputs<float[]> outputs = new Outputs<>(() -> prior(c, config(c), parameters(c)));
          return Stream.concat(
              expected(c, "prior").stream()
                  .map(output ->
                      dynamicTest(
                          c + "/" + output,
                          () -> {
                            Parity.check(c + "/" + output, outputs.get(output), c, FORWARD);
                          })),
              Stream.of(
                  dynamicTest(
                      c + "/position_table",
                      () -> {
                        Parity.check(
                            c + "/position_table", outputs.get("position_table"), c, POSITIONS);
                      })));
        });
  }

  @TestFactory
  Stream<DynamicTest> batchStatistics() {
    return Golden.tests(
        "biovilt",
        c -> {
          if (!given(c, "batch")) {
            return Stream.empty();
          }
          Outputs<float[]> outputs = new Outputs<>(() -> train(c));
          return expected(c, "train").stream()
              .map(output ->
                  dynamicTest(
                      c + "/" + output,
                      () -> {
                        Parity.check(c + "/" + output, outputs.get(output), c, BATCH_STATISTICS);
                      }));
        });
  }

  @TestFactory
  Stream<DynamicTest> foldedInFp32AndInBf16() {
    return Golden.tests(
        "biovilt",
        c ->
            Stream.of("single", "large")
                .filter(input -> given(c, input))
                .flatMap(input ->
                    Stream.of(ScalarType.Float, ScalarType.BFloat16)
                        .flatMap(type -> {
                          Outputs<float[]> outputs = new Outputs<>(() -> folded(c, input, type));
                          return expected(c, input).stream()
                              .filter(output -> output.contains("embedding"))
                              .map(output ->
                                  dynamicTest(
                                      c + "/" + output + ".folded." + type,
                                      () -> {
                                        float[] actual = outputs.get(output);
                                        if (type == ScalarType.Float) {
                                          Parity.check(c + "/" + output, actual, c, FORWARD);
                                        } else {
                                          Reduced.check(c, output, "bf16", actual);
                                        }
                                      }));
                        })));
  }

  static boolean given(GoldenCase c, String input) {
    return c.json().required("inputs").has(input);
  }

  static List<String> expected(GoldenCase c, String prefix) {
    return c.expected().sequencedKeySet().stream()
        .filter(name -> name.startsWith(prefix + "."))
        .toList();
  }

  private static Config config(GoldenCase c) {
    int joint = c.config().required("joint_feature_size").intValue();
    return Config.of(Backbone.RESNET50, Config.PUBLISHED.patchDim(), joint);
  }

  private static Parameters parameters(GoldenCase c) {
    return Parameters.of((name, shape) -> Optional.of(c.weight(name, shape)));
  }

  private static Tensor image(GoldenCase c, String input) {
    GoldenCase.Floats image = c.floats(input);
    return Torch.tensor(image.values(), image.shape());
  }

  /** Every stage of one film. Closes the parameters. */
  static Map<String, float[]> exact(GoldenCase c, String input, Config config, Parameters p) {
    Map<String, float[]> outputs = new LinkedHashMap<>();
    try (p;
        Scope _ = new Scope();
        NoGradGuard _ = new NoGradGuard();
        BioViLT network = BioViLT.of(p, config)) {
      Tensor image = image(c, input);
      ResNet50 backbone = ResNet50.of(p.at("encoder.encoder."));
      Tensor x = backbone.stem(image, BatchNorm.RUNNING);
      outputs.put(input + ".stem", Torch.floats(x));
      for (int layer = 1; layer <= 4; layer++) {
        x = backbone.layer(layer, x, BatchNorm.RUNNING);
        outputs.put(input + ".layer" + layer, Torch.floats(x));
      }
      outputs.put(
          input + ".patch_x", Torch.floats(network.patchEmbeddings(image, BatchNorm.RUNNING)));
      add(outputs, input, network.forward(image));
    }
    return outputs;
  }

  /** A film with its prior. Closes the parameters. */
  static Map<String, float[]> prior(GoldenCase c, Config config, Parameters p) {
    Map<String, float[]> outputs = new LinkedHashMap<>();
    try (p;
        Scope _ = new Scope();
        NoGradGuard _ = new NoGradGuard();
        BioViLT network = BioViLT.of(p, config)) {
      int channels = config.patchDim();
      TemporalPooler pooler = TemporalPooler.of(p.at("encoder.vit_pooler."), channels);
      outputs.put("position_table", Torch.floats(TemporalPooler.positions(channels)));
      add(outputs, "prior", network.forward(image(c, "single"), image(c, "previous"), pooler));
    }
    return outputs;
  }

  /** One pass by batch statistics, and what it leaves in the running ones. */
  private static Map<String, float[]> train(GoldenCase c) {
    Map<String, float[]> outputs = new LinkedHashMap<>();
    try (Scope _ = new Scope();
        NoGradGuard _ = new NoGradGuard();
        Parameters p = parameters(c);
        BioViLT network = BioViLT.of(p, config(c))) {
      add(outputs, "train", network.forward(image(c, "batch"), BatchNorm.BATCH));
      p.named().forEach((name, tensor) -> outputs.put("train." + name, Torch.floats(tensor)));
    }
    return outputs;
  }

  private static Map<String, float[]> folded(GoldenCase c, String input, ScalarType type) {
    Map<String, float[]> outputs = new LinkedHashMap<>();
    List<BioViLT> network = new ArrayList<>();
    try (Parameters p = parameters(c)) {
      network.add(BioViLT.folded(p, config(c), type));
    }
    try (Scope _ = new Scope();
        NoGradGuard _ = new NoGradGuard();
        BioViLT folded = network.getFirst()) {
      add(outputs, input, folded.forward(image(c, input)));
    }
    return outputs;
  }

  private static void add(
      Map<String, float[]> outputs, String prefix, VisionEncoder.Features output) {
    outputs.put(prefix + ".patch_embeddings", Torch.floats(output.patches()));
    outputs.put(prefix + ".projected_patch_embeddings", Torch.floats(output.projected()));
    outputs.put(prefix + ".img_embedding", Torch.floats(output.patches().mean(2, 3)));
    outputs.put(
        prefix + ".projected_global_embedding", Torch.floats(output.projected().mean(2, 3)));
  }
}
