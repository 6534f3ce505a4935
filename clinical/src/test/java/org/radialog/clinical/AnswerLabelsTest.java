package org.radialog.clinical;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AnswerLabelsTest {
  private final RuleLabeler labeler = new RuleLabeler();

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          Is there a pleural effusion?               | Yes.                           | PLEURAL_EFFUSION | PRESENT
          Is there a pleural effusion?               | No.                            | PLEURAL_EFFUSION | ABSENT
          Do you see any signs of pneumonia?         | No, not on this film.          | PNEUMONIA        | ABSENT
          Does the patient have edema?               | Yes, it does.                  | EDEMA            | PRESENT
          Can you tell me if there is a pneumothorax?| Yes                            | PNEUMOTHORAX     | PRESENT
          Is there a pleural effusion?               | Yes, there is edema.           | PLEURAL_EFFUSION | NOT_MENTIONED
          Is there a pleural effusion?               | Yes, there is edema.           | EDEMA            | PRESENT
          What do you see?                           | There is a pneumothorax.       | PNEUMOTHORAX     | PRESENT
          What is the capital of France?             | No.                            | EDEMA            | NOT_MENTIONED
          Are the lungs clear?                       | Yes.                           | LUNG_OPACITY     | NOT_MENTIONED
          """)
  void aBareYesOrNoSpeaksOfWhatWasAsked(
      String question, String answer, Finding finding, FindingState state) {
    assertThat(AnswerLabels.of(labeler, question, answer).state(finding)).isEqualTo(state);
  }
}
