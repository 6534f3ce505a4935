package org.radialog.clinical;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A report divided into its sections, in text order.
 *
 * <p>{@link #mimic} follows the rules of MIT-LCP's parser for MIMIC-CXR ({@code section_parser.py}
 * of MIT-LCP/mimic-cxr), including its mistakes, because published scores depend on them: they
 * determine the findings section that a model is compared with. Data sets that store their sections
 * separately build the same type.
 *
 * @param sections canonical lower-case names with their text, unchanged including white space; a
 *     name may occur several times
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

  /** The text after the first blank line of the last section, if no section has findings. */
  public static final String LAST_PARAGRAPH = "last_paragraph";

  /** The name of the additional section for a study in {@link SectionExceptions}. */
  public static final String STUDY_TEXT = "study text";

  // White space as defined by Python's regular expressions and strip(), for which the rules were
  // written. Java's \s and String.strip treat the separators U+001C..1F, U+0085 and the
  // non-breaking spaces differently.
  private static final String SPACE =
      "[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]";

  private static final Pattern HEADER = Pattern.compile("\n ([A-Z ()/,-]+):" + SPACE);

  private static final String BLANK_LINE = "\n \n";

  /**
   * One section.
   *
   * @param name the canonical name, in lower case
   * @param text the text of the section, including its white space
   */
  public record Section(String name, String text) {}

  public ReportSections {
    sections = List.copyOf(sections);
  }

  /**
   * Divides a MIMIC-CXR report into sections.
   *
   * <ol>
   *   <li>A header is a line that begins with one space, has capitals, spaces and {@code ()/,-} up
   *       to a colon, and is followed by white space. The text before the first header is the
   *       preamble; a report without a header is one section, {@link #FULL_REPORT}.
   *   <li>A section ends at the next header, which is searched only after the first line break of
   *       the section. A header directly below an empty header line is therefore missed.
   *   <li>Names are converted to lower case and canonicalised with a table that includes the typing
   *       errors in the data; "ndication" is mapped to impression. Unknown names are kept.
   *   <li>Findings and impression sections without text are dropped. If none is left, the last
   *       section is split at its first blank line that contains one space; the rest is {@link
   *       #LAST_PARAGRAPH}.
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
        more = newline >= 0 && header.find(newline); // that line break may begin the next header
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

  /** The unchanged text of the <b>last</b> section with this name, if there is one. */
  public Optional<String> raw(String name) {
    for (int i = sections.size() - 1; i >= 0; i--) {
      if (sections.get(i).name().equals(name)) {
        return Optional.of(sections.get(i).text());
      }
    }
    return Optional.empty();
  }

  /** The last section with this name, without surrounding white space; empty if there is none. */
  public String text(String name) {
    return raw(name).map(ReportSections::strip).orElse("");
  }

  public String findings() {
    return text(FINDINGS);
  }

  public String impression() {
    return text(IMPRESSION);
  }

  /** The reason for the examination. */
  public String indication() {
    return text(INDICATION);
  }

  public String history() {
    return text(HISTORY);
  }

  public String technique() {
    return text(TECHNIQUE);
  }

  /** The earlier examinations that the film was compared with. */
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
   * The findings as in RaDialog's data set: line breaks are removed without a replacement (lines
   * begin with a space). A row with empty findings is dropped there.
   */
  public String findingsOnOneLine() {
    return strip(findings().replace("\n", ""));
  }

  /**
   * The text from which the labels of MIMIC-CXR were extracted: the {@link #STUDY_TEXT} of the
   * study, otherwise the impression, the findings, the last paragraph or the comparison; empty if
   * there is none of them.
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

  /** These sections with one more at the end. */
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
