package org.radialog.instruct;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.radialog.base.Progress;
import org.radialog.clinical.Finding;
import org.radialog.clinical.RuleLabeler;
import org.radialog.data.MimicCxr;
import org.radialog.data.StudySplit;
import org.radialog.instruct.DialogFile.Entry;
import org.radialog.instruct.DialogFile.From;
import org.radialog.instruct.DialogFile.Known;
import org.radialog.instruct.DialogFile.Message;
import org.radialog.testing.MimicTree;

class DataCardTest {
  @TempDir private Path folder;

  private List<Entry> published() throws IOException {
    MimicTree tree = MimicTree.write(folder, 120);
    DialogMix mix = DialogMix.named("published");
    CaseSource source =
        CaseSource.studies(
            MimicCxr.of(tree.folder()).withChexbert(tree.chexbert()),
            new CaseSource.Studies(
                tree.folder(),
                Optional.empty(),
                StudySplit.TRAIN,
                false,
                mix.switches(),
                Map.of(),
                Map.of()));
    new DialogRun(source, mix, 3, Optional.empty(), Map.of())
        .write(folder.resolve("a.json"), rejected -> {}, Progress.NONE);
    var entries = new ArrayList<Entry>();
    DialogFile.read(folder.resolve("a.json"), entries::add);
    return entries;
  }

  private static DataCard card(List<Entry> entries) {
    var card = new DataCard(new RuleLabeler());
    entries.forEach(card::add);
    return card;
  }

  @Test
  void theTasksOfAFileThatOthersWroteAreToldByThePublishedWordings() throws IOException {
    List<Entry> entries = published();
    List<Entry> bare =
        entries.stream().map(e -> new Entry(e.images(), e.messages(), Optional.empty())).toList();
    assertThat(card(bare).values().get("tasks")).isEqualTo(card(entries).values().get("tasks"));
    assertThat(card(bare).values().get("sources")).isEqualTo(Map.of("unknown", (long) bare.size()));
    assertThat(card(bare).values().get("questions"))
        .isEqualTo(card(entries).values().get("questions"));
  }

  @Test
  void anAnswerAgainstItsLabelsIsCountedByKindWithItsNumber() {
    var labels = Map.of(Finding.EDEMA.label(), "1", Finding.PNEUMOTHORAX.label(), "0");
    var known = new Known(Map.of(Known.TASK, "finding"), labels);
    var fits = List.of(human("Is there edema?"), gpt("Yes, there is pulmonary edema."));
    var denied = List.of(human("Is there edema?"), gpt("No."));
    var stated = List.of(human("What do you see?"), gpt("There is a pneumothorax."));
    var parent = List.of(human("What do you see?"), gpt("There is lung opacity."));
    var compared = List.of(human("What do you see?"), gpt("Edema has improved since the prior."));
    DataCard card = new DataCard(new RuleLabeler());
    for (List<Message> messages : List.of(fits, denied, stated, parent, compared)) {
      card.add(new Entry(List.of("a.jpg"), messages, Optional.of(known)));
    }
    assertThat(card.contradictions())
        .extracting(DataCard.Example::number, DataCard.Example::kind, DataCard.Example::finding)
        .containsExactlyInAnyOrder(
            org.assertj.core.groups.Tuple.tuple(2L, "listed_and_denied", "Edema"),
            org.assertj.core.groups.Tuple.tuple(3L, "stated_without_support", "Pneumothorax"));
    assertThat(card.values()).containsEntry("comparing_answers", 1L);
    assertThat(card.markdown("x"))
        .contains("2 (40.0 %) contradict them", "1 compare with an earlier film");
  }

  @Test
  void samplesShowEveryTaskAndAreTheSameEachTime() throws IOException {
    List<Entry> entries = published();
    List<String> twice = new ArrayList<>();
    for (int i = 0; i < 2; i++) {
      var samples = new DataCard.Samples(16, 5);
      entries.forEach(samples::add);
      twice.add(samples.markdown("x"));
    }
    assertThat(twice.getFirst())
        .isEqualTo(twice.get(1))
        .contains("## report", "## correction", "## findings", "&lt;image>");
    assertThat(twice.getFirst().lines().filter(line -> line.startsWith("`files/"))).hasSize(16);
  }

  private static Message human(String text) {
    return new Message(From.HUMAN, text);
  }

  private static Message gpt(String text) {
    return new Message(From.GPT, text);
  }
}
