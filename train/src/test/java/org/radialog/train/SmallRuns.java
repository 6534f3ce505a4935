package org.radialog.train;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.SequencedMap;
import javax.imageio.ImageIO;
import org.bytedeco.pytorch.Tensor;
import org.radialog.data.Folds;
import org.radialog.language.LoraConfig;
import org.radialog.tasks.InstructMix;
import org.radialog.torch.Parameters;
import org.radialog.vision.BioViLT;
import org.radialog.vision.FindingsClassifier;
import org.radialog.vision.MlpProjector;
import org.radialog.vision.QFormer;
import org.radialog.vision.TokenOrder;
import org.radialog.vision.VisionEncoder;
import org.radialog.weights.DType;
import org.radialog.weights.SafetensorsWriter;

/** A data set of random films with patient numbers of the NIH folds, and runs of a few steps. */
final class SmallRuns {
  private static final List<String> LABELS =
      List.of("No Finding", "Cardiomegaly|Edema", "Pleural Effusion", "Pneumothorax");

  private final Path folder;

  private SmallRuns(Path folder) {
    this.folder = folder;
  }

  /** What an earlier process has written to {@code folder}. */
  static SmallRuns in(Path folder) {
    return new SmallRuns(folder);
  }

  /**
   * Writes the films, weights in the layout of the ImageNet backbone, and a classifier, all random.
   */
  static SmallRuns write(Path folder) {
    SmallRuns runs = new SmallRuns(folder);
    runs.write();
    return runs;
  }

  private void write() {
    try {
      Files.createDirectories(data().resolve("images"));
      StringBuilder table = new StringBuilder("image,patient,age,sex,view,chexpert_positive\n");
      Map<Integer, Integer> drawn = new LinkedHashMap<>();
      int films = 0;
      for (Map.Entry<String, Integer> patient : Folds.nih14().patients().entrySet()) {
        int fold = patient.getValue();
        int inFold = drawn.merge(fold, 1, Integer::sum);
        if (inFold <= 8) {
          String image = "%s.png".formatted(patient.getKey());
          String view = inFold % 3 == 0 ? "AP" : "PA";
          table.append(
              "%s,%s,%d,F,%s,%s%n"
                  .formatted(
                      image,
                      patient.getKey(),
                      30 + films,
                      view,
                      LABELS.get(inFold % LABELS.size())));
          draw(data().resolve("images").resolve(image), inFold);
          films++;
        }
      }
      Files.writeString(data().resolve("labels.csv"), table);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    TinyBase.write(base());
    try (Parameters p = Parameters.fresh(1)) {
      ModelSpec.Image image = recipe().model().image();
      BioViLT.of(p.at("vision."), image.vision());
      FindingsClassifier.of(p.at("classifier."), image.head());
      SafetensorsWriter.write(classifier(), Map.of(), Parameters.entries(p.named(), DType.F32));
      String backbone = "vision.encoder.encoder.";
      SequencedMap<String, Tensor> init = new LinkedHashMap<>();
      p.at(backbone)
          .named()
          .forEach((name, tensor) -> init.put(name.substring(backbone.length()), tensor));
      SafetensorsWriter.write(imageNet(), Map.of(), Parameters.entries(init, DType.F32));
    }
  }

  Path data() {
    return folder.resolve("data");
  }

  Path classifier() {
    return folder.resolve("classifier.safetensors");
  }

  Path base() {
    return folder.resolve("tiny.gguf");
  }

  Path imageNet() {
    return folder.resolve("imagenet.safetensors");
  }

  /** A recipe with small networks and a few steps per stage on small films. */
  static Recipe recipe() {
    BioViLT.Config vision = BioViLT.Config.of(BioViLT.Backbone.EFFICIENTNET_LITE0, 8, 8);
    ModelSpec model =
        new ModelSpec(
            new ModelSpec.Image(
                64, vision, new ModelSpec.Head(new FindingsClassifier.Pooling.Adaptive(1), 8)),
            new QFormer.Config(
                4, 2, 16, 2, 32, 2, VisionEncoder.Source.PATCHES, TokenOrder.PATCHES),
            LoraConfig.trained(2, 4, LoraConfig.targets(List.of("q_proj", "v_proj"))),
            "smollm2");
    return new Recipe(
        "tiny",
        1,
        1,
        model,
        Optional.empty(),
        new ClassifierRecipe(1, 32, 1, 8, 0, 1e-3, 0.4, 0.02, 0.9, true, false, 0.3, 0, 0, 0, 5, 0),
        new AlignmentRecipe(1, 2, 8, 1e-3, 0.03, 0.1, 0.1, 1),
        new LanguageRecipe(10, 2, 1e-3, 0.6, 0.03, 0.1, 0.1, 1, 2, 2, 0, true, mix()));
  }

  // With enough dialogs without a film that they occur among a few.
  private static InstructMix mix() {
    InstructMix d = InstructMix.DEFAULT;
    return new InstructMix(
        d.report(),
        d.reportDialog(),
        0.4,
        d.withoutFindings(),
        d.fromFilm(),
        d.edited(),
        d.random(),
        d.predicted(),
        d.correction(),
        d.opening(),
        d.further());
  }

  /** The same with an MLP for the Q-Former. */
  static Recipe withMlp() {
    Recipe tiny = recipe();
    ModelSpec model =
        new ModelSpec(
            tiny.model().image(),
            new MlpProjector.Config(16, VisionEncoder.Source.PATCHES, TokenOrder.PATCHES),
            tiny.model().adapter(),
            tiny.model().prompt());
    return new Recipe(
        "with-mlp",
        tiny.seed(),
        tiny.threads(),
        model,
        tiny.pretraining(),
        tiny.classifier(),
        tiny.alignment(),
        tiny.language());
  }

  ClassifierTraining.Config classifierConfig(int fold) {
    return new ClassifierTraining.Config(
        List.of(data()), List.of(), fold, Optional.empty(), imageNet(), recipe());
  }

  LanguageTraining.Config languageConfig() {
    return languageConfig(classifier(), List.of());
  }

  LanguageTraining.Config languageConfig(Path classifier, List<Path> outOfFold) {
    return languageConfig(classifier, outOfFold, recipe());
  }

  LanguageTraining.Config languageConfig(Path classifier, List<Path> outOfFold, Recipe recipe) {
    return new LanguageTraining.Config(
        List.of(data()),
        0,
        Optional.empty(),
        classifier,
        base(),
        outOfFold,
        Optional.empty(),
        recipe);
  }

  private static void draw(Path file, int seed) throws IOException {
    Random random = new Random(seed);
    BufferedImage film = new BufferedImage(128, 128, BufferedImage.TYPE_BYTE_GRAY);
    for (int y = 0; y < 128; y++) {
      for (int x = 0; x < 128; x++) {
        int grey = 40 + x + random.nextInt(60) + (seed % 4) * 10;
        film.getRaster().setSample(x, y, 0, Math.min(255, grey));
      }
    }
    ImageIO.write(film, "png", file.toFile());
  }
}
