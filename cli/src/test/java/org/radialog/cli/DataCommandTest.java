package org.radialog.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.radialog.data.Film;
import org.radialog.data.Folds;
import org.radialog.data.NihDataSet;

class DataCommandTest {
  @TempDir private Path folder;

  @BeforeEach
  void films() throws IOException {
    StringBuilder table = new StringBuilder("image,patient,age,sex,view,chexpert_positive\n");
    List<String> labels = List.of("Edema", "Pneumothorax", "No Finding", "Cardiomegaly|Edema");
    for (int i = 0; i < 48; i++) {
      table.append(
          "%d.png,\"own, %d\",%d,F,%s,%s%n"
              .formatted(i, i / 2, 40 + i % 30, i % 3 == 0 ? "AP" : "PA", labels.get(i % 4)));
    }
    Files.writeString(folder.resolve("labels.csv"), table);
  }

  private CommandLineRun folds(String name, String... more) {
    String[] arguments = {
      "data", "folds", "--data", folder.toString(), "--out", folder.resolve(name).toString()
    };
    String[] all = Arrays.copyOf(arguments, arguments.length + more.length);
    System.arraycopy(more, 0, all, arguments.length, more.length);
    return CommandLineRun.of(all);
  }

  @Test
  void foldsHaveWholePatientsAndTheirShareOfLabelsAndAreTheSameEachTime() throws IOException {
    CommandLineRun run = folds("a.csv", "--count", "4");
    assertThat(run.code()).as(run.err()).isZero();
    assertThat(run.out().lines()).hasSize(5).contains("   0         6     12");
    folds("b.csv", "--count", "4");
    assertThat(folder.resolve("a.csv")).hasSameTextualContentAs(folder.resolve("b.csv"));
    folds("c.csv", "--count", "4", "--seed", "2");
    assertThat(Files.readString(folder.resolve("c.csv")))
        .isNotEqualTo(Files.readString(folder.resolve("a.csv")));
    List<Film> films = NihDataSet.read(folder).films();
    Folds table = Folds.read(folder.resolve("a.csv"));
    assertThat(table.patients()).hasSize(24).containsKey("own, 7");
    assertThat(table.split(films, 1).test()).hasSize(12);
  }

  @Test
  void filmsOfOnesOwnAreInNoFoldUntilATableIsNamed() throws IOException {
    CommandLineRun without =
        CommandLineRun.of("evaluate", "--data", folder.toString(), "--protocol", "view");
    assertThat(without.code()).isEqualTo(3);
    assertThat(without.errLines())
        .singleElement()
        .asString()
        .contains("in none of the 5 folds")
        .contains("radialog data folds")
        .contains("--folds");
    folds("f.csv", "--count", "3");
    String table = folder.resolve("f.csv").toString();
    CommandLineRun with =
        CommandLineRun.of(
            "evaluate",
            "--data",
            folder.toString(),
            "--protocol",
            "view",
            "--folds",
            table,
            "--fold",
            "3");
    assertThat(with.code()).isEqualTo(2);
    assertThat(with.err()).contains("expected 0 to 2");
    // The folds are found; what fails is the first film, which is none.
    Path init = Files.createFile(folder.resolve("init.pth"));
    CommandLineRun training =
        CommandLineRun.of(
            "train",
            "classifier",
            "--data",
            folder.toString(),
            "--folds",
            table,
            "--init",
            init.toString(),
            "--run",
            folder.resolve("run").toString());
    assertThat(training.code()).isEqualTo(3);
    assertThat(training.err()).doesNotContain("folds").contains("0.png");
  }

  @Test
  void fewerPatientsThanFoldsAndNumbersOutOfRangeAreRefused() {
    CommandLineRun few = folds("a.csv", "--count", "25");
    assertThat(few.code()).isEqualTo(3);
    assertThat(few.err()).contains("24 patients cannot be divided into 25 folds");
    assertThat(folder.resolve("a.csv")).doesNotExist();
    CommandLineRun one = folds("a.csv", "--count", "1");
    assertThat(one.code()).isEqualTo(2);
    assertThat(one.err()).contains("2 to 999");
  }
}
