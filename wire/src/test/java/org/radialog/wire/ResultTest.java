package org.radialog.wire;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.radialog.base.RadialogException;
import org.radialog.clinical.Consistency;
import org.radialog.clinical.Finding;
import org.radialog.codecs.ImageRefused;
import org.radialog.dialog.Engine;
import org.radialog.dialog.Findings;
import org.radialog.dialog.Guidance;
import org.radialog.dialog.Reply;
import org.radialog.dialog.Report;
import org.radialog.dialog.Timings;
import org.radialog.dialog.Usage;
import org.radialog.imaging.Guard;
import org.radialog.imaging.Radiograph;
import org.radialog.published.ModelConfig;
import org.radialog.published.Performance;

/** The fields of every result, to the byte: programs read them. */
class ResultTest {
  private static final ModelJson MODEL = new ModelJson("mini", "1.2", "int8", "int8, AVX2");

  private static final Radiograph FILM = Radiograph.ofGrey("a.png", 300, 200, new byte[300 * 200]);

  private static final ImageJson IMAGE = ImageJson.of(Path.of("films/a.png"), FILM);

  private static final String IMAGE_FIELDS =
      "\"image\":{\"path\":\"films/a.png\",\"sha256\":\"%s\",\"width\":300,\"height\":200}"
          .formatted(FILM.sha256());

  private static final String MODEL_FIELDS =
      "\"model\":{\"id\":\"mini\",\"version\":\"1.2\",\"precision\":\"int8\","
          + "\"kernels\":\"int8, AVX2\"}";

  private static final String NOTICE = "\"notice\":\"For research use, not for diagnosis.\"";

  private static final GuardJson GUARD =
      GuardJson.of(true, List.of(new Guard.Warning(Guard.Code.ASPECT_RATIO, "a.png: \"wide\" ×2")));

  private static final String GUARD_FIELDS =
      "\"guard\":{\"accepted\":true,\"warnings\":"
          + "[{\"code\":\"aspect_ratio\",\"message\":\"a.png: \\\"wide\\\" ×2\"}]}";

  private static final Usage USAGE = new Usage(70, 40, 12);
  private static final Timings TIMES = new Timings(1.23456, 20, 30.0004, 0.0004, 55.5555);

  private static final String TURN_FIELDS =
      "\"usage\":{\"prompt_tokens\":70,\"cached_tokens\":40,\"completion_tokens\":12},"
          + "\"timings_ms\":{\"load\":100.123,\"encode\":1.235,\"prefill\":20.0,"
          + "\"first_token\":130.0,\"decode\":0.0,\"total\":155.556},"
          + NOTICE;

  private static final TimingsJson TIMINGS = TimingsJson.of(100.1234, TIMES, 100);

  private static final Performance PERFORMANCE =
      new Performance(
          "Edema",
          80,
          20,
          new Performance.Figure(0.75444, 0.6, 0.8),
          new Performance.Figure(0.5, 0.4, 0.6),
          new Performance.Figure(0.7, 0.6, 0.8),
          new Performance.Figure(0.96, 0.9, 1),
          Optional.of(new Performance.Figure(0.44444, 0.25, 0.65)),
          Optional.empty(),
          0.15625);

  private static final String PERFORMANCE_FIELDS =
      "\"performance\":{\"films\":80,\"positives\":20,"
          + "\"auroc\":{\"value\":0.754,\"low\":0.6,\"high\":0.8},"
          + "\"sensitivity\":{\"value\":0.5,\"low\":0.4,\"high\":0.6},"
          + "\"sensitivity_with_uncertain\":{\"value\":0.7,\"low\":0.6,\"high\":0.8},"
          + "\"specificity\":{\"value\":0.96,\"low\":0.9,\"high\":1.0},"
          + "\"ppv\":{\"value\":0.444,\"low\":0.25,\"high\":0.65},\"uncertain\":0.156}";

  /** One finding of each kind; the others were never assessed. */
  private static Findings findings() {
    return new Findings(
        Finding.ALL.stream()
            .map(f ->
                switch (f) {
                  case EDEMA -> assessed(f, Findings.State.PRESENT, 0.87654, false, false);
                  case CONSOLIDATION -> assessed(f, Findings.State.UNCERTAIN, 0.3, false, false);
                  case PNEUMONIA -> assessed(f, Findings.State.ABSENT, 0.1, true, false);
                  case NO_FINDING -> assessed(f, Findings.State.ABSENT, 1, false, true);
                  default ->
                      new Findings.Assessment(
                          f,
                          Findings.State.NOT_ASSESSED,
                          Findings.Grounds.of(
                              f == Finding.LUNG_LESION
                                  ? ModelConfig.Evidence.WEAK
                                  : ModelConfig.Evidence.UNTRAINED),
                          OptionalDouble.empty(),
                          OptionalDouble.empty(),
                          OptionalDouble.empty(),
                          false,
                          false);
                })
            .toList());
  }

  private static Findings.Assessment assessed(
      Finding finding, Findings.State state, double probability, boolean edited, boolean implied) {
    return new Findings.Assessment(
        finding,
        state,
        new Findings.Grounds(
            ModelConfig.Evidence.TRAINED,
            finding == Finding.EDEMA ? Optional.of(PERFORMANCE) : Optional.empty()),
        OptionalDouble.of(probability),
        OptionalDouble.of(0.33333),
        state == Findings.State.UNCERTAIN ? OptionalDouble.of(0.2) : OptionalDouble.empty(),
        edited,
        implied);
  }

  private static Consistency consistency(Consistency.Warning... warnings) {
    return new Consistency(Set.of(), Set.of(), Set.of(), List.of(warnings));
  }

  private static String findingFields() {
    StringBuilder fields = new StringBuilder("\"findings\":[");
    for (Finding f : Finding.ALL) {
      fields
          .append(f == Finding.ALL.getFirst() ? "" : ",")
          .append("{\"label\":\"")
          .append(f.label())
          .append("\",\"state\":")
          .append(
              switch (f) {
                case EDEMA ->
                    "\"present\",\"probability\":0.877,\"threshold\":0.333,\"edited\":false,\"implied\":false,\"evidence\":\"trained\","
                        + PERFORMANCE_FIELDS
                        + "}";
                case CONSOLIDATION ->
                    "\"uncertain\",\"probability\":0.3,\"threshold\":0.333,\"uncertain_above\":0.2,\"edited\":false,\"implied\":false,\"evidence\":\"trained\"}";
                case PNEUMONIA ->
                    "\"absent\",\"probability\":0.1,\"threshold\":0.333,\"edited\":true,\"implied\":false,\"evidence\":\"trained\"}";
                case NO_FINDING ->
                    "\"absent\",\"probability\":1.0,\"threshold\":0.333,\"edited\":false,\"implied\":true,\"evidence\":\"trained\"}";
                case LUNG_LESION ->
                    "\"not_assessed\",\"edited\":false,\"implied\":false,\"evidence\":\"weak\"}";
                default ->
                    "\"not_assessed\",\"edited\":false,\"implied\":false,\"evidence\":\"untrained\"}";
              });
    }
    return fields.append(']').toString();
  }

  @Test
  void aReportHasItsFieldsInTheirOrder() {
    Report report =
        new Report(
            findings(),
            "No edema.",
            consistency(
                new Consistency.Warning(
                    Consistency.Kind.LISTED_AND_DENIED, Optional.of(Finding.EDEMA), List.of())),
            Guidance.NONE,
            Engine.End.END_TOKEN,
            USAGE,
            TIMES);
    Reply impression =
        new Reply(
            "?",
            "Nothing.",
            consistency(),
            Guidance.NONE,
            Engine.End.END_TOKEN,
            USAGE,
            List.of(),
            TIMES);
    assertThat(ReportJson.of(IMAGE, MODEL, GUARD, report, Optional.of(impression), TIMINGS).json())
        .isEqualTo(
            "{"
                + String.join(
                    ",",
                    IMAGE_FIELDS,
                    MODEL_FIELDS,
                    GUARD_FIELDS,
                    findingFields(),
                    "\"report\":{\"findings\":\"No edema.\",\"impression\":\"Nothing.\","
                        + "\"warnings\":[{\"code\":\"listed_and_denied\",\"label\":\"Edema\","
                        + "\"in\":\"report\","
                        + "\"message\":\"listed as present, denied in the report\","
                        + "\"sentences\":[]}],\"guidance\":{\"again\":0,\"left_out\":[]}}",
                    "\"conflicts\":[\"listed as present, denied in the report: Edema\"]",
                    TURN_FIELDS)
                + "}");
  }

  @Test
  void aReportWithoutAnImpressionHasAnEmptyOne() {
    Report report = NoticeTest.report("No edema.", Set.of());
    assertThat(ReportJson.of(IMAGE, MODEL, GUARD, report, Optional.empty(), TIMINGS).json())
        .contains(
            "\"report\":{\"findings\":\"No"
                + " edema.\",\"impression\":\"\",\"warnings\":[],\"guidance\":{\"again\":0,\"left_out\":[]}}")
        .contains("\"conflicts\":[]");
  }

  @Test
  void findingsAloneHaveNoTimesOfAText() {
    assertThat(
            FindingsJson.of(IMAGE, MODEL, GUARD, findings(), TimingsJson.ofFindings(1, 2.5, 3.4567))
                .json())
        .isEqualTo(
            "{"
                + String.join(
                    ",",
                    IMAGE_FIELDS,
                    MODEL_FIELDS,
                    GUARD_FIELDS,
                    findingFields(),
                    "\"timings_ms\":{\"load\":1.0,\"encode\":2.5,\"total\":3.457}",
                    NOTICE)
                + "}");
  }

  @Test
  void aTurnHasQuestionAndAnswer() {
    Reply reply =
        new Reply(
            "Röntgen?\n",
            "Yes.",
            consistency(),
            Guidance.NONE,
            Engine.End.END_TOKEN,
            USAGE,
            List.of(),
            TIMES);
    assertThat(TurnJson.of(reply, TIMINGS).json())
        .isEqualTo(
            "{\"question\":\"Röntgen?\\n\",\"answer\":\"Yes.\",\"warnings\":[],\"guidance\":{\"again\":0,\"left_out\":[]},"
                + TURN_FIELDS
                + "}");
  }

  @Test
  void eachWarningHasACodeALabelAndItsSentences() {
    List<WarningJson> rows =
        WarningJson.of(
            NoticeTest.report(NoticeTest.TEXT, Set.of(Finding.PLEURAL_EFFUSION)), Optional.empty());
    assertThat(rows).hasSize(3);
    assertThat(rows.get(0))
        .isEqualTo(
            new WarningJson(
                "stated_without_support",
                Optional.of("Cardiomegaly"),
                "report",
                "stated in the report, not listed as present",
                List.of("The heart is enlarged and unchanged.")));
    assertThat(rows.get(1).code()).isEqualTo("stated_and_denied");
    assertThat(rows.get(1).sentences()).hasSize(2);
    assertThat(rows.get(2).code()).isEqualTo("comparison_without_prior");
    assertThat(rows.get(2).label()).isEmpty();
  }

  @Test
  void anImageOnWhichNothingWasWrittenHasTheError() {
    RadialogException failure =
        new ImageRefused(ImageRefused.Reason.COLOUR, "a.jpg", "is a colour picture");
    assertThat(
            RefusedJson.of(
                    ImageJson.of(Path.of("a.jpg"), null),
                    MODEL,
                    ErrorJson.of(failure, failure.getMessage()),
                    GuardJson.of(false, List.of()))
                .json())
        .isEqualTo(
            "{\"image\":{\"path\":\"a.jpg\"},"
                + MODEL_FIELDS
                + ",\"error\":{\"code\":\"colour\",\"message\":\"a.jpg: is a colour picture\"},"
                + "\"guard\":{\"accepted\":false,\"warnings\":[]},"
                + NOTICE
                + "}");
    assertThat(ErrorJson.of(new RadialogException("no memory"), "no memory").code())
        .isEqualTo("failed");
  }

  @Test
  void findingsThatAreNotAssessedAreNamedForPeopleByTheReason() {
    assertThat(FindingsView.lines(findings(), false, false))
        .anyMatch(line -> line.startsWith("  Edema"))
        .noneMatch(line -> line.startsWith("  Lung Lesion"))
        .contains("  Not assessed by this model (too weak to tell): Lung Lesion")
        .anyMatch(
            line -> line.startsWith("  Not assessed by this model (never trained): Enlarged"));
  }

  @Test
  void howOftenCallsWereRightIsATableForPeople() {
    assertThat(FindingsView.performance(List.of(PERFORMANCE), false))
        .hasSize(3)
        .last()
        .asString()
        .matches(
            " *Edema +20/80 +0.50 \\(0.40-0.60\\) +0.96 \\(0.90-1.00\\) +0.44 \\(0.25-0.65\\)"
                + " +never called");
    assertThat(FindingsView.performance(List.of(), true)).isEmpty();
  }
}
