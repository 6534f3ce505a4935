package org.radialog.paper;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Random;
import javax.imageio.ImageIO;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.radialog.base.Progress;
import org.radialog.base.RadialogException;
import org.radialog.imaging.DicomRecipe;
import org.radialog.imaging.Preprocessing;
import org.radialog.loop.TrainingLoop;
import org.radialog.testing.Kill;
import org.radialog.torch.Parameters;
import org.radialog.torch.Scope;
import org.radialog.torch.Torch;
import org.radialog.vision.InputSpec;
import org.radialog.vision.QFormer;
import org.radialog.vision.TokenOrder;
import org.radialog.vision.VisionEncoder;
import org.radialog.weights.Checkpoint;

/** A Q-Former learns which report belongs to which film. */
class QFormerStageTest {
  private static final List<String> TEXTS =
      List.of(
          "The heart is enlarged.",
          "There is a large left pleural effusion.",
          "The lungs are clear.",
          "A pneumothorax is seen at the right apex.");

  @TempDir Path folder;
  private final List<TextFilm> films = new ArrayList<>();

  /** The settings of a run. */
  record Told(int passes, long seed) {}

  @BeforeEach
  void draw() throws IOException {
    Random random = new Random(1);
    for (int i = 0; i < 12; i++) {
      int kind = i % TEXTS.size();
      BufferedImage film = new BufferedImage(64, 64, BufferedImage.TYPE_BYTE_GRAY);
      for (int y = 0; y < 64; y++) {
        for (int x = 0; x < 64; x++) {
          boolean bright =
              kind / 2 == x / 32 && kind % 2 == y / 32; // the bright quarter identifies the text
          film.getRaster().setSample(x, y, 0, random.nextInt(60) + (bright ? 190 : 0));
        }
      }
      Path file = folder.resolve("film-" + i + ".png");
      ImageIO.write(film, "png", file.toFile());
      films.add(new TextFilm("film-" + i, file, TEXTS.get(kind)));
    }
  }

  @Test
  void aRunThatIsKilledAndGoesOnEndsWithTheSameBits() throws IOException {
    Path whole = folder.resolve("whole");
    Path killed = folder.resolve("killed");
    train(whole, 3, Progress.NONE);

    assertThatThrownBy(() -> train(killed, 3, new Kill("qformer 2/3", 1)))
        .isInstanceOf(Kill.Killed.class);
    assertThat(killed.resolve(QFormerStage.WEIGHTS)).doesNotExist();
    train(killed, 3, Progress.NONE);

    assertThat(Files.mismatch(weights(whole), weights(killed))).isEqualTo(-1);
  }

  @Test
  void itLearnsWhichReportBelongsToWhichFilm() {
    try (FrozenEncoder encoder = encoder();
        QFormerStage stage =
            new QFormerStage(config(1, films.subList(0, 4), (_, _) -> Optional.empty()), encoder)) {
      Map<String, OptionalDouble> before = stage.validate();
      for (int step = 0; step < 360; step++) {
        try (Scope _ = new Scope()) {
          stage.optimizer().zeroGrad();
          stage.loss(step).backward();
          stage.optimizer().step(5e-3);
        }
      }
      Map<String, OptionalDouble> after = stage.validate();
      for (String part : List.of("validation_itc", "validation_lm")) {
        assertThat(value(after, part)).as(part).isLessThan(0.8 * value(before, part));
      }
    }
  }

  @Test
  void theWeightsHaveThePublishedNamesAndSuchAFileBeginsARun() {
    Path first = folder.resolve("first");
    train(first, 1, Progress.NONE);
    try (Checkpoint file = Checkpoint.open(weights(first))) {
      assertThat(file.tensors().keySet())
          .contains(
              "query_tokens",
              "temp",
              "ln_vision.weight",
              "Qformer.bert.embeddings.word_embeddings.weight",
              "Qformer.bert.encoder.layer.0.crossattention.self.key.weight",
              "Qformer.bert.encoder.layer.1.output_query.LayerNorm.bias",
              "Qformer.cls.predictions.transform.dense.weight",
              "vision_proj.weight",
              "text_proj.bias",
              "itm_head.weight");
      try (FrozenEncoder encoder = encoder();
          QFormerStage stage =
              new QFormerStage(config(1, films, Parameters.Source.of(file)), encoder)) {
        stage
            .tensors()
            .forEach((name, tensor) ->
                assertThat(Torch.floats(tensor))
                    .as(name)
                    .isEqualTo(file.floats(name.substring("current.".length()))));
      }
    }
  }

  @Test
  void fewerFilmsThanABatchAreRefused() {
    assertThatThrownBy(() -> config(1, films.subList(0, 3), (_, _) -> Optional.empty()))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining("3 films with a findings section are fewer than a batch of 4");
  }

  private void train(Path run, int passes, Progress progress) {
    try (TrainingLoop loop = TrainingLoop.open(run, new Told(passes, 1), progress);
        FrozenEncoder encoder = encoder();
        QFormerStage stage =
            new QFormerStage(config(passes, films, (_, _) -> Optional.empty()), encoder)) {
      loop.run("Q-Former", List.of(stage));
    }
  }

  private static double value(Map<String, OptionalDouble> measured, String name) {
    return measured.getOrDefault(name, OptionalDouble.empty()).orElseThrow();
  }

  private static QFormerStage.Config config(
      int passes, List<TextFilm> films, Parameters.Source initial) {
    return new QFormerStage.Config(
        new QFormerRecipe(passes, 100, 4, 1e-5, 2e-3, 1e-4, 4, 0.05, 0.1, 100, 16, 8),
        new QFormer.Config(
            4, 2, 16, 2, 32, 2, VisionEncoder.Source.PROJECTED, TokenOrder.SCRAMBLED),
        Squares.CHANNELS,
        1,
        films,
        films.subList(0, Math.min(4, films.size())),
        words(),
        initial);
  }

  // BERT's special tokens, the words of the texts, and [DEC].
  private static List<String> words() {
    List<String> words = new ArrayList<>(List.of("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"));
    for (String text : TEXTS) {
      for (String word : text.toLowerCase(Locale.ROOT).replace(".", " .").split(" ", -1)) {
        if (!words.contains(word)) {
          words.add(word);
        }
      }
    }
    words.add("[DEC]");
    return words;
  }

  private static FrozenEncoder encoder() {
    return new FrozenEncoder(
        new Squares(),
        VisionEncoder.Source.PROJECTED,
        new Preprocessing(64, 64, DicomRecipe.VOI),
        1 << 20);
  }

  /**
   * An encoder whose {@value #CHANNELS} channels are the grey values of 4 x 4 squares, weighted
   * differently.
   */
  private static final class Squares implements VisionEncoder {
    private static final int CHANNELS = 6;

    @Override
    public InputSpec input() {
      return InputSpec.GREY;
    }

    @Override
    public Features encode(Tensor pixels) {
      Tensor squares = torch.adaptive_avg_pool2d(pixels.narrow(1, 0, 1), new long[] {4, 4});
      Tensor weights = Torch.tensor(new float[] {1, -1, 2, -2, 3, -3}, 1, CHANNELS, 1, 1);
      Tensor seen = squares.sub(new Scalar(0.4)).mul(weights); // [B, 6, 4, 4]
      return new Features(seen, seen);
    }

    @Override
    public Features encode(Tensor pixels, Tensor prior) {
      throw new UnsupportedOperationException("compares none");
    }

    @Override
    public Tensor project(Tensor patches) {
      return patches;
    }

    @Override
    public void close() {}
  }

  private static Path weights(Path run) {
    return run.resolve(QFormerStage.WEIGHTS);
  }
}
