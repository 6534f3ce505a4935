package org.radialog.vision;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.radialog.testing.Golden;
import org.radialog.testing.GoldenCase;
import org.radialog.testing.Outputs;
import org.radialog.testing.Parity;
import org.radialog.torch.Init;
import org.radialog.torch.Parameters;
import org.radialog.torch.Scope;
import org.radialog.torch.Torch;
import tools.jackson.databind.JsonNode;

/** Compares the losses of the Q-Former's first stage and their gradients with LAVIS. */
class QFormerObjectiveTest {
  private static final double TOLERANCE = 1e-5;

  @TestFactory
  Stream<DynamicTest> lossesAndGradientsEqualTheReference() {
    return Golden.tests(
        "qformer",
        c -> {
          Outputs<float[]> outputs = new Outputs<>(() -> outputs(c));
          return c.expected().keySet().stream()
              .filter(name -> name.matches("itc_.*|itm_loss|itm_samp.*|lm_loss|loss|gradient.*"))
              .map(name ->
                  dynamicTest(
                      c + "/" + name,
                      () -> Parity.check(c + "/" + name, outputs.get(name), c, TOLERANCE)));
        });
  }

  @Test
  void negativesAreDrawnByTheirWeightsAndNeverTheOwn() {
    try (Scope _ = new Scope()) {
      Torch.seed(3);
      float[] weights = {0, 1, 3, 1, 0, 0, 1e-4f, 1e-4f, 0};
      int[][] counts = new int[3][3];
      for (int draw = 0; draw < 2000; draw++) {
        long[] drawn = QFormerObjective.Negatives.DRAWN.draw(Torch.tensor(weights, 3, 3));
        for (int row = 0; row < 3; row++) {
          counts[row][Math.toIntExact(drawn[row])]++;
        }
      }
      assertThat(counts[0][0]).isZero();
      assertThat(counts[0][2] / 2000.0).isBetween(0.70, 0.80);
      assertThat(counts[1]).containsExactly(2000, 0, 0);
      assertThat(counts[2][0] / 2000.0).isBetween(0.45, 0.55);
    }
  }

  @Test
  void anyBatchOfOneFilmIsRefused() {
    GoldenCase c = Golden.theCase("qformer-tiny");
    try (Scope _ = new Scope();
        Parameters p = byFormula(c)) {
      QFormerObjective objective = objective(c, p);
      assertThatThrownBy(() ->
              objective.losses(
                  features(c).narrow(0, 0, 1),
                  List.of(new int[] {1, 7}),
                  QFormerObjective.Negatives.DRAWN))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("1 films and 1 texts");
    }
  }

  private static Map<String, float[]> outputs(GoldenCase c) {
    Map<String, float[]> outputs = new LinkedHashMap<>();
    List<float[]> weights = new ArrayList<>();
    JsonNode negatives = c.values().required("negatives");
    QFormerObjective.Negatives given =
        w -> {
          weights.add(Torch.floats(w));
          return GoldenCase.longs(
              negatives.required(weights.size() == 1 ? "image_for_text" : "text_for_image"));
        };
    Map<String, Function<QFormerObjective.Losses, Tensor>> losses = new LinkedHashMap<>();
    losses.put("itc_loss", QFormerObjective.Losses::contrast);
    losses.put("itm_loss", QFormerObjective.Losses::match);
    losses.put("lm_loss", QFormerObjective.Losses::language);
    losses.put("loss", QFormerObjective.Losses::total);
    losses.forEach((name, loss) -> {
      try (Scope _ = new Scope();
          Parameters p = byFormula(c)) {
        QFormerObjective objective = objective(c, p);
        p.trainable(n -> true);
        weights.clear();
        Tensor value = loss.apply(objective.losses(features(c), rows(c), given));
        outputs.put(name, new float[] {(float) Torch.item(value)});
        outputs.put("itm_sampling_weights_t2i", weights.get(0));
        outputs.put("itm_sampling_weights_i2t", weights.get(1));
        value.backward();
        outputs.put("gradient_norms." + name, norms(c, p));
        outputs.put(
            "gradient.query_tokens",
            Torch.floats(Objects.requireNonNull(p.named().get("query_tokens")).grad()));
      }
    });
    outputs.put("itc_i2t", similarity(c));
    return outputs;
  }

  private static float[] norms(GoldenCase c, Parameters p) {
    JsonNode names = c.values().required("gradient_norms_of");
    float[] norms = new float[names.size()];
    for (int i = 0; i < norms.length; i++) {
      Tensor gradient = Objects.requireNonNull(p.named().get(names.get(i).stringValue())).grad();
      norms[i] = gradient.defined() ? (float) Torch.item(gradient.norm()) : 0;
    }
    return norms;
  }

  private static float[] similarity(GoldenCase c) {
    try (Scope _ = new Scope();
        Parameters p = byFormula(c)) {
      QFormer queries = queries(c, p);
      QFormerText text = text(c, p, queries);
      return Torch.floats(
          QFormerObjective.similarity(
                  text.imageFeatures(queries.forward(features(c))),
                  text.textFeatures(text.text(rows(c))),
                  p.get("temp", Init.zeros()))
              .ofFilms());
    }
  }

  private static QFormerObjective objective(GoldenCase c, Parameters p) {
    int begin = c.values().required("text").required("first_id_of_the_lm_pass").intValue();
    return QFormerObjective.of(text(c, p, queries(c, p)), p, begin);
  }

  private static QFormer queries(GoldenCase c, Parameters p) {
    JsonNode config = c.config();
    return QFormer.of(
        p,
        new QFormer.Config(
            config.required("queries").intValue(),
            config.required("layers").intValue(),
            config.required("hidden").intValue(),
            config.required("heads").intValue(),
            config.required("ffn").intValue(),
            2,
            VisionEncoder.Source.PROJECTED,
            TokenOrder.SCRAMBLED),
        config.required("encoder_width").intValue());
  }

  private static QFormerText text(GoldenCase c, Parameters p, QFormer queries) {
    JsonNode config = c.config();
    return QFormerText.of(
        queries,
        p,
        new QFormerText.Config(
            config.required("vocab").intValue() + 1,
            config.required("positions").intValue(),
            config.required("embed").intValue()));
  }

  private static Tensor features(GoldenCase c) {
    GoldenCase.Floats features = c.floats("features");
    return Torch.tensor(features.values(), features.shape());
  }

  private static List<int[]> rows(GoldenCase c) {
    JsonNode text = c.values().required("text");
    List<int[]> rows = new ArrayList<>();
    for (int b = 0; b < text.required("ids").size(); b++) {
      long length = Arrays.stream(GoldenCase.longs(text.required("mask").get(b))).sum();
      rows.add(
          Arrays.stream(GoldenCase.longs(text.required("ids").get(b)))
              .limit(length)
              .mapToInt(Math::toIntExact)
              .toArray());
    }
    return rows;
  }

  private static Parameters byFormula(GoldenCase c) {
    return Parameters.of((name, shape) -> Optional.of(c.weight(name, shape)));
  }
}
