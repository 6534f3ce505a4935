package org.radialog.clinical;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.radialog.testing.Golden;
import org.radialog.testing.GoldenCase;
import org.radialog.testing.Parity;
import tools.jackson.databind.JsonNode;

/** The sections of MIMIC-CXR reports, string by string. */
class SectionsParityTest {
  @TestFactory
  Stream<DynamicTest> sectionsEqualTheReference() {
    return Golden.tests("sections", SectionsParityTest::tests);
  }

  private static Stream<DynamicTest> tests(GoldenCase golden) {
    JsonNode values = golden.values();
    var tests = new ArrayList<DynamicTest>();
    tests.add(
        test(
            golden.name() + "/name_table",
            () -> new LinkedHashMap<>(SectionNames.MIMIC.table()),
            texts(values.required("name_table"))));
    tests.add(
        test(
            golden.name() + "/contained_words",
            SectionNames.MIMIC::contained,
            list(values.required("contained_words"))));
    tests.add(
        test(
            golden.name() + "/view_words",
            SectionNames.MIMIC::views,
            list(values.required("view_words"))));
    int number = 0;
    for (JsonNode c : values.required("cases")) {
      String label =
          "%s/%03d_%s_".formatted(golden.name(), number++, c.required("what").asString());
      String text = c.required("text").asString();
      tests.add(
          test(
              label + "sections",
              () ->
                  ReportSections.mimic(text).sections().stream()
                      .map(section -> List.of(section.name(), section.text()))
                      .toList(),
              StreamSupport.stream(c.required("sections").spliterator(), false)
                  .map(SectionsParityTest::list)
                  .toList()));
      tests.add(test(label + "row", () -> row(text), texts(c.required("row"))));
      tests.add(
          test(
              label + "findings_of_the_data_set",
              () -> ReportSections.mimic(text).findingsOnOneLine(),
              c.required("findings_of_the_data_set").asString()));
    }
    return tests.stream();
  }

  private static Map<String, String> row(String text) {
    ReportSections sections = ReportSections.mimic(text);
    return Map.of(
        "impression", sections.impression(),
        "findings", sections.findings(),
        "last_paragraph", sections.lastParagraph(),
        "comparison", sections.comparison());
  }

  private static DynamicTest test(String label, Supplier<Object> actual, Object expected) {
    return DynamicTest.dynamicTest(label, () -> Parity.equal(label, actual.get(), expected));
  }

  private static Map<String, String> texts(JsonNode object) {
    var texts = new LinkedHashMap<String, String>();
    object.properties().forEach(e -> texts.put(e.getKey(), e.getValue().asString()));
    return texts;
  }

  private static List<String> list(JsonNode array) {
    return StreamSupport.stream(array.spliterator(), false).map(JsonNode::asString).toList();
  }
}
