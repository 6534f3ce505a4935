package org.radialog.paper;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.radialog.language.Llama;
import org.radialog.language.LlamaLoading;
import org.radialog.language.LoraAdapter;
import org.radialog.language.Precision;
import org.radialog.published.ModelConfig;
import org.radialog.published.ModelSource;
import org.radialog.testing.NumpyPickle;
import org.radialog.testing.Weight;
import org.radialog.torch.Parameters;
import org.radialog.torch.Scope;
import org.radialog.torch.Torch;
import org.radialog.vision.BioViLT;
import org.radialog.vision.MlpProjector;
import org.radialog.vision.QFormer;
import org.radialog.vision.RowProjector;
import org.radialog.vision.VisionEncoder;
import org.radialog.weights.Checkpoint;
import org.radialog.weights.DType;
import org.radialog.weights.TensorInfo;

/**
 * Reads the published files of a model folder beside the downloaded base, as {@code radialog
 * import} does.
 *
 * @param folder for both, which does not exist yet
 */
record PublishedAgain(Path folder) {
  private static final int FILM = 64; // pixels

  void isTheSameModel(Path base, Path model, PublishedRecipe recipe) {
    Path published = model.resolve(PublishedFiles.FOLDER);
    try {
      Files.createDirectories(folder);
      Files.move(base, folder.resolve("vicuna"));
      Files.move(published, folder.resolve("trained"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    Path trained = folder.resolve("trained");
    try (Checkpoint reference = Checkpoint.open(trained.resolve(PublishedFiles.REFERENCE));
        Checkpoint own = Checkpoint.open(model.resolve(ModelConfig.TRAINED));
        Scope _ = new Scope();
        NoGradGuard _ = new NoGradGuard();
        Parameters p = Parameters.of(Parameters.Source.of(own))) {
      if (recipe.qformer().isPresent()) {
        embeddings(trained.resolve(PublishedFiles.qformerFile(recipe)), p, recipe);
      }
      try (ModelSource source = ModelSource.open(folder)) {
        ModelSource.Model again = source.model();
        switch (again) {
          case ModelSource.Version1 v1 -> {
            has(own, "classifier.vision.", v1.classifier().encoder());
            has(own, "classifier.", v1.classifier().head());
            has(own, "projector.", v1.projection());
          }
          case ModelSource.Version2 v2 -> {
            has(own, "classifier.vision.", v2.classifier().encoder());
            has(own, "classifier.", v2.classifier().head());
            has(own, "projector.", v2.projectorTensors());
            has(own, "vision.", v2.visionTensors());
          }
          case ModelSource.LanguageAlone _ -> throw new AssertionError("no version of RaDialog");
        }
        assertThat(again.language().adapter().map(LoraAdapter::config))
            .hasValueSatisfying(lora -> {
              assertThat(lora.r()).isEqualTo(recipe.adapter().r());
              assertThat(lora.scale()).isEqualTo(recipe.adapter().scale());
              assertThat(lora.dropout()).isEqualTo(recipe.language().adapterDropout());
              assertThat(lora.targets()).isEqualTo(recipe.adapter().targets());
            });
        float[] expected = reference.floats("logits");
        float[] found = logits(again, again.language().adapter(), reference);
        assertThat(largestDifference(found, expected)).isZero();
        float[] untrained = logits(again, Optional.empty(), reference);
        assertThat(largestDifference(untrained, expected)).isGreaterThan(1e-3f);
      }
    }
  }

  private static void has(Checkpoint own, String prefix, ModelSource.Tensors tensors) {
    assertThat(tensors.all()).isNotEmpty();
    for (ModelSource.Tensors.Named named : tensors.all()) {
      TensorInfo info = own.tensor(prefix + named.name());
      assertThat(named.stored().shape()).isEqualTo(info.shape());
      assertThat(named.checkpoint().floats(named.stored().name()))
          .as(named.name())
          .isEqualTo(own.floats(info.name()));
    }
  }

  // As the authors of the first version did it: the outputs of the Q-Former in a file. They are
  // those of the model folder's own Q-Former.
  private void embeddings(Path file, Parameters own, PublishedRecipe recipe) {
    QFormer.Config queries = (QFormer.Config) recipe.alignment();
    int channels = recipe.vision().channels(queries.source());
    float[] values = new float[FILM * FILM];
    for (int i = 0; i < values.length; i++) {
      values[i] = (i * 7 % 23) / 23f;
    }
    Tensor film = Torch.tensor(values, 1, 1, FILM, FILM);
    try (Checkpoint published = Checkpoint.open(file);
        Parameters p = Parameters.of(Parameters.Source.of(published))) {
      Tensor rows =
          QFormer.of(p, queries, channels)
              .forward(features(p.at("visual_encoder."), film, recipe, queries.source()));
      Tensor expected =
          QFormer.of(own.at("qformer."), queries, channels)
              .forward(features(own.at("vision."), film, recipe, queries.source()));
      assertThat(Torch.floats(rows)).isEqualTo(Torch.floats(expected));
      SequencedMap<String, Weight> films = new LinkedHashMap<>();
      films.put(
          "film",
          Weight.floats(DType.F32, Torch.floats(rows), queries.queries(), queries.hidden()));
      NumpyPickle.write(folder.resolve("embeddings.pkl"), films);
    }
  }

  private static Tensor features(
      Parameters p, Tensor film, PublishedRecipe recipe, VisionEncoder.Source source) {
    return BioViLT.of(p, recipe.vision())
        .forward(film, recipe.vision().batchNorm())
        .of(source); // [1, C, h, w]
  }

  private static float[] logits(
      ModelSource.Model model, Optional<LoraAdapter> adapter, Checkpoint reference) {
    int[] ids = Arrays.stream(reference.longs("ids")).mapToInt(Math::toIntExact).toArray();
    int at = (int) reference.longs("image_at")[0];
    long[] shape = reference.tensor("image").shape(); // [1, R, C]
    Tensor rows = Torch.tensor(reference.floats("image"), shape);
    int hidden = model.language().weights().config().hidden();
    int channels = Math.toIntExact(shape[2]);
    try (Parameters p = Parameters.of(projection(model));
        Llama llama = LlamaLoading.of(model.language().weights(), adapter, Precision.FP32)) {
      Tensor image =
          switch (model) {
            case ModelSource.Version1 _ -> RowProjector.of(p, channels, hidden).forward(rows);
            case ModelSource.Version2 v2 ->
                MlpProjector.of(p, v2.vision().projector().config(), channels, hidden)
                    .forward(rows.transpose(1, 2).unsqueeze(2)); // [1, R, C] to [1, C, 1, R]
            case ModelSource.LanguageAlone _ -> throw new AssertionError("no projector");
          };
      Tensor text = llama.embed(ids).unsqueeze(0);
      long behind = (long) ids.length - at;
      TensorVector parts =
          new TensorVector(text.narrow(1, 0, at), image, text.narrow(1, at, behind));
      Tensor hiddenStates = llama.forward(torch.cat(parts, 1)); // [1, T + R, D]
      return Torch.floats(llama.logits(hiddenStates.narrow(1, at + shape[1], behind)));
    }
  }

  private static Parameters.Source projection(ModelSource.Model model) {
    List<ModelSource.Tensors.Named> tensors =
        switch (model) {
          case ModelSource.Version1 v1 -> v1.projection().all();
          case ModelSource.Version2 v2 -> v2.projectorTensors().all();
          case ModelSource.LanguageAlone _ -> List.of();
        };
    Map<String, float[]> values = new LinkedHashMap<>();
    tensors.forEach(t -> values.put(t.name(), t.checkpoint().floats(t.stored().name())));
    return (name, _) -> Optional.ofNullable(values.get(name));
  }

  private static float largestDifference(float[] one, float[] other) {
    float largest = 0;
    for (int i = 0; i < one.length; i++) {
      largest = Math.max(largest, Math.abs(one[i] - other[i]));
    }
    return largest;
  }
}
