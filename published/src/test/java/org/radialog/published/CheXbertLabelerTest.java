package org.radialog.published;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.radialog.base.RadialogException;
import org.radialog.clinical.FindingState;
import org.radialog.clinical.Labels;
import org.radialog.clinical.ReportLabeler;
import org.radialog.language.Bert;
import org.radialog.testing.Golden;
import org.radialog.testing.GoldenCase;
import org.radialog.testing.LlamaVocabulary;
import org.radialog.text.WordPiece;
import org.radialog.torch.Parameters;
import org.radialog.weights.DType;
import tools.jackson.databind.JsonNode;

class CheXbertLabelerTest {
  private static final List<FindingState> CLASSES =
      List.of(
          FindingState.NOT_MENTIONED,
          FindingState.PRESENT,
          FindingState.ABSENT,
          FindingState.UNCERTAIN);

  private final GoldenCase tiny = Golden.theCase("chexbert-tiny");

  @TempDir private Path folder;

  @Test
  void theReferencesStatesComeOutAsLabelsOfReports() throws IOException {
    copyTiny();
    JsonNode batch = tiny.values().required("batch");
    try (CheXbertLabeler labeler = CheXbertLabeler.open(folder)) {
      List<String> reports = new ArrayList<>();
      for (int b = 0; b < batch.required("ids").size(); b++) {
        reports.add(report(batch, b));
      }
      List<Labels> labels = labeler.label(reports);
      ReportLabeler alone = labeler;
      for (int b = 0; b < reports.size(); b++) {
        JsonNode expected = tiny.values().required("argmax").get(b);
        for (int head = 0; head < CheXbert.HEADS.size(); head++) {
          assertThat(labels.get(b).state(CheXbert.HEADS.get(head)))
              .as("report %d, %s", b, CheXbert.HEADS.get(head))
              .isEqualTo(CLASSES.get(expected.get(head).intValue()));
        }
        assertThat(alone.label(reports.get(b))).isEqualTo(labels.get(b));
      }
    }
  }

  @Test
  void realReportsAreReadInBertsPiecesAndCutAtItsLength() throws IOException {
    Path vocabulary = Golden.file("tokenizer-bert/vocab.txt");
    List<String> pieces = Files.readAllLines(vocabulary);
    Bert.Config config = new Bert.Config(Bert.Family.BERT, pieces.size(), 64, 2, 1, 96, 40);
    Path weights = folder.resolve("other-name.safetensors");
    JsonNode values = Golden.theCase("tokenizer-bert").values();
    List<String> reports = new ArrayList<>();
    values
        .required("chexbert_cases")
        .forEach(one -> reports.add(one.required("text").stringValue()));
    reports.add(String.join(" ", Collections.nCopies(40, "Bibasilar opacities have increased.")));
    reports.addAll(LlamaVocabulary.texts());
    assertThat(reports.size()).isGreaterThan(12); // more than a batch
    List<List<FindingState>> expected = new ArrayList<>();
    try (Parameters p = Parameters.of((name, shape) -> Optional.of(tiny.weight(name, shape)));
        WordPiece tokenizer = WordPiece.of(pieces)) {
      CheXbert network = CheXbert.of(p, config); // no module. before the names
      p.save(weights, Map.of(), DType.F32);
      for (String report : reports) {
        int[] ids = tokenizer.encode(CheXbert.prepared(report), config.positions());
        expected.addAll(network.states(List.of(ids)));
      }
    }
    try (CheXbertLabeler labeler = CheXbertLabeler.open(weights, vocabulary)) {
      List<Labels> labels = labeler.label(reports);
      assertThat(labels).hasSameSizeAs(reports);
      for (int i = 0; i < reports.size(); i++) {
        Labels one = labels.get(i);
        assertThat(CheXbert.HEADS.stream().map(one::state).toList())
            .as(reports.get(i))
            .isEqualTo(expected.get(i));
      }
      assertThat(labeler.label(List.of())).isEmpty();
    }
    assertThat(expected.stream().distinct().count()).isGreaterThan(1); // they can be told apart
  }

  @Test
  void theHeadsOfAnUnusualWidthMustBeStated() throws IOException {
    copyTiny();
    Files.delete(folder.resolve("config.json"));
    refused(width(), "num_attention_heads");
    Files.writeString(folder.resolve("config.json"), "{\"num_attention_heads\": 0}");
    refused("config.json", "expected a number of num_attention_heads, found 0");
    Files.writeString(folder.resolve("config.json"), "{\"num_attention_heads\": 7777}");
    refused(width(), "7777");
    Files.writeString(folder.resolve("config.json"), "no JSON");
    refused("config.json", "expected JSON");
  }

  @Test
  void anotherVocabularyOrAnotherNetworkIsRefused() throws IOException {
    copyTiny();
    Files.write(folder.resolve("vocab.txt"), vocabulary().subList(0, 100));
    refused("vocab.txt", "expected the " + vocabulary().size() + " pieces", "found 100");
    Files.delete(folder.resolve("vocab.txt"));
    refused("vocab.txt", "no such file");
    Files.write(folder.resolve("vocab.txt"), new byte[] {(byte) 0xff, 10});
    refused("vocab.txt", "UTF-8");
    Files.write(folder.resolve("vocab.txt"), vocabulary());
    Files.copy(Golden.file("checkpoints/state-dict.pt"), folder.resolve("state-dict.pt"));
    assertThatThrownBy(() -> CheXbertLabeler.open(folder.resolve("state-dict.pt")))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining("expected the checkpoint of CheXbert, found unknown");
  }

  private String width() {
    return tiny.config().required("hidden").asString();
  }

  private void refused(String... parts) {
    assertThatThrownBy(() -> CheXbertLabeler.open(folder))
        .isInstanceOf(RadialogException.class)
        .hasMessageContainingAll(parts);
  }

  private void copyTiny() throws IOException {
    Files.copy(Golden.file("chexbert-tiny/chexbert.pth"), folder.resolve("chexbert.pth"));
    Files.write(folder.resolve("vocab.txt"), vocabulary());
    Files.writeString(
        folder.resolve("config.json"),
        "{\"num_attention_heads\": %d}".formatted(tiny.config().required("heads").intValue()));
  }

  /** As many words as the tiny network knows, each a piece, its special ids where they are. */
  private List<String> vocabulary() {
    int size = tiny.config().required("vocab").intValue();
    List<String> pieces =
        IntStream.range(0, size).mapToObj(CheXbertLabelerTest::word).collect(Collectors.toList());
    pieces.set(0, "[PAD]");
    pieces.set(tiny.config().required("cls").intValue(), "[CLS]");
    pieces.set(tiny.config().required("sep").intValue(), "[SEP]");
    List<Integer> free =
        IntStream.range(1, tiny.config().required("first_word").intValue())
            .filter(id -> !pieces.get(id).startsWith("["))
            .boxed()
            .toList();
    pieces.set(free.get(0), "[UNK]");
    pieces.set(free.get(1), "[MASK]");
    return pieces;
  }

  private static String word(int id) {
    return "q" + (char) ('a' + id / 26) + (char) ('a' + id % 26);
  }

  // The words between [CLS] and [SEP].
  private static String report(JsonNode batch, int row) {
    int length =
        batch.required("attention_mask").get(row).valueStream().mapToInt(JsonNode::intValue).sum();
    int[] ids = LlamaVocabulary.integers(batch.required("ids").get(row));
    return Arrays.stream(ids, 1, length - 1)
        .mapToObj(CheXbertLabelerTest::word)
        .collect(Collectors.joining(" \n"));
  }
}
