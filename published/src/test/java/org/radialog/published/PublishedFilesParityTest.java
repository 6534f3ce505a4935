package org.radialog.published;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import org.radialog.language.Bert;
import org.radialog.language.KvCache;
import org.radialog.language.Llama;
import org.radialog.language.LlamaInput;
import org.radialog.language.LlamaLoading;
import org.radialog.language.Precision;
import org.radialog.testing.BertSize;
import org.radialog.testing.Golden;
import org.radialog.testing.GoldenCase;
import org.radialog.testing.LlamaSize;
import org.radialog.testing.Logits;
import org.radialog.testing.LoraSize;
import org.radialog.testing.Outputs;
import org.radialog.testing.Parity;
import org.radialog.testing.PublishedLayout;
import org.radialog.testing.PublishedLayout.Family;
import org.radialog.testing.QFormerSize;
import org.radialog.torch.BlasThreads;
import org.radialog.torch.Parameters;
import org.radialog.torch.Scope;
import org.radialog.torch.Torch;
import org.radialog.vision.BioViLT;
import org.radialog.vision.FindingsClassifier;
import org.radialog.vision.MlpProjector;
import org.radialog.vision.QFormer;
import org.radialog.weights.Checkpoint;
import org.radialog.weights.DType;
import tools.jackson.databind.JsonNode;

/**
 * Files in the published layouts, filled by a golden case's formula and opened as the product opens
 * them: the networks that come out of the files give the reference's outputs.
 */
class PublishedFilesParityTest {
  private static final double FORWARD = 1e-5;
  private static final double ADAPTED = 1e-4;

  /** The tokenizer of a Hugging Face folder, which is found here and not read. */
  private static final Map<String, byte[]> TOKENIZER =
      Map.of("tokenizer.json", "{}".getBytes(StandardCharsets.UTF_8));

  /** A language model beside which v2's other parts stand, where it does not matter which. */
  private static LlamaSize small(int hidden) {
    return new LlamaSize(32, hidden, 8, 1, 2, 2, 4, 64, 1e-5, 1e4, Optional.empty(), false);
  }

  private static final LoraSize RANK_1 = new LoraSize(1, 2, LoraSize.V2.targets());

  @TempDir private Path folder = Path.of("");

  // ---------------------------------------------------------------- films

  @TestFactory
  Stream<DynamicTest> imageModel() {
    return Golden.tests(
        "biovilt",
        c -> {
          Path file = folder.resolve(c + "/biovil_t_image_model_proj_size_128.pt");
          Outputs<float[]> single = new Outputs<>(() -> imageModel(c, file, "single"));
          Outputs<float[]> prior = new Outputs<>(() -> imageModel(c, file, "prior"));
          return Stream.concat(
              tests(c, "", BioViLTParityTest.expected(c, "single"), FORWARD, single::get),
              tests(c, "", BioViLTParityTest.expected(c, "prior"), FORWARD, prior::get));
        });
  }

  private static Map<String, float[]> imageModel(GoldenCase c, Path file, String input) {
    if (!Files.exists(file)) {
      new PublishedLayout(c.weightSalt()).imageModel(file);
    }
    try (Checkpoint checkpoint = Checkpoint.open(file)) {
      Recognition r = complete(checkpoint);
      CheckpointKind.ImageModel kind = as(CheckpointKind.ImageModel.class, r);
      Parameters p = Parameters.of(Parameters.Source.of(checkpoint).at(r.prefix()));
      return input.equals("prior")
          ? BioViLTParityTest.prior(c, kind.config(), p)
          : BioViLTParityTest.exact(c, input, kind.config(), p);
    }
  }

  @TestFactory
  Stream<DynamicTest> classifier() {
    return Golden.tests(
        "classifier",
        c -> {
          Outputs<float[]> outputs =
              new Outputs<>(() -> {
                Path file = folder.resolve(c + "/ChexpertClassifier.ckpt");
                new PublishedLayout(c.weightSalt()).classifier(file);
                try (Checkpoint checkpoint = Checkpoint.open(file)) {
                  Recognition r = complete(checkpoint);
                  Parameters.Source all = Parameters.Source.of(checkpoint).at(r.prefix());
                  return classified(
                      c, as(CheckpointKind.Classifier.class, r), all.at("biovil_encoder."), all);
                }
              });
          return tests(
              c, "", List.of("features", "logits", "probabilities"), FORWARD, outputs::get);
        });
  }

  private static Map<String, float[]> classified(
      GoldenCase c,
      CheckpointKind.Classifier kind,
      Parameters.Source encoder,
      Parameters.Source head) {
    FindingsClassifier.Config published = FindingsClassifier.Config.PUBLISHED;
    assertThat(List.of(kind.features(), kind.hidden(), kind.labels()))
        .containsExactly(
            Math.toIntExact(published.features()), published.hidden(), published.labels());
    Map<String, float[]> outputs = new LinkedHashMap<>();
    try (Scope _ = new Scope();
        NoGradGuard _ = new NoGradGuard();
        Parameters encoders = Parameters.of(encoder);
        Parameters heads = Parameters.of(head);
        BioViLT vision = BioViLT.of(encoders, kind.vision().orElseThrow().config())) {
      FindingsClassifier classifier = FindingsClassifier.of(heads, published);
      GoldenCase.Floats image = c.floats("image");
      Tensor projected =
          vision.forward(Torch.tensor(image.values(), image.shape())).projected(); // [B, J, h, w]
      Tensor logits = classifier.forward(projected); // [B, L]
      outputs.put("features", Torch.floats(classifier.features(projected)));
      outputs.put("logits", Torch.floats(logits));
      outputs.put("probabilities", Torch.floats(torch.sigmoid(logits)));
    }
    return outputs;
  }

  // ---------------------------------------------------------------- alignment

  @TestFactory
  Stream<DynamicTest> qFormer() {
    return Golden.tests(
        "qformer",
        c -> {
          List<QFormerParityTest.Output> wanted =
              QFormerParityTest.outputs().filter(o -> c.expected().containsKey(o.name())).toList();
          Outputs<float[]> outputs = new Outputs<>(() -> queries(c, wanted));
          return tests(
              c,
              "",
              wanted.stream().map(QFormerParityTest.Output::name).toList(),
              FORWARD,
              outputs::get);
        });
  }

  private Map<String, float[]> queries(GoldenCase c, List<QFormerParityTest.Output> wanted) {
    Path file = folder.resolve(c + "/checkpoint_4.pth");
    new PublishedLayout(c.weightSalt()).qFormer(file, QFormerSize.of(c));
    int heads = c.config().required("heads").intValue();
    Map<String, float[]> outputs = new LinkedHashMap<>();
    try (Checkpoint checkpoint = Checkpoint.open(file);
        Scope _ = new Scope();
        NoGradGuard _ = new NoGradGuard()) {
      Recognition r = Recognition.of(checkpoint);
      assertThat(r.missing()).allMatch(m -> m.name().startsWith("visual_encoder."));
      CheckpointKind.QFormerModel kind = as(CheckpointKind.QFormerModel.class, r);
      try (Parameters p = Parameters.of(checkpoint)) {
        for (QFormerParityTest.Output output : wanted) {
          QFormer network =
              QFormer.of(p.at(r.prefix()), kind.config(heads, output.order()), kind.channels());
          Tensor features = QFormerParityTest.features(c);
          outputs.put(output.name(), Torch.floats(output.computation().apply(network, features)));
        }
      }
    }
    delete(file); // full size takes most of a gigabyte
    return outputs;
  }

  // ---------------------------------------------------------------- labeler

  @TestFactory
  Stream<DynamicTest> labeler() {
    return Golden.tests(
        "chexbert",
        c -> {
          Outputs<float[]> outputs = new Outputs<>(() -> labels(c));
          return tests(c, "", List.of("cls", "first_row", "logits"), FORWARD, outputs::get);
        });
  }

  private Map<String, float[]> labels(GoldenCase c) {
    Path file = folder.resolve(c + "/chexbert.pth");
    new PublishedLayout(c.weightSalt()).chexbert(file, BertSize.of(c));
    Map<String, float[]> outputs = new LinkedHashMap<>();
    try (Checkpoint checkpoint = Checkpoint.open(file);
        Scope _ = new Scope();
        NoGradGuard _ = new NoGradGuard();
        Parameters p = Parameters.of(checkpoint)) {
      Recognition r = complete(checkpoint);
      Bert.Config config =
          as(CheckpointKind.Labeler.class, r).config(c.config().required("heads").intValue());
      CheXbert network = CheXbert.of(p.at(r.prefix()), config);
      List<int[]> rows = CheXbertParityTest.rows(c);
      Tensor x = Bert.of(p.at(r.prefix() + "bert."), config).forward(rows); // [B, T, D]
      outputs.put("cls", Torch.floats(x.select(1, 0)));
      outputs.put("first_row", Torch.floats(x.select(0, 0)));
      outputs.put("logits", Torch.floats(network.logits(rows)));
      assertThat(network.states(rows)).isEqualTo(CheXbertParityTest.states(c));
    }
    delete(file);
    return outputs;
  }

  // ---------------------------------------------------------------- language model

  /** A form in which a language model is published. */
  private interface Form {
    void write(PublishedLayout layout, Path folder, LlamaSize size);
  }

  private static Form shards(Family family, int count) {
    return (layout, folder, size) ->
        layout.llama(folder, family, size, DType.F32, count, TOKENIZER);
  }

  // What the form can state of this model; Vicuna's config had neither of the first two.
  private static Map<String, Form> forms(LlamaSize size) {
    Map<String, Form> forms = new LinkedHashMap<>();
    if (size.kvHeads() == size.heads()
        && size.ropeTheta() == 10_000
        && size.ropeScaling().isEmpty()) {
      forms.put("vicuna", shards(Family.VICUNA, 2));
    }
    forms.put("llava", shards(Family.LLAVA, 2));
    forms.put("safetensors", shards(Family.LLAMA, 3));
    forms.put("mistral", shards(Family.MISTRAL, 1));
    if (size.ropeScaling().isEmpty()) {
      forms.put(
          "gguf",
          (layout, folder, s) -> layout.gguf(folder.resolve("m.gguf"), s, DType.F32, Map.of()));
    }
    return forms;
  }

  @TestFactory
  Stream<DynamicTest> languageModel() {
    return Golden.tests(
        "llama",
        c ->
            forms(LlamaSize.of(c)).entrySet().stream()
                .flatMap(form -> {
                  Path source = folder.resolve(c + "/" + form.getKey());
                  Outputs<float[]> outputs =
                      new Outputs<>(() -> language(c, source, form.getValue()));
                  return Stream.concat(
                      tests(c, "-" + form.getKey(), List.of("logits"), FORWARD, outputs::get),
                      Stream.of(
                          dynamicTest(
                              label(c, "-" + form.getKey(), "greedy_ids"),
                              () ->
                                  Parity.equal(
                                      label(c, "-" + form.getKey(), "greedy_ids"),
                                      ints(outputs.get("greedy_ids")),
                                      ints(c.values().required("greedy_ids"))))));
                }));
  }

  private static Map<String, float[]> language(GoldenCase c, Path source, Form form) {
    form.write(new PublishedLayout(c.weightSalt()), source, LlamaSize.of(c));
    int[] prompt = Arrays.stream(c.ids("prompt").values()).mapToInt(Math::toIntExact).toArray();
    Map<String, float[]> outputs = new LinkedHashMap<>();
    try (BlasThreads _ = BlasThreads.one();
        ModelSource files = ModelSource.open(source);
        Llama llama = LlamaLoading.of(files.model().language().weights(), Precision.FP32)) {
      outputs.put("logits", logits(llama, prompt));
      outputs.put("greedy_ids", greedy(llama, prompt, c.values().required("greedy_ids").size()));
    }
    return outputs;
  }

  private static float[] logits(Llama llama, int[] ids) {
    try (Scope _ = new Scope();
        NoGradGuard _ = new NoGradGuard()) {
      Tensor x = llama.embed(ids).unsqueeze(0); // [1, T, D]
      return Torch.floats(llama.logits(llama.forward(x)));
    }
  }

  private static float[] greedy(Llama llama, int[] prompt, int steps) {
    float[] ids = new float[steps];
    try (KvCache cache = new KvCache(llama.cacheShape())) {
      float[][] now = {llama.prefill(cache, List.of(new LlamaInput.Tokens(prompt)))};
      for (int i = 0; i < steps; i++) {
        int token = Logits.argmax(now[0]);
        ids[i] = token;
        llama.step(new int[] {token}, List.of(cache), now);
      }
    }
    return ids;
  }

  private static List<Integer> ints(float[] ids) {
    List<Integer> ints = new ArrayList<>();
    for (float id : ids) {
      ints.add((int) id);
    }
    return ints;
  }

  private static List<Integer> ints(JsonNode list) {
    return StreamSupport.stream(list.spliterator(), false).map(JsonNode::intValue).toList();
  }

  // ---------------------------------------------------------------- adapters

  @TestFactory
  Stream<DynamicTest> adapters() {
    return Golden.tests(
        "lora",
        c ->
            c.values().has("adapter_keys")
                ? Stream.of(
                        written(c, "adapter_model.bin"),
                        written(c, "adapter_model.safetensors"),
                        hub(c))
                    .flatMap(tests -> tests)
                : Stream.of());
  }

  // The folder that PEFT itself wrote, beside the base.
  private Stream<DynamicTest> written(GoldenCase c, String file) {
    String form = "-" + file.substring(file.lastIndexOf('.') + 1);
    Path source = folder.resolve(c + form);
    Outputs<float[]> outputs =
        new Outputs<>(() -> {
          new PublishedLayout(c.weightSalt())
              .llama(
                  source.resolve("base"), Family.LLAMA, LlamaSize.of(c), DType.F32, 2, TOKENIZER);
          copy(c.file(c.name()).resolve(file), source.resolve("adapter"));
          copy(c.file(c.name()).resolve("adapter_config.json"), source.resolve("adapter"));
          return merged(c, source);
        });
    return tests(c, form, List.of("logits.base", "logits.merged"), ADAPTED, outputs::get);
  }

  // The second version's repository, beside the base.
  private Stream<DynamicTest> hub(GoldenCase c) {
    Path source = folder.resolve(c + "-hub");
    Outputs<float[]> outputs =
        new Outputs<>(() -> {
          PublishedLayout layout = new PublishedLayout(c.weightSalt());
          layout.v2Hub(source, LlamaSize.of(c), LoraSize.of(c), DType.F32);
          layout.llama(
              source.resolve("base"), Family.LLAVA, LlamaSize.of(c), DType.F32, 2, TOKENIZER);
          return merged(c, source);
        });
    return tests(c, "-hub", List.of("logits.base", "logits.merged"), ADAPTED, outputs::get);
  }

  private static Map<String, float[]> merged(GoldenCase c, Path source) {
    JsonNode first = c.values().required("batch").required("ids").get(0);
    int[] ids = ints(first).stream().mapToInt(Integer::intValue).toArray();
    Map<String, float[]> outputs = new LinkedHashMap<>();
    try (BlasThreads _ = BlasThreads.one();
        ModelSource files = ModelSource.open(source)) {
      ModelSource.Language language = files.model().language();
      try (Llama base = LlamaLoading.of(language.weights(), Precision.FP32)) {
        outputs.put("logits.base", logits(base, ids));
      }
      try (Llama merged = LlamaLoading.of(language.weights(), language.adapter(), Precision.FP32)) {
        outputs.put("logits.merged", logits(merged, ids));
      }
    }
    return outputs;
  }

  // ---------------------------------------------------------------- the second version

  /** The projector out of {@code non_lora_trainables.bin}, where it is as wide as that one's. */
  @TestFactory
  Stream<DynamicTest> projectorOfTheSecondVersion() {
    return Golden.tests(
        "projector",
        c -> {
          if (c.floats("features").shape()[1] != BioViLT.Config.PUBLISHED.patchChannels()) {
            return Stream.of();
          }
          Outputs<float[]> outputs =
              new Outputs<>(() ->
                  version2(
                      c,
                      c.config().required("hidden").intValue(),
                      v2 -> {
                        try (Scope _ = new Scope();
                            NoGradGuard _ = new NoGradGuard();
                            Parameters p = Parameters.of(source(v2.projectorTensors()))) {
                          CheckpointKind.Projector sizes = v2.vision().projector();
                          MlpProjector projector =
                              MlpProjector.of(p, sizes.config(), sizes.channels(), sizes.out());
                          return Map.of(
                              "tokens",
                              Torch.floats(projector.forward(MlpProjectorParityTest.features(c))));
                        }
                      }));
          return tests(c, "", List.of("tokens"), FORWARD, outputs::get);
        });
  }

  /** The image model out of {@code non_lora_trainables.bin}. */
  @TestFactory
  Stream<DynamicTest> visionTowerOfTheSecondVersion() {
    return Golden.tests(
        "biovilt",
        c -> {
          Outputs<float[]> outputs =
              new Outputs<>(() ->
                  version2(
                      c,
                      8,
                      v2 -> {
                        Parameters p = Parameters.of(source(v2.visionTensors()));
                        return BioViLTParityTest.exact(c, "single", v2.vision().vision(), p);
                      }));
          return tests(c, "-hub", BioViLTParityTest.expected(c, "single"), FORWARD, outputs::get);
        });
  }

  /** The classifier as it lies in the second version's repository. */
  @TestFactory
  Stream<DynamicTest> classifierOfTheSecondVersion() {
    return Golden.tests(
        "classifier",
        c -> {
          Outputs<float[]> outputs =
              new Outputs<>(() ->
                  version2(
                      c,
                      8,
                      v2 ->
                          classified(
                              c,
                              v2.classifier().sizes(),
                              source(v2.classifier().encoder()),
                              source(v2.classifier().head()))));
          return tests(c, "-hub", List.of("logits"), FORWARD, outputs::get);
        });
  }

  private Map<String, float[]> version2(
      GoldenCase c, int hidden, Function<ModelSource.Version2, Map<String, float[]>> work) {
    Path source = folder.resolve(c + "-hub");
    PublishedLayout layout = new PublishedLayout(c.weightSalt());
    layout.v2Hub(source, small(hidden), RANK_1, DType.F32);
    layout.llama(source.resolve("base"), Family.LLAVA, small(hidden), DType.F32, 1, TOKENIZER);
    try (ModelSource files = ModelSource.open(source)) {
      assertThat(files.model()).isInstanceOf(ModelSource.Version2.class);
      return work.apply((ModelSource.Version2) files.model());
    }
  }

  private static Parameters.Source source(ModelSource.Tensors tensors) {
    return (name, shape) ->
        tensors.all().stream()
            .filter(named -> named.name().equals(name))
            .findFirst()
            .flatMap(named ->
                Parameters.Source.of(named.checkpoint()).values(named.stored().name(), shape));
  }

  // ---------------------------------------------------------------- in common

  private static String label(GoldenCase c, String form, String output) {
    return "published-" + c + form + "/" + output;
  }

  private static Stream<DynamicTest> tests(
      GoldenCase c,
      String form,
      List<String> outputs,
      double tolerance,
      Function<String, float[]> actual) {
    return outputs.stream()
        .map(output -> {
          String label = label(c, form, output);
          return dynamicTest(label, () -> Parity.check(label, actual.apply(output), c, tolerance));
        });
  }

  private static Recognition complete(Checkpoint checkpoint) {
    Recognition recognition = Recognition.of(checkpoint);
    assertThat(recognition.complete()).as(recognition.toString()).isTrue();
    return recognition;
  }

  private static <T extends CheckpointKind> T as(Class<T> kind, Recognition recognition) {
    assertThat(recognition.kind()).isInstanceOf(kind);
    return kind.cast(recognition.kind());
  }

  private static void copy(Path file, Path to) {
    try {
      Files.createDirectories(to);
      Files.copy(file, to.resolve(String.valueOf(file.getFileName())));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void delete(Path file) {
    try {
      Files.delete(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
