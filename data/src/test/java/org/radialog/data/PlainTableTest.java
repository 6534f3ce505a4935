package org.radialog.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.ref.WeakReference;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.radialog.base.RadialogException;
import org.radialog.clinical.Finding;
import org.radialog.clinical.FindingState;
import org.radialog.clinical.View;
import org.radialog.testing.Golden;

class PlainTableTest {
  @TempDir Path folder;

  @Test
  void twoColumnsAreEnough() throws IOException {
    Files.writeString(folder.resolve("a.png"), "pixels");
    StudySet set = read("\ufeffimage,report\na.png,\"Clear \"\"lungs\"\".\"\n,Edema.\n");
    assertThat(set.rejected()).isEmpty();
    assertThat(set.studies()).extracting(ReportedStudy::id).containsExactly("a.png", "row 3");
    assertThat(set.studies().getFirst().report().findings()).isEqualTo("Clear \"lungs\".");
    assertThat(set.studies().getFirst().images().getFirst().file())
        .isEqualTo(folder.resolve("a.png"));
    assertThat(set.studies().get(1).images()).isEmpty();
  }

  @Test
  void allColumnsAreRead() throws IOException {
    Files.writeString(folder.resolve("a.png"), "pixels");
    Files.writeString(folder.resolve("b.png"), "pixels");
    StudySet set =
        read(
            """
            id,study,image,report,patient,split,view,age,sex,Edema,indication
            1,s1,a.png,"R
             FINDINGS: Clear.
             IMPRESSION: Normal.",p,test,PA,61,M,1,Cough.
            2,s1,b.png,,p,test,lateral,61,M,1,
            """);
    assertThat(set.rejected()).isEmpty();
    ReportedStudy study = set.studies().getFirst();
    assertThat(set.studies()).hasSize(1);
    assertThat(study.id()).isEqualTo("s1");
    assertThat(study.patient()).isEqualTo("p");
    assertThat(study.split()).isEqualTo(StudySplit.TEST);
    assertThat(study.images()).extracting(StudyImage::view).containsExactly(View.PA, View.LATERAL);
    assertThat(study.report().findings()).isEqualTo("Clear.");
    assertThat(study.report().impression()).isEqualTo("Normal.");
    assertThat(study.report().indication()).isEqualTo("Cough.");
    assertThat(study.labels().get(PlainTable.LABELS))
        .containsEntry(Finding.EDEMA, FindingState.PRESENT);
    assertThat(study.age()).hasValue(61);
    assertThat(study.sex()).isEqualTo("M");
  }

  @Test
  void aMissingImageIsALineWithRowAndPath() throws IOException {
    StudySet set = read("image,report\ngone.png,Clear.\nx\0y.png,Clear.\nshort\n");
    assertThat(set.studies()).hasSize(1);
    assertThat(set.rejected())
        .extracting(Rejected::toString)
        .satisfiesExactly(
            line -> assertThat(line).contains("row 2", folder.resolve("gone.png") + " is missing"),
            line -> assertThat(line).contains("row 3", "a NUL character"),
            line -> assertThat(line).contains("row 4", "expected 2 cells, found 1"));
  }

  @Test
  void aRowWhoseTextIsCutByAnUnquotedCommaIsALineAndSoIsOneWithAQuoteInTheWrongPlace()
      throws IOException {
    StudySet set =
        read(
            """
            image,report
            ,No pneumothorax, small effusion.
            ,"Clear "lungs"."
            ,Edema.
            """);
    assertThat(set.studies()).extracting(ReportedStudy::id).containsExactly("row 4");
    assertThat(set.rejected())
        .extracting(Rejected::toString)
        .satisfiesExactly(
            line -> assertThat(line).contains("row 2", "expected 2 cells, found 3"),
            line -> assertThat(line).contains("row 3", "the closing quote"));
  }

  @Test
  void aColumnThatIsReadMayNotStandThereTwice() {
    for (String header : new String[] {"image,report,report", "image,report,view,view"}) {
      assertThatThrownBy(() -> read(header + "\n,Clear.,a,b\n"))
          .as(header)
          .isInstanceOf(RadialogException.class)
          .hasMessageContaining("twice");
    }
    assertThatThrownBy(() -> read("image,report,Edema,edema\n,Clear.,1,0\n"))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining("twice");
  }

  @Test
  void tabsSemicolonsAndOtherCasesAreRead() throws IOException {
    assertThat(read("Image\tReport\tAge\n\tClear, no edema.\t50\n").studies())
        .singleElement()
        .satisfies(study -> assertThat(study.age()).hasValue(50));
    assertThat(read("image;report\n;Clear, no edema.\n").studies().getFirst().report().findings())
        .isEqualTo("Clear, no edema.");
  }

  @Test
  void imagesThatDoNotDecodeAreLeftOutOnRequest() throws IOException {
    Path real = Golden.root().resolve("samples");
    Path film;
    try (var files = Files.list(real)) {
      film = files.filter(f -> f.toString().endsWith(".jpg")).sorted().findFirst().orElseThrow();
    }
    Files.copy(film, folder.resolve("a.jpg"));
    byte[] bytes = Files.readAllBytes(film);
    Files.write(folder.resolve("cut.jpg"), Arrays.copyOf(bytes, bytes.length / 2));
    Path table = folder.resolve("t.csv");
    Files.writeString(table, "image,report\na.jpg,Clear.\ncut.jpg,Edema.\n");
    StudySource source = new PlainTable(table);
    assertThat(source.readAll().rejected()).isEmpty();
    var rejected = new ArrayList<Rejected>();
    var studies = new ArrayList<ReportedStudy>();
    StudySource.Tally tally = source.decodable().read(studies::add, rejected::add);
    assertThat(studies).hasSize(2);
    assertThat(studies.get(1).images()).isEmpty();
    assertThat(rejected).singleElement().asString().contains("cut.jpg");
    assertThat(tally).isEqualTo(new StudySource.Tally(2, 1, 1));
  }

  @Test
  void aStudyThatWasHandedOverIsNotKept() throws IOException {
    var text = new StringBuilder("image,report\n");
    for (int i = 0; i < 3_000; i++) {
      text.append(",Clear lungs in study ").append(i).append(".\n");
    }
    Path table = Files.writeString(folder.resolve("t.csv"), text);
    var handedOver = new ArrayList<WeakReference<ReportedStudy>>();
    long[] kept = {-1};
    StudySource.Tally tally =
        new PlainTable(table)
            .read(
                study -> {
                  if (study.id().equals("row 3001")) {
                    System.gc();
                    kept[0] =
                        handedOver.stream().filter(earlier -> !earlier.refersTo(null)).count();
                  }
                  handedOver.add(new WeakReference<>(study));
                },
                line -> {
                  throw new AssertionError(line.toString());
                });
    assertThat(tally.studies()).isEqualTo(3_000);
    assertThat(kept[0]).isBetween(0L, 10L);
  }

  @Test
  void aTableWithoutReportsIsRefused() {
    assertThatThrownBy(() -> read("image,text\na,b\n"))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining("no column \"report\"");
    assertThatThrownBy(() -> new PlainTable(folder.resolve("nowhere.csv")).readAll())
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining("nowhere.csv");
  }

  private StudySet read(String text) throws IOException {
    Path table = folder.resolve("t.csv");
    Files.writeString(table, text);
    return new PlainTable(table).readAll();
  }
}
