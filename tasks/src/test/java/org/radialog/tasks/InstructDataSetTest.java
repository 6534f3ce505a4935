package org.radialog.tasks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.radialog.base.RadialogException;
import org.radialog.base.Sha256;
import org.radialog.clinical.Consistency;
import org.radialog.clinical.Finding;
import org.radialog.clinical.FindingState;
import org.radialog.clinical.FindingsList;
import org.radialog.clinical.Labels;
import org.radialog.clinical.PromptPart;
import org.radialog.clinical.RuleLabeler;
import org.radialog.clinical.SmolLm2Format;
import org.radialog.clinical.Turn;
import org.radialog.clinical.View;
import org.radialog.data.Film;
import org.radialog.data.Truth;
import org.radialog.instruct.ReportGrammar;
import org.radialog.tasks.InstructDialog.Exchange;
import org.radialog.tasks.InstructDialog.Part;
import org.radialog.tasks.InstructDialog.Task;
import org.radialog.tasks.InstructMix.Share;
import org.radialog.testing.Unknowable;

class InstructDataSetTest {
  private static final int COUNT = 4000;

  private static final RuleLabeler LABELER = new RuleLabeler();
  private static final List<Film> FILMS = films(new Random(11), 300);
  private static final Map<String, Film> BY_NAME =
      FILMS.stream().collect(Collectors.toMap(Film::image, film -> film));
  private static final InstructDataSet SET = dataSet(FILMS, 1);
  private static final List<InstructDialog> ALL = SET.dialogs(0, COUNT);
  private static final List<InstructDialog> DIALOGS =
      ALL.stream().filter(dialog -> dialog.image().isPresent()).toList();
  private static final Set<Finding> SOME =
      EnumSet.complementOf(EnumSet.of(Finding.ATELECTASIS, Finding.LUNG_LESION));
  private static final InstructDataSet SOME_ASSESSED = dataSet(FILMS, 1, SOME);

  @Test
  void aDialogDependsOnSeedAndNumberAlone() {
    InstructDataSet again = dataSet(FILMS, 1);
    assertThat(again.dialog(3711)).isEqualTo(ALL.get(3711));
    assertThat(again.dialogs(100, 200)).isEqualTo(ALL.subList(100, 200));
    assertThat(dataSet(FILMS, 2).dialogs(0, 50)).isNotEqualTo(ALL.subList(0, 50));
  }

  @Test
  void theFirstDialogsOfTheMixAreTheSameInEveryVersion() {
    StringBuilder all = new StringBuilder();
    ALL.subList(0, 1000).forEach(dialog -> all.append(dialog).append('\n'));
    assertThat(Sha256.of(all.toString()))
        .isEqualTo("bf9322ccab73982d16a18ac3dff85379ece6b51f8b68f97f9584ad742f5ffd51");
  }

  @Test
  void sharesOfTasksAreConfiguration() {
    InstructMix d = InstructMix.DEFAULT;
    List<Share> views = List.of(new Share("view", 1));
    List<Share> binary = List.of(new Share("binary", 1));
    var mix =
        new InstructMix(
            0, 0, 0, d.withoutFindings(), true, d.edited(), d.random(), 1, 0, views, binary);
    var set = new InstructDataSet(FILMS, Map.of(), Calls.OF_LABELS, mix, 1);
    for (InstructDialog dialog : set.dialogs(0, 100)) {
      assertThat(dialog.exchanges().getFirst().task()).isEqualTo(Task.VIEW);
      assertThat(dialog.exchanges().subList(1, dialog.exchanges().size()))
          .allSatisfy(e -> assertThat(e.task()).isEqualTo(Task.BINARY));
    }
    assertThatThrownBy(() -> new Share("guess", 1))
        .isInstanceOf(RadialogException.class)
        .hasMessageStartingWith("there is no task guess: expected one of [report, binary,");
    assertThatThrownBy(() -> new InstructMix(0, 0, 0, 0, true, 0, 0, 1, 0, views, views))
        .isInstanceOf(RadialogException.class)
        .hasMessage("mix.further ends with view, expected a task that may be asked again");
    List<Share> half = List.of(new Share("binary", 0.5));
    assertThatThrownBy(() -> new InstructMix(0, 0, 0, 0, true, 0, 0, 1, 0, half, binary))
        .isInstanceOf(RadialogException.class)
        .hasMessage("mix.opening has the shares [0.5], expected none below 0 and 1 together");
  }

  @Test
  void aReportSaysExactlyTheFindingsThatThePromptNames() {
    for (InstructDialog dialog : DIALOGS) {
      Exchange first = dialog.exchanges().getFirst();
      if (first.task() == Task.REPORT && dialog.findings().isPresent()) {
        Labels said = LABELER.label(first.answer());
        FindingsList list = dialog.findings().get();
        assertThat(pathologies(said)).as(first.answer()).isEqualTo(list.present());
        assertThat(said.in(FindingState.UNCERTAIN)).isEqualTo(list.uncertain());
        assertThat(first.stated()).isEqualTo(list);
      }
    }
  }

  @Test
  void noAnswerContradictsTheListTheReportBeforeItOrItself() {
    for (InstructDialog dialog : concat(DIALOGS, SOME_ASSESSED.dialogs(0, 2000))) {
      Optional<Labels> report = Optional.empty();
      for (Exchange e : dialog.exchanges()) {
        Labels said = LABELER.label(e.answer());
        if (dialog.findings().isPresent()) {
          boolean whole = e.task() == Task.REPORT || e.task() == Task.CORRECTION;
          Consistency consistency =
              whole
                  ? Consistency.of(said, settled(e.stated()), ReportGrammar.FINDINGS)
                  : Consistency.ofAnswer(said, settled(e.stated()), ReportGrammar.FINDINGS, report);
          assertThat(consistency.warnings()).as("%s %s", e.request(), e.answer()).isEmpty();
          if (whole) {
            report = Optional.of(said);
          }
        }
      }
    }
  }

  @Test
  void answersOfEachTaskSayWhatWasAskedFor() {
    for (InstructDialog dialog : DIALOGS) {
      if (dialog.findings().isEmpty()) {
        continue;
      }
      for (Exchange e : dialog.exchanges()) {
        Labels said = LABELER.label(e.answer());
        switch (e.task()) {
          case REPORT, CORRECTION, LIST, NORMAL, IMPRESSION, SUMMARY, EASY -> {
            assertThat(pathologies(said)).as(e.answer()).isEqualTo(e.stated().present());
            assertThat(said.in(FindingState.UNCERTAIN)).isEqualTo(e.stated().uncertain());
          }
          case BINARY ->
              assertThat(e.answer())
                  .matches(
                      "(?:Yes, there is|No, there is no|Possibly, |There is|I cannot say: ).*"
                          + "|.* cannot be excluded\\.");
          case VIEW -> {
            View view = film(dialog).view();
            assertThat(e.answer()).containsPattern("\\b" + view + "\\b");
          }
          case NOT_ASSESSED -> {
            // Or, if it was asked of a finding that is not there, that it is not.
            if (!e.answer().startsWith("There is no ")) {
              assertThat(e.answer()).startsWith("I cannot say: ");
            }
          }
          case REGION, SURE, WHY -> assertThat(e.answer()).endsWith(".");
          case KNOWLEDGE -> {
            assertThat(e.answer()).startsWith("The term ");
            assertThat(pathologies(said)).as(e.answer()).isEmpty();
          }
          case OUTSIDE -> assertThat(pathologies(said)).as(e.answer()).isEmpty();
        }
      }
    }
  }

  @Test
  void whatIsNotAssessedIsOnlySpokenOfWhereTheListNamesIt() {
    int asked = 0;
    for (InstructDialog dialog : SOME_ASSESSED.dialogs(0, 3000)) {
      for (Exchange e : dialog.exchanges()) {
        Labels said = LABELER.label(e.answer());
        for (Finding finding : ReportGrammar.FINDINGS) {
          if (!SOME.contains(finding)) {
            assertThat(said.state(finding)).as(e.answer()).isNotEqualTo(FindingState.ABSENT);
          }
        }
        if (e.answer().equals("I cannot say: atelectasis was not assessed.")) {
          asked++;
        }
      }
    }
    assertThat(asked).isGreaterThan(10);
  }

  @Test
  void whatIsTooOftenMissedIsNeverDeniedAndLeftOpen() {
    Set<Finding> denied = EnumSet.of(Finding.CARDIOMEGALY, Finding.EDEMA);
    InstructDataSet set = dataSet(FILMS, 1, ReportGrammar.FINDINGS, denied);
    Set<String> open = new HashSet<>();
    Set<Finding> negated = EnumSet.noneOf(Finding.class);
    for (InstructDialog dialog : set.dialogs(0, 3000)) {
      for (Exchange e : dialog.exchanges()) {
        Labels said = LABELER.label(e.answer());
        for (Finding finding : ReportGrammar.FINDINGS) {
          if (said.state(finding) == FindingState.ABSENT) {
            negated.add(finding);
          }
        }
        if (e.answer().startsWith("I cannot say whether ")) {
          assertThat(pathologies(said)).as(e.answer()).hasSize(1);
          open.add(e.answer());
        }
      }
    }
    assertThat(negated).isEqualTo(denied);
    assertThat(open)
        .hasSize(ReportGrammar.FINDINGS.size() - denied.size())
        .contains("I cannot say whether there is a pneumothorax: it is often missed.");
  }

  @Test
  void aPromptWithoutFindingsIsAnsweredFromTheFilmOnlyIfTheMixWantsIt() {
    int declined = 0;
    for (InstructDialog dialog : DIALOGS) {
      for (Exchange e : dialog.exchanges()) {
        if (dialog.findings().isEmpty()) {
          assertThat(pathologies(LABELER.label(e.answer()))).as(e.answer()).isEmpty();
          declined += e.answer().startsWith("I cannot say: no list of findings") ? 1 : 0;
        }
      }
    }
    assertThat(declined).isGreaterThan(100);
    var labelsOnly = new InstructDataSet(FILMS, Map.of(), Calls.OF_LABELS, fromFilm(), 1);
    int reports = 0;
    for (InstructDialog dialog : labelsOnly.dialogs(0, 1000)) {
      Exchange first = dialog.exchanges().getFirst();
      if (dialog.findings().isEmpty() && first.task() == Task.REPORT) {
        reports++;
        assertThat(first.stated().present())
            .isEqualTo(ReportGrammar.stated(film(dialog).present()));
        assertThat(pathologies(LABELER.label(first.answer()))).isEqualTo(first.stated().present());
      }
    }
    assertThat(reports).isGreaterThan(100);
  }

  @Test
  void theFirstSentenceOfAReportIsTheFilmsViewAlsoWhereTheListWasEdited() {
    for (InstructDialog dialog : DIALOGS) {
      Exchange first = dialog.exchanges().getFirst();
      if (first.task() == Task.REPORT && dialog.findings().isPresent()) {
        assertThat(first.answer().substring(0, first.answer().indexOf('.')))
            .contains(film(dialog).view() + " ");
      }
    }
  }

  @Test
  void aCorrectionChangesTheReportAsAskedAndLeavesTheRest() {
    int corrections = 0;
    for (InstructDialog dialog : DIALOGS) {
      Exchange report = dialog.exchanges().getFirst();
      for (Exchange e : dialog.exchanges()) {
        if (e.task() == Task.CORRECTION) {
          corrections++;
          var changed = EnumSet.noneOf(Finding.class);
          var there = there(e.stated());
          var before = there(report.stated());
          for (Finding finding : ReportGrammar.FINDINGS) {
            if (report.stated().present().contains(finding)
                    != e.stated().present().contains(finding)
                || before.contains(finding) != there.contains(finding)) {
              changed.add(finding);
            }
          }
          assertThat(changed).isNotEmpty();
          List<String> first = sentences(report.answer());
          List<String> corrected = sentences(e.answer());
          assertThat(corrected.getFirst()).isEqualTo(first.getFirst());
          if (!changed.contains(Finding.CARDIOMEGALY)) {
            assertThat(corrected.get(1)).isEqualTo(first.get(1));
          }
        }
      }
    }
    assertThat(corrections).isGreaterThan(COUNT / 12);
  }

  @Test
  void sharesAreThoseOfTheMix() {
    InstructMix mix = InstructMix.DEFAULT;
    assertThat(
            share(d ->
                d.exchanges().equals(List.of(d.exchanges().getFirst()))
                    && d.exchanges().getFirst().task() == Task.REPORT))
        .isCloseTo(mix.report(), within(0.02));
    assertThat(share(d -> d.exchanges().getFirst().task() == Task.REPORT))
        .isCloseTo(mix.report() + mix.reportDialog(), within(0.02));
    assertThat(share(d -> d.findings().isEmpty())).isCloseTo(mix.withoutFindings(), within(0.03));
    var tasks = new EnumMap<Task, Integer>(Task.class);
    DIALOGS.forEach(d -> d.exchanges().forEach(e -> tasks.merge(e.task(), 1, Integer::sum)));
    assertThat(tasks).containsKeys(Task.values());
    assertThat(tasks.values()).allSatisfy(n -> assertThat(n).isGreaterThan(COUNT / 60));
  }

  @Test
  void yesAndNoAreEquallyFrequentForEachFinding() {
    var yes = new HashMap<String, Integer>();
    var all = new HashMap<String, Integer>();
    for (InstructDialog dialog : DIALOGS) {
      for (Exchange e : dialog.exchanges()) {
        boolean positive = e.answer().startsWith("Yes,");
        if (e.task() == Task.BINARY && (positive || e.answer().startsWith("No,"))) {
          for (Finding finding : asked(e)) {
            for (String key : List.of("all", finding.name())) {
              all.merge(key, 1, Integer::sum);
              yes.merge(key, positive ? 1 : 0, Integer::sum);
            }
          }
        }
      }
    }
    assertThat(all).hasSize(11);
    all.forEach((key, n) ->
        assertThat(yes.getOrDefault(key, 0) / (double) n)
            .as("%s of %d", key, n)
            // Lung opacity follows from most other findings, and is often there with them.
            .isBetween(key.equals("all") ? 0.45 : 0.3, key.equals("all") ? 0.58 : 0.82));
  }

  @Test
  void requestsComeInManyWordingsAndSomeAreMistyped() {
    var requests = new HashSet<String>();
    int asked = 0;
    for (InstructDialog dialog : DIALOGS) {
      for (Exchange e : dialog.exchanges()) {
        if (e.task() == Task.BINARY) {
          asked++;
          requests.add(e.request());
        }
      }
    }
    assertThat(requests.size()).isGreaterThan(asked / 2);
    assertThat(requests).anyMatch(request -> request.equals(request.toLowerCase(Locale.ROOT)));
  }

  @Test
  void everyFilmIsUsedAndEveryFindingIsStatedOften() {
    assertThat(DIALOGS.stream().map(InstructDialog::image).collect(Collectors.toSet()))
        .hasSize(SET.films().size());
    var counts = new EnumMap<Finding, Integer>(Finding.class);
    for (InstructDialog dialog : DIALOGS) {
      Exchange first = dialog.exchanges().getFirst();
      if (first.task() == Task.REPORT) {
        there(first.stated()).forEach(f -> counts.merge(f, 1, Integer::sum));
      }
    }
    assertThat(counts.keySet()).containsExactlyElementsOf(ReportGrammar.FINDINGS);
    assertThat(counts.values()).allSatisfy(n -> assertThat(n).isGreaterThan(COUNT / 20));
  }

  @Test
  void noReportSaysWhatCannotBeKnown() {
    for (InstructDialog dialog : DIALOGS) {
      for (Exchange e : dialog.exchanges()) {
        switch (e.task()) {
          case REPORT, BINARY, NORMAL, LIST, VIEW, CORRECTION, IMPRESSION, SUMMARY, REGION ->
              assertThat(Unknowable.WORDS.matcher(e.answer()).find()).as(e.answer()).isFalse();
          case EASY, SURE, WHY, NOT_ASSESSED, KNOWLEDGE, OUTSIDE -> {
            // They name signs, devices and sizes in general, of which none is said of the film.
          }
        }
      }
    }
  }

  @Test
  void aFilmOfNothingButAHerniaIsNotTaughtAsNormal() {
    Film hernia =
        new Film(
            "h.jpg",
            FILMS.getFirst().file(),
            "h",
            60,
            "M",
            View.PA,
            Map.of(Finding.NO_FINDING, Truth.ABSENT));
    var more = new ArrayList<>(FILMS);
    more.add(hernia);
    assertThat(dataSet(more, 1).films()).doesNotContain(hernia);
  }

  @Test
  void partsMarkAnswersWithTheirEndAndNothingElse() {
    for (InstructDialog dialog : DIALOGS.subList(0, 300)) {
      List<Part> parts = dialog.parts(SmolLm2Format.FORMAT);
      assertThat(parts).filteredOn(part -> part.part() instanceof PromptPart.Image).hasSize(1);
      String learned =
          parts.stream()
              .filter(Part::answer)
              .map(part -> PromptPart.render(List.of(part.part()), ""))
              .collect(Collectors.joining());
      assertThat(learned)
          .isEqualTo(
              dialog.exchanges().stream()
                  .map(e -> e.answer() + "<|im_end|>")
                  .collect(Collectors.joining()));
      // The same text as the product's own dialog at inference.
      Exchange first = dialog.exchanges().getFirst();
      String whole = PromptPart.render(parts.stream().map(Part::part).toList(), "[image]");
      assertThat(whole)
          .startsWith(
              PromptPart.render(
                      SmolLm2Format.FORMAT.open(
                          dialog.findings(), new Turn.Question(first.request())),
                      "[image]")
                  + first.answer()
                  + "<|im_end|>");
    }
  }

  @Test
  void aDialogWithoutAFilmSaysSoAndTellsNothingOfAny() {
    List<InstructDialog> without = ALL.stream().filter(dialog -> dialog.image().isEmpty()).toList();
    assertThat(without.size() / (double) COUNT)
        .isBetween(
            InstructMix.DEFAULT.withoutFilm() - 0.01, InstructMix.DEFAULT.withoutFilm() + 0.01);
    Map<Task, Long> tasks =
        without.stream()
            .flatMap(dialog -> dialog.exchanges().stream())
            .collect(Collectors.groupingBy(Exchange::task, Collectors.counting()));
    assertThat(tasks).containsKeys(Task.REPORT, Task.BINARY, Task.KNOWLEDGE, Task.OUTSIDE);
    assertThat(tasks).doesNotContainKey(Task.CORRECTION); // there is nothing to correct
    for (InstructDialog dialog : without) {
      assertThat(dialog.findings()).isEmpty();
      String prompt =
          PromptPart.render(
              dialog.parts(SmolLm2Format.FORMAT).stream().map(Part::part).toList(), "[image]");
      assertThat(prompt).contains("No radiograph was given").doesNotContain("[image]");
      for (Exchange exchange : dialog.exchanges()) {
        assertThat(pathologies(LABELER.label(exchange.answer()))).as(exchange.toString()).isEmpty();
        if (exchange.task() != Task.KNOWLEDGE && exchange.task() != Task.OUTSIDE) {
          assertThat(exchange.answer()).startsWith("I see no film");
        }
        assertThat(exchange.answer()).doesNotContain("this chest radiograph");
      }
    }
  }

  @Test
  void probabilitiesOfOnlySomeFilmsAreRefused() {
    var one = Map.of(FILMS.getFirst().image(), new double[14]);
    assertThatThrownBy(
            () -> new InstructDataSet(FILMS, one, Calls.OF_LABELS, InstructMix.DEFAULT, 1))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining("14 probabilities");
  }

  private static InstructMix fromFilm() {
    InstructMix d = InstructMix.DEFAULT;
    return new InstructMix(
        d.report(),
        d.reportDialog(),
        0,
        0.5,
        true,
        d.edited(),
        d.random(),
        d.predicted(),
        d.correction(),
        d.opening(),
        d.further());
  }

  private static List<InstructDialog> concat(
      List<InstructDialog> some, List<InstructDialog> others) {
    var all = new ArrayList<>(some);
    all.addAll(others);
    return all;
  }

  private static Set<Finding> there(FindingsList list) {
    var there = EnumSet.noneOf(Finding.class);
    there.addAll(list.present());
    there.addAll(list.uncertain());
    return there;
  }

  // With the ancestors that follow from it, as the product shows a list.
  private static FindingsList settled(FindingsList list) {
    Set<Finding> present = withAncestors(list.present());
    Set<Finding> uncertain = withAncestors(list.uncertain());
    uncertain.removeAll(present);
    return new FindingsList(present, uncertain);
  }

  private static Set<Finding> withAncestors(Set<Finding> findings) {
    var all = EnumSet.noneOf(Finding.class);
    for (Finding finding : findings) {
      all.add(finding);
      all.addAll(ReportGrammar.stated(finding.ancestors()));
    }
    return all;
  }

  private static Set<Finding> asked(Exchange e) {
    Labels said = new RuleLabeler().label(e.answer());
    var named = EnumSet.noneOf(Finding.class);
    named.addAll(said.in(FindingState.PRESENT));
    named.addAll(said.in(FindingState.ABSENT));
    named.remove(Finding.NO_FINDING);
    return named;
  }

  private static List<String> sentences(String report) {
    return List.of(report.split("(?<=\\.) ", -1));
  }

  private double share(Predicate<InstructDialog> which) {
    return DIALOGS.stream().filter(which).count() / (double) DIALOGS.size();
  }

  private Film film(InstructDialog dialog) {
    return Objects.requireNonNull(BY_NAME.get(dialog.image().orElseThrow()));
  }

  private static Set<Finding> pathologies(Labels labels) {
    var present = EnumSet.noneOf(Finding.class);
    present.addAll(labels.present());
    present.remove(Finding.NO_FINDING);
    return present;
  }

  private static InstructDataSet dataSet(List<Film> films, long seed) {
    return dataSet(films, seed, ReportGrammar.FINDINGS);
  }

  private static InstructDataSet dataSet(List<Film> films, long seed, Set<Finding> assessed) {
    return dataSet(films, seed, assessed, ReportGrammar.stated(assessed));
  }

  private static InstructDataSet dataSet(
      List<Film> films, long seed, Set<Finding> assessed, Set<Finding> denied) {
    var random = new Random(3);
    var probabilities = new HashMap<String, double[]>();
    for (Film film : films) {
      double[] row = new double[Finding.COUNT];
      for (Finding finding : Finding.ALL) {
        row[finding.column()] =
            (film.present().contains(finding) ? 0.6 : 0.3) + 0.15 * random.nextGaussian();
      }
      probabilities.put(film.image(), row);
    }
    assertThat(new HashSet<>(probabilities.keySet())).hasSize(films.size());
    return new InstructDataSet(
        films, probabilities, calls(assessed, denied), InstructMix.DEFAULT, seed);
  }

  private static Calls calls(Set<Finding> assessed, Set<Finding> denied) {
    return new Calls(
        Collections.nCopies(Finding.COUNT, 0.55),
        Collections.nCopies(Finding.COUNT, 0.45),
        assessed,
        denied);
  }

  // Patients of one to three films, each with some of the findings that NIH's labels know.
  private static List<Film> films(Random random, int patients) {
    var films = new ArrayList<Film>();
    for (int patient = 0; patient < patients; patient++) {
      for (int i = random.nextInt(3); i >= 0; i--) {
        var truth = new EnumMap<Finding, Truth>(Finding.class);
        for (Finding finding : Finding.NIH_MAPPED) {
          boolean present = random.nextDouble() < 0.02 * finding.column();
          truth.put(finding, present ? Truth.PRESENT : Truth.ABSENT);
        }
        boolean any = truth.containsValue(Truth.PRESENT);
        truth.put(Finding.NO_FINDING, any ? Truth.ABSENT : Truth.PRESENT);
        String image = patient + "_" + i + ".jpg";
        View view = random.nextBoolean() ? View.PA : View.AP;
        films.add(new Film(image, Path.of(image), "" + patient, 50, "F", view, truth));
      }
    }
    return films;
  }
}
