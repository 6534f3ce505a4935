package org.radialog.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;
import org.radialog.base.RadialogException;
import org.radialog.clinical.Finding;
import org.radialog.clinical.FindingsList;
import org.radialog.clinical.Turn;
import org.radialog.dialog.Options;
import org.radialog.dialog.PromptInputs;
import org.radialog.dialog.RaDialog;
import org.radialog.imaging.Radiograph;
import org.radialog.language.Llama;
import org.radialog.language.LlamaInput;
import org.radialog.language.LlamaLoading;
import org.radialog.language.LlamaWeights;
import org.radialog.language.LoraAdapter;
import org.radialog.language.Precision;
import org.radialog.published.ModelConfig;
import org.radialog.testmodel.TinyModel;
import org.radialog.torch.Parameters;
import org.radialog.torch.Scope;
import org.radialog.torch.Torch;
import org.radialog.weights.Checkpoint;

class LikelihoodTest {
  private static final Radiograph FILM = TinyModel.film(4);
  private static final Set<Finding> FINDINGS = EnumSet.of(Finding.EDEMA, Finding.PNEUMONIA);
  private static final String REPORT =
      "AP view of the chest. There is pulmonary edema. There is pneumonia. No pneumothorax.";

  private static RaDialog load(Precision precision) {
    return RaDialog.load(TinyModel.folder(), Options.DEFAULT.with(precision));
  }

  @Test
  void theScoreIsTheLossThatTrainingComputes() {
    try (RaDialog model = load(Precision.FP32)) {
      var likelihood = new Likelihood(model);
      for (Optional<Set<Finding>> findings : List.of(Optional.of(FINDINGS), noFindings())) {
        Likelihood.Score score = likelihood.report(FILM, findings, REPORT);
        assertThat(score.tokens()).isEqualTo(likelihood.answer(REPORT).length).isGreaterThan(40);
        double loss = loss(model, findings, likelihood.answer(REPORT));
        assertThat(score.mean()).isCloseTo(loss, within(1e-4));
        assertThat(score.perplexity()).isCloseTo(Math.exp(loss), within(1e-3 * Math.exp(loss)));
      }
    }
  }

  private static Optional<Set<Finding>> noFindings() {
    return Optional.empty();
  }

  // Computes the whole sequence at once, with labels on the answer only.
  private static double loss(RaDialog model, Optional<Set<Finding>> findings, int[] answer) {
    List<LlamaInput> prompt =
        PromptInputs.of(
            model.loaded().prompts().open(findings.map(FindingsList::of), new Turn.Report()),
            model.loaded().tokenizer(),
            model.loaded().image(FILM),
            true,
            model.loaded().positions());
    int before = prompt.stream().mapToInt(LlamaInput::count).sum();
    int[] labels = new int[before + answer.length];
    Arrays.fill(labels, Llama.IGNORED);
    System.arraycopy(answer, 0, labels, before, answer.length);
    Path folder = TinyModel.folder();
    ModelConfig.Language language = model.config().language();
    try (Scope _ = new Scope();
        NoGradGuard _ = new NoGradGuard();
        Checkpoint base = Checkpoint.open(folder.resolve(language.weights()));
        Checkpoint trained = Checkpoint.open(folder.resolve(ModelConfig.TRAINED));
        Llama llama =
            LlamaLoading.of(
                LlamaWeights.of(base),
                language
                    .adapter()
                    .map(a -> new LoraAdapter(a, Parameters.Source.of(trained).at("language."))),
                Precision.FP32)) {
      TensorVector rows = new TensorVector();
      for (LlamaInput input : prompt) {
        rows.push_back(
            switch (input) {
              case LlamaInput.Tokens(int[] ids) -> llama.embed(ids);
              case LlamaInput.Answer(int[] ids) -> llama.embed(ids);
              case LlamaInput.Embeddings(float[] image, int count) ->
                  Torch.tensor(image, count, llama.config().hidden());
            });
      }
      rows.push_back(llama.embed(answer));
      Tensor x = torch.cat(rows, 0).unsqueeze(0); // [1, T, D]
      return Torch.item(llama.loss(x, new int[][] {labels}));
    }
  }

  @Test
  void theWeightsOfTheStepsAreMeasured() {
    double exact = mean(Precision.FP32);
    double rounded = mean(Precision.INT8);
    double rough = mean(Precision.INT4);
    assertThat(rounded).isNotEqualTo(exact).isCloseTo(exact, within(0.03 * exact));
    assertThat(Math.abs(rough - exact)).isGreaterThan(Math.abs(rounded - exact));
  }

  private static double mean(Precision precision) {
    try (RaDialog model = load(precision)) {
      return new Likelihood(model).report(FILM, Optional.of(FINDINGS), REPORT).mean();
    }
  }

  @Test
  void textsAddUpByTheirTokens() {
    try (RaDialog model = load(Precision.FP32)) {
      var likelihood = new Likelihood(model);
      Likelihood.Score one = likelihood.report(FILM, Optional.of(FINDINGS), REPORT);
      Likelihood.Score other = likelihood.report(TinyModel.film(5), noFindings(), "Edema.");
      Likelihood.Score both = Likelihood.Score.NONE.and(one).and(other);
      assertThat(both.tokens()).isEqualTo(one.tokens() + other.tokens());
      assertThat(both.mean() * both.tokens())
          .isCloseTo(one.mean() * one.tokens() + other.mean() * other.tokens(), within(1e-6));
    }
  }

  @Test
  void aReportLongerThanTheModelIsRefused() {
    try (RaDialog model = load(Precision.FP32)) {
      var likelihood = new Likelihood(model);
      assertThatThrownBy(() ->
              likelihood.report(FILM, noFindings(), "xyz ".repeat(TinyModel.LLAMA.vocab() * 2)))
          .isInstanceOf(RadialogException.class)
          .hasMessageContaining("2048 positions");
    }
  }
}
