package org.radialog.paper;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.radialog.base.Progress;
import org.radialog.dialog.RaDialog;
import org.radialog.published.ModelImport;
import org.radialog.testing.Golden;
import org.radialog.testing.LlamaSize;
import org.radialog.testing.PublishedLayout;
import org.radialog.torch.Init;
import org.radialog.torch.Parameters;
import org.radialog.vision.BioViLT;
import org.radialog.weights.DType;
import org.radialog.weights.SafetensorsWriter;

/**
 * A synthetic data set in MIMIC-CXR's layout with a table of CheXbert labels, a language model with
 * two small layers and a small BERT: the inputs of a training with a published recipe.
 */
final class SmallMimic {
  /** The findings of a report and the labels that are 1 in the CheXbert table. */
  private record Kind(String findings, List<String> labels) {}

  private static final List<Kind> KINDS =
      List.of(
          new Kind("The heart is enlarged.", List.of("Cardiomegaly")),
          new Kind("There is a large pleural effusion.", List.of("Pleural Effusion")),
          new Kind("The lungs are clear.", List.of("No Finding")),
          new Kind(
              "A pneumothorax and an effusion are seen.",
              List.of("Pneumothorax", "Pleural Effusion")));
  private static final List<String> COLUMNS =
      List.of("Cardiomegaly", "Pleural Effusion", "No Finding", "Pneumothorax");
  private static final LlamaSize LLAMA =
      new LlamaSize(600, 64, 96, 2, 4, 4, 16, 2048, 1e-5, 10_000, Optional.empty(), false);
  static final int BERT = 16; // width

  private final Path folder;
  private final DType published;

  SmallMimic(Path folder) {
    this(folder, DType.F16);
  }

  /** With the downloaded language model in {@code published}; the imported one is BF16. */
  SmallMimic(Path folder, DType published) {
    this.folder = folder;
    this.published = published;
    try {
      tables();
      language();
      bert();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  Path data() {
    return folder.resolve("mimic-cxr");
  }

  Path chexbert() {
    return folder.resolve("finding_chexbert_labels.csv");
  }

  Path base() {
    return folder.resolve("vicuna");
  }

  /** The language model as downloaded, with the bits of {@link #base} if it is BF16. */
  Path publishedBase() {
    return folder.resolve("vicuna-7b-v1.3");
  }

  Path bertFolder() {
    return folder.resolve("bert-base-uncased");
  }

  /** Two turns about each training film, in the layout of the published data set. */
  Path dialogs() {
    Path file = folder.resolve("dialogs.json");
    List<String> entries = new ArrayList<>();
    for (int i = 0; i < 16; i++) {
      Kind kind = KINDS.get(i % KINDS.size());
      entries.add(
          """
          {"image": "files/p10/p%d/s%d/d%d.jpg", "conversations": [
           {"from": "human", "value": "<image>. Predicted Findings: %s. Write a report."},
           {"from": "gpt", "value": "%s"},
           {"from": "human", "value": "List all the findings."},
           {"from": "gpt", "value": "%s"}]}\
          """
              .formatted(
                  10_000_000 + i,
                  50_000_000 + i,
                  i,
                  String.join(", ", kind.labels),
                  kind.findings,
                  String.join(", ", kind.labels)));
    }
    try {
      return Files.writeString(file, "[" + String.join(",\n", entries) + "]");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  // 16 training studies and 4 for each of the other splits, with one film each.
  private void tables() throws IOException {
    StringBuilder splits = new StringBuilder("dicom_id,study_id,subject_id,split\n");
    StringBuilder views = new StringBuilder("dicom_id,subject_id,study_id,ViewPosition\n");
    StringBuilder labels = new StringBuilder("study_id," + String.join(",", COLUMNS) + "\n");
    for (int i = 0; i < 24; i++) {
      int study = 50_000_000 + i;
      int patient = 10_000_000 + i;
      String split = i < 16 ? "train" : i < 20 ? "validate" : "test";
      Kind kind = KINDS.get(i % KINDS.size());
      splits.append("d%d,%d,%d,%s%n".formatted(i, study, patient, split));
      views.append("d%d,%d,%d,%s%n".formatted(i, patient, study, i % 3 == 0 ? "AP" : "PA"));
      labels.append(study);
      COLUMNS.forEach(column -> labels.append(kind.labels.contains(column) ? ",1.0" : ","));
      labels.append("\n");
      Path study50 = data().resolve("files/p10/p%d/s%d".formatted(patient, study));
      Files.createDirectories(study50);
      Files.writeString(
          study50.resolveSibling("s" + study + ".txt"),
          " FINAL REPORT\n FINDINGS: \n \n %s\n \n IMPRESSION: \n \n Above.\n"
              .formatted(kind.findings));
      draw(study50.resolve("d" + i + ".jpg"), i);
    }
    Files.writeString(data().resolve("mimic-cxr-2.0.0-split.csv"), splits);
    Files.writeString(data().resolve("mimic-cxr-2.0.0-metadata.csv"), views);
    Files.writeString(chexbert(), labels);
  }

  private static void draw(Path file, int number) throws IOException {
    Random random = new Random(number);
    int kind = number % KINDS.size();
    BufferedImage film = new BufferedImage(160, 160, BufferedImage.TYPE_BYTE_GRAY);
    for (int y = 0; y < 160; y++) {
      for (int x = 0; x < 160; x++) {
        boolean bright = kind / 2 == x / 80 && kind % 2 == y / 80;
        film.getRaster().setSample(x, y, 0, random.nextInt(60) + (bright ? 190 : 0));
      }
    }
    ImageIO.write(film, "jpg", file.toFile());
  }

  private void language() throws IOException {
    Map<String, byte[]> tokenizer = new LinkedHashMap<>();
    try (Stream<Path> all = Files.list(Golden.folder().resolve("tokenizer-llama"))) {
      for (Path file : all.toList()) {
        tokenizer.put(String.valueOf(file.getFileName()), Files.readAllBytes(file));
      }
    }
    new PublishedLayout("paper")
        .llama(publishedBase(), PublishedLayout.Family.VICUNA, LLAMA, published, 1, tokenizer);
    RaDialog.importFrom(
        new ModelImport.Request(
            publishedBase(),
            base(),
            Optional.empty(),
            BioViLT.BatchNorm.RUNNING,
            List.of(),
            Optional.empty()),
        Progress.NONE);
  }

  // With the older names of the layer norms, as in bert-base-uncased.
  private void bert() throws IOException {
    List<String> words = new ArrayList<>(List.of("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"));
    for (Kind kind : KINDS) {
      for (String word : kind.findings.toLowerCase(Locale.ROOT).replace(".", " .").split(" ", -1)) {
        if (!words.contains(word)) {
          words.add(word);
        }
      }
    }
    Files.createDirectories(bertFolder());
    Files.write(bertFolder().resolve("vocab.txt"), words);
    try (Parameters p = Parameters.fresh(3)) {
      Init init = Init.normal(0.02);
      Parameters bert = p.at("bert.");
      bert.get("embeddings.word_embeddings.weight", init, words.size(), BERT);
      bert.get("embeddings.position_embeddings.weight", init, 512, BERT);
      norm(bert, "embeddings.LayerNorm");
      for (int i = 0; i < 2; i++) {
        Parameters layer = bert.at("encoder.layer." + i + ".");
        for (String name : List.of("query", "key", "value")) {
          linear(layer, "attention.self." + name, BERT, BERT);
        }
        linear(layer, "attention.output.dense", BERT, BERT);
        norm(layer, "attention.output.LayerNorm");
        linear(layer, "intermediate.dense", 2 * BERT, BERT);
        linear(layer, "output.dense", BERT, 2 * BERT);
        norm(layer, "output.LayerNorm");
      }
      Parameters head = p.at("cls.predictions.");
      head.get("bias", Init.zeros(), words.size());
      linear(head, "transform.dense", BERT, BERT);
      norm(head, "transform.LayerNorm");
      SafetensorsWriter.write(
          bertFolder().resolve("model.safetensors"),
          Map.of(),
          Parameters.entries(p.named(), DType.F32));
    }
  }

  private static void linear(Parameters p, String name, int out, int in) {
    p.get(name + ".weight", Init.normal(0.02), out, in);
    p.get(name + ".bias", Init.zeros(), out);
  }

  private static void norm(Parameters p, String name) {
    p.get(name + ".gamma", Init.ones(), BERT);
    p.get(name + ".beta", Init.zeros(), BERT);
  }
}
