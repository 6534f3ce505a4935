package org.radialog.clinical;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A report cut into its sections, in text order.
 *
 * <p>{@link #mimic} follows the rules that the MIMIC-CXR sections of the field were made with
 * ({@code section_parser.py} of MIT-LCP/mimic-cxr), mistakes included, because published scores
 * rest on them: what counts as the findings of a study decides what a model is compared with. Other
 * data sets, which carry their sections apart, build the same type.
 *
 * @param sections canonical lower-case names and the text exactly as it was cut, white space
 *     included; a name may occur several times
 */
public record ReportSections(List<Section> sections) {
  public static final String FINDINGS = SectionNames.FINDINGS;
  public static final String IMPRESSION = "impression";
  public static final String INDICATION = "indication";
  public static final String HISTORY = "history";
  public static final String TECHNIQUE = "technique";
  public static final String COMPARISON = "comparison";
  public static final String EXAMINATION = "examination";
  public static final String ADDENDUM = "addendum";

  /** The text before the first header. */
  public static final String PREAMBLE = "preamble";

  /** A report without any header. */
  public static final String FULL_REPORT = "full report";

  /** What follows the first blank line of the last section, where nothing else is a finding. */
  public static final String LAST_PARAGRAPH = "last_paragraph";

  /** What a study's entry among the {@link SectionExceptions} names as its text. */
  public static final String STUDY_TEXT = "study text";

  // White space as Python has it, in its regular expressions and in strip(): the rules were written
  // there. Java's \s and String.strip differ in the separators U+001C..1F, U+0085 and the
  // non-breaking spaces.
  private static final String SPACE =
      "[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]";

  private static final Pattern HEADER = Pattern.compile("\n ([A-Z ()/,-]+):" + SPACE);

  private static final String BLANK_LINE = "\n \n";

  /** One section. */
  public record Section(String name, String text) {}

  public ReportSections {
    sections = List.copyOf(sections);
  }

  /**
   * Cuts a MIMIC-CXR report.
   *
   * <ol>
   *   <li>A header is a line that begins with one space, has capitals, spaces and {@code ()/,-} up
   *       to a colon, and white space after it. What stands before the first is the preamble; a
   *       report without any is one section, {@link #FULL_REPORT}.
   *   <li>A section ends where the next header begins, which is looked for only after the first
   *       line break of the section. So a header right below an empty header line is missed.
   *   <li>Names are lower-cased and made canonical by a table with the data's typing errors;
   *       "ndication" is an impression there. An unknown name stays.
   *   <li>Findings and impressions without text are dropped. If none is left, the last section is
   *       split at its first blank line that holds one space; the rest is {@link #LAST_PARAGRAPH}.
   * </ol>
   */
  public static ReportSections mimic(String text) {
    var found = new ArrayList<Section>();
    Matcher header = HEADER.matcher(text);
    if (!header.find()) {
      found.add(new Section(FULL_REPORT, text));
    } else {
      found.add(new Section(PREAMBLE, text.substring(0, header.start(1))));
      boolean more = true;
      while (more) {
        String name = SectionNames.MIMIC.canonical(strip(header.group(1).toLowerCase(Locale.ROOT)));
        int begin = header.end();
        int newline = text.indexOf('\n', begin);
        more = newline >= 0 && header.find(newline); // that line break may open the next header
        String body = text.substring(begin, more ? header.start() : text.length());
        if (!isFindingsOrImpression(name) || !strip(body).isEmpty()) {
          found.add(new Section(name, body));
        }
      }
    }
    if (found.stream().noneMatch(section -> isFindingsOrImpression(section.name()))) {
      Section last = found.getLast();
      int blank = last.text().indexOf(BLANK_LINE);
      if (blank >= 0) {
        found.set(found.size() - 1, new Section(last.name(), last.text().substring(0, blank)));
        found.add(new Section(LAST_PARAGRAPH, last.text().substring(blank + BLANK_LINE.length())));
      }
    }
    return new ReportSections(found);
  }

  /** The text of the <b>last</b> section of a name exactly as cut, if the report has one. */
  public Optional<String> raw(String name) {
    for (int i = sections.size() - 1; i >= 0; i--) {
      if (sections.get(i).name().equals(name)) {
        return Optional.of(sections.get(i).text());
      }
    }
    return Optional.empty();
  }

  /** The last section of a name without the white space around it; empty where there is none. */
  public String text(String name) {
    return raw(name).map(ReportSections::strip).orElse("");
  }

  public String findings() {
    return text(FINDINGS);
  }

  public String impression() {
    return text(IMPRESSION);
  }

  /** Why the film was taken. */
  public String indication() {
    return text(INDICATION);
  }

  public String history() {
    return text(HISTORY);
  }

  public String technique() {
    return text(TECHNIQUE);
  }

  /** What the film was compared with. */
  public String comparison() {
    return text(COMPARISON);
  }

  public String lastParagraph() {
    return text(LAST_PARAGRAPH);
  }

  /** All addenda in text order. */
  public List<String> addenda() {
    return sections.stream()
        .filter(section -> section.name().equals(ADDENDUM))
        .map(section -> strip(section.text()))
        .toList();
  }

  /**
   * The findings as RaDialog's data set has them: line breaks removed, not replaced (its lines
   * begin with a space). A row whose findings are empty is dropped there.
   */
  public String findingsOnOneLine() {
    return strip(findings().replace("\n", ""));
  }

  /**
   * The text that the labels of MIMIC-CXR were read from: the study's {@link #STUDY_TEXT}, else the
   * impression, the findings, the last paragraph, the comparison; empty where there is none of
   * them.
   */
  public String labelledText() {
    for (String name : List.of(STUDY_TEXT, IMPRESSION, FINDINGS, LAST_PARAGRAPH, COMPARISON)) {
      Optional<String> text = raw(name);
      if (text.isPresent()) {
        return strip(text.get());
      }
    }
    return "";
  }

  /** These sections and one more at the end. */
  ReportSections with(Section section) {
    var more = new ArrayList<>(sections);
    more.add(section);
    return new ReportSections(more);
  }

  private static boolean isFindingsOrImpression(String name) {
    return name.equals(IMPRESSION) || name.equals(FINDINGS);
  }

  private static String strip(String text) {
    int start = 0;
    int end = text.length();
    while (start < end && isSpace(text.charAt(start))) {
      start++;
    }
    while (end > start && isSpace(text.charAt(end - 1))) {
      end--;
    }
    return text.substring(start, end);
  }

  private static boolean isSpace(char c) {
    return (c >= '\t' && c <= '\r')
        || (c >= 0x1c && c <= ' ')
        || c == 0x85
        || c == 0xa0
        || c == 0x1680
        || (c >= 0x2000 && c <= 0x200a)
        || c == 0x2028
        || c == 0x2029
        || c == 0x202f
        || c == 0x205f
        || c == 0x3000;
  }
}
