package org.radialog.wire;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.radialog.clinical.Consistency;
import org.radialog.clinical.Finding;
import org.radialog.clinical.FindingsList;
import org.radialog.clinical.RuleLabeler;
import org.radialog.dialog.Engine;
import org.radialog.dialog.Findings;
import org.radialog.dialog.Guidance;
import org.radialog.dialog.Report;
import org.radialog.dialog.Timings;
import org.radialog.dialog.Usage;

class NoticeTest {
  static final String TEXT =
      "There is a pleural effusion. The heart is enlarged and\nunchanged. No edema. No effusion.";

  static Report report(String text, Set<Finding> present) {
    RuleLabeler labeler = new RuleLabeler();
    Findings findings =
        new Findings(
            Finding.ALL.stream()
                .map(f ->
                    Findings.Assessment.of(
                        f, present.contains(f) ? 0.75 : 0.25, 0.5, OptionalDouble.empty()))
                .toList());
    Consistency consistency =
        Consistency.of(labeler.label(text), FindingsList.of(present), Finding.NIH_MAPPED)
            .withoutPrior(labeler.comparisons(text));
    return new Report(
        findings,
        text,
        consistency,
        Guidance.NONE,
        Engine.End.END_TOKEN,
        Usage.NONE,
        new Timings(0, 0, 0, 0, 0));
  }

  @Test
  void eachKindOfWarningIsOneLine() {
    Report report =
        report(TEXT, Set.of(Finding.PLEURAL_EFFUSION, Finding.EDEMA, Finding.PNEUMONIA));
    assertThat(Notice.of(report))
        .containsExactly(
            "listed as present, denied in the report: Edema",
            "listed as present, not stated in the report: Pneumonia",
            "stated in the report, not listed as present: Cardiomegaly",
            "stated and denied in the report: Pleural Effusion:"
                + " \"There is a pleural effusion.\" / \"No effusion.\"",
            "compares with an earlier film, and none was given:"
                + " \"The heart is enlarged and unchanged.\"");
  }

  @Test
  void aReportThatFitsHasNone() {
    Report report = report("There is a pleural effusion.", Set.of(Finding.PLEURAL_EFFUSION));
    assertThat(Notice.of(report)).isEmpty();
    assertThat(WarningJson.of(report, Optional.empty())).isEmpty();
  }
}
