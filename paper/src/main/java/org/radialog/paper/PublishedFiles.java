package org.radialog.paper;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.SequencedMap;
import java.util.function.UnaryOperator;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.radialog.base.WholeFile;
import org.radialog.language.Llama;
import org.radialog.language.LlamaConfig;
import org.radialog.language.LlamaLinear;
import org.radialog.language.LlamaLoading;
import org.radialog.language.LlamaWeights;
import org.radialog.language.LoraAdapter;
import org.radialog.language.Precision;
import org.radialog.published.ModelConfig;
import org.radialog.published.StrictJson;
import org.radialog.torch.Parameters;
import org.radialog.torch.Scope;
import org.radialog.torch.Torch;
import org.radialog.vision.MlpProjector;
import org.radialog.vision.QFormer;
import org.radialog.vision.RowProjector;
import org.radialog.vision.TokenOrder;
import org.radialog.weights.Checkpoint;
import org.radialog.weights.DType;
import org.radialog.weights.PyTorchWriter;
import org.radialog.weights.SafetensorsWriter;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * The trained weights of a model folder in the layout in which the authors published theirs,
 * without the base language model. {@code radialog import} reads them together with it, and so do
 * PEFT (the adapter) and LLaVA's loader (the second version). The values are those of the model
 * folder.
 */
final class PublishedFiles {
  /** Name of the folder in the model folder. */
  static final String FOLDER = "published";

  /** Name of the adapter, in the format of PEFT. */
  static final String ADAPTER = "adapter_model.safetensors";

  /** Name of the file with an input and the logits that the model gives for it. */
  static final String REFERENCE = "reference.safetensors";

  private static final int IDS = 10; // T
  private static final int AT = 2; // number of ids before the image
  private static final int ROWS = 8; // R

  /** Name of the second version's image encoder and projector. */
  static final String OTHERS = "non_lora_trainables.bin";

  private static final String CLASSIFIER =
      "findings_classifier/checkpoints/chexpert_train/ChexpertClassifier.ckpt";
  private static final String MODEL = LoraAdapter.PREFIX + "model."; // of a model in PEFT

  private final PublishedRecipe recipe;
  private final Checkpoint trained;
  private final Path folder;

  private PublishedFiles(PublishedRecipe recipe, Checkpoint trained, Path folder) {
    this.recipe = recipe;
    this.trained = trained;
    this.folder = folder;
  }

  /**
   * Writes the files.
   *
   * @param model the model folder, whose weights have been written
   */
  static void write(PublishedRecipe recipe, PublishedRuns runs, LanguageBase base, Path model) {
    try (Checkpoint trained = Checkpoint.open(model.resolve(ModelConfig.TRAINED))) {
      PublishedFiles files = new PublishedFiles(recipe, trained, model.resolve(FOLDER));
      files.json("adapter_config.json", files.adapterConfig(base.name()));
      files.classifier();
      SequencedMap<String, SafetensorsWriter.Entry> adapter =
          files.named("language.", name -> name);
      switch (recipe.version()) {
        case V1 -> {
          adapter.putAll(files.named("projector.", name -> MODEL + name));
          files.qformer(runs);
        }
        case V2 -> {
          SequencedMap<String, SafetensorsWriter.Entry> others =
              files.named("projector.", name -> MODEL + name);
          others.putAll(files.named("vision.", name -> MODEL + "vision_tower." + name));
          PyTorchWriter.write(files.folder.resolve(OTHERS), others);
          files.json("config.json", files.llavaConfig(base.weights().config()));
        }
      }
      SafetensorsWriter.write(
          files.folder.resolve(ADAPTER), Map.of("format", "pt"), adapter); // as PEFT requires
      files.reference(base.weights());
    }
  }

  // The findings classifier as PyTorch Lightning writes a model.
  private void classifier() {
    SequencedMap<String, SafetensorsWriter.Entry> state =
        named("classifier.vision.", name -> "model.biovil_encoder." + name);
    named("classifier.", name -> "model." + name)
        .forEach((name, entry) -> {
          if (!name.startsWith("model.vision.")) {
            state.put(name, entry);
          }
        });
    SequencedMap<String, Object> checkpoint = new LinkedHashMap<>();
    checkpoint.put("pytorch-lightning_version", "1.8.3");
    checkpoint.put("state_dict", state);
    PyTorchWriter.write(folder.resolve(CLASSIFIER), checkpoint);
  }

  // The Q-Former with all its heads, and the image encoder that it was trained on. A model folder
  // has only what image tokens need.
  private void qformer(PublishedRuns runs) {
    SequencedMap<String, SafetensorsWriter.Entry> state = new LinkedHashMap<>();
    try (Checkpoint all = Checkpoint.open(runs.qformerWeights())) {
      all.tensors()
          .forEach((name, info) ->
              state.put(
                  name, new SafetensorsWriter.Entry(info.dtype(), info.shape(), all.bytes(name))));
      state.putAll(named("qformer.", name -> name));
      state.putAll(named("vision.", name -> "visual_encoder." + name));
      SequencedMap<String, Object> checkpoint = new LinkedHashMap<>();
      checkpoint.put("model", state);
      PyTorchWriter.write(folder.resolve(qformerFile(recipe)), checkpoint);
    }
  }

  /** Name of the first version's Q-Former: the authors count passes from 0. */
  static String qformerFile(PublishedRecipe recipe) {
    return "checkpoint_%d.pth".formatted(recipe.qformer().orElseThrow().passes() - 1);
  }

  /** The tensors of the model folder whose names start with {@code prefix}, under other names. */
  private SequencedMap<String, SafetensorsWriter.Entry> named(
      String prefix, UnaryOperator<String> rename) {
    SequencedMap<String, SafetensorsWriter.Entry> entries = new LinkedHashMap<>();
    trained
        .tensors()
        .forEach((name, info) -> {
          if (name.startsWith(prefix)) {
            entries.put(
                rename.apply(name.substring(prefix.length())),
                new SafetensorsWriter.Entry(info.dtype(), info.shape(), trained.bytes(name)));
          }
        });
    return entries;
  }

  private ObjectNode adapterConfig(String base) {
    ObjectNode config = JsonNodeFactory.instance.objectNode();
    config.put("peft_type", "LORA").put("task_type", "CAUSAL_LM");
    config.put("base_model_name_or_path", base);
    config.put("r", recipe.adapter().r()).put("lora_alpha", recipe.adapter().alpha());
    config.put("lora_dropout", recipe.language().adapterDropout());
    config.put("bias", "none").put("fan_in_fan_out", false).put("inference_mode", true);
    recipe.adapter().targets().stream()
        .map(LlamaLinear::target)
        .forEach(config.putArray("target_modules")::add);
    return config;
  }

  // The fields that LLaVA's loader reads.
  private ObjectNode llavaConfig(LlamaConfig language) {
    ObjectNode config = JsonNodeFactory.instance.objectNode();
    config.putArray("architectures").add("LlavaLlamaForCausalLM");
    config.put("model_type", "llava").put("hidden_act", "silu");
    config.put("vocab_size", language.vocab()).put("hidden_size", language.hidden());
    config.put("intermediate_size", language.mlp());
    config.put("num_hidden_layers", language.layers());
    config.put("num_attention_heads", language.heads());
    config.put("num_key_value_heads", language.kvHeads());
    if (language.headSize() * language.heads() != language.hidden()) {
      config.put("head_dim", language.headSize());
    }
    config.put("rms_norm_eps", language.rmsEps()).put("rope_theta", language.ropeTheta());
    language
        .ropeScaling()
        .ifPresent(scaling ->
            config
                .putObject("rope_scaling")
                .put("rope_type", "llama3")
                .put("factor", scaling.factor())
                .put("low_freq_factor", scaling.lowFrequencyFactor())
                .put("high_freq_factor", scaling.highFrequencyFactor())
                .put("original_max_position_embeddings", scaling.originalPositions()));
    config.put("max_position_embeddings", language.maxPositions());
    config.put("tie_word_embeddings", language.tied());
    config.put("mm_vision_tower", "biovil").put("unfreeze_mm_vision_tower", true);
    config.put("mm_projector_type", "mlp2x_gelu").put("use_mm_proj", true);
    config.put("mm_hidden_size", recipe.vision().channels(recipe.features()));
    config.put("mm_vision_select_feature", "patch").put("mm_vision_select_layer", -2);
    config.put("mm_use_im_start_end", false).put("mm_use_im_patch_token", false);
    config.put("tokenizer_model_max_length", recipe.language().longest());
    config.put("tokenizer_padding_side", "right");
    return config;
  }

  // Logits for a made-up input, so that another program can show that it has the same model.
  private void reference(LlamaWeights base) {
    LlamaConfig sizes = base.config();
    Random random = new Random(recipe.seed());
    int[] ids = random.ints(IDS, 3, sizes.vocab()).toArray();
    int channels = imageChannels();
    float[] rows = new float[ROWS * channels];
    for (int i = 0; i < rows.length; i++) {
      rows[i] = (float) random.nextGaussian();
    }
    Parameters.Source source = Parameters.Source.of(trained);
    LoraAdapter adapter = new LoraAdapter(recipe.adapter(), source.at("language."));
    try (Scope _ = new Scope();
        NoGradGuard _ = new NoGradGuard();
        Parameters p = Parameters.of(source);
        Llama llama = LlamaLoading.of(base, Optional.of(adapter), Precision.FP32)) {
      Tensor image =
          projected(Torch.tensor(rows, 1, ROWS, channels), p, sizes.hidden()); // [1, R, D]
      Tensor text = llama.embed(ids).unsqueeze(0); // [1, T, D]
      Tensor all =
          torch.cat(
              new TensorVector(text.narrow(1, 0, AT), image, text.narrow(1, AT, (long) IDS - AT)),
              1); // [1, T + R, D]
      Tensor after = llama.forward(all).narrow(1, AT + ROWS, (long) IDS - AT); // [1, T - at, D]
      Tensor logits = llama.logits(after).squeeze(0); // [T - at, V]
      SequencedMap<String, SafetensorsWriter.Entry> entries = new LinkedHashMap<>();
      entries.put(
          "ids", SafetensorsWriter.Entry.of(Arrays.stream(ids).asLongStream().toArray(), IDS));
      entries.put("image_at", SafetensorsWriter.Entry.of(new long[] {AT}, 1));
      entries.put("image", SafetensorsWriter.Entry.of(DType.F32, rows, 1, ROWS, channels));
      entries.put(
          "logits",
          SafetensorsWriter.Entry.of(DType.F32, Torch.floats(logits), Torch.shape(logits)));
      SafetensorsWriter.write(folder.resolve(REFERENCE), Map.of(), entries);
    }
  }

  // C of the rows that the published files project: the encoder's patches or the Q-Former's
  // outputs.
  private int imageChannels() {
    return switch (recipe.alignment()) {
      case QFormer.Config queries -> queries.hidden();
      case MlpProjector.Config mlp -> recipe.vision().channels(mlp.source());
      case RowProjector.Config rows -> rows.hidden();
    };
  }

  // Rows [B, R, C] to image tokens [B, R, D].
  private Tensor projected(Tensor rows, Parameters p, int hidden) {
    return switch (recipe.alignment()) {
      case QFormer.Config queries ->
          RowProjector.of(p.at("projector."), queries.hidden(), hidden).forward(rows);
      case RowProjector.Config precomputed ->
          RowProjector.of(p.at("projector."), precomputed.hidden(), hidden).forward(rows);
      case MlpProjector.Config mlp -> {
        MlpProjector.Config inOrder =
            new MlpProjector.Config(mlp.hidden(), mlp.source(), TokenOrder.PATCHES);
        yield MlpProjector.of(p.at("projector."), inOrder, imageChannels(), hidden)
            .forward(rows.transpose(1, 2).unsqueeze(2)); // [B, R, C] to [B, C, 1, R]
      }
    };
  }

  private void json(String name, ObjectNode content) {
    WholeFile.write(folder.resolve(name), StrictJson.text(content));
  }
}
