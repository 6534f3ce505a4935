package org.radialog.published;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.radialog.clinical.FindingState;
import org.radialog.language.Bert;
import org.radialog.testing.Golden;
import org.radialog.testing.GoldenCase;
import org.radialog.testing.Outputs;
import org.radialog.testing.Parity;
import org.radialog.torch.Parameters;
import org.radialog.torch.Scope;
import org.radialog.torch.Torch;
import org.radialog.weights.Checkpoint;
import tools.jackson.databind.JsonNode;

/** BERT with padding and CheXbert's heads against transformers, tiny and at full size. */
class CheXbertParityTest {
  private static final double FORWARD = 1e-5;
  private static final List<FindingState> CLASSES =
      List.of(
          FindingState.NOT_MENTIONED,
          FindingState.PRESENT,
          FindingState.ABSENT,
          FindingState.UNCERTAIN);

  @TestFactory
  Stream<DynamicTest> forward() {
    return Golden.tests(
        "chexbert",
        c -> {
          Outputs<float[]> outputs = new Outputs<>(() -> outputs(c));
          return Stream.concat(
              c.expected().sequencedKeySet().stream()
                  .map(name ->
                      dynamicTest(
                          c + "/" + name,
                          () -> {
                            Parity.check(c + "/" + name, outputs.get(name), c, FORWARD);
                          })),
              Stream.of(
                  dynamicTest(
                      c + "/argmax",
                      () -> {
                        try (Parameters p = byFormula(c)) {
                          assertThat(CheXbert.of(p.at("module."), config(c)).states(rows(c)))
                              .isEqualTo(states(c));
                        }
                      })));
        });
  }

  @Test
  void thePublishedFileLayoutGivesTheSameStates() {
    GoldenCase c = Golden.theCase("chexbert-tiny");
    try (Checkpoint file = Checkpoint.open(Golden.file("chexbert-tiny/chexbert.pth"));
        Parameters p =
            Parameters.of((name, shape) -> {
              assertThat(file.tensors()).containsKey(name);
              return Optional.of(file.floats(name));
            })) {
      assertThat(CheXbert.of(p.at("module."), config(c)).states(rows(c))).isEqualTo(states(c));
    }
  }

  private static Map<String, float[]> outputs(GoldenCase c) {
    Map<String, float[]> outputs = new LinkedHashMap<>();
    try (Scope _ = new Scope();
        NoGradGuard _ = new NoGradGuard();
        Parameters p = byFormula(c)) {
      List<int[]> rows = rows(c);
      Tensor x = Bert.of(p.at("module.bert."), config(c)).forward(rows); // [B, T, D]
      outputs.put("cls", Torch.floats(x.select(1, 0)));
      outputs.put("first_row", Torch.floats(x.select(0, 0)));
      outputs.put("logits", Torch.floats(CheXbert.of(p.at("module."), config(c)).logits(rows)));
    }
    return outputs;
  }

  private static Parameters byFormula(GoldenCase c) {
    return Parameters.of((name, shape) -> Optional.of(c.weight(name, shape)));
  }

  private static Bert.Config config(GoldenCase c) {
    JsonNode j = c.config();
    return new Bert.Config(
        Bert.Family.BERT,
        j.required("vocab").intValue(),
        j.required("hidden").intValue(),
        j.required("layers").intValue(),
        j.required("heads").intValue(),
        j.required("ffn").intValue(),
        j.required("positions").intValue());
  }

  /** The rows without their padding. */
  static List<int[]> rows(GoldenCase c) {
    JsonNode batch = c.json().required("values").required("batch");
    List<int[]> rows = new ArrayList<>();
    for (int b = 0; b < batch.required("ids").size(); b++) {
      int length =
          batch.required("attention_mask").get(b).valueStream().mapToInt(JsonNode::intValue).sum();
      rows.add(
          batch
              .required("ids")
              .get(b)
              .valueStream()
              .limit(length)
              .mapToInt(JsonNode::intValue)
              .toArray());
    }
    return rows;
  }

  static List<List<FindingState>> states(GoldenCase c) {
    return c.json()
        .required("values")
        .required("argmax")
        .valueStream()
        .map(row -> row.valueStream().map(k -> CLASSES.get(k.intValue())).toList())
        .toList();
  }
}
