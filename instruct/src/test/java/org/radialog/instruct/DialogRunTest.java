package org.radialog.instruct;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.radialog.base.Progress;
import org.radialog.base.RadialogException;
import org.radialog.clinical.Finding;
import org.radialog.clinical.FindingState;
import org.radialog.clinical.PublishedPrompts;
import org.radialog.clinical.RuleLabeler;
import org.radialog.data.LungZone;
import org.radialog.data.MimicCxr;
import org.radialog.data.ReportRow;
import org.radialog.data.StudySource;
import org.radialog.data.StudySplit;
import org.radialog.instruct.DialogFile.Entry;
import org.radialog.instruct.DialogFile.Known;
import org.radialog.testing.MimicTree;

class DialogRunTest {
  @TempDir private Path folder;

  // Films in the layout with labels.csv; boxes on the first.
  private Path films(int count) throws IOException {
    var table = new StringBuilder("image,patient,age,sex,view,chexpert_positive\n");
    List<String> labels =
        List.of(
            "No Finding",
            "Edema",
            "Pneumothorax",
            "No Finding",
            "Cardiomegaly|Edema",
            "Pleural Effusion|Lung Opacity",
            "");
    for (int i = 0; i < count; i++) {
      table.append(
          "%d.png,%d,%d,F,%s,%s%n"
              .formatted(i, i / 2, 40 + i % 30, i % 3 == 0 ? "AP" : "PA", labels.get(i % 7)));
    }
    Files.writeString(folder.resolve("labels.csv"), table);
    return folder;
  }

  private List<Entry> write(CaseSource source, DialogMix mix, long seed, String name) {
    return write(new DialogRun(source, mix, seed, Optional.empty(), Map.of()), name);
  }

  private List<Entry> write(DialogRun run, String name) {
    Path file = folder.resolve(name);
    DialogRun.Outcome outcome = run.write(file, rejected -> {}, Progress.NONE);
    var entries = new ArrayList<Entry>();
    assertThat(DialogFile.read(file, entries::add)).isEqualTo(outcome.total());
    return entries;
  }

  private static String known(Entry entry, String field) {
    return entry.known().orElseThrow().value(field);
  }

  private static List<Entry> of(List<Entry> entries, String task) {
    return entries.stream().filter(e -> known(e, Known.TASK).equals(task)).toList();
  }

  private CaseSource mimic(MimicTree tree, DialogMix mix, Optional<String> labels) {
    StudySource source = MimicCxr.of(tree.folder()).withChexbert(tree.chexbert());
    return CaseSource.studies(
        source,
        new CaseSource.Studies(
            tree.folder(),
            labels,
            StudySplit.TRAIN,
            mix.onePerStudy(),
            mix.switches(),
            Map.of(),
            Map.of()));
  }

  @Test
  void everyTaskIsAskedOfFilmsAndTheSameRunGivesTheSameFile() throws IOException {
    CaseSource source = CaseSource.films(films(210), StudySplit.TRAIN, 5);
    DialogMix mix = DialogMix.named("own");
    List<Entry> entries = write(source, mix, 5, "a.json");
    assertThat(entries.stream().map(e -> known(e, Known.TASK)).collect(Collectors.toSet()))
        .isEqualTo(DialogMix.TASKS.stream().map(DialogTask::name).collect(Collectors.toSet()));
    assertThat(entries).allMatch(e -> known(e, Known.SYNTHETIC).equals("true"));
    write(source, mix, 5, "b.json");
    assertThat(folder.resolve("b.json")).hasSameBinaryContentAs(folder.resolve("a.json"));
    write(source, mix, 6, "c.json");
    assertThat(Files.readString(folder.resolve("c.json")))
        .isNotEqualTo(Files.readString(folder.resolve("a.json")));
  }

  @Test
  void aDialogDoesNotDependOnThoseBeforeIt() throws IOException {
    DialogMix mix = withoutPlan(DialogMix.named("own"));
    List<Entry> all = write(CaseSource.films(films(140), StudySplit.TRAIN, 5), mix, 5, "a.json");
    List<Entry> some = write(CaseSource.films(films(70), StudySplit.TRAIN, 5), mix, 5, "b.json");
    assertThat(some).isEqualTo(all.subList(0, some.size()));
  }

  // Without what depends on the counts of the whole set.
  private static DialogMix withoutPlan(DialogMix mix) {
    return new DialogMix(
        mix.name(),
        mix.layout(),
        mix.prompts(),
        mix.findings(),
        mix.onePerStudy(),
        0,
        mix.switches(),
        mix.tasks().stream().filter(share -> !share.task().equals("finding")).toList());
  }

  @Test
  void yesAndNoAreBalancedForEachFinding() throws IOException {
    List<Entry> questions =
        of(
            write(
                CaseSource.films(films(700), StudySplit.TRAIN, 5),
                DialogMix.named("own"),
                5,
                "a.json"),
            "finding");
    var yes = new TreeMap<String, Integer>();
    var no = new TreeMap<String, Integer>();
    for (Entry entry : questions) {
      (known(entry, Known.VERDICT).equals("yes") ? yes : no)
          .merge(known(entry, Known.ASKED), 1, Integer::sum);
    }
    assertThat(yes.keySet())
        .containsExactlyInAnyOrder(
            "Cardiomegaly", "Edema", "Lung Opacity", "Pleural Effusion", "Pneumothorax");
    yes.forEach((finding, count) ->
        assertThat(count / (double) (count + no.getOrDefault(finding, 0)))
            .as(finding)
            .isBetween(0.45, 0.55));
  }

  @Test
  void publishedReportsAreStratifiedAsTheOriginalStratifiesThem() throws IOException {
    MimicTree tree = MimicTree.write(folder, 60);
    DialogMix mix = DialogMix.named("published");
    List<Entry> reports = of(write(mimic(tree, mix, Optional.empty()), mix, 3, "a.json"), "report");
    List<ReportRow> rows =
        MimicCxr.of(tree.folder())
            .withChexbert(tree.chexbert())
            .readAll()
            .of(StudySplit.TRAIN)
            .stream()
            .flatMap(study -> ReportRow.of(study).stream())
            .toList();
    List<ReportRow> original =
        ReportRow.stratifiedForTraining(
            rows, row -> row.study().labels().getOrDefault("chexbert", Map.of()), 2, 3);
    assertThat(reports).hasSameSizeAs(original);
    Set<String> twice =
        original.stream()
            .filter(row -> original.stream().filter(row::equals).count() == 2)
            .map(row -> row.image().id())
            .collect(Collectors.toSet());
    Map<String, Long> written =
        reports.stream()
            .collect(Collectors.groupingBy(e -> e.images().getFirst(), Collectors.counting()));
    assertThat(
            written.entrySet().stream()
                .filter(e -> e.getValue() == 2)
                .map(e -> e.getKey().replaceAll(".*/|\\.jpg", ""))
                .collect(Collectors.toSet()))
        .isEqualTo(twice);
  }

  @Test
  void thePublishedMixHasThePublishedWordsAndTheReportBeforeTheTask() throws IOException {
    MimicTree tree = MimicTree.write(folder, 120);
    DialogMix mix = DialogMix.named("published");
    List<Entry> entries = write(mimic(tree, mix, Optional.empty()), mix, 3, "a.json");
    Entry report = of(entries, "report").getFirst();
    assertThat(report.images().getFirst()).startsWith("files/p10/p1").endsWith(".jpg");
    assertThat(report.messages()).hasSize(2);
    assertThat(report.messages().getFirst().value())
        .startsWith("<image>. Predicted Findings: ")
        .endsWith("be concise and don't provide explanations or reasons.");
    for (Entry list : of(entries, "findings")) {
      assertThat(list.messages()).hasSize(4);
      Map<String, String> labels = list.known().orElseThrow().labels();
      String present =
          Finding.ALL.stream()
              .map(Finding::label)
              .filter(label -> "1".equals(labels.get(label)))
              .map(label -> label.toLowerCase(java.util.Locale.ROOT))
              .collect(Collectors.joining(", "));
      // The original's two ways to write an empty list: here its instruct samples' empty text.
      assertThat(list.messages().getFirst().value())
          .isEqualTo(PublishedPrompts.reportPrompt(PublishedPrompts.Version.V2, present));
      assertThat(list.messages().getLast().value()).isEqualTo(present);
    }
    Set<String> binary =
        new HashSet<>(
            of(entries, "finding").stream().map(e -> e.messages().getLast().value()).toList());
    assertThat(binary).containsExactlyInAnyOrder("yes", "no");
    // What Vicuna wrote in the original is left out without a model.
    assertThat(of(entries, "easy_language")).isEmpty();
  }

  @Test
  void aSharePutsTasksEndToEndSoThatNoneTakesACaseTwice() throws IOException {
    MimicTree tree = MimicTree.write(folder, 120);
    DialogMix mix = DialogMix.named("published");
    List<Entry> entries =
        write(mimic(tree, mix, Optional.empty()), mix, 3, "a.json").stream()
            .filter(e -> Set.of("finding", "findings").contains(known(e, Known.TASK)))
            .toList();
    assertThat(entries).extracting(Entry::images).doesNotHaveDuplicates();
    assertThat(of(entries, "findings").size()).isBetween(4, 22); // of 144 images a twelfth: 12
  }

  @Test
  void uncertainFindingsAreLeftOpenInPromptsListsAndAnswers() throws IOException {
    MimicTree tree = MimicTree.write(folder, 120);
    DialogMix mix = DialogMix.named("own");
    List<Entry> entries = write(mimic(tree, mix, Optional.empty()), mix, 3, "a.json");
    List<Entry> open =
        of(entries, "finding").stream()
            .filter(e -> known(e, Known.VERDICT).equals("uncertain"))
            .toList();
    assertThat(open).isNotEmpty();
    for (Entry e : open) {
      assertThat(known(e, Known.ASKED)).isEqualTo("Pneumonia");
      assertThat(new RuleLabeler().label(e.messages().getLast().value()).state(Finding.PNEUMONIA))
          .isEqualTo(FindingState.UNCERTAIN);
    }
    assertThat(of(entries, "findings"))
        .filteredOn(e -> "-1".equals(e.known().orElseThrow().labels().get("Pneumonia")))
        .isNotEmpty()
        .allMatch(e -> e.messages().getLast().value().contains("possible pneumonia"));
    assertThat(entries)
        .filteredOn(e -> known(e, Known.FINDINGS).equals("true"))
        .filteredOn(e -> "-1".equals(e.known().orElseThrow().labels().get("Pneumonia")))
        .isNotEmpty()
        .allMatch(e -> e.messages().getFirst().value().contains("possible pneumonia"));
  }

  @Test
  void whatALateralViewDoesNotShowIsNotAnswered() throws IOException {
    MimicTree tree = MimicTree.write(folder, 120);
    DialogMix own = DialogMix.named("own");
    var everyImage =
        new DialogMix(
            own.name(),
            own.layout(),
            own.prompts(),
            own.findings(),
            false,
            0,
            own.switches(),
            own.tasks());
    List<Entry> lateral =
        of(write(mimic(tree, everyImage, Optional.empty()), everyImage, 3, "a.json"), "finding")
            .stream()
            .filter(e -> known(e, Known.VIEW).equals("LATERAL"))
            .filter(e -> Set.of("Pneumothorax", "Cardiomegaly").contains(known(e, Known.ASKED)))
            .toList();
    assertThat(lateral)
        .isNotEmpty()
        .allMatch(e -> known(e, Known.VERDICT).equals("not_visible"))
        .allMatch(e -> e.messages().getLast().value().contains("cannot be seen on this view"));
  }

  @Test
  void reportsDoNotCompareAndSayNothingThatTheLabelsContradict() throws IOException {
    MimicTree tree = MimicTree.write(folder, 100);
    // A table that calls every pneumothorax absent.
    Path table = tree.chexbert();
    String text = Files.readString(table);
    Files.writeString(
        table,
        text.lines().map(l -> l.replaceAll(",1.0$", ",0.0")).collect(Collectors.joining("\n")));
    DialogMix mix = DialogMix.named("own");
    List<Entry> reports = of(write(mimic(tree, mix, Optional.empty()), mix, 3, "a.json"), "report");
    assertThat(reports).hasSize(80);
    for (Entry e : reports) {
      assertThat(e.messages().getLast().value())
          .doesNotContain("unchanged")
          .doesNotContain("pneumothorax is present");
    }
    DialogMix published = DialogMix.named("published");
    assertThat(
            of(write(mimic(tree, published, Optional.empty()), published, 3, "b.json"), "report"))
        .anyMatch(e -> e.messages().getLast().value().contains("unchanged"))
        .anyMatch(e -> e.messages().getLast().value().contains("pneumothorax is present"));
  }

  @Test
  void aCorrectionOfARealReportEndsWithThatReport() throws IOException {
    MimicTree tree = MimicTree.write(folder, 120);
    DialogMix mix = DialogMix.named("own");
    List<Entry> entries = write(mimic(tree, mix, Optional.empty()), mix, 3, "a.json");
    Map<String, String> reports = new HashMap<>();
    of(entries, "report")
        .forEach(e -> reports.put(e.images().getFirst(), e.messages().getLast().value()));
    List<Entry> corrections = of(entries, "correction");
    assertThat(corrections).hasSizeGreaterThan(10);
    for (Entry e : corrections) {
      assertThat(e.messages().getLast().value()).isEqualTo(reports.get(e.images().getFirst()));
      assertThat(e.messages().get(1).value()).isNotEqualTo(e.messages().getLast().value());
    }
  }

  @Test
  void detailsComeFromTheOneSentenceThatStatesTheFinding() throws IOException {
    MimicTree tree = MimicTree.write(folder, 150);
    DialogMix mix = DialogMix.named("own");
    List<Entry> details = of(write(mimic(tree, mix, Optional.empty()), mix, 3, "a.json"), "detail");
    var answers = new TreeMap<String, Set<String>>();
    for (Entry e : details) {
      String request = e.messages().get(e.messages().size() - 2).value();
      String question = request.substring(request.lastIndexOf('\n') + 1);
      String finding =
          question.contains("pleural effusion")
              ? "effusion"
              : question.contains("pneumothorax") ? "pneumothorax" : "other";
      answers.computeIfAbsent(finding, f -> new HashSet<>()).add(e.messages().getLast().value());
    }
    assertThat(answers.get("effusion")).containsExactlyInAnyOrder("It is small.", "On the left.");
    assertThat(answers.get("pneumothorax"))
        .containsExactlyInAnyOrder("In the right upper zone.", "On the right.");
  }

  @Test
  void explanationsOfMimicNleAreTheReasonsWhereTheReportHasThem() throws IOException {
    MimicTree tree = MimicTree.write(folder, 100);
    DialogMix mix = DialogMix.named("own");
    var explanations = new HashMap<String, Case.Explanation>();
    MimicCxr.of(tree.folder())
        .readAll()
        .studies()
        .forEach(study ->
            explanations.put(
                study.id(),
                new Case.Explanation(Set.of(Finding.EDEMA), "There is mild pulmonary edema.")));
    CaseSource source =
        CaseSource.studies(
            MimicCxr.of(tree.folder()),
            new CaseSource.Studies(
                tree.folder(),
                Optional.of(CaseSource.RULES),
                StudySplit.TRAIN,
                false,
                mix.switches(),
                explanations,
                Map.of()));
    List<Entry> reasons = of(write(source, mix, 3, "a.json"), "reasoning");
    assertThat(reasons).isNotEmpty();
    for (Entry e : reasons) {
      assertThat(e.messages().getLast().value()).isEqualTo("There is mild pulmonary edema.");
      assertThat(e.messages().get(2).value()).contains(" edema");
      assertThat(e.messages().get(1).value()).contains("There is mild pulmonary edema.");
      assertThat(known(e, Known.LABEL_SOURCE)).isEqualTo("rules");
    }
  }

  @Test
  void predictedFindingsStandInThePromptAndAreFlagged() throws IOException {
    CaseSource source = CaseSource.films(films(140), StudySplit.TRAIN, 5);
    DialogMix own = DialogMix.named("own");
    var predicted =
        new DialogMix(
            own.name(),
            own.layout(),
            own.prompts(),
            new DialogMix.FindingsInPrompt(0, 0, 1, 0),
            true,
            0,
            own.switches(),
            own.tasks());
    assertThatThrownBy(() -> new DialogRun(source, predicted, 5, Optional.empty(), Map.of()))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining("predicted findings in 1.0 of the prompts");
    var seen = new HashMap<String, Set<Finding>>();
    for (int i = 0; i < 140; i++) {
      seen.put("images/" + i + ".png", Set.of(Finding.ATELECTASIS));
    }
    List<Entry> entries =
        write(new DialogRun(source, predicted, 5, Optional.empty(), seen), "a.json");
    assertThat(entries)
        .filteredOn(e -> !known(e, Known.TASK).equals("correction"))
        .allMatch(e -> e.messages().getFirst().value().contains("Findings: atelectasis.\n"))
        .allMatch(e -> known(e, Known.FINDINGS).equals("predicted"));
  }

  @Test
  void whereABoxLiesTellsSideAndZoneAndTheReportSaysSo() {
    var places =
        List.of(
            new Case.Place(Finding.PLEURAL_EFFUSION, Case.Side.LEFT, Optional.of(LungZone.LOWER)));
    String report =
        Case.write(
            Set.of(Finding.EDEMA, Finding.PLEURAL_EFFUSION),
            org.radialog.clinical.View.PA,
            4,
            places);
    assertThat(report).contains("The pleural effusion is in the left lower zone.");
    assertThat(new RuleLabeler().label(report).present())
        .containsExactlyInAnyOrder(Finding.EDEMA, Finding.PLEURAL_EFFUSION);
  }

  @Test
  void aMixIsRefusedInOneLineThatSaysWhatIsWrong() throws IOException {
    String text = DialogMixTexts.own();
    refused(text.replace("\"layout\"", "\"lay_out\""), "layout");
    refused(text.replace("{\n  \"name\"", "{\"lay_out\": 1,\n  \"name\""), "unknown field lay_out");
    refused(text.replace("\"easy_language\"", "\"hard_language\""), "no task hard_language");
    refused(text.replace("\"true\": 0.5", "\"true\": 0.6"), "1 together");
    refused(text.replace("\"layout\": \"own\"", "\"layout\": \"v2\""), "findings.none is 0.25");
    refused(text.replace("\"share\": 0.2", "\"share\": 2"), "expected from 0 to 1");
    refused("[", "no mix");
  }

  private void refused(String text, String why) throws IOException {
    Path file = folder.resolve("mix.json");
    Files.writeString(file, text);
    assertThatThrownBy(() -> DialogMix.read(file))
        .isInstanceOf(RadialogException.class)
        .hasMessageContainingAll("mix.json", why);
  }

  private static final class DialogMixTexts {
    static String own() throws IOException {
      try (var in = DialogMix.class.getResourceAsStream("mixes/own.json")) {
        return new String(
            java.util.Objects.requireNonNull(in).readAllBytes(),
            java.nio.charset.StandardCharsets.UTF_8);
      }
    }
  }

  @Test
  void noAnswerOfAnyTaskContradictsTheLabelsItWasMadeFrom() throws IOException {
    // Every set of up to three findings.
    var table = new StringBuilder("image,patient,age,sex,view,chexpert_positive\n");
    List<Finding> all = List.copyOf(Finding.NIH_MAPPED);
    int n = 0;
    for (int a = 0; a < all.size(); a++) {
      for (int b = a; b < all.size(); b++) {
        for (int c = b; c < all.size(); c++) {
          Set<String> present =
              Set.copyOf(
                  List.of(all.get(a).label(), all.get(b).label(), all.get(c).label()).stream()
                      .distinct()
                      .toList());
          table.append(
              "%d.png,%d,50,F,PA,%s%n"
                  .formatted(n, n, present.stream().sorted().collect(Collectors.joining("|"))));
          n++;
        }
      }
    }
    Files.writeString(folder.resolve("labels.csv"), table);
    List<Entry> entries =
        write(CaseSource.films(folder, StudySplit.TRAIN, 5), DialogMix.named("own"), 5, "a.json");
    var card = new DataCard(new RuleLabeler());
    entries.forEach(card::add);
    assertThat(card.contradictions()).isEmpty();
  }
}
