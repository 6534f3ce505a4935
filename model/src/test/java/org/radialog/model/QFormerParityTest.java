package org.radialog.model;

import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.util.Optional;
import java.util.function.BiFunction;
import java.util.stream.Stream;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.radialog.testing.Golden;
import org.radialog.testing.GoldenCase;
import org.radialog.testing.Parity;
import org.radialog.torch.Autocast;
import org.radialog.torch.Parameters;
import org.radialog.torch.Scope;
import org.radialog.torch.Torch;
import tools.jackson.databind.JsonNode;

/** The query path against LAVIS. */
class QFormerParityTest {
  private static final double TOLERANCE = 1e-5;

  /** An expected tensor, the order of tokens it was made with, and the step that gives it. */
  private record Output(
      String name, TokenOrder order, BiFunction<QFormer, Tensor, Tensor> computation) {}

  private static Stream<Output> outputs() {
    return Stream.of(
        new Output("query_output", TokenOrder.SCRAMBLED, QFormer::forward),
        new Output("scrambled.ln_vision", TokenOrder.SCRAMBLED, QFormer::imageTokens),
        new Output("scrambled.last_hidden_state", TokenOrder.SCRAMBLED, QFormer::forward),
        new Output("permuted.ln_vision", TokenOrder.PATCHES, QFormer::imageTokens),
        new Output("permuted.last_hidden_state", TokenOrder.PATCHES, QFormer::forward));
  }

  @TestFactory
  Stream<DynamicTest> queries() {
    return Golden.cases("qformer").stream()
        .flatMap(c ->
            outputs()
                .filter(o -> c.expected().containsKey(o.name()))
                .map(o ->
                    dynamicTest(
                        c + "/" + o.name(),
                        () -> Parity.check(c + "/" + o.name(), run(c, o), c, TOLERANCE))));
  }

  @TestFactory
  Stream<DynamicTest> queriesInBf16() {
    return Golden.cases("qformer").stream()
        .flatMap(c ->
            outputs()
                .filter(o -> c.expected().containsKey(o.name()))
                .map(o ->
                    dynamicTest(
                        c + "/" + o.name() + ".bf16",
                        () -> {
                          try (Autocast _ = Autocast.bf16()) {
                            Reduced.check(c, o.name(), "bf16", run(c, o));
                          }
                        })));
  }

  private static float[] run(GoldenCase c, Output output) {
    JsonNode config = c.config();
    try (Scope _ = new Scope();
        NoGradGuard _ = new NoGradGuard();
        Parameters p = Parameters.of((name, shape) -> Optional.of(c.weight(name, shape)))) {
      QFormer qformer =
          QFormer.of(
              p,
              new QFormer.Config(
                  config.required("queries").intValue(),
                  config.required("layers").intValue(),
                  config.required("hidden").intValue(),
                  config.required("heads").intValue(),
                  config.required("ffn").intValue(),
                  2,
                  config.required("encoder_width").intValue(),
                  output.order()));
      GoldenCase.Floats features = c.floats("features");
      Tensor x = Torch.tensor(features.values(), features.shape());
      return Torch.floats(output.computation().apply(qformer, x));
    }
  }
}
