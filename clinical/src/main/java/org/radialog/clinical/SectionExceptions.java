package org.radialog.clinical;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;

/**
 * The studies of MIMIC-CXR whose text the rules cannot find, as listed manually by MIT-LCP: it is
 * in a section with another name, or at a range of characters.
 *
 * <p>{@link #NONE} is the behaviour of RaDialog, which loads this list but never applies it.
 *
 * @param names study (for example {@code s50000001}) → the canonical name of the section that
 *     contains its text
 * @param ranges study → the characters of its text
 */
public record SectionExceptions(Map<String, String> names, Map<String, Range> ranges) {
  /** No exceptions. */
  public static final SectionExceptions NONE = new SectionExceptions(Map.of(), Map.of());

  private static final String HEADER = "study,start,end,section";

  // The entries of custom_mimic_cxr_rules(): 's50000001': 'findings' and 's50000001': [201, 349].
  private static final Pattern NAME =
      Pattern.compile("[\"'](s\\d{1,12})[\"']\\s*:\\s*[\"']([^\"'\\n]*)[\"']");
  private static final Pattern RANGE =
      Pattern.compile(
          "[\"'](s\\d{1,12})[\"']\\s*:\\s*[\\[(]\\s*(\\d{1,9})\\s*,\\s*(\\d{1,9})\\s*,?\\s*[\\])]");

  /**
   * A range of characters (Unicode code points).
   *
   * @param start the index of the first character
   * @param end the index after the last character
   */
  public record Range(int start, int end) {
    public Range {
      if (start < 0 || end < start) {
        throw new IllegalArgumentException(
            "a range must start at 0 or later and not end before its start, got "
                + start
                + " to "
                + end);
      }
    }
  }

  public SectionExceptions {
    names = Map.copyOf(names);
    ranges = Map.copyOf(ranges);
  }

  /**
   * Reads the exceptions from a file of the user: the published {@code section_parser.py} of
   * MIT-LCP/mimic-cxr (it is not executed), or a table {@code study,start,end,section} in which
   * each row has either the two numbers or the section.
   *
   * @throws RadialogException if the file cannot be read or is neither
   */
  public static SectionExceptions read(Path file) {
    String text;
    try {
      text = Files.readString(file, StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new RadialogException(
          Kind.REFUSED_DATA, "cannot read the section exceptions " + file + ": " + e, e);
    }
    List<String> lines = text.lines().toList();
    return !lines.isEmpty() && lines.getFirst().equals(HEADER)
        ? table(file, lines)
        : published(file, text);
  }

  private static SectionExceptions table(Path file, List<String> lines) {
    var names = new TreeMap<String, String>();
    var ranges = new TreeMap<String, Range>();
    for (int i = 1; i < lines.size(); i++) {
      String[] cells = lines.get(i).split(",", 4);
      boolean named =
          cells.length == 4 && cells[1].isEmpty() && cells[2].isEmpty() && !cells[3].isBlank();
      boolean ranged =
          cells.length == 4
              && cells[1].matches("\\d{1,9}")
              && cells[2].matches("\\d{1,9}")
              && cells[3].isEmpty();
      boolean forward = !ranged || Integer.parseInt(cells[1]) <= Integer.parseInt(cells[2]);
      if (!(named || ranged) || !forward || cells[0].isBlank()) {
        throw new RadialogException(
            Kind.REFUSED_DATA,
            "%s, line %d: expected \"study,start,end,\" or \"study,,,section\", found \"%s\""
                .formatted(file, i + 1, lines.get(i)));
      }
      if (named) {
        names.put(cells[0], cells[3].strip());
      } else {
        ranges.put(cells[0], new Range(Integer.parseInt(cells[1]), Integer.parseInt(cells[2])));
      }
    }
    return new SectionExceptions(names, ranges);
  }

  private static SectionExceptions published(Path file, String text) {
    var names = new TreeMap<String, String>();
    var ranges = new TreeMap<String, Range>();
    Matcher name = NAME.matcher(text);
    while (name.find()) {
      names.put(name.group(1), name.group(2));
    }
    Matcher range = RANGE.matcher(text);
    while (range.find()) {
      int start = Integer.parseInt(range.group(2));
      int end = Integer.parseInt(range.group(3));
      if (end < start) {
        throw new RadialogException(
            Kind.REFUSED_DATA,
            "%s: the range of %s is reversed, from %d to %d"
                .formatted(file, range.group(1), start, end));
      }
      ranges.put(range.group(1), new Range(start, end));
    }
    if (names.isEmpty() && ranges.isEmpty()) {
      throw new RadialogException(
          Kind.REFUSED_DATA,
          ("%s contains no section exceptions: expected section_parser.py of"
                  + " MIT-LCP/mimic-cxr or a table with the header \"%s\"")
              .formatted(file, HEADER));
    }
    return new SectionExceptions(names, ranges);
  }

  /**
   * The sections of a MIMIC-CXR report, see {@link ReportSections#mimic}. If the study is an
   * exception, its text is an additional section at the end, {@link ReportSections#STUDY_TEXT}.
   */
  public ReportSections mimic(String study, String text) {
    ReportSections sections = ReportSections.mimic(text);
    return studyText(study, text, sections)
        .map(studyText ->
            sections.with(new ReportSections.Section(ReportSections.STUDY_TEXT, studyText)))
        .orElse(sections);
  }

  private Optional<String> studyText(String study, String text, ReportSections sections) {
    Range range = ranges.get(study);
    if (range != null) {
      int length = text.codePointCount(0, text.length());
      int start = text.offsetByCodePoints(0, Math.min(range.start(), length));
      int end = text.offsetByCodePoints(0, Math.min(range.end(), length));
      return Optional.of(text.substring(start, end));
    }
    String name = names.get(study);
    return name == null ? Optional.empty() : sections.raw(name);
  }
}
