package org.radialog.testing;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SequencedMap;
import org.radialog.base.WholeFile;
import org.radialog.testing.PyTorchFile.ClassName;
import org.radialog.testing.PyTorchFile.Instance;
import org.radialog.testing.PyTorchFile.None;
import org.radialog.testing.PyTorchFile.OrderedDict;
import org.radialog.testing.PyTorchFile.Tuple;
import org.radialog.weights.DType;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Writes the weight files published by the authors of RaDialog and CheXbert in their original
 * layouts, with values from the golden formula instead of trained values. The key for the formula
 * is the name in the reference's state dict, so that a network loaded from such a file yields the
 * outputs of the golden case up to rounding of the element type: the weights of a vision tower use
 * the names of the image model, and those of LoRA matrices, the classifier and CheXbert use the
 * names in the file. The state of an optimiser is written for the first parameters only, because
 * the full state would triple the size of the files.
 *
 * @param salt salt of the formula
 */
public record PublishedLayout(String salt) {
  /** The name of the classifier's checkpoint in the second version's repository. */
  public static final String CLASSIFIER =
      "findings_classifier/checkpoints/chexpert_train/ChexpertClassifier.ckpt";

  /** Channels of the patches of the image model, before the projector. */
  private static final int PATCH_CHANNELS = 512;

  /**
   * Output width of the projector in the published image model and in all networks based on it
   * except the Q-Former.
   */
  private static final int JOINT = 128;

  private static final int OPTIMISED = 4;

  /** The format in which a language model was published. */
  public enum Family {
    /** PyTorch shards. */
    VICUNA("llama", "LlamaForCausalLM", "4.28.1"),
    /** PyTorch shards that also contain a projector and rotary frequencies. */
    LLAVA("llava", "LlavaLlamaForCausalLM", "4.31.0"),
    /** Safetensors shards. */
    LLAMA("llama", "LlamaForCausalLM", "4.40.0"),
    /** Safetensors shards. */
    MISTRAL("mistral", "MistralForCausalLM", "4.34.0");

    private final String modelType;
    private final String architecture;
    private final String transformers;

    Family(String modelType, String architecture, String transformers) {
      this.modelType = modelType;
      this.architecture = architecture;
      this.transformers = transformers;
    }

    private boolean safetensors() {
      return this == LLAMA || this == MISTRAL;
    }
  }

  /** Writes {@code biovil_t_image_model_proj_size_128.pt}. */
  public void imageModel(Path file) {
    PyTorchFile.write(
        file, "cpu", new OrderedDict(tensors("", StateDicts.imageModel(JOINT), DType.F32)));
  }

  /** Writes {@code ChexpertClassifier.ckpt}, a checkpoint of PyTorch Lightning. */
  public void classifier(Path file) {
    SequencedMap<String, Weight> state = tensors("", Golden.keys("classifier"), DType.F32);
    Map<?, ?> callback =
        dict(
            "monitor", "val_f1",
            "best_model_score", scalar(0.36f),
            "best_model_path", "checkpoints/ChexpertClassifier-epoch=06-val_f1=0.36.ckpt",
            "current_score", scalar(0.36f),
            "dirpath", "checkpoints");
    Map<?, ?> arguments =
        dict(
            "lr",
            5e-5,
            "batch_size",
            64,
            "run",
            "chexpert_train",
            "use_augs",
            false,
            "resume",
            None.NONE);
    Instance namespace = new Instance(new ClassName("argparse", "Namespace"), Map.of(), arguments);
    Map<?, ?> checkpoint =
        dict(
            "epoch",
            6,
            "global_step",
            16_534,
            "pytorch-lightning_version",
            "1.8.3.post1",
            "state_dict",
            new OrderedDict(state),
            "loops",
            dict("fit_loop", dict("state_dict", dict())),
            "callbacks",
            dict(
                new ClassName("pytorch_lightning.callbacks.model_checkpoint", "ModelCheckpoint"),
                callback),
            "optimizer_states",
            List.of(optimiser(state)),
            "lr_schedulers",
            List.of(),
            "hparams_name",
            "args",
            "hyper_parameters",
            new Instance(
                new ClassName("pytorch_lightning.utilities.parsing", "AttributeDict"),
                dict("args", namespace, "num_classes", 14),
                Map.of()));
    PyTorchFile.write(file, "cuda:0", checkpoint);
  }

  /**
   * Writes {@code checkpoint_4.pth} of the first version's alignment stage: the Q-Former, and only
   * the buffers of the frozen image model, not its weights.
   */
  public void qFormer(Path file, QFormerSize size) {
    SequencedMap<String, Weight> model = tensors("", StateDicts.qFormer(size), DType.F32);
    tie(model, "Qformer.cls.predictions.decoder.weight", "embeddings.word_embeddings.weight");
    tie(model, "Qformer.cls.predictions.decoder.bias", "Qformer.cls.predictions.bias");
    List<GoldenCase.Key> buffers =
        StateDicts.imageModel(size.encoderWidth()).stream().filter(StateDicts::isBuffer).toList();
    model.putAll(tensors("visual_encoder.", buffers, DType.F32));
    Map<?, ?> run =
        dict("task", "image_text_pretrain", "init_lr", 1e-4, "max_epoch", 100, "seed", 42);
    Map<?, ?> network = dict("arch", "blip2", "model_type", "pretrain", "freeze_vit", true);
    Map<?, ?> scaler =
        dict(
            "scale", 65_536.0,
            "growth_factor", 2.0,
            "backoff_factor", 0.5,
            "growth_interval", 2000,
            "_growth_tracker", 1234);
    Map<?, ?> checkpoint =
        dict(
            "model",
            new OrderedDict(model),
            "optimizer",
            optimiser(model),
            "config",
            dict("run", run, "model", network),
            "scaler",
            scaler,
            "epoch",
            4);
    PyTorchFile.write(file, "cuda:0", checkpoint);
  }

  /**
   * Writes the adapter folder of the first version: {@code pytorch_model.bin} with LoRA and the
   * projection of the image embeddings, and {@code adapter_config.json}.
   *
   * @param imageDim width of the image embeddings, 768 in the published adapter
   */
  public void v1Adapter(Path folder, LlamaSize llama, LoraSize lora, int imageDim) {
    SequencedMap<String, Weight> state = tensors("", StateDicts.lora(llama, lora), DType.F32);
    state.putAll(
        tensors(
            "base_model.model.model.",
            StateDicts.imageProjection(llama.hidden(), imageDim),
            DType.F32));
    PyTorchFile.write(folder.resolve("pytorch_model.bin"), "cuda:0", state);
    adapterConfig(folder, "lmsys/vicuna-7b-v1.3", lora);
  }

  /** Writes the image embeddings of the first version, [queries, hidden] per image. */
  public void embeddings(Path file, List<String> images, int queries, int hidden) {
    SequencedMap<String, Weight> arrays = new LinkedHashMap<>();
    for (String image : images) {
      arrays.put(image, Weight.formula(salt, "embedding/" + image, DType.F32, queries, hidden));
    }
    NumpyPickle.write(file, arrays);
  }

  /**
   * Writes the second version's repository on the Hugging Face hub: adapter, projector, vision
   * tower, configuration, and the classifier in its folder.
   *
   * @param dtype element type of adapter, projector and vision tower; BF16 in the published files
   */
  public void v2Hub(Path folder, LlamaSize llama, LoraSize lora, DType dtype) {
    PyTorchFile.write(
        folder.resolve("adapter_model.bin"),
        "cpu",
        tensors("", StateDicts.lora(llama, lora), dtype));
    String model = "base_model.model.model.";
    SequencedMap<String, Weight> rest = new LinkedHashMap<>(rotary(model, llama));
    rest.putAll(
        tensors(model, StateDicts.multimodalProjector(PATCH_CHANNELS, llama.hidden()), dtype));
    rest.putAll(tensors(model + "vision_tower.", StateDicts.imageModel(JOINT), dtype));
    PyTorchFile.write(folder.resolve("non_lora_trainables.bin"), "cpu", rest);
    adapterConfig(folder, "liuhaotian/llava-v1.5-7b", lora);
    ObjectNode config = config(Family.LLAVA, llama, dtype, PATCH_CHANNELS);
    config.put("mm_vision_tower", "biovil").put("unfreeze_mm_vision_tower", true);
    config.put("tokenizer_model_max_length", 1300).put("tokenizer_padding_side", "right");
    write(folder.resolve("config.json"), config);
    classifier(folder.resolve(CLASSIFIER));
  }

  /**
   * Writes the folder of a language model in the format of Hugging Face's transformers library.
   *
   * @param tokenizer contents of tokeniser files by name, such as {@code tokenizer.model}
   */
  public void llama(
      Path folder,
      Family family,
      LlamaSize size,
      DType dtype,
      int shards,
      Map<String, byte[]> tokenizer) {
    SequencedMap<String, Weight> state = tensors("", StateDicts.llama(size), dtype);
    if (family == Family.LLAVA) {
      // The published projector has CLIP's input width and is replaced by RaDialog.
      state.putAll(tensors("model.", StateDicts.multimodalProjector(1024, size.hidden()), dtype));
      state.putAll(rotary("model.", size));
    }
    writeShards(folder, family, state, shards);
    write(folder.resolve("config.json"), config(family, size, dtype, 1024));
    ObjectNode generation = Golden.JSON.createObjectNode();
    generation.put("_from_model_config", true).put("bos_token_id", 1).put("eos_token_id", 2);
    generation.put("pad_token_id", 0).put("transformers_version", family.transformers);
    write(folder.resolve("generation_config.json"), generation);
    tokenizer.forEach(
        (name, bytes) -> WholeFile.write(folder.resolve(name), out -> out.write(bytes)));
  }

  /**
   * Writes a GGUF file of the same model, with the rows of q and k interleaved as by llama.cpp's
   * converter.
   *
   * @param matrices element type of the matrices (F32, F16, BF16, Q8_0, Q4_0); norms are F32, and
   *     matrices whose rows are not multiples of the block size are F16
   * @param tokenizer metadata {@code tokenizer.*}
   */
  public void gguf(Path file, LlamaSize size, DType matrices, Map<String, Object> tokenizer) {
    GgufFile gguf =
        new GgufFile()
            .put("general.architecture", "llama")
            .put("llama.block_count", size.layers())
            .put("llama.context_length", size.positions())
            .put("llama.embedding_length", size.hidden())
            .put("llama.feed_forward_length", size.intermediate())
            .put("llama.attention.head_count", size.heads())
            .put("llama.attention.head_count_kv", size.kvHeads())
            .put("llama.attention.layer_norm_rms_epsilon", (float) size.rmsEps())
            .put("llama.rope.freq_base", (float) size.ropeTheta())
            .put("llama.rope.dimension_count", size.headDim())
            .put("llama.vocab_size", size.vocab());
    tokenizer.forEach(gguf::put);
    for (GoldenCase.Key key : StateDicts.llama(size)) {
      DType dtype = ggufType(key.shape(), matrices);
      boolean rotated = key.name().contains(".q_proj.") || key.name().contains(".k_proj.");
      gguf.tensor(
          ggufName(key.name()),
          rotated
              ? interleaved(key, dtype, size)
              : Weight.formula(salt, key.name(), dtype, key.shape()));
    }
    gguf.write(file);
  }

  /** Writes {@code chexbert.pth}. */
  public void chexbert(Path file, BertSize size) {
    PyTorchFile.write(
        file,
        "cuda:0",
        dict(
            "model_state_dict",
            new OrderedDict(tensors("", StateDicts.chexbert(size), DType.F32))));
  }

  /** The tensors of {@code keys} with {@code prefix} before their names. */
  private SequencedMap<String, Weight> tensors(
      String prefix, List<GoldenCase.Key> keys, DType dtype) {
    SequencedMap<String, Weight> tensors = new LinkedHashMap<>();
    for (GoldenCase.Key key : keys) {
      Weight weight =
          switch (key.dtype()) {
            case "int64" ->
                Weight.longs(key.name().endsWith("position_ids") ? i -> i : i -> 0, key.shape());
            case "float32" -> Weight.formula(salt, key.name(), dtype, key.shape());
            default -> throw new IllegalArgumentException("no weights of " + key.dtype());
          };
      tensors.put(prefix + key.name(), weight);
    }
    return tensors;
  }

  private static void tie(SequencedMap<String, Weight> tensors, String alias, String suffix) {
    String of =
        tensors.keySet().stream().filter(name -> name.endsWith(suffix)).findFirst().orElseThrow();
    Weight weight = tensors.get(of);
    if (weight != null) {
      tensors.replace(alias, weight);
    }
  }

  private static Weight scalar(float value) {
    return Weight.floats(DType.F32, new float[] {value});
  }

  private static SequencedMap<String, Weight> rotary(String prefix, LlamaSize size) {
    SequencedMap<String, Weight> buffers = new LinkedHashMap<>();
    float[] frequencies = new float[size.headDim() / 2];
    for (int i = 0; i < frequencies.length; i++) {
      frequencies[i] = (float) Math.pow(size.ropeTheta(), -2.0 * i / size.headDim());
    }
    for (int layer = 0; layer < size.layers(); layer++) {
      buffers.put(
          prefix + "layers." + layer + ".self_attn.rotary_emb.inv_freq",
          Weight.floats(DType.F32, frequencies, frequencies.length));
    }
    return buffers;
  }

  private Map<?, ?> optimiser(SequencedMap<String, Weight> parameters) {
    Map<Integer, Object> states = new LinkedHashMap<>();
    for (Map.Entry<String, Weight> parameter : parameters.entrySet()) {
      if (!parameter.getValue().dtype().integer() && states.size() < OPTIMISED) {
        states.put(
            states.size(),
            dict(
                "step", 16_534,
                "exp_avg", moment("exp_avg", parameter),
                "exp_avg_sq", moment("exp_avg_sq", parameter)));
      }
    }
    Map<?, ?> group =
        dict(
            "lr", 5e-5,
            "betas", new Tuple(List.of(0.9, 0.999)),
            "eps", 1e-6,
            "weight_decay", 0.0,
            "params", List.copyOf(states.keySet()));
    return dict("state", states, "param_groups", List.of(group));
  }

  private Weight moment(String name, Map.Entry<String, Weight> parameter) {
    return Weight.formula(
        salt, name + "/" + parameter.getKey(), DType.F32, parameter.getValue().shape());
  }

  /** A dict in this order, from alternating keys and values. */
  private static Map<?, ?> dict(Object... keysAndValues) {
    Map<Object, Object> dict = new LinkedHashMap<>();
    for (int i = 0; i < keysAndValues.length; i += 2) {
      dict.put(keysAndValues[i], keysAndValues[i + 1]);
    }
    return dict;
  }

  private static void writeShards(
      Path folder, Family family, SequencedMap<String, Weight> state, int shards) {
    long total = state.values().stream().mapToLong(Weight::bytes).sum();
    List<SequencedMap<String, Weight>> parts = new ArrayList<>();
    long before = 0;
    for (Map.Entry<String, Weight> tensor : state.entrySet()) {
      // Starts a shard when its share of the total bytes is reached.
      if (parts.size() < shards && before * shards >= total * parts.size()) {
        parts.add(new LinkedHashMap<>());
      }
      parts.getLast().put(tensor.getKey(), tensor.getValue());
      before += tensor.getValue().bytes();
    }
    String stem = family.safetensors() ? "model" : "pytorch_model";
    String suffix = family.safetensors() ? ".safetensors" : ".bin";
    if (parts.size() == 1) {
      writeShard(folder.resolve(stem + suffix), family, parts.getFirst());
      return;
    }
    ObjectNode index = Golden.JSON.createObjectNode();
    index.putObject("metadata").put("total_size", total);
    ObjectNode map = index.putObject("weight_map");
    for (int i = 0; i < parts.size(); i++) {
      String name =
          String.format(Locale.ROOT, "%s-%05d-of-%05d%s", stem, i + 1, parts.size(), suffix);
      writeShard(folder.resolve(name), family, parts.get(i));
      parts.get(i).keySet().forEach(key -> map.put(key, name));
    }
    write(folder.resolve(stem + suffix + ".index.json"), index);
  }

  private static void writeShard(Path file, Family family, SequencedMap<String, Weight> state) {
    if (family.safetensors()) {
      SafetensorsFile.write(file, state);
    } else {
      PyTorchFile.write(file, "cpu", state);
    }
  }

  private static ObjectNode config(Family family, LlamaSize size, DType dtype, int mmHidden) {
    ObjectNode c = Golden.JSON.createObjectNode();
    c.putArray("architectures").add(family.architecture);
    c.put("model_type", family.modelType).put("hidden_act", "silu");
    c.put("bos_token_id", 1).put("eos_token_id", 2).put("pad_token_id", 0);
    c.put("hidden_size", size.hidden()).put("intermediate_size", size.intermediate());
    c.put("num_hidden_layers", size.layers()).put("num_attention_heads", size.heads());
    c.put("max_position_embeddings", size.positions()).put("rms_norm_eps", size.rmsEps());
    c.put("vocab_size", size.vocab()).put("tie_word_embeddings", size.tied());
    c.put("initializer_range", 0.02).put("use_cache", true);
    c.put("torch_dtype", torchType(dtype)).put("transformers_version", family.transformers);
    if (family != Family.VICUNA) { // the library version used for Vicuna had neither field
      c.put("num_key_value_heads", size.kvHeads()).put("rope_theta", size.ropeTheta());
      size.ropeScaling()
          .ifPresentOrElse(
              scaling -> c.set("rope_scaling", scaling), () -> c.putNull("rope_scaling"));
    }
    if (size.headDim() * size.heads() != size.hidden()) {
      c.put("head_dim", size.headDim());
    }
    if (family == Family.MISTRAL) {
      c.putNull("sliding_window");
    }
    if (family == Family.LLAVA) {
      c.put("mm_hidden_size", mmHidden).put("mm_projector_type", "mlp2x_gelu");
      c.put("mm_vision_tower", "openai/clip-vit-large-patch14-336").put("use_mm_proj", true);
      c.put("mm_vision_select_layer", -2).put("mm_vision_select_feature", "patch");
      c.put("mm_use_im_start_end", false).put("mm_use_im_patch_token", false);
      c.put("image_aspect_ratio", "pad").put("pretraining_tp", 1);
    }
    return c;
  }

  private static String torchType(DType dtype) {
    return switch (dtype) {
      case F32 -> "float32";
      case F16 -> "float16";
      case BF16 -> "bfloat16";
      case F64,
          I64,
          I32,
          I16,
          I8,
          U64,
          U32,
          U16,
          U8,
          BOOL,
          Q4_0,
          Q4_1,
          Q5_0,
          Q5_1,
          Q8_0,
          Q2_K,
          Q3_K,
          Q4_K,
          Q5_K,
          Q6_K,
          FOREIGN ->
          throw new IllegalArgumentException("no published weights are " + dtype);
    };
  }

  private static void adapterConfig(Path folder, String base, LoraSize lora) {
    ObjectNode c = Golden.JSON.createObjectNode();
    c.putNull("auto_mapping").put("base_model_name_or_path", base).put("bias", "none");
    c.put("fan_in_fan_out", false).put("inference_mode", true).put("init_lora_weights", true);
    c.putNull("layers_pattern").putNull("layers_to_transform").putNull("modules_to_save");
    c.put("lora_alpha", lora.alpha()).put("lora_dropout", 0.05).put("peft_type", "LORA");
    c.put("r", lora.r()).putNull("revision").put("task_type", "CAUSAL_LM");
    ArrayNode targets = c.putArray("target_modules");
    lora.targets().forEach(targets::add);
    write(folder.resolve("adapter_config.json"), c);
  }

  private static void write(Path file, ObjectNode json) {
    WholeFile.write(file, json.toPrettyString() + "\n");
  }

  // As in llama.cpp: norms stay F32; rows that are not multiples of the block size become F16.
  private static DType ggufType(long[] shape, DType matrices) {
    if (shape.length < 2) {
      return DType.F32;
    }
    return shape[1] % matrices.blockElements() == 0 ? matrices : DType.F16;
  }

  private static String ggufName(String name) {
    return name.replace("model.embed_tokens.", "token_embd.")
        .replace("model.norm.", "output_norm.")
        .replace("lm_head.", "output.")
        .replace("model.layers.", "blk.")
        .replace("self_attn.q_proj", "attn_q")
        .replace("self_attn.k_proj", "attn_k")
        .replace("self_attn.v_proj", "attn_v")
        .replace("self_attn.o_proj", "attn_output")
        .replace("mlp.gate_proj", "ffn_gate")
        .replace("mlp.up_proj", "ffn_up")
        .replace("mlp.down_proj", "ffn_down")
        .replace("input_layernorm", "attn_norm")
        .replace("post_attention_layernorm", "ffn_norm");
  }

  // Row (head, half, i) of the published layout becomes row (head, i, half).
  private Weight interleaved(GoldenCase.Key key, DType dtype, LlamaSize size) {
    int columns = Math.toIntExact(key.shape()[1]);
    int d = size.headDim();
    return Weight.floats(
        dtype,
        (from, values, count) -> {
          float[] row = new float[columns];
          int done = 0;
          while (done < count) {
            long stored = (from + done) / columns;
            int column = (int) ((from + done) % columns);
            long inHead = stored % d;
            long published = stored - inHead + inHead % 2 * (d / 2) + inHead / 2;
            int length = Math.min(columns - column, count - done);
            GoldenWeights.fill(
                salt, key.name(), key.shape(), published * columns + column, row, length);
            System.arraycopy(row, 0, values, done, length);
            done += length;
          }
        },
        key.shape());
  }
}
