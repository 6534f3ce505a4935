package org.radialog.testmodel;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import org.radialog.clinical.Finding;
import org.radialog.clinical.SmolLm2Format;
import org.radialog.imaging.DicomRecipe;
import org.radialog.imaging.Preprocessing;
import org.radialog.imaging.Radiograph;
import org.radialog.language.LlamaConfig;
import org.radialog.language.LlamaLinear;
import org.radialog.language.LoraAdapter;
import org.radialog.language.LoraConfig;
import org.radialog.published.ModelConfig;
import org.radialog.published.ModelFolder;
import org.radialog.testing.GgufFile;
import org.radialog.testing.Golden;
import org.radialog.testing.GoldenWeights;
import org.radialog.testing.LlamaSize;
import org.radialog.torch.Init;
import org.radialog.torch.Parameters;
import org.radialog.vision.BioViLT;
import org.radialog.vision.FindingsClassifier;
import org.radialog.vision.QFormer;
import org.radialog.vision.TokenOrder;
import org.radialog.vision.VisionEncoder;
import org.radialog.weights.DType;

/**
 * A complete model folder like {@code models/mini}, whose weights are computed with the formula of
 * the golden cases. It is so small that a test can load it many times.
 */
public final class TinyModel {
  /** The sizes of the language model. */
  public static final LlamaConfig LLAMA =
      new LlamaConfig(264, 64, 2, 4, 2, 16, 128, 1e-5, 10_000, Optional.empty(), true, 2048);

  /** Findings that the classifier was not trained on. */
  public static final Set<Finding> UNTRAINED = Set.of(Finding.FRACTURE, Finding.SUPPORT_DEVICES);

  private static final BioViLT.Config VISION =
      BioViLT.Config.of(BioViLT.Backbone.EFFICIENTNET_LITE0, 16, 16);
  private static final QFormer.Config QFORMER =
      new QFormer.Config(16, 2, 32, 4, 64, 2, VisionEncoder.Source.PATCHES, TokenOrder.PATCHES);
  private static final LoraConfig ADAPTER =
      LoraConfig.trained(2, 4, Set.of(LlamaLinear.Q_PROJ, LlamaLinear.V_PROJ));
  private static final ModelConfig.Classifier CLASSIFIER =
      new ModelConfig.Classifier(
          ModelConfig.Encoder.SHARED,
          new FindingsClassifier.Pooling.Adaptive(1),
          16,
          Finding.ALL.stream().map(Finding::label).toList(),
          Collections.nCopies(14, 0.5),
          Optional.empty(),
          Finding.ALL.stream()
              .map(f ->
                  UNTRAINED.contains(f)
                      ? ModelConfig.Evidence.UNTRAINED
                      : ModelConfig.Evidence.TRAINED)
              .toList(),
          Optional.empty(),
          Optional.empty());

  private static Optional<Path> shared = Optional.empty();

  private TinyModel() {}

  /** A folder shared by all tests that only read it. */
  public static synchronized Path folder() {
    if (shared.isEmpty()) {
      try {
        Path folder = Files.createTempDirectory("tiny-model");
        write(folder);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> delete(folder)));
        shared = Optional.of(folder);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
    return shared.orElseThrow();
  }

  /** Writes a new model folder. */
  public static void write(Path folder) {
    write(folder, VISION, p -> BioViLT.of(p, VISION));
  }

  /**
   * Writes a new model folder with a given image encoder.
   *
   * @param tensors requests each tensor of the encoder
   */
  public static void write(Path folder, VisionEncoder.Config vision, Consumer<Parameters> tensors) {
    writeLanguage(folder.resolve("base.gguf"), LLAMA.vocab());
    writeTrained(folder.resolve(ModelConfig.TRAINED), vision, tensors);
    ModelFolder.write(
        folder,
        new ModelConfig(
            ModelConfig.FORMAT,
            ModelConfig.FORMAT_READ_BY,
            "tiny",
            "1",
            "Apache-2.0",
            List.of("It has never seen a film."),
            List.of(ModelConfig.Section.FINDINGS, ModelConfig.Section.IMPRESSION),
            Optional.of(
                new Preprocessing.Branches(96, new Preprocessing.Crops(96, 96), DicomRecipe.VOI)),
            Optional.of(vision),
            Optional.of(QFORMER),
            Optional.of(CLASSIFIER),
            ModelConfig.Language.gguf("base.gguf", ADAPTER, SmolLm2Format.FORMAT),
            ModelConfig.SelfTest.NONE,
            List.of(
                ModelConfig.FileEntry.of(folder, "base.gguf"),
                ModelConfig.FileEntry.of(folder, ModelConfig.TRAINED)),
            List.of()));
  }

  /** A film with structure, different for each seed. */
  public static Radiograph film(int seed) {
    int side = 160;
    Radiograph real = Radiograph.read(Golden.root().resolve("samples").resolve("no-finding.jpg"));
    byte[] grey = real.display();
    float[] coarse = GoldenWeights.floats("film" + seed, "film", 0.75f, 1, 10, 10);
    byte[] pixels = new byte[side * side];
    for (int y = 0; y < side; y++) {
      for (int x = 0; x < side; x++) {
        int from = y * real.height() / side * real.width() + x * real.width() / side;
        pixels[y * side + x] = (byte) (int) ((grey[from] & 0xFF) * coarse[y / 16 * 10 + x / 16]);
      }
    }
    return Radiograph.ofGrey("film " + seed, side, side, pixels);
  }

  private static void writeTrained(
      Path file, VisionEncoder.Config vision, Consumer<Parameters> tensors) {
    try (Parameters p = Parameters.of((name, shape) -> Optional.of(trained(name, shape)))) {
      tensors.accept(p.at("vision."));
      FindingsClassifier.of(p.at("classifier."), CLASSIFIER.network(vision.projectedChannels()));
      QFORMER.network(p, vision, LLAMA.hidden());
      Parameters language = p.at("language.");
      for (int layer = 0; layer < LLAMA.layers(); layer++) {
        for (LlamaLinear linear : ADAPTER.targets()) {
          String module = LoraAdapter.PREFIX + linear.module(layer);
          language.get(module + ".lora_A.weight", Init.zeros(), 2, linear.columns(LLAMA));
          language.get(module + ".lora_B.weight", Init.zeros(), linear.rows(LLAMA), 2);
        }
      }
      p.save(file, Map.of(), DType.F32);
    }
  }

  // An encoder without biases and with constant variances, so that its output depends only on the
  // film.
  private static float[] trained(String name, long[] shape) {
    float[] values = GoldenWeights.fill("tiny", name, shape);
    boolean encoder = name.startsWith("vision.");
    if (encoder && (name.endsWith(".bias") || name.endsWith("running_mean"))) {
      Arrays.fill(values, 0);
    } else if (encoder && name.endsWith("running_var")) {
      Arrays.fill(values, 0.3f);
    }
    return values;
  }

  /**
   * Writes the language model with its vocabulary padded to {@code rows}. The padding rows are
   * token rows scaled by -20, so their logits are large and a test notices if one of them is
   * chosen.
   */
  public static void writeLanguage(Path file, int rows) {
    List<String> tokens = new ArrayList<>(List.of("<|endoftext|>", "<|im_start|>", "<|im_end|>"));
    tokens.addAll(byteSymbols());
    List<String> merges = List.of("t h", "th e", "i n", "Ġ the", "o n");
    merges.forEach(merge -> tokens.add(merge.replace(" ", "")));
    List<Integer> types = new ArrayList<>(Collections.nCopies(tokens.size(), 1));
    Collections.fill(types.subList(0, 3), 3);
    LlamaSize size =
        new LlamaSize(
            rows,
            LLAMA.hidden(),
            LLAMA.mlp(),
            LLAMA.layers(),
            LLAMA.heads(),
            LLAMA.kvHeads(),
            LLAMA.headSize(),
            LLAMA.maxPositions(),
            LLAMA.rmsEps(),
            LLAMA.ropeTheta(),
            Optional.empty(),
            LLAMA.tied());
    GgufFile.llama(
            size,
            tokens,
            types,
            merges,
            (name, shape) ->
                name.equals("token_embd.weight") ? embedding(rows) : weight(name, shape))
        .write(file);
  }

  private static float[] embedding(int rows) {
    float[] tokens = GoldenWeights.fill("tiny", "token_embd.weight", LLAMA.vocab(), LLAMA.hidden());
    float[] values = Arrays.copyOf(tokens, rows * LLAMA.hidden());
    for (int i = tokens.length; i < values.length; i++) {
      values[i] = -20 * values[i - tokens.length];
    }
    return values;
  }

  private static float[] weight(String name, long[] shape) {
    float[] values = GoldenWeights.fill("tiny", name, shape);
    // With these factors, attention is selective and dominates the MLP, so that distant tokens
    // or the film affect the next token.
    float factor = 1;
    if (name.endsWith("attn_q.weight") || name.endsWith("attn_k.weight")) {
      factor = 1.4f;
    } else if (name.endsWith("ffn_down.weight")) {
      factor = 0.2f;
    }
    for (int i = 0; i < values.length; i++) {
      values[i] *= factor;
    }
    return values;
  }

  // The GPT-2 alphabet, with a printable character for each byte.
  private static List<String> byteSymbols() {
    String[] symbols = new String[256];
    int other = 256;
    for (int b = 0; b < 256; b++) {
      boolean printable = (b >= '!' && b <= '~') || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE;
      symbols[b] = Character.toString(printable ? b : other++);
    }
    return Arrays.asList(symbols);
  }

  private static void delete(Path folder) {
    try (var files = Files.list(folder)) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
      Files.delete(folder);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
