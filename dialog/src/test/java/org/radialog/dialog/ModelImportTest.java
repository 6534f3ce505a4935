package org.radialog.dialog;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.radialog.base.Progress;
import org.radialog.base.RadialogException;
import org.radialog.clinical.FindingsList;
import org.radialog.clinical.PromptFormat;
import org.radialog.clinical.PromptPart;
import org.radialog.clinical.Turn;
import org.radialog.imaging.Radiograph;
import org.radialog.language.KvCache;
import org.radialog.language.Llama;
import org.radialog.language.LlamaInput;
import org.radialog.language.LlamaLoading;
import org.radialog.language.LlamaWeights;
import org.radialog.language.Precision;
import org.radialog.published.ModelConfig;
import org.radialog.published.ModelFolder;
import org.radialog.published.ModelImport;
import org.radialog.published.ModelSource;
import org.radialog.published.SourceLicense;
import org.radialog.testing.GgufFile;
import org.radialog.testing.Golden;
import org.radialog.testing.LlamaSize;
import org.radialog.testing.LoraSize;
import org.radialog.testing.PublishedLayout;
import org.radialog.testing.QFormerSize;
import org.radialog.testmodel.TinyModel;
import org.radialog.vision.BioViLT;
import org.radialog.vision.RowProjector;
import org.radialog.weights.Checkpoint;
import org.radialog.weights.DType;
import org.radialog.weights.SafetensorsWriter;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Published files of a small language model beside the real image encoder. */
class ModelImportTest {
  private static final LlamaSize LLAMA =
      new LlamaSize(600, 64, 96, 2, 4, 2, 16, 2048, 1e-5, 10_000, Optional.empty(), false);
  // the first version's config states no key/value heads
  private static final LlamaSize VICUNA =
      new LlamaSize(600, 64, 96, 2, 4, 4, 16, 2048, 1e-6, 10_000, Optional.empty(), false);
  private static final LoraSize LORA_V2 = new LoraSize(4, 8, LoraSize.V2.targets());
  private static final PublishedLayout LAYOUT = new PublishedLayout("import");
  private static final List<String> FILMS = List.of("film-a", "film-b");

  @TempDir private static Path shared = Path.of("");
  @TempDir private Path folder = Path.of("");

  @BeforeAll
  static void write() {
    LAYOUT.v2Hub(shared.resolve("v2"), LLAMA, LORA_V2, DType.F32);
    LAYOUT.llama(
        shared.resolve("v2/llava-v1.5-7b"),
        PublishedLayout.Family.LLAVA,
        LLAMA,
        DType.F16,
        2,
        tokenizer());
    LAYOUT.v1Adapter(shared.resolve("v1/checkpoint-4800"), VICUNA, LoraSize.V1, 48);
    LAYOUT.llama(
        shared.resolve("v1/vicuna-7b-v1.3"),
        PublishedLayout.Family.VICUNA,
        VICUNA,
        DType.F16,
        2,
        tokenizer());
    LAYOUT.classifier(shared.resolve("v1/ChexpertClassifier-epoch=06-val_f1=0.36.ckpt"));
    LAYOUT.qFormer(
        shared.resolve("v1/checkpoint_4.pth"), QFormerSize.of(Golden.theCase("qformer-tiny")));
    LAYOUT.embeddings(
        shared.resolve("v1/stage1_pt_instruct_blip_origlr_img448_embeddings_test.pkl"),
        FILMS,
        32,
        48);
  }

  private static Map<String, byte[]> tokenizer() {
    Map<String, byte[]> files = new LinkedHashMap<>();
    try (Stream<Path> all = Files.list(Golden.file("tokenizer-llama"))) {
      for (Path file : all.toList()) {
        files.put(String.valueOf(file.getFileName()), Files.readAllBytes(file));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return files;
  }

  private static ModelImport.Request request(Path source, Path target) {
    return new ModelImport.Request(
        source, target, Optional.empty(), BioViLT.BatchNorm.RUNNING, List.of(), Optional.empty());
  }

  private static ModelImport.Request request(Path source, Path target, Precision precision) {
    ModelImport.Request plain = request(source, target);
    return new ModelImport.Request(
        plain.source(),
        plain.target(),
        Optional.of(precision),
        plain.batchNorm(),
        plain.compat(),
        plain.license());
  }

  private static Radiograph film(String name) {
    Radiograph drawn = TinyModel.film(3);
    return Radiograph.ofGrey(
        "/films/" + name + ".png", drawn.width(), drawn.height(), drawn.display());
  }

  @ParameterizedTest
  @EnumSource(names = {"BF16", "INT8", "INT4"})
  void theSecondVersionAnswersAndItsSelfTestHolds(Precision precision) {
    Path model = folder.resolve("model");
    ModelConfig config =
        RaDialog.importFrom(request(shared.resolve("v2"), model, precision), Progress.NONE);
    assertThat(config.id()).isEqualTo("radialog-v2");
    assertThat(config.language().precision()).contains(precision);
    assertThat(config.sources().stream().map(ModelConfig.FileEntry::path))
        .contains(
            "adapter_model.bin",
            "adapter_config.json",
            "non_lora_trainables.bin",
            PublishedLayout.CLASSIFIER,
            "llava-v1.5-7b/pytorch_model.bin.index.json",
            "llava-v1.5-7b/pytorch_model-00001-of-00002.bin",
            "llava-v1.5-7b/tokenizer.model");
    assertThat(model.resolve("tokenizer/tokenizer.json")).isNotEmptyFile();
    assertThat(RaDialog.verify(model).checks())
        .allSatisfy(check -> assertThat(check.holds()).as(check.toString()).isTrue());
    try (RaDialog radialog = RaDialog.load(model);
        Dialog dialog = radialog.open(Study.of(film("any")))) {
      assertThat(radialog.precision()).isEqualTo(precision);
      Report report = dialog.report(Decoding.greedy(8), text -> {});
      assertThat(report.usage().promptTokens()).isGreaterThan(196);
      assertThat(dialog.ask("Is there any edema?", Decoding.greedy(4), text -> {}).text())
          .isNotNull();
    }
  }

  @Test
  void theOdditiesThatAreKeptChangeThePromptAndTheEncoder() {
    ModelImport.Request plain = request(shared.resolve("v2"), folder.resolve("odd"));
    RaDialog.importFrom(
        new ModelImport.Request(
            plain.source(),
            plain.target(),
            plain.quantize(),
            BioViLT.BatchNorm.BATCH,
            List.of(PromptFormat.Compat.TRAINING_LAYOUT, PromptFormat.Compat.EMPTY_FINDINGS),
            Optional.of("Apache-2.0")),
        Progress.NONE);
    RaDialog.importFrom(request(shared.resolve("v2"), folder.resolve("even")), Progress.NONE);
    try (RaDialog odd = RaDialog.load(folder.resolve("odd"));
        RaDialog even = RaDialog.load(folder.resolve("even"))) {
      assertThat(odd.config().license()).isEqualTo("Apache-2.0");
      assertThat(prompt(odd)).contains("[image]\n. Predicted Findings: . You are");
      assertThat(prompt(even)).contains("[image]. Predicted Findings: no common findings. You are");
      float[] oddRows = odd.loaded().films().read(film("x"), Optional.empty()).image().rows();
      float[] evenRows = even.loaded().films().read(film("x"), Optional.empty()).image().rows();
      assertThat(oddRows).isNotEqualTo(evenRows);
      assertThat(odd.loaded().films().read(film("x"), Optional.empty()).image().rows())
          .as("statistics of the film itself, whatever was read before")
          .isEqualTo(oddRows);
      assertThat(odd.loaded().films().read(film("x"), Optional.empty()).logits())
          .as("the classifier never sees batch statistics")
          .isEqualTo(even.loaded().films().read(film("x"), Optional.empty()).logits());
    }
  }

  private static String prompt(RaDialog model) {
    return PromptPart.render(
        model.loaded().prompts().open(Optional.of(FindingsList.of(Set.of())), new Turn.Report()),
        "[image]");
  }

  @Test
  void aPriorFilmChangesWhatTheLanguageModelSees() {
    Path model = folder.resolve("model");
    RaDialog.importFrom(request(shared.resolve("v2"), model), Progress.NONE);
    try (RaDialog radialog = RaDialog.load(model)) {
      Optional<Radiograph> earlier = Optional.of(TinyModel.film(9));
      FilmReader.Reading alone = radialog.loaded().films().read(film("x"), Optional.empty());
      FilmReader.Reading compared = radialog.loaded().films().read(film("x"), earlier);
      assertThat(compared.image().rows()).isNotEqualTo(alone.image().rows());
      assertThat(compared.logits()).isEqualTo(alone.logits());
    }
  }

  @Test
  void anAdapterIsMergedBeforeAnythingIsRounded() {
    Path model = folder.resolve("model");
    RaDialog.importFrom(request(shared.resolve("v2"), model), Progress.NONE);
    ModelConfig config = ModelFolder.open(model).config();
    float[] imported;
    try (Checkpoint base = Checkpoint.open(model.resolve(config.language().weights()));
        Llama llama =
            LlamaLoading.of(
                LlamaWeights.of(config.language().network().orElseThrow(), base), Precision.FP32)) {
      imported = logits(llama);
    }
    try (ModelSource source = ModelSource.open(shared.resolve("v2"))) {
      ModelSource.Language language = source.model().language();
      try (Llama merged = LlamaLoading.of(language.weights(), language.adapter(), Precision.FP32);
          Llama base = LlamaLoading.of(language.weights(), Precision.FP32)) {
        float[] expected = logits(merged);
        double largest = 0;
        double without = 0;
        float[] plain = logits(base);
        for (int i = 0; i < expected.length; i++) {
          largest = Math.max(largest, Math.abs(expected[i] - imported[i]));
          without = Math.max(without, Math.abs(expected[i] - plain[i]));
        }
        assertThat(without).as("what the adapter does").isGreaterThan(0.3);
        assertThat(largest).as("rounding to bfloat16").isLessThan(0.1);
      }
    }
  }

  private static float[] logits(Llama llama) {
    try (KvCache cache = new KvCache(llama.cacheShape())) {
      return llama.prefill(
          cache, List.of(new LlamaInput.Tokens(new int[] {1, 300, 44, 510, 7, 99})));
    }
  }

  @Test
  void theFirstVersionKnowsItsFilmsByNameAndRefusesOthersWithTheReason() {
    Path model = folder.resolve("model");
    ModelConfig config = RaDialog.importFrom(request(shared.resolve("v1"), model), Progress.NONE);
    assertThat(config.film().alignment())
        .isEqualTo(new RowProjector.Config(32, 48, "embeddings.safetensors"));
    try (RaDialog radialog = RaDialog.load(model)) {
      try (Dialog dialog = radialog.open(Study.of(film("film-a")))) {
        assertThat(dialog.report(Decoding.greedy(4), text -> {}).usage().promptTokens())
            .isGreaterThan(32);
      }
      try (Dialog dialog = radialog.open(Study.of(film("live")))) {
        assertThatThrownBy(dialog::report)
            .isInstanceOf(RadialogException.class)
            .hasMessageContaining("none for \"live\"")
            .hasMessageContaining("random and never saved");
      }
    }
  }

  @Test
  void theFirstVersionWithoutEmbeddingsIsRefusedWithTheReason() throws IOException {
    Path source = folder.resolve("v1");
    link(shared.resolve("v1"), source, "embeddings");
    assertThatThrownBy(
            () -> RaDialog.importFrom(request(source, folder.resolve("model")), Progress.NONE))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining("cannot read new films")
        .hasMessageContaining("embeddings");
    assertThat(folder.resolve("model")).doesNotExist();
  }

  @Test
  void aLanguageModelAloneIsVerifiedAndReadsNoFilms() {
    Path model = folder.resolve("model");
    ModelConfig config =
        RaDialog.importFrom(
            request(shared.resolve("v2/llava-v1.5-7b"), model, Precision.INT4), Progress.NONE);
    assertThat(config.language().prompt()).isEqualTo("plain");
    assertThat(config.id()).isEqualTo("llava-v1.5-7b");
    assertThat(RaDialog.verify(model).holds()).isTrue();
    assertThatThrownBy(() -> RaDialog.load(model))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining("reads no films");
  }

  @Test
  void whatIsMissingIsNamedWithWhereItComesFromAndNothingIsLeft() throws IOException {
    Path source = folder.resolve("v2");
    link(shared.resolve("v2"), source, "ChexpertClassifier");
    assertThatThrownBy(
            () -> RaDialog.importFrom(request(source, folder.resolve("model")), Progress.NONE))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining("lacks ChexpertClassifier.ckpt")
        .hasMessageContaining("non_lora_trainables.bin");
    try (Stream<Path> left = Files.list(folder)) {
      assertThat(left).containsExactly(source);
    }
  }

  @Test
  void aFolderThatHoldsSomethingIsNotTouched() throws IOException {
    Path target = Files.createDirectory(folder.resolve("mine"));
    Files.writeString(target.resolve("note"), "mine");
    assertThatThrownBy(
            () -> RaDialog.importFrom(request(shared.resolve("v2"), target), Progress.NONE))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining("already exists");
    assertThat(target.resolve("note")).hasContent("mine");
  }

  @Test
  void quantisedWeightsLieNearTheirSource() {
    Path model = folder.resolve("model");
    ModelConfig config =
        RaDialog.importFrom(
            request(shared.resolve("v2/llava-v1.5-7b"), model, Precision.INT8), Progress.NONE);
    String name = "model.layers.1.mlp.down_proj.weight";
    try (Checkpoint stored = Checkpoint.open(model.resolve(config.language().weights()));
        Checkpoint source = Checkpoint.open(shared.resolve("v2/llava-v1.5-7b"))) {
      assertThat(stored.tensor(name).dtype()).isEqualTo(DType.I8);
      float[] expected = source.floats(name);
      float[] found =
          LlamaWeights.of(config.language().network().orElseThrow(), stored).floats(name);
      for (int i = 0; i < expected.length; i++) {
        assertThat(found[i]).isCloseTo(expected[i], within(2e-3f));
      }
    }
  }

  /** What a test changes in a plain folder of a language model. */
  private Path language(
      String name,
      Consumer<ObjectNode> settings,
      Consumer<SequencedMap<String, SafetensorsWriter.Entry>> tensors)
      throws IOException {
    Path from = shared.resolve("v2/llava-v1.5-7b");
    Path to = Files.createDirectory(folder.resolve(name));
    for (Map.Entry<String, byte[]> file : tokenizer().entrySet()) {
      Files.write(to.resolve(file.getKey()), file.getValue());
    }
    ObjectNode config =
        (ObjectNode) JsonMapper.shared().readTree(from.resolve("config.json").toFile());
    config.put("model_type", "llama");
    config.properties().removeIf(field -> field.getKey().matches("(mm_|use_mm|image_).*"));
    config.put("rope_theta", 500_000.0);
    settings.accept(config);
    Files.writeString(to.resolve("config.json"), config.toString());
    SequencedMap<String, SafetensorsWriter.Entry> entries = new LinkedHashMap<>();
    try (Checkpoint source = Checkpoint.open(from)) {
      source
          .tensors()
          .forEach((tensor, info) -> {
            if (!tensor.contains("mm_projector") && !tensor.contains("rotary")) {
              entries.put(
                  tensor,
                  SafetensorsWriter.Entry.of(DType.F32, source.floats(tensor), info.shape()));
            }
          });
      tensors.accept(entries);
    }
    SafetensorsWriter.write(to.resolve("model.safetensors"), Map.of("format", "pt"), entries);
    return to;
  }

  private ModelConfig imported(Path source) {
    return RaDialog.importFrom(
        request(source, folder.resolve("out-" + source.getFileName())), Progress.NONE);
  }

  private void refused(Path source, String... says) {
    assertThatThrownBy(() -> imported(source))
        .isInstanceOf(RadialogException.class)
        .message()
        .contains(says)
        .doesNotContain("\n");
    assertThat(folder.resolve("out-" + source.getFileName())).doesNotExist();
  }

  @Test
  void theRotaryBaseIsReadWhereverItIsStated() throws IOException {
    List<Double> expected = imported(language("plain", c -> {}, t -> {})).selfTest().logits();
    Consumer<ObjectNode> moved = c -> c.remove("rope_theta");
    Map<String, Consumer<ObjectNode>> forms =
        Map.of(
            "parameters",
            moved.andThen(c ->
                c.putObject("rope_parameters")
                    .put("rope_theta", 500_000.0)
                    .put("rope_type", "default")),
            "scaling",
            moved.andThen(c ->
                c.putObject("rope_scaling")
                    .put("rope_theta", 500_000.0)
                    .put("rope_type", "default")),
            "both",
            c ->
                c.putObject("rope_parameters")
                    .put("rope_theta", 500_000.0)
                    .put("rope_type", "default"));
    for (Map.Entry<String, Consumer<ObjectNode>> form : forms.entrySet()) {
      assertThat(imported(language(form.getKey(), form.getValue(), t -> {})).selfTest().logits())
          .as(form.getKey())
          .isEqualTo(expected);
    }
    assertThat(imported(language("other", moved, t -> {})).selfTest().logits())
        .isNotEqualTo(expected);
  }

  @Test
  void whatTheFilesSayAndWeDoNotComputeIsRefusedByName() throws IOException {
    refused(
        language(
            "biases",
            c -> {},
            t ->
                t.put(
                    "model.layers.0.self_attn.q_proj.bias",
                    SafetensorsWriter.Entry.of(DType.F32, new float[64], 64))),
        "model.layers.0.self_attn.q_proj.bias");
    refused(
        language(
            "layers",
            c -> {},
            t ->
                t.put(
                    "model.layers.2.input_layernorm.weight",
                    SafetensorsWriter.Entry.of(DType.F32, new float[64], 64))),
        "model.layers.2");
    refused(
        language("partial", c -> c.put("partial_rotary_factor", 0.5), t -> {}),
        "config.json",
        "partial_rotary_factor is 0.5, expected 1");
    refused(
        language(
            "gptq", c -> c.putObject("quantization_config").put("quant_method", "gptq"), t -> {}),
        "quantization_config");
    refused(language("odd", c -> c.put("n_experts", 8), t -> {}), "n_experts is 8");
  }

  @Test
  void anEmbeddingTableSmallerThanTheTokenizerIsRefused() throws IOException {
    refused(
        language(
            "small",
            c -> c.put("vocab_size", 320),
            t ->
                List.of("model.embed_tokens.weight", "lm_head.weight")
                    .forEach(name ->
                        t.put(
                            name,
                            SafetensorsWriter.Entry.of(DType.F32, new float[320 * 64], 320, 64)))),
        "600 tokens and the embedding table 320 rows");
  }

  @Test
  void logitsThatNoModelGivesFailTheImport() throws IOException {
    float[] nan = new float[64];
    Arrays.fill(nan, 1);
    nan[0] = Float.NaN;
    refused(
        language(
            "nan",
            c -> {},
            t -> t.put("model.norm.weight", SafetensorsWriter.Entry.of(DType.F32, nan, 64))),
        "language model contain NaN");
    refused(
        language(
            "zero",
            c -> {},
            t ->
                t.put(
                    "lm_head.weight",
                    SafetensorsWriter.Entry.of(DType.F32, new float[600 * 64], 600, 64))),
        "every token the logit 0.0");
  }

  @Test
  void theLicenceIsTheOneThatTheFilesState() throws IOException {
    Path plain = language("licensed", c -> {}, t -> {});
    Map<String, String> readmes = new LinkedHashMap<>();
    readmes.put("---\nlicense: apache-2.0\n---\n# Model", "Apache-2.0");
    readmes.put("---\ntags: [a]\nlicense:   'mit'  # free\n---\n", "MIT");
    readmes.put(
        "---\nlicense: other\nlicense_name: my license 1.0\n---\n", "LicenseRef-my-license-1.0");
    readmes.put("---\nlicense:\n- mit\n- llama2\n---\n", "MIT AND LicenseRef-Llama-2-Community");
    readmes.put("# No head\nlicense: mit\n", "LicenseRef-see-source");
    for (Map.Entry<String, String> readme : readmes.entrySet()) {
      Files.writeString(plain.resolve("README.md"), readme.getKey());
      assertThat(SourceLicense.beside(plain).orElse("LicenseRef-see-source"))
          .as(readme.getKey())
          .isEqualTo(readme.getValue());
    }
    Files.writeString(
        plain.resolve("LICENSE"), "\n          Apache License\n    Version 2.0, January 2004\n");
    assertThat(imported(plain).license()).isEqualTo("Apache-2.0");
    Path gguf = folder.resolve("model.gguf");
    for (Map.Entry<String, String> license :
        Map.of(
                "apache-2.0",
                "Apache-2.0",
                "Apache-2.0",
                "Apache-2.0",
                "llama3.2",
                "LicenseRef-Llama-3.2-Community",
                "cc-by-nc-4.0",
                "CC-BY-NC-4.0")
            .entrySet()) {
      new GgufFile().put("general.license", license.getKey()).write(gguf);
      assertThat(SourceLicense.ofGguf(gguf)).contains(license.getValue());
    }
    new GgufFile()
        .put("general.license", "other")
        .put("general.license.name", "Some Licence\u001b[31m")
        .write(gguf);
    assertThat(SourceLicense.ofGguf(gguf)).contains("LicenseRef-Some-Licence-31m");
  }

  @Test
  void theLicenceOfAGgufFileIsRecorded() {
    Path gguf = Path.of(System.getProperty("radialog.root"), "models/mini/base.gguf");
    assertThat(SourceLicense.ofGguf(gguf)).contains("Apache-2.0");
  }

  // The same files, without those whose names contain `left`.
  private static void link(Path from, Path to, String left) throws IOException {
    List<Path> files = new ArrayList<>();
    try (Stream<Path> all = Files.walk(from)) {
      all.filter(Files::isRegularFile).forEach(files::add);
    }
    for (Path file : files) {
      if (!file.toString().contains(left)) {
        Path link = to.resolve(from.relativize(file).toString());
        Files.createDirectories(link.getParent());
        Files.createSymbolicLink(link, file);
      }
    }
  }
}
