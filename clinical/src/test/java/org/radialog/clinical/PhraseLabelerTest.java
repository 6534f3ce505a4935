package org.radialog.clinical;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PhraseLabelerTest {
  private final PhraseLabeler labeler = new PhraseLabeler();

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          There is cardiomegaly.                                   | Cardiomegaly     | PRESENT
          The heart is enlarged.                                   | Cardiomegaly     | PRESENT
          The cardiac silhouette is mildly enlarged.               | Cardiomegaly     | PRESENT
          The heart is not enlarged.                               | Cardiomegaly     | ABSENT
          The heart size is within normal limits.                  | Cardiomegaly     | ABSENT
          Normal heart size and mediastinum.                       | Cardiomegaly     | ABSENT
          Patchy opacities are seen.                               | Lung Opacity     | PRESENT
          The lungs are clear.                                     | Lung Opacity     | NOT_MENTIONED
          There is a nodule.                                       | Lung Lesion      | PRESENT
          There is mass effect on the trachea.                     | Lung Lesion      | NOT_MENTIONED
          No pulmonary oedema.                                     | Edema            | ABSENT
          No pneumothorax, pleural effusion or consolidation.      | Consolidation    | ABSENT
          No pneumothorax, pleural effusion or consolidation.      | Pneumothorax     | ABSENT
          No pneumothorax, but there is consolidation.             | Consolidation    | PRESENT
          No pneumothorax is seen and the heart is enlarged.       | Cardiomegaly     | PRESENT
          Pneumothorax and pleural effusion are not seen.          | Pneumothorax     | ABSENT
          Pneumothorax and pleural effusion are not seen.          | Pleural Effusion | ABSENT
          Pleural effusion is absent.                              | Pleural Effusion | ABSENT
          The effusion has resolved.                               | Pleural Effusion | ABSENT
          No change in the pleural effusion.                       | Pleural Effusion | PRESENT
          There is a pericardial effusion.                         | Pleural Effusion | NOT_MENTIONED
          Pneumonia cannot be excluded.                            | Pneumonia        | UNCERTAIN
          Possible pneumonia.                                      | Pneumonia        | UNCERTAIN
          The findings are consistent with pneumonia.              | Pneumonia        | PRESENT
          No, there is a pneumothorax.                             | Pneumothorax     | PRESENT
          No, cardiomegaly is not seen.                            | Cardiomegaly     | ABSENT
          Yes, there is atelectasis.                               | Atelectasis      | PRESENT
          The lungs are free of atelectasis.                       | Atelectasis      | ABSENT
          The lungs are clear of consolidation or pneumothorax.    | Pneumothorax     | ABSENT
          Pleural plaques are present.                             | Pleural Other    | PRESENT
          There is no fracture.                                    | Fracture         | ABSENT
          I cannot say: fractures were not assessed.               | Fracture         | UNCERTAIN
          A central venous line is in place.                       | Support Devices  | PRESENT
          The mediastinum is widened.                              | Enlarged Cardiomediastinum | PRESENT
          The mediastinum is normal.                               | Enlarged Cardiomediastinum | ABSENT
          """)
  void aPhraseAndTheWordsAroundItGiveTheState(
      String report, String finding, FindingState expected) {
    assertThat(labeler.label(report).state(Finding.of(finding))).isEqualTo(expected);
  }

  @Test
  void aDenialInOneSentenceDoesNotReachIntoTheNext() {
    Labels labels = labeler.label("No pneumothorax. Pleural effusion of 1.5 cm. No edema!");
    assertThat(labels.present()).containsExactly(Finding.PLEURAL_EFFUSION);
    assertThat(labels.in(FindingState.ABSENT))
        .containsExactly(Finding.NO_FINDING, Finding.EDEMA, Finding.PNEUMOTHORAX);
  }

  @Test
  void whatIsPresentOnceIsPresentWhateverElseIsSaid() {
    String report = "No pneumonia. Possible pneumonia. There is pneumonia.";
    Labels labels = labeler.label(report);
    assertThat(labels.state(Finding.PNEUMONIA)).isEqualTo(FindingState.PRESENT);
    assertThat(labels.where(Finding.PNEUMONIA))
        .singleElement()
        .satisfies(span -> {
          assertThat(span.of(report)).isEqualTo("pneumonia");
          assertThat(span.start()).isEqualTo(report.lastIndexOf("pneumonia"));
        });
  }

  @Test
  void noFindingFollowsFromTheRest() {
    assertThat(labeler.label("The lungs are clear.").present()).containsExactly(Finding.NO_FINDING);
    assertThat(labeler.label("The lungs are clear. A chest tube is in place.").present())
        .containsExactly(Finding.NO_FINDING, Finding.SUPPORT_DEVICES);
    assertThat(labeler.label("Possible pneumonia.").state(Finding.NO_FINDING))
        .isEqualTo(FindingState.ABSENT);
    assertThat(labeler.label(" \n").state(Finding.NO_FINDING))
        .isEqualTo(FindingState.NOT_MENTIONED);
  }

  @Property
  void anyTextHasAStateForEachFindingAndEverySpanLiesInIt(@ForAll String text) {
    Labels labels = labeler.label(text);
    for (Finding finding : Finding.ALL) {
      assertThat(labels.where(finding))
          .allSatisfy(span -> assertThat(span.end()).isLessThanOrEqualTo(text.length()));
    }
  }

  @Property
  void plainStatementsAndDenialsOfAnyFindingsAreToldApart(
      @ForAll Set<Finding> stated, @ForAll Set<Finding> denied) {
    var present = EnumSet.noneOf(Finding.class);
    present.addAll(stated);
    present.remove(Finding.NO_FINDING);
    var absent = EnumSet.noneOf(Finding.class);
    absent.addAll(denied);
    absent.removeAll(present);
    absent.remove(Finding.NO_FINDING);
    var report = new StringBuilder("Chest radiograph.");
    present.forEach(f -> report.append(" There is ").append(PromptFormat.words(f)).append('.'));
    if (!absent.isEmpty()) {
      List<String> names = absent.stream().map(PromptFormat::words).toList();
      report.append(" There is no ").append(String.join(" or ", names)).append('.');
    }
    Labels labels = labeler.label(report.toString());
    assertThat(labels.in(FindingState.PRESENT)).containsAll(present);
    assertThat(labels.in(FindingState.ABSENT)).containsAll(absent);
    assertThat(
            Consistency.of(labels, present, EnumSet.complementOf(EnumSet.of(Finding.NO_FINDING)))
                .holds())
        .isTrue();
  }

  @Test
  void consistencyNamesWhatIsMissingAndWhatIsTooMuch() {
    Consistency c =
        Consistency.of(
            labeler.label("There is edema. No pneumonia."),
            Set.of(Finding.PNEUMONIA),
            Finding.NIH_MAPPED);
    assertThat(c.unstated()).containsExactly(Finding.PNEUMONIA);
    assertThat(c.contradicting()).containsExactly(Finding.EDEMA);
    assertThat(c.agreeing()).isEqualTo(8);
    assertThat(c.holds()).isFalse();
  }
}
