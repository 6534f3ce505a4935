package org.radialog.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.function.Predicate;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.radialog.base.RadialogException;
import org.radialog.clinical.Finding;
import org.radialog.clinical.View;
import org.radialog.testing.Golden;
import org.radialog.testing.TestData;

class FoldsTest {
  private static final Path COMMITTED = Golden.root().resolve("data").resolve("nih14-folds.csv");

  @TempDir Path folder;

  @Test
  void theCommittedTableIsWhatTheRoutineMakesOfTheRealFilms() throws IOException {
    List<Film> films = realFilms();
    List<Film> more = realFilms("nih14-more");
    Path made = folder.resolve("folds.csv");
    Folds.stratified(films, 5, Folds.SEED).extended(more).write(made);
    assertThat(Files.readString(made)).isEqualTo(Files.readString(COMMITTED));
    Folds.stratified(films.reversed(), 5, Folds.SEED).extended(more.reversed()).write(made);
    assertThat(Files.readString(made))
        .as("whatever the order of the films")
        .isEqualTo(Files.readString(COMMITTED));
  }

  @Test
  void everyFoldOfTheRealFilmsHasItsShareOfEachLabelAndView() {
    List<Film> films = realFilms();
    Folds folds = Folds.nih14();
    for (Finding finding : Finding.NIH_MAPPED) {
      assertShares(films, folds, film -> film.present().contains(finding));
    }
    assertShares(films, folds, film -> film.present().contains(Finding.NO_FINDING));
    assertShares(films, folds, film -> film.view() == View.PA);
    assertShares(films, folds, film -> film.view() == View.AP);
    assertShares(films, folds, film -> true);
  }

  private static void assertShares(List<Film> films, Folds folds, Predicate<Film> which) {
    double share = films.stream().filter(which).count() / 5.0;
    for (int fold = 0; fold < 5; fold++) {
      assertThat((double) folds.films(films, fold).stream().filter(which).count())
          .isBetween(share - 2 - 0.1 * share, share + 2 + 0.1 * share);
    }
  }

  @Test
  void theCommittedTableHasEveryPatientOnceInFiveFolds() {
    Folds folds = Folds.nih14();
    assertThat(folds).isEqualTo(Folds.read(COMMITTED));
    assertThat(folds.count()).isEqualTo(5);
    assertThat(folds.patients()).hasSize(957);
    for (int fold = 0; fold < 5; fold++) {
      int f = fold;
      assertThat(folds.patients().values().stream().filter(x -> x == f).count())
          .isBetween(175L, 210L);
    }
  }

  @Test
  void furtherPatientsGetFoldsAndNobodyChangesTheFold() {
    List<Film> films = films(new Random(6), 200);
    Folds first = Folds.stratified(films.subList(0, films.size() / 2), 5, 1);
    Folds all = first.extended(films);
    assertThat(all.patients()).containsAllEntriesOf(first.patients());
    assertThat(all.patients().keySet()).containsExactlyInAnyOrderElementsOf(patients(films));
    for (int fold = 0; fold < 5; fold++) {
      assertThat((double) all.films(films, fold).size())
          .isBetween(films.size() / 5.0 * 0.8, films.size() / 5.0 * 1.2);
    }
  }

  @Test
  void aSplitKeepsPatientsApartAndGivesATenthToValidation() {
    List<Film> films = films(new Random(5), 300);
    Folds folds = Folds.stratified(films, 5, 1);
    for (int fold = 0; fold < 5; fold++) {
      Folds.Split split = folds.split(films, fold);
      assertThat(patients(split.train())).doesNotContainAnyElementsOf(patients(split.validation()));
      assertThat(patients(split.train())).doesNotContainAnyElementsOf(patients(split.test()));
      assertThat(patients(split.validation())).doesNotContainAnyElementsOf(patients(split.test()));
      assertThat(split.train().size() + split.validation().size() + split.test().size())
          .isEqualTo(films.size());
      double tenth = (films.size() - split.test().size()) / 10.0;
      assertThat((double) split.validation().size()).isBetween(tenth * 0.8, tenth * 1.2);
      assertThat(folds.split(films, fold)).isEqualTo(split);
    }
  }

  @Property(tries = 25)
  void stratificationIsEvenForAnyFilms(
      @ForAll Random random, @ForAll @IntRange(min = 2, max = 6) int count) {
    List<Film> films = films(random, 200);
    Folds folds = Folds.stratified(films, count, 3);
    assertThat(folds.patients().keySet()).isEqualTo(patients(films));
    for (Finding finding : Finding.NIH_MAPPED) {
      double share =
          films.stream().filter(f -> f.present().contains(finding)).count() / (double) count;
      for (int fold = 0; fold < count; fold++) {
        double here =
            folds.films(films, fold).stream().filter(f -> f.present().contains(finding)).count();
        // The films of a patient cannot be divided between folds.
        assertThat(here).isBetween(share - 12, share + 12);
      }
    }
  }

  @Test
  void aBrokenTableIsRefusedByLine() throws IOException {
    assertRefused("image,fold\n", "expected [patient, fold]");
    assertRefused("patient,fold\n1,0\n1,1\n", "line 3");
    assertRefused("patient,fold\n1,x\n", "line 2");
    assertThatThrownBy(() -> Folds.nih14().films(List.of(), 5))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining("from 0 to 4");
    Film stranger = new Film("x.jpg", folder.resolve("x.jpg"), "none", 1, "F", View.PA, Map.of());
    assertThatThrownBy(() -> Folds.nih14().of(stranger))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining("x.jpg");
  }

  private void assertRefused(String table, String said) throws IOException {
    Path file = Files.writeString(folder.resolve("bad.csv"), table);
    assertThatThrownBy(() -> Folds.read(file))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining(said);
  }

  private static List<Film> realFilms() {
    return realFilms("nih14");
  }

  private static List<Film> realFilms(String set) {
    return NihDataSet.read(TestData.assumeRadiographs().resolve(set)).films();
  }

  private static Set<String> patients(List<Film> films) {
    var patients = new HashSet<String>();
    films.forEach(film -> patients.add(film.patient()));
    return patients;
  }

  /** Films of patients with one to four films each, with rare and frequent labels. */
  static List<Film> films(Random random, int patients) {
    var films = new ArrayList<Film>();
    for (int p = 0; p < patients; p++) {
      int count = 1 + random.nextInt(4) * random.nextInt(2);
      for (int i = 0; i < count; i++) {
        var truth = new EnumMap<Finding, Truth>(Finding.class);
        boolean any = false;
        for (Finding finding : Finding.NIH_MAPPED) {
          boolean present = random.nextDouble() < 0.02 * finding.column();
          truth.put(finding, present ? Truth.PRESENT : Truth.ABSENT);
          any |= present;
        }
        truth.put(Finding.NO_FINDING, any ? Truth.ABSENT : Truth.PRESENT);
        String image = p + "_" + i + ".jpg";
        films.add(
            new Film(
                image,
                Path.of(image),
                "" + p,
                50,
                "F",
                random.nextBoolean() ? View.PA : View.AP,
                truth));
      }
    }
    return films;
  }
}
