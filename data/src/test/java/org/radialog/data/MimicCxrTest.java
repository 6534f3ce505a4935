package org.radialog.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.radialog.base.RadialogException;
import org.radialog.clinical.Finding;
import org.radialog.clinical.FindingState;
import org.radialog.clinical.SectionExceptions;
import org.radialog.clinical.View;

class MimicCxrTest {
  private static final String REPORT =
      """
                                       FINAL REPORT
       INDICATION:  Cough.
      \s
       FINDINGS:\s
      \s
       Lungs
       clear.
      \s
       IMPRESSION:\s
      \s
       Normal.
      """;

  @TempDir Path folder;

  @BeforeEach
  void threeStudiesOfTwoPatients() throws IOException {
    write(
        "mimic-cxr-2.0.0-split.csv",
        """
        dicom_id,study_id,subject_id,split
        aa,50000001,10000032,train
        ab,50000001,10000032,train
        bb,50000002,10000032,train
        cc,50000003,19000000,test
        """);
    writeGz(
        "mimic-cxr-2.0.0-metadata.csv.gz",
        """
        dicom_id,subject_id,study_id,PerformedProcedureStepDescription,ViewPosition
        aa,10000032,50000001,CHEST,PA
        ab,10000032,50000001,CHEST,LL
        bb,10000032,50000002,CHEST,AP
        cc,19000000,50000003,CHEST,
        """);
    writeGz(
        "mimic-cxr-2.0.0-chexpert.csv.gz",
        """
        subject_id,study_id,Atelectasis,Edema,No Finding,Support Devices
        10000032,50000001,1.0,-1.0,,0.0
        19000000,50000003,,,1.0,
        """);
    write("files/p10/p10000032/s50000001.txt", REPORT);
    write("files/p10/p10000032/s50000002.txt", REPORT.replace("Lungs\n clear.", "Effusion."));
    write("files/p19/p19000000/s50000003.txt", "R\n COMPARISON: None.\n");
    for (String image :
        List.of(
            "p10/p10000032/s50000001/aa",
            "p10/p10000032/s50000001/ab",
            "p10/p10000032/s50000002/bb",
            "p19/p19000000/s50000003/cc")) {
      write("files/" + image + ".jpg", "pixels");
    }
  }

  @Test
  void aStudyHasItsImagesViewsReportSplitAndLabels() {
    StudySet set = MimicCxr.of(folder).readAll();
    assertThat(set.rejected()).isEmpty();
    assertThat(set.studies())
        .extracting(ReportedStudy::id)
        .containsExactly("s50000001", "s50000002", "s50000003");
    ReportedStudy study = set.studies().getFirst();
    assertThat(study.patient()).isEqualTo("p10000032");
    assertThat(study.split()).isEqualTo(StudySplit.TRAIN);
    assertThat(study.images())
        .containsExactly(
            StudyImage.of("aa", file("files/p10/p10000032/s50000001/aa.jpg"), View.PA),
            StudyImage.of("ab", file("files/p10/p10000032/s50000001/ab.jpg"), View.LATERAL));
    assertThat(study.report().indication()).isEqualTo("Cough.");
    assertThat(study.report().findingsOnOneLine()).isEqualTo("Lungs clear.");
    assertThat(study.labels()).containsOnlyKeys("chexpert");
    Map<Finding, FindingState> chexpert = study.labels().get("chexpert");
    assertThat(chexpert)
        .containsEntry(Finding.ATELECTASIS, FindingState.PRESENT)
        .containsEntry(Finding.EDEMA, FindingState.UNCERTAIN)
        .containsEntry(Finding.SUPPORT_DEVICES, FindingState.ABSENT)
        .containsEntry(Finding.NO_FINDING, FindingState.NOT_MENTIONED)
        .containsEntry(Finding.FRACTURE, FindingState.NOT_MENTIONED);
    assertThat(set.studies().get(1).labels()).isEmpty();
    assertThat(set.of(StudySplit.TEST)).hasSize(1);
  }

  @Test
  void aRowOfTheOriginalIsAnImageOfAStudyWithFindings() {
    List<ReportRow> rows =
        MimicCxr.of(folder).readAll().studies().stream()
            .flatMap(study -> ReportRow.of(study).stream())
            .toList();
    assertThat(rows).extracting(row -> row.image().id()).containsExactly("aa", "ab", "bb");
    assertThat(rows)
        .extracting(ReportRow::findings)
        .containsExactly("Lungs clear.", "Lungs clear.", "Effusion.");
  }

  @Test
  void whateverIsMissingOrBrokenIsOneLineAndTheRestIsRead() throws IOException {
    Files.delete(folder.resolve("files/p10/p10000032/s50000001/ab.jpg"));
    Files.delete(folder.resolve("files/p10/p10000032/s50000002.txt"));
    Files.write(folder.resolve("files/p19/p19000000/s50000003.txt"), new byte[] {'a', (byte) 0xFF});
    Files.writeString(
        folder.resolve("mimic-cxr-2.0.0-split.csv"),
        """
        dd,50000004,x,test
        ee,50000001,10000032,validate
        ff
        """,
        StandardOpenOption.APPEND);
    writeGz(
        "mimic-cxr-2.0.0-negbio.csv.gz",
        """
        subject_id,study_id,Atelectasis
        10000032,50000001,maybe
        10000032,50000009,1.0
        """);
    StudySet set = MimicCxr.of(folder).readAll();
    assertThat(set.studies()).extracting(ReportedStudy::id).containsExactly("s50000001");
    assertThat(set.studies().getFirst().images()).extracting(StudyImage::id).containsExactly("aa");
    assertThat(set.rejected())
        .extracting(Rejected::toString)
        .satisfiesExactlyInAnyOrder(
            line -> assertThat(line).contains("split.csv, row 6", "\"x\""),
            line -> assertThat(line).contains("split.csv, row 7", "50000001", "validate"),
            line -> assertThat(line).contains("split.csv, row 8", "expected 4 cells, found 1"),
            line -> assertThat(line).contains("negbio.csv.gz, row 2", "Atelectasis", "maybe"),
            line -> assertThat(line).contains("negbio.csv.gz, row 3", "50000009"),
            line -> assertThat(line).contains("split.csv, row 3", "s50000001/ab.jpg is missing"),
            line -> assertThat(line).contains("s50000002.txt", "missing"),
            line -> assertThat(line).contains("s50000003.txt", "UTF-8"));
  }

  @Test
  void sectionsMayComeFromTheSectionedTable() throws IOException {
    Path table =
        write(
            "mimic_cxr_sectioned.csv",
            """
            study,impression,findings,last_paragraph,comparison
            s50000003,,,Heart large.,None.
            s50000001,Normal.,"Lungs
             clear.",,
            s50000009,Normal.,,,
            """);
    StudySet set = MimicCxr.of(folder).withSectioned(table).readAll();
    assertThat(set.studies())
        .extracting(ReportedStudy::id)
        .containsExactly("s50000003", "s50000001");
    assertThat(set.studies().getFirst().report().labelledText()).isEqualTo("Heart large.");
    assertThat(set.studies().get(1).report().findingsOnOneLine()).isEqualTo("Lungs clear.");
    assertThat(set.rejected())
        .extracting(Rejected::toString)
        .satisfiesExactly(
            line -> assertThat(line).contains("row 4", "s50000009"),
            line -> assertThat(line).contains("no row for study s50000002"));
  }

  @Test
  void chexbertLabelsComeByImageAsInTheOriginal() throws IOException {
    Path table =
        write(
            "finding_chexbert_labels.csv",
            "dicom_id,Pneumonia,Fracture\naa,1.0,0.0\nab,1.0,0.0\nzz,1.0,\n");
    StudySet set = MimicCxr.of(folder).withChexbert(table).withoutImages().readAll();
    assertThat(set.studies().getFirst().labels()).containsOnlyKeys("chexpert", "chexbert");
    assertThat(set.studies().getFirst().labels().get("chexbert"))
        .containsEntry(Finding.PNEUMONIA, FindingState.PRESENT)
        .containsEntry(Finding.FRACTURE, FindingState.ABSENT);
    assertThat(set.rejected()).singleElement().asString().contains("row 4", "zz");
  }

  @Test
  void exceptionsApplyOnlyWhereTheUserGivesThem() throws IOException {
    Path table = write("exceptions.csv", "study,start,end,section\ns50000003,,,comparison\n");
    assertThat(MimicCxr.of(folder).readAll().studies().get(2).report().raw("study text")).isEmpty();
    assertThat(
            MimicCxr.of(folder)
                .withExceptions(SectionExceptions.read(table))
                .readAll()
                .studies()
                .get(2)
                .report()
                .text("study text"))
        .isEqualTo("None.");
  }

  @Test
  void reportsMayLieElsewhereOrNowhere() throws IOException {
    Path other = folder.resolve("reports");
    Files.createDirectories(other);
    Files.move(folder.resolve("files"), other.resolve("files"));
    StudySet set = MimicCxr.of(folder).withReports(other).withoutImages().readAll();
    assertThat(set.studies()).hasSize(3);
    assertThat(set.rejected()).isEmpty();
    set = MimicCxr.of(folder).withoutReports().readAll();
    assertThat(set.studies()).hasSize(3).allMatch(study -> study.report().sections().isEmpty());
    assertThat(set.rejected()).hasSize(4); // their images are rejected with them
  }

  @Test
  void anotherTableIsRefused() throws IOException {
    write("mimic-cxr-2.0.0-split.csv", "image,split\na,train\n");
    assertThatThrownBy(() -> MimicCxr.of(folder).readAll())
        .isInstanceOf(RadialogException.class)
        .hasMessageContainingAll("split.csv", "no column \"dicom_id\"", "[image, split]");
    Files.delete(folder.resolve("mimic-cxr-2.0.0-split.csv"));
    assertThatThrownBy(() -> MimicCxr.of(folder).readAll())
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining("has no file mimic-cxr-2.*-split.csv");
    assertThatThrownBy(() -> MimicCxr.of(folder.resolve("nowhere")).readAll())
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining("is not a folder");
  }

  private Path file(String name) {
    return folder.resolve(name);
  }

  private Path write(String name, String text) throws IOException {
    Path file = folder.resolve(name);
    Files.createDirectories(file.getParent());
    return Files.writeString(file, text);
  }

  private void writeGz(String name, String text) throws IOException {
    try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(folder.resolve(name)))) {
      out.write(text.getBytes(StandardCharsets.UTF_8));
    }
  }
}
