package org.radialog.tasks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.radialog.base.RadialogException;
import org.radialog.base.Sha256;
import org.radialog.clinical.Finding;
import org.radialog.clinical.FindingState;
import org.radialog.clinical.FindingWords;
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
  private static final List<InstructDialog> DIALOGS = SET.dialogs(0, COUNT);

  @Test
  void aDialogDependsOnSeedAndNumberAlone() {
    InstructDataSet again = dataSet(FILMS, 1);
    assertThat(again.dialog(3711)).isEqualTo(DIALOGS.get(3711));
    assertThat(again.dialogs(100, 200)).isEqualTo(DIALOGS.subList(100, 200));
    assertThat(dataSet(FILMS, 2).dialogs(0, 50)).isNotEqualTo(DIALOGS.subList(0, 50));
  }

  @Test
  void theFirstDialogsOfTheMixAreTheSameInEveryVersion() {
    StringBuilder all = new StringBuilder();
    DIALOGS.subList(0, 1000).forEach(dialog -> all.append(dialog).append('\n'));
    assertThat(Sha256.of(all.toString()))
        .isEqualTo("a7c61cd0ac7e5d707e218924fa4d3b8d4f28f4cc81d6d3cf8861b057fe3424cc");
  }

  @Test
  void sharesOfTasksAreConfiguration() {
    InstructMix d = InstructMix.DEFAULT;
    List<Share> views = List.of(new Share("view", 1));
    List<Share> binary = List.of(new Share("binary", 1));
    var mix =
        new InstructMix(0, 0, d.withoutFindings(), d.edited(), d.random(), 1, 0, views, binary);
    var set = new InstructDataSet(FILMS, Map.of(), new double[14], mix, 1);
    for (InstructDialog dialog : set.dialogs(0, 100)) {
      assertThat(dialog.exchanges().getFirst().task()).isEqualTo(Task.VIEW);
      assertThat(dialog.exchanges().subList(1, dialog.exchanges().size()))
          .allSatisfy(e -> assertThat(e.task()).isEqualTo(Task.BINARY));
    }
    assertThatThrownBy(() -> new Share("guess", 1))
        .isInstanceOf(RadialogException.class)
        .hasMessageStartingWith("there is no task guess: expected one of [report, binary,");
    assertThatThrownBy(() -> new InstructMix(0, 0, 0, 0, 0, 1, 0, views, views))
        .isInstanceOf(RadialogException.class)
        .hasMessage("mix.further ends with view, expected a task that may be asked again");
    List<Share> half = List.of(new Share("binary", 0.5));
    assertThatThrownBy(() -> new InstructMix(0, 0, 0, 0, 0, 1, 0, half, binary))
        .isInstanceOf(RadialogException.class)
        .hasMessage("mix.opening has the shares [0.5], expected none below 0 and 1 together");
  }

  @Test
  void aReportSaysExactlyTheFindingsThatThePromptNames() {
    for (InstructDialog dialog : DIALOGS) {
      Exchange first = dialog.exchanges().getFirst();
      if (first.task() == Task.REPORT) {
        Set<Finding> stated = pathologies(LABELER.label(first.answer()));
        assertThat(stated).isEqualTo(first.stated());
        dialog.findings().ifPresent(list -> assertThat(stated).isEqualTo(list));
      }
    }
  }

  @Test
  void everyAnswerAgreesWithWhatTheDialogHasEstablished() {
    for (InstructDialog dialog : DIALOGS) {
      for (Exchange e : dialog.exchanges()) {
        Labels said = LABELER.label(e.answer());
        switch (e.task()) {
          case REPORT, CORRECTION, LIST, IMPRESSION, SUMMARY ->
              assertThat(pathologies(said)).as(e.answer()).isEqualTo(e.stated());
          case NORMAL -> {
            assertThat(e.answer().startsWith("Yes")).isEqualTo(e.stated().isEmpty());
            assertThat(pathologies(said)).isEqualTo(e.stated());
          }
          case BINARY -> {
            boolean yes = e.answer().startsWith("Yes, ");
            assertThat(yes || e.answer().startsWith("No, ")).isTrue();
            var named = EnumSet.noneOf(Finding.class);
            named.addAll(said.in(yes ? FindingState.PRESENT : FindingState.ABSENT));
            named.remove(Finding.NO_FINDING);
            assertThat(named).as(e.request() + " " + e.answer()).hasSize(1);
            assertThat(e.stated().containsAll(named)).isEqualTo(yes);
          }
          case VIEW -> {
            View view = film(dialog).view();
            assertThat(e.answer()).containsPattern("\\b" + view + "\\b");
          }
          case NOT_ASSESSED -> assertThat(e.answer()).startsWith("I cannot say: ");
        }
      }
    }
  }

  @Test
  void theFirstSentenceOfAReportIsTheFilmsViewAlsoWhereTheListWasEdited() {
    for (InstructDialog dialog : DIALOGS) {
      Exchange first = dialog.exchanges().getFirst();
      if (first.task() == Task.REPORT) {
        assertThat(first.answer().substring(0, first.answer().indexOf('.')))
            .contains(" " + film(dialog).view() + " ");
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
          changed.addAll(e.stated());
          report.stated().forEach(f -> toggle(changed, f));
          assertThat(changed).isNotEmpty().hasSizeLessThanOrEqualTo(4);
          for (Finding finding : changed) {
            assertThat(e.request())
                .containsIgnoringCase(
                    finding == Finding.EDEMA ? "edema" : FindingWords.of(finding));
          }
          List<String> before = sentences(report.answer());
          List<String> after = sentences(e.answer());
          assertThat(after.getFirst()).isEqualTo(before.getFirst());
          for (Finding kept : report.stated()) {
            if (!changed.contains(kept)) {
              assertThat(after)
                  .contains(before.get(1 + List.copyOf(report.stated()).indexOf(kept)));
            }
          }
        }
      }
    }
    assertThat(corrections).isGreaterThan(COUNT / 10);
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
  void yesAndNoAreEquallyFrequentForEachFindingWithAndWithoutAList() {
    var yes = new HashMap<String, Integer>();
    var all = new HashMap<String, Integer>();
    for (InstructDialog dialog : DIALOGS) {
      for (Exchange e : dialog.exchanges()) {
        if (e.task() == Task.BINARY) {
          boolean positive = e.answer().startsWith("Yes");
          for (Finding finding : asked(e)) {
            for (String key :
                List.of("all", finding.name(), "list " + dialog.findings().isPresent())) {
              all.merge(key, 1, Integer::sum);
              yes.merge(key, positive ? 1 : 0, Integer::sum);
            }
          }
        }
      }
    }
    assertThat(all).hasSize(13);
    all.forEach((key, n) ->
        assertThat(yes.getOrDefault(key, 0) / (double) n)
            .as("%s of %d", key, n)
            .isBetween(
                key.startsWith("a") || key.startsWith("list") ? 0.45 : 0.3,
                key.startsWith("a") || key.startsWith("list") ? 0.55 : 0.7));
  }

  @Test
  void everyFilmIsUsedAndEveryFindingIsStatedOften() {
    assertThat(DIALOGS.stream().map(InstructDialog::image).collect(Collectors.toSet()))
        .hasSize(SET.films().size());
    var counts = new EnumMap<Finding, Integer>(Finding.class);
    for (InstructDialog dialog : DIALOGS) {
      Exchange first = dialog.exchanges().getFirst();
      if (first.task() == Task.REPORT) {
        first.stated().forEach(f -> counts.merge(f, 1, Integer::sum));
      }
    }
    assertThat(counts.keySet()).containsExactlyElementsOf(ReportGrammar.FINDINGS);
    assertThat(counts.values()).allSatisfy(n -> assertThat(n).isGreaterThan(COUNT / 20));
  }

  @Test
  void noAnswerSaysWhatCannotBeKnown() {
    for (InstructDialog dialog : DIALOGS) {
      for (Exchange e : dialog.exchanges()) {
        if (e.task() != Task.NOT_ASSESSED) {
          assertThat(Unknowable.WORDS.matcher(e.answer()).find()).as(e.answer()).isFalse();
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
                          dialog.findings().map(FindingsList::of),
                          new Turn.Question(first.request())),
                      "[image]")
                  + first.answer()
                  + "<|im_end|>");
    }
  }

  @Test
  void withoutProbabilitiesTheLabelsStandInAndMissingOnesAreRefused() {
    var labelsOnly = new InstructDataSet(FILMS, Map.of(), new double[14], InstructMix.DEFAULT, 1);
    for (InstructDialog dialog : labelsOnly.dialogs(0, 500)) {
      Exchange first = dialog.exchanges().getFirst();
      if (dialog.findings().isEmpty()) {
        assertThat(first.stated()).isEqualTo(ReportGrammar.stated(film(dialog).present()));
      }
    }
    var one = Map.of(FILMS.getFirst().image(), new double[14]);
    assertThatThrownBy(
            () -> new InstructDataSet(FILMS, one, new double[14], InstructMix.DEFAULT, 1))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining("14 probabilities");
  }

  private static Set<Finding> asked(Exchange e) {
    Labels said = new RuleLabeler().label(e.answer());
    var named = EnumSet.noneOf(Finding.class);
    named.addAll(said.in(FindingState.PRESENT));
    named.addAll(said.in(FindingState.ABSENT));
    named.remove(Finding.NO_FINDING);
    return named;
  }

  private static void toggle(Set<Finding> set, Finding finding) {
    if (!set.remove(finding)) {
      set.add(finding);
    }
  }

  private static List<String> sentences(String report) {
    return List.of(report.split("(?<=\\.) ", -1));
  }

  private double share(Predicate<InstructDialog> which) {
    return DIALOGS.stream().filter(which).count() / (double) COUNT;
  }

  private Film film(InstructDialog dialog) {
    return Objects.requireNonNull(BY_NAME.get(dialog.image()));
  }

  private static Set<Finding> pathologies(Labels labels) {
    var present = EnumSet.noneOf(Finding.class);
    present.addAll(labels.present());
    present.remove(Finding.NO_FINDING);
    return present;
  }

  private static InstructDataSet dataSet(List<Film> films, long seed) {
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
    double[] thresholds = new double[Finding.COUNT];
    Arrays.fill(thresholds, 0.5);
    assertThat(new HashSet<>(probabilities.keySet())).hasSize(films.size());
    return new InstructDataSet(films, probabilities, thresholds, InstructMix.DEFAULT, seed);
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
