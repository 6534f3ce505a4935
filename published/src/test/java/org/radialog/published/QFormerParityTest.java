package org.radialog.published;

import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiFunction;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
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
import org.radialog.vision.QFormer;
import org.radialog.vision.QFormerText;
import org.radialog.vision.TokenOrder;
import org.radialog.vision.VisionEncoder;
import tools.jackson.databind.JsonNode;

/** The query path and the text branch against LAVIS. */
class QFormerParityTest {
  private static final double TOLERANCE = 1e-5;

  /** An expected tensor, the order of tokens it was made with, and the step that gives it. */
  record Output(String name, TokenOrder order, BiFunction<QFormer, Tensor, Tensor> computation) {}

  static Stream<Output> outputs() {
    return Stream.of(
        new Output("query_output", TokenOrder.SCRAMBLED, QFormer::forward),
        new Output("scrambled.ln_vision", TokenOrder.SCRAMBLED, QFormer::imageTokens),
        new Output("scrambled.last_hidden_state", TokenOrder.SCRAMBLED, QFormer::forward),
        new Output("permuted.ln_vision", TokenOrder.PATCHES, QFormer::imageTokens),
        new Output("permuted.last_hidden_state", TokenOrder.PATCHES, QFormer::forward));
  }

  @TestFactory
  Stream<DynamicTest> queries() {
    return Golden.tests(
        "qformer",
        c ->
            outputs()
                .filter(o -> c.expected().containsKey(o.name()))
                .map(o ->
                    dynamicTest(
                        c + "/" + o.name(),
                        () -> Parity.check(c + "/" + o.name(), run(c, o), c, TOLERANCE))));
  }

  @TestFactory
  Stream<DynamicTest> queriesInBf16() {
    return Golden.tests(
        "qformer",
        c ->
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

  @TestFactory
  Stream<DynamicTest> textBranch() {
    return Golden.tests(
        "qformer",
        c -> {
          if (!c.expected().containsKey("text_output")) {
            return Stream.empty();
          }
          Outputs<float[]> outputs = new Outputs<>(() -> text(c));
          return Stream.of(
                  "text_output",
                  "image_feats",
                  "text_feat",
                  "joint_output_of_the_pairs",
                  "itm_logits",
                  "lm_logits")
              .map(name ->
                  dynamicTest(
                      c + "/" + name,
                      () -> {
                        Parity.check(c + "/" + name, outputs.get(name), c, TOLERANCE);
                      }));
        });
  }

  private static Map<String, float[]> text(GoldenCase c) {
    JsonNode config = c.config();
    JsonNode values = c.json().required("values");
    List<int[]> rows = rows(values.required("text"));
    Map<String, float[]> outputs = new LinkedHashMap<>();
    try (Scope _ = new Scope();
        NoGradGuard _ = new NoGradGuard();
        Parameters p = byFormula(c)) {
      QFormer queries = QFormer.of(p, config(c, TokenOrder.SCRAMBLED), channels(c));
      QFormerText text =
          QFormerText.of(
              queries,
              p,
              new QFormerText.Config(
                  config.required("vocab").intValue() + 1,
                  config.required("positions").intValue(),
                  config.required("embed").intValue()));
      Tensor features = features(c);
      Tensor alone = text.text(rows); // [B, T, D]
      outputs.put("text_output", Torch.floats(alone));
      outputs.put("text_feat", Torch.floats(text.textFeatures(alone)));
      outputs.put("image_feats", Torch.floats(text.imageFeatures(queries.forward(features))));
      outputs.put("joint_output_of_the_pairs", Torch.floats(text.joint(features, rows)));

      int count = rows.size();
      List<Integer> films = new ArrayList<>(range(count));
      films.addAll(integers(values.required("negatives").required("image_for_text")));
      films.addAll(range(count));
      List<Integer> texts = new ArrayList<>(range(count));
      texts.addAll(range(count));
      texts.addAll(integers(values.required("negatives").required("text_for_image")));
      TensorVector paired = new TensorVector();
      films.forEach(film -> paired.push_back(features.narrow(0, film, 1)));
      Tensor joint = text.joint(torch.cat(paired, 0), texts.stream().map(rows::get).toList());
      outputs.put("itm_logits", Torch.floats(text.match(joint)));

      int dec = values.required("text").required("first_id_of_the_lm_pass").intValue();
      List<int[]> written = rows.stream().map(int[]::clone).toList();
      written.forEach(row -> row[0] = dec);
      outputs.put("lm_logits", Torch.floats(text.nextTokens(features, written)));
    }
    return outputs;
  }

  private static List<int[]> rows(JsonNode text) {
    List<int[]> rows = new ArrayList<>();
    for (int b = 0; b < text.required("ids").size(); b++) {
      int length = integers(text.required("mask").get(b)).stream().mapToInt(i -> i).sum();
      rows.add(
          integers(text.required("ids").get(b)).stream()
              .limit(length)
              .mapToInt(Integer::intValue)
              .toArray());
    }
    return rows;
  }

  private static List<Integer> range(int count) {
    return IntStream.range(0, count).boxed().toList();
  }

  private static List<Integer> integers(JsonNode list) {
    return list.valueStream().map(JsonNode::intValue).toList();
  }

  private static Parameters byFormula(GoldenCase c) {
    return Parameters.of((name, shape) -> Optional.of(c.weight(name, shape)));
  }

  static Tensor features(GoldenCase c) {
    GoldenCase.Floats features = c.floats("features");
    return Torch.tensor(features.values(), features.shape());
  }

  private static QFormer.Config config(GoldenCase c, TokenOrder order) {
    JsonNode config = c.config();
    return new QFormer.Config(
        config.required("queries").intValue(),
        config.required("layers").intValue(),
        config.required("hidden").intValue(),
        config.required("heads").intValue(),
        config.required("ffn").intValue(),
        2,
        VisionEncoder.Source.PROJECTED,
        order);
  }

  private static int channels(GoldenCase c) {
    return c.config().required("encoder_width").intValue();
  }

  private static float[] run(GoldenCase c, Output output) {
    try (Scope _ = new Scope();
        NoGradGuard _ = new NoGradGuard();
        Parameters p = byFormula(c)) {
      QFormer qformer = QFormer.of(p, config(c, output.order()), channels(c));
      return Torch.floats(output.computation().apply(qformer, features(c)));
    }
  }
}
