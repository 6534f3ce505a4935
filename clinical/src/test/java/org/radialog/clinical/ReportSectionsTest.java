package org.radialog.clinical;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.CharRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.radialog.base.RadialogException;
import org.radialog.clinical.ReportSections.Section;

class ReportSectionsTest {
  private static final String REPORT =
      """
                                       FINAL REPORT
       EXAMINATION:  Chest.
      \s
       INDICATION:  Cough.
      \s
       HISTORY:  Asthma.
      \s
       TECHNIQUE:  Two views.
      \s
       COMPARISON:  None.
      \s
       FINDINGS:\s
      \s
       Clear.
      \s
       IMPRESSION:\s
      \s
       Normal.
      \s
       ADDENDUM:  First call.
      \s
       SECOND ADDENDUM:  Second call.
      """;

  @TempDir Path folder;

  @Test
  void everySectionOfAReportIsAtHand() {
    ReportSections sections = ReportSections.mimic(REPORT);
    assertThat(sections.indication()).isEqualTo("Cough.");
    assertThat(sections.history()).isEqualTo("Asthma.");
    assertThat(sections.technique()).isEqualTo("Two views.");
    assertThat(sections.comparison()).isEqualTo("None.");
    assertThat(sections.findings()).isEqualTo("Clear.");
    assertThat(sections.impression()).isEqualTo("Normal.");
    assertThat(sections.addenda()).containsExactly("First call.", "Second call.");
    assertThat(sections.raw(ReportSections.FINDINGS)).contains("\n \n Clear.\n ");
    assertThat(sections.raw("wet read")).isEmpty();
    assertThat(sections.labelledText()).isEqualTo("Normal.");
  }

  @Test
  void labelsAreReadFromTheBestSectionThatThereIs() {
    assertThat(ReportSections.mimic("R\n FINDINGS: Clear.\n").labelledText()).isEqualTo("Clear.");
    assertThat(ReportSections.mimic("R\n COMPARISON: None.\n \n Clear.\n").labelledText())
        .isEqualTo("Clear.");
    assertThat(ReportSections.mimic("R\n COMPARISON: None.\n").labelledText()).isEqualTo("None.");
    assertThat(ReportSections.mimic("Clear.").labelledText()).isEmpty();
  }

  @Test
  void whiteSpaceIsThatOfPython() {
    ReportSections sections =
        ReportSections.mimic("R\n FINDINGS:\u00a0\u001fClear.\u3000\n IMPRESSION:\u2028\u0085\n");
    assertThat(sections.findings()).isEqualTo("Clear.");
    assertThat(sections.raw(ReportSections.IMPRESSION)).isEmpty();
    assertThat(ReportSections.mimic("R\n FINDINGS:\u200bClear.\n").findings()).isEmpty();
  }

  @Property
  void cuttingLosesNoLetterOfABody(
      @ForAll
          @CharRange(from = 'A', to = 'E')
          @CharRange(from = ' ', to = ' ')
          @CharRange(from = '\n', to = '\n')
          @CharRange(from = ':', to = ':')
          String text) {
    // What is left after cutting is in the text, in its order.
    int at = 0;
    for (Section section : ReportSections.mimic(text).sections()) {
      int found = text.indexOf(section.text(), at);
      assertThat(found).as("section %s of %s", section, text).isGreaterThanOrEqualTo(at);
      at = found + section.text().length();
    }
  }

  @Test
  void aStudyOfTheExceptionsHasItsText() throws IOException {
    Path table = write("study,start,end,section\ns1,,,comparison\ns2,2,8,\n");
    SectionExceptions exceptions = SectionExceptions.read(table);
    String text = "R\n COMPARISON: Clear.\n IMPRESSION: Normal.\n";
    assertThat(exceptions.mimic("s1", text).labelledText()).isEqualTo("Clear.");
    assertThat(exceptions.mimic("s2", "\ud83e\udec1 heart, large").labelledText())
        .isEqualTo("heart,");
    assertThat(exceptions.mimic("s3", text)).isEqualTo(ReportSections.mimic(text));
    assertThat(SectionExceptions.NONE.mimic("s1", text)).isEqualTo(ReportSections.mimic(text));
    assertThat(exceptions.mimic("s1", "R\n FINDINGS: A.\n").labelledText()).isEqualTo("A.");
    assertThat(exceptions.mimic("s2", "R").raw(ReportSections.STUDY_TEXT)).contains("");
  }

  @Test
  void thePublishedFileIsReadAsItIs() throws IOException {
    Path published =
        write(
            """
            def custom_mimic_cxr_rules():
                custom_section_names = {
                    's10000001': 'recommendations',  # files/p10/...
                    \"s10000002\": "comparison",
                }
                custom_indices = {
                    's10000003': [201, 349],
                    's10000004': [0, 12],
                }
                return custom_section_names, custom_indices
            """);
    SectionExceptions exceptions = SectionExceptions.read(published);
    assertThat(exceptions.names()).containsOnlyKeys("s10000001", "s10000002");
    assertThat(exceptions.ranges())
        .containsEntry("s10000003", new SectionExceptions.Range(201, 349))
        .containsOnlyKeys("s10000003", "s10000004");
  }

  @Test
  void aFileWithoutExceptionsIsRefused() throws IOException {
    assertThatThrownBy(() -> SectionExceptions.read(write("no rules here\n")))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining("section_parser.py");
    assertThatThrownBy(() -> SectionExceptions.read(write("study,start,end,section\ns1,9,2,\n")))
        .isInstanceOf(RadialogException.class)
        .hasMessageContainingAll("line 2", "s1,9,2");
    assertThatThrownBy(() -> SectionExceptions.read(write("study,start,end,section\ns1\n")))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining("line 2");
    assertThatThrownBy(() -> SectionExceptions.read(folder.resolve("nowhere")))
        .isInstanceOf(RadialogException.class)
        .hasMessageContaining("nowhere");
  }

  private Path write(String text) throws IOException {
    return Files.writeString(folder.resolve("exceptions"), text);
  }
}
