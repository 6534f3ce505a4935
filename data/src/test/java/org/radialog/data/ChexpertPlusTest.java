package org.radialog.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.radialog.base.RadialogException;
import org.radialog.clinical.Finding;
import org.radialog.clinical.FindingState;
import org.radialog.clinical.ReportSections;
import org.radialog.clinical.View;
import org.radialog.data.StudyImage.Orientation;

class ChexpertPlusTest {
  private static final String HEADER =
      "path_to_image,path_to_dcm,frontal_lateral,ap_pa,deid_patient_id,patient_report_date_order,"
          + "report,section_narrative,section_clinical_history,section_history,section_comparison,"
          + "section_findings,section_impression,age,sex,split\n";

  @TempDir Path folder;

  // The rows of the two images of a study are not adjacent.
  @BeforeEach
  void threeImagesOfTwoStudies() throws IOException {
    write(
        "df_chexpert_plus_240401.csv",
        HEADER
            + """
            train/patient1/study1/view1_frontal.jpg,,Frontal,AP,patient1,1,"Whole
            report.",Chest,Pain,,None.,Clear.,Normal.,61.0,Female,train
            valid/patient2/study1/view1_frontal.jpg,,Frontal,,patient2,1,,,,,,,Edema.,,,valid
            train/patient1/study1/view2_lateral.jpg,,Lateral,,patient1,1,"Whole
            report.",Chest,Pain,,None.,Clear.,Normal.,61.0,Female,train
            """);
    write("PNG/train/patient1/study1/view1_frontal.png", "pixels");
    write("PNG/PNG/train/patient1/study1/view2_lateral.png", "pixels");
    write("valid/patient2/study1/view1_frontal.jpg", "pixels");
  }

  @Test
  void theImagesOfAStudyAreOneStudyWithItsSections() {
    StudySet set = ChexpertPlus.of(folder).readAll();
    assertThat(set.rejected()).isEmpty();
    assertThat(set.studies())
        .extracting(ReportedStudy::id)
        .containsExactlyInAnyOrder("train/patient1/study1", "valid/patient2/study1");
    ReportedStudy study = study(set, "train/patient1/study1");
    assertThat(study.patient()).isEqualTo("patient1");
    assertThat(study.images()).extracting(StudyImage::view).containsExactly(View.AP, View.LATERAL);
    assertThat(study.images())
        .extracting(StudyImage::file)
        .containsExactly(
            folder.resolve("PNG/train/patient1/study1/view1_frontal.png"),
            folder.resolve("PNG/PNG/train/patient1/study1/view2_lateral.png"));
    assertThat(study.report().text(ReportSections.FULL_REPORT)).isEqualTo("Whole\nreport.");
    assertThat(study.report().history()).isEqualTo("Pain");
    assertThat(study.report().findings()).isEqualTo("Clear.");
    assertThat(study.report().impression()).isEqualTo("Normal.");
    assertThat(study.report().text("narrative")).isEqualTo("Chest");
    assertThat(study.age()).hasValue(61);
    assertThat(study.sex()).isEqualTo("F");
    ReportedStudy other = study(set, "valid/patient2/study1");
    assertThat(other.split()).isEqualTo(StudySplit.VALIDATE);
    assertThat(other.images().getFirst().view()).isEqualTo(View.UNKNOWN);
    assertThat(other.images().getFirst().orientation()).isEqualTo(Orientation.FRONTAL);
    assertThat(other.report().findings()).isEmpty();
  }

  @Test
  void chexbertLabelsAreJoinedByImage() throws IOException {
    Path labels =
        write(
            "chexbert_labels/impression_fixed.json",
            """
            {"path_to_image": "valid/patient2/study1/view1_frontal.jpg", "Edema": 1.0, "Fracture": null, "Pneumonia": -1.0, "Atelectasis": NaN}
            {"path_to_image": "train/patient1/study1/view1_frontal.jpg", "No Finding": 2.0}
            no JSON
            """);
    StudySet set = ChexpertPlus.of(folder).withLabels(labels).readAll();
    assertThat(study(set, "valid/patient2/study1").labels().get("chexbert"))
        .containsEntry(Finding.EDEMA, FindingState.PRESENT)
        .containsEntry(Finding.PNEUMONIA, FindingState.UNCERTAIN)
        .containsEntry(Finding.FRACTURE, FindingState.NOT_MENTIONED)
        .containsEntry(Finding.ATELECTASIS, FindingState.NOT_MENTIONED);
    assertThat(study(set, "train/patient1/study1").labels()).isEmpty();
    assertThat(set.rejected())
        .extracting(Rejected::toString)
        .satisfiesExactly(
            line -> assertThat(line).contains("row 2", "No Finding", "2.0"),
            line -> assertThat(line).contains("row 3", "not JSON"));
  }

  @Test
  void missingImagesAndForeignPathsAreLines() throws IOException {
    Files.delete(folder.resolve("valid/patient2/study1/view1_frontal.jpg"));
    Files.writeString(
        folder.resolve("df_chexpert_plus_240401.csv"),
        "image.jpg,,,,p,1,,,,,,,Normal.,,,train\n",
        StandardOpenOption.APPEND);
    StudySet set = ChexpertPlus.of(folder).readAll();
    assertThat(set.studies()).hasSize(2);
    assertThat(study(set, "valid/patient2/study1").images()).isEmpty();
    assertThat(set.rejected())
        .extracting(Rejected::toString)
        .satisfiesExactly(
            line -> assertThat(line).contains("row 3", "valid/patient2", "missing"),
            line -> assertThat(line).contains("row 5", "image.jpg"));
    assertThat(ChexpertPlus.of(folder).withoutImages().readAll().rejected()).hasSize(1);
  }

  @Test
  void anotherTableIsRefused() throws IOException {
    write("df_chexpert_plus_240401.csv", "Path,Sex\na,b\n");
    assertThatThrownBy(() -> ChexpertPlus.of(folder).readAll())
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining("no column \"path_to_image\"");
  }

  private static ReportedStudy study(StudySet set, String id) {
    return set.studies().stream().filter(s -> s.id().equals(id)).findFirst().orElseThrow();
  }

  private Path write(String name, String text) throws IOException {
    Path file = folder.resolve(name);
    Files.createDirectories(file.getParent());
    return Files.writeString(file, text);
  }
}
