package org.radialog.paper;

import static org.assertj.core.api.Assertions.assertThat;
import static org.bytedeco.pytorch.global.torch.cat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.radialog.clinical.Finding;
import org.radialog.clinical.PublishedPrompts;
import org.radialog.language.LanguageDecoder;
import org.radialog.language.Llama;
import org.radialog.language.LlamaLoading;
import org.radialog.language.LoraConfig;
import org.radialog.language.Precision;
import org.radialog.metrics.Interval;
import org.radialog.metrics.MultiLabel;
import org.radialog.torch.Parameters;
import org.radialog.torch.Scope;
import org.radialog.torch.Torch;
import org.radialog.torch.TorchThreads;

/** The reports that a validation writes, with a small network that has an adapter in training. */
class SampleReportsTest {
  private static final int LONGEST = 8;
  private static final int NEVER = -1;

  @TempDir private Path folder = Path.of("");

  private LanguageBase base;
  private Parameters parameters;
  private AnswerStage.Networks networks;
  private List<SampleReports.Film> films;

  @BeforeEach
  void build() {
    PublishedRecipe recipe = PublishedTrainingTest.tiny("v2");
    base = LanguageBase.open(new SmallMimic(folder).base());
    parameters = Parameters.fresh(7);
    LoraConfig adapter = LoraConfig.trained(2, 4, recipe.adapter().targets());
    Llama llama =
        LlamaLoading.adapted(base.weights(), adapter, parameters.at("language."), Precision.FP32);
    networks =
        new AnswerStage.Networks(
            parameters,
            files -> features(files, recipe),
            recipe
                .alignment()
                .network(parameters, recipe.vision(), base.weights().config().hidden()),
            llama,
            true);
    parameters.trainable(_ -> true);
    try (NoGradGuard _ = new NoGradGuard()) {
      Torch.seed(3);
      parameters
          .named()
          .forEach((name, tensor) -> {
            if (name.endsWith("lora_B.weight")) { // an adapter that has learned something
              tensor.normal_();
            }
          });
    }
    VicunaLayout layout =
        new VicunaLayout(recipe.version(), base.tokenizer(), recipe.imageTokens(), 600);
    films =
        List.of(
            film(layout, "a.jpg", Finding.CARDIOMEGALY),
            film(layout, "b.jpg", Finding.PLEURAL_EFFUSION, Finding.PNEUMOTHORAX),
            film(layout, "c.jpg", Finding.NO_FINDING));
  }

  @AfterEach
  void close() {
    networks.llama().close();
    parameters.close();
    base.close();
  }

  // [B, C, 2, 2], of each file its own
  private static Tensor features(List<Path> files, PublishedRecipe recipe) {
    int channels = recipe.vision().channels(recipe.features());
    float[] values = new float[files.size() * channels * 4];
    for (int i = 0; i < values.length; i++) {
      int file = i / (channels * 4);
      values[i] =
          (float) new Random(files.get(file).hashCode() + i % (channels * 4)).nextGaussian();
    }
    return Torch.tensor(values, files.size(), channels, 2, 2);
  }

  private static SampleReports.Film film(VicunaLayout layout, String file, Finding... findings) {
    Set<Finding> present = Set.of(findings);
    String prompt =
        PublishedPrompts.reportPrompt(
            layout.version(),
            PublishedPrompts.findings(present, PublishedPrompts.FindingsStyle.TRAINING));
    return new SampleReports.Film(
        layout
            .tokens(
                new VicunaLayout.Conversation(
                    Path.of(file), List.of(new VicunaLayout.Exchange(prompt, "The heart."))))
            .orElseThrow(),
        present);
  }

  private SampleReports sample(int group, int end) {
    return new SampleReports(films, group, LONGEST, base.tokenizer(), end);
  }

  @Test
  void theyAreThoseOfWholePassesOfTheNetworkInTrainingInGroupsOfAnySize() {
    try (TorchThreads _ = TorchThreads.of(1)) {
      List<List<Integer>> expected =
          films.stream().map(film -> inWholePasses(film, NEVER)).toList();
      assertThat(expected)
          .doesNotHaveDuplicates()
          .allSatisfy(ids -> assertThat(ids).hasSize(LONGEST));
      for (int group = 1; group <= 4; group++) {
        AtomicInteger groups = new AtomicInteger();
        assertThat(
                sample(group, NEVER)
                    .write(networks.llama(), networks::imageTokens, groups::incrementAndGet))
            .isEqualTo(texts(expected));
        assertThat(groups).hasValue((films.size() + group - 1) / group);
      }
    }
  }

  @Test
  void aReportThatEndsLeavesTheOthersGoingOn() {
    try (TorchThreads _ = TorchThreads.of(1)) {
      List<List<Integer>> endless = films.stream().map(film -> inWholePasses(film, NEVER)).toList();
      int end =
          endless.get(1).stream()
              .filter(token -> !endless.get(0).contains(token))
              .findFirst()
              .orElseThrow();
      List<List<Integer>> expected = films.stream().map(film -> inWholePasses(film, end)).toList();
      assertThat(expected.get(0)).hasSize(LONGEST);
      assertThat(expected.get(1)).hasSizeLessThan(LONGEST);
      assertThat(sample(3, end).write(networks.llama(), networks::imageTokens, () -> {}))
          .isEqualTo(texts(expected));
    }
  }

  @Test
  void writingThemDrawsNothingAndLeavesTheWeights() {
    List<float[]> before = parameters.named().values().stream().map(Torch::floats).toList();
    float[] drawn = drawn(() -> {});
    assertThat(
            drawn(() -> sample(2, NEVER).write(networks.llama(), networks::imageTokens, () -> {})))
        .isEqualTo(drawn);
    assertThat(parameters.named().values().stream().map(Torch::floats).toList())
        .usingRecursiveComparison()
        .isEqualTo(before);
  }

  @Test
  void theirFindingsAreThoseOfTheRuleLabeler() {
    MultiLabel scores =
        sample(1, NEVER)
            .agreement(
                List.of(
                    "The heart is enlarged.",
                    "There is a large pleural effusion. No pneumothorax.",
                    "A pneumothorax is possible. There is pulmonary edema."));
    // hits: Cardiomegaly, Pleural Effusion; 4 labels are true, 3 are claimed
    assertThat(scores.scores().averages())
        .containsEntry("micro_f1_14", Interval.point(2 * 2 / (4.0 + 3)))
        .containsEntry("macro_f1_14", Interval.point(2 / 14.0));
  }

  private static float[] drawn(Runnable between) {
    Torch.seed(5);
    between.run();
    try (Scope _ = new Scope()) {
      return Torch.floats(torch.rand(4));
    }
  }

  private List<String> texts(List<List<Integer>> reports) {
    return reports.stream()
        .map(ids -> base.tokenizer().decode(ids.stream().mapToInt(Integer::intValue).toArray()))
        .toList();
  }

  // With one pass over all positions per token, as a training step has it.
  private List<Integer> inWholePasses(SampleReports.Film film, int end) {
    Llama llama = networks.llama();
    VicunaLayout.Tokens dialog = film.dialog();
    List<Integer> ids = new ArrayList<>();
    while (ids.size() < LONGEST) {
      try (Scope _ = new Scope();
          NoGradGuard _ = new NoGradGuard()) {
        Tensor image = networks.imageTokens(List.of(dialog.film())).select(0, 0);
        int behind = dialog.imageAt() + (int) image.size(0);
        int[] text = Arrays.copyOfRange(dialog.ids(), behind, dialog.answerAt() + ids.size());
        for (int i = 0; i < ids.size(); i++) {
          text[dialog.answerAt() - behind + i] = ids.get(i);
        }
        Tensor rows =
            cat(
                new TensorVector(
                    llama.embed(Arrays.copyOf(dialog.ids(), dialog.imageAt())),
                    image,
                    llama.embed(text)),
                0); // [T, D]
        Tensor hidden = llama.forward(rows.unsqueeze(0)); // [1, T, D]
        float[] logits = Torch.floats(llama.logits(hidden.select(1, hidden.size(1) - 1)));
        int token =
            LanguageDecoder.likeliest(logits, Math.min(base.tokenizer().size(), logits.length));
        if (token == end) {
          return ids;
        }
        ids.add(token);
      }
    }
    return ids;
  }
}
