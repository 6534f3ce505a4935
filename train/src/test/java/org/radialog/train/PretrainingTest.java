package org.radialog.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.awt.image.BufferedImage;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.radialog.base.Progress;
import org.radialog.base.RadialogException;
import org.radialog.data.Folds;
import org.radialog.testing.Kill;
import org.radialog.torch.Parameters;
import org.radialog.weights.Checkpoint;

/** The encoder learns from further films before it learns from those with folds. */
class PretrainingTest {
  private static final String WEIGHTS = "classifier.safetensors";
  private static final List<String> CLASSES =
      List.of("Normal", "No Lung Opacity / Not Normal", "Lung Opacity", "");

  @TempDir private Path folder;
  private SmallRuns small;
  private Path whole; // films with labels
  private Path lungs; // films of the lungs only

  @BeforeEach
  void draw() throws Exception {
    small = SmallRuns.write(folder);
    whole = further("whole", "image,patient,age,sex,view,nih_labels,rsna_class\n", "");
    lungs =
        further(
            "lungs", "image,patient,age,sex,view,nih_labels,rsna_class,lung_fraction\n", ",0.2");
  }

  // Ten films of patients without a fold and one of a patient who has one.
  private Path further(String name, String header, String end) throws Exception {
    Path images = Files.createDirectories(folder.resolve(name).resolve("images"));
    StringBuilder table = new StringBuilder(header);
    Random random = new Random(name.hashCode());
    for (int i = 0; i <= 10; i++) {
      String patient = i < 10 ? name + i : Folds.nih14().patients().firstKey();
      BufferedImage film = new BufferedImage(48, 48, BufferedImage.TYPE_BYTE_GRAY);
      for (int p = 0; p < 48 * 48; p++) {
        film.setRGB(p % 48, p / 48, 0x010101 * random.nextInt(256));
      }
      ImageIO.write(film, "png", images.resolve(i + ".png").toFile());
      table.append(
          "%d.png,%s,60,M,%s,%s,%s%s%n"
              .formatted(
                  i,
                  patient,
                  i % 2 == 0 ? "PA" : "AP",
                  i % 3 == 0 ? "No Finding" : "Effusion|Infiltration",
                  CLASSES.get(i % 4),
                  end));
    }
    Files.writeString(folder.resolve(name).resolve("labels.csv"), table);
    return folder.resolve(name);
  }

  private static Recipe recipe() {
    return recipe(0.5);
  }

  private static Recipe recipe(double headsLoss) {
    Recipe tiny = SmallRuns.recipe();
    ClassifierRecipe pretraining =
        new ClassifierRecipe(
            2, 32, 0, 4, -1, 1e-3, 0.4, 0.02, 0.9, false, true, 0.3, headsLoss, headsLoss, 0.5, 5,
            5);
    return new Recipe(
        tiny.id(),
        tiny.seed(),
        tiny.threads(),
        tiny.model(),
        Optional.of(pretraining),
        tiny.classifier(),
        tiny.alignment(),
        tiny.language());
  }

  private ClassifierTraining.Config config(Recipe recipe, Path init) {
    return new ClassifierTraining.Config(
        List.of(small.data()), List.of(whole, lungs), 0, Optional.empty(), init, recipe);
  }

  @Test
  void aClassifierStartsFromTheWeightsOfThePretraining() {
    Path pretrained = folder.resolve("pretrained");
    ClassifierTraining.pretrain(config(recipe(), small.imageNet()), pretrained, Progress.NONE);
    Path weights = pretrained.resolve(WEIGHTS);

    Path run = folder.resolve("run");
    assertThat(recipe().classifier().frozenBlocks()).isZero();
    ClassifierTraining.train(config(recipe(), weights), run, Progress.NONE);

    // The stem is frozen in this recipe: it is that of the pretraining, not that of ImageNet.
    String stem = "vision.encoder.encoder._conv_stem.weight";
    float[] last = tensor(run.resolve(WEIGHTS), stem);
    assertThat(last).isEqualTo(tensor(weights, stem));
    assertThat(last)
        .isNotEqualTo(tensor(small.imageNet(), stem.substring("vision.encoder.encoder.".length())));
  }

  @Test
  void allHeadsLearnInPretraining() {
    Path pretrained = folder.resolve("pretrained");
    List<Kill> moments = new ArrayList<>();
    ClassifierTraining.pretrain(
        config(recipe(), small.imageNet()), pretrained, Kill.noting(moments));
    // 20 of 22 films, in batches of 4: those of a patient with a fold are left out
    assertThat(moments).filteredOn(moment -> moment.toString().contains("pretraining")).hasSize(10);

    Path without = folder.resolve("without");
    ClassifierTraining.pretrain(config(recipe(0), small.imageNet()), without, Progress.NONE);
    for (String head : List.of("mined.weight", "lungs.weight", "lungs_findings.weight")) {
      assertThat(tensor(pretrained.resolve(WEIGHTS), head))
          .as(head)
          .isNotEqualTo(tensor(without.resolve(WEIGHTS), head));
    }
  }

  @Test
  void aPretrainingThatIsKilledEndsWithTheSameBits() {
    Path all = folder.resolve("all");
    Path killed = folder.resolve("killed");
    List<Kill> moments = new ArrayList<>();
    ClassifierTraining.Config config = config(recipe(), small.imageNet());
    ClassifierTraining.pretrain(config, all, Kill.noting(moments));
    Kill kill = Kill.drawn(moments, "pretraining", new Random(System.nanoTime()));
    assertThatThrownBy(() -> ClassifierTraining.pretrain(config, killed, kill))
        .isInstanceOf(Kill.Killed.class);
    ClassifierTraining.pretrain(config, killed, Progress.NONE);
    assertThat(killed.resolve(WEIGHTS))
        .as(kill.toString())
        .hasSameBinaryContentAs(all.resolve(WEIGHTS));
  }

  @Test
  void aRecipeWithoutPretrainingIsRefused() {
    assertThatThrownBy(() ->
            ClassifierTraining.pretrain(
                config(SmallRuns.recipe(), small.imageNet()),
                folder.resolve("none"),
                Progress.NONE))
        .isInstanceOf(RadialogException.class)
        .hasMessage("the recipe tiny has no pretraining: expected one in its field pretraining");
  }

  private static float[] tensor(Path file, String name) {
    try (Checkpoint checkpoint = Checkpoint.open(file)) {
      long[] shape = Objects.requireNonNull(checkpoint.tensors().get(name), name).shape();
      return Parameters.Source.of(checkpoint).values(name, shape).orElseThrow();
    }
  }
}
