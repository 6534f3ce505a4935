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
import org.radialog.clinical.Finding;
import org.radialog.clinical.FindingState;
import org.radialog.data.Film;
import org.radialog.data.Folds;
import org.radialog.data.NihDataSet;
import org.radialog.data.PlainTable;
import org.radialog.data.StudySet;
import org.radialog.data.StudySplit;

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

  /** A release of four films, one of which stands in both of its lists under two names. */
  private Path release() throws IOException {
    Path release = folder.resolve("release");
    Files.createDirectories(release.resolve("images"));
    StringBuilder table =
        new StringBuilder(
            "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Sex,View"
                + " Position\n");
    List<String> films =
        List.of("effusion.jpg|Effusion", "cardiomegaly.jpg|No Finding", "no-finding.jpg|Edema");
    for (int i = 0; i < films.size(); i++) {
      String[] film = films.get(i).split("\\|", -1);
      Files.copy(Path.of(CommandLineRun.sample(film[0])), release.resolve("images/" + film[0]));
      table.append("%s,%s,0,%d,58,M,PA%n".formatted(film[0], film[1], i));
    }
    Files.copy(Path.of(CommandLineRun.sample("effusion.jpg")), release.resolve("images/again.jpg"));
    table.append("again.jpg,Effusion,0,7,58,M,PA\n");
    Files.writeString(release.resolve("Data_Entry_2017_v2020.csv"), table);
    Files.writeString(release.resolve("train_val_list.txt"), "effusion.jpg\ncardiomegaly.jpg\n");
    Files.writeString(release.resolve("test_list.txt"), "no-finding.jpg\nagain.jpg\n");
    Files.writeString(
        release.resolve("BBox_List_2017.csv"),
        """
        Image Index,Finding Label,Bbox [x,y,w,h],,,
        effusion.jpg,Infiltrate,225.5,547,86.75,79.25,,,
        effusion.jpg,Mass,1,2,3,x,,,
        again.jpg,Hernia,1,2,3,4,,,
        """);
    return release;
  }

  @Test
  void foldsAreMadeOfARelease() throws IOException {
    CommandLineRun run =
        CommandLineRun.of(
            "data",
            "folds",
            "--data",
            release().toString(),
            "--out",
            folder.resolve("release.csv").toString(),
            "--count",
            "2");
    assertThat(run.code()).as(run.err()).isZero();
    assertThat(Folds.read(folder.resolve("release.csv")).patients()).hasSize(4).containsKey("7");
  }

  @Test
  void boxesArePrintedAndABrokenRowIsNamed() throws IOException {
    String release = release().toString();
    CommandLineRun run = CommandLineRun.of("data", "boxes", "--data", release);
    assertThat(run.code()).isEqualTo(1);
    assertThat(run.out().lines())
        .containsExactly(
            "image,label,finding,x,y,width,height",
            "effusion.jpg,Infiltrate,Lung Opacity,225.5,547.0,86.75,79.25",
            "again.jpg,Hernia,,1.0,2.0,3.0,4.0");
    assertThat(run.errLines()).singleElement().asString().contains("row 3", "\"x\"");
    CommandLineRun json = CommandLineRun.of("data", "boxes", "--json", "--data", release);
    assertThat(json.json().getFirst().get("x").doubleValue()).isEqualTo(225.5);
    assertThat(json.json().get(1).has("finding")).isFalse();
  }

  @Test
  void aFolderWithoutBoxesCannotRun() {
    CommandLineRun run = CommandLineRun.of("data", "boxes", "--data", folder.toString());
    assertThat(run.code()).isEqualTo(3);
    assertThat(run.out()).isEmpty();
    assertThat(run.errLines()).singleElement().asString().contains("BBox_List_2017.csv");
  }

  @Test
  void filmsThatStandInBothListsOfAReleaseAreFound() throws IOException {
    CommandLineRun run =
        CommandLineRun.of("data", "duplicates", "--data", release().toString(), "--of", "films");
    assertThat(run.code()).as(run.err()).isZero();
    assertThat(run.out().lines())
        .containsExactly(
            "first,first_split,second,second_split,similarity",
            "effusion.jpg,train,again.jpg,test,1.0");
  }

  @Test
  void reportsThatStandInTwoSplitsAreFoundAndGoToAFile() throws IOException {
    Path table = folder.resolve("own.csv");
    Files.writeString(
        table,
        """
        image,report,study,split
        ,The heart is normal in size and the lungs are clear.,one,train
        ,The heart is normal in size and the lungs are clear,two,test
        ,There is a large left pleural effusion with atelectasis.,three,test
        gone.png,The heart is large.,four,train
        """);
    Path out = folder.resolve("pairs.jsonl");
    CommandLineRun run =
        CommandLineRun.of(
            "data",
            "duplicates",
            "--data",
            table.toString(),
            "--threshold",
            "0.9",
            "--json",
            "--out",
            out.toString());
    assertThat(run.code()).as(run.err()).isEqualTo(1);
    assertThat(run.out()).isEmpty();
    assertThat(run.err()).contains("gone.png is missing", "wrote " + out);
    assertThat(out)
        .hasContent(
            """
            {"first":"one","first_split":"train","second":"two","second_split":"test","similarity":1.0}
            """);
  }

  @Test
  void duplicatesOfOneSplitOfReportsOfTheNihAndOfALowThresholdAreRefused() throws IOException {
    Path table = folder.resolve("own.csv");
    Files.writeString(table, "image,report\n,The heart is large.\n");
    CommandLineRun one = CommandLineRun.of("data", "duplicates", "--data", table.toString());
    assertThat(one.code()).isEqualTo(3);
    assertThat(one.errLines()).singleElement().asString().contains("at least two", "[none]");
    CommandLineRun nih = CommandLineRun.of("data", "duplicates", "--data", folder.toString());
    assertThat(nih.code()).isEqualTo(2);
    assertThat(nih.err()).contains("--of films");
    CommandLineRun low =
        CommandLineRun.of("data", "duplicates", "--data", "x", "--threshold", "0.4");
    assertThat(low.code()).isEqualTo(2);
    assertThat(low.err()).contains("0.5 to 1");
    CommandLineRun no = CommandLineRun.of("data", "duplicates", "--data", "no-such-folder");
    assertThat(no.code()).isEqualTo(3);
    assertThat(no.errLines()).singleElement().asString().contains("no-such-folder");
  }

  @Test
  void theSampleOfATrainingHasFilmsWithAFindingTwiceAndIsTheSameEachTime() {
    // Three of four films have a finding: 2 x 36, and of the other 12 a thirteenth of these.
    CommandLineRun run =
        CommandLineRun.of("data", "sample", "--for", "training", "--data", folder.toString());
    assertThat(run.code()).as(run.err()).isZero();
    List<String> lines = run.out().lines().toList();
    assertThat(lines).hasSize(1 + 72 + 5).first().asString().endsWith(",Support Devices");
    assertThat(lines).filteredOn(line -> line.contains("/0.png,")).hasSize(2);
    assertThat(
            CommandLineRun.of("data", "sample", "--for", "training", "--data", folder.toString()))
        .isEqualTo(run);
  }

  @Test
  void theSampleOfAnEvaluationIsATableThatEvaluateReads() throws IOException {
    Path table = folder.resolve("sample.csv");
    CommandLineRun run =
        CommandLineRun.of(
            "data",
            "sample",
            "--for",
            "evaluation",
            "--split",
            "test",
            "--data",
            CommandLineRun.sample("studies.csv"),
            "--out",
            table.toString());
    assertThat(run.code()).as(run.err()).isZero();
    StudySet set = new PlainTable(table).readAll();
    assertThat(set.rejected()).isEmpty();
    assertThat(set.studies())
        .singleElement()
        .satisfies(study -> {
          assertThat(study.id()).isEqualTo("two");
          assertThat(study.split()).isEqualTo(StudySplit.TEST);
          assertThat(study.report().findings()).startsWith("The heart is enlarged.");
          assertThat(study.images().getFirst().file()).exists();
          assertThat(study.labels().get(PlainTable.LABELS))
              .containsEntry(Finding.CARDIOMEGALY, FindingState.PRESENT)
              .containsEntry(Finding.PNEUMOTHORAX, FindingState.ABSENT);
        });
  }

  @Test
  void aSampleOfNothingIsRefusedAndLeavesNoFile() {
    Path table = folder.resolve("sample.csv");
    CommandLineRun run =
        CommandLineRun.of(
            "data",
            "sample",
            "--for",
            "training",
            "--split",
            "validate",
            "--data",
            CommandLineRun.sample("studies.csv"),
            "--out",
            table.toString());
    assertThat(run.code()).isEqualTo(3);
    assertThat(run.errLines()).singleElement().asString().contains("in the split validate");
    assertThat(table).doesNotExist();
  }
}
