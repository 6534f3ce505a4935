package org.radialog.tasks;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import org.radialog.clinical.Finding;
import org.radialog.instruct.ReportGrammar;

/** The wording of users' requests, from {@code phrases.txt}. */
final class Phrases {
  private static final String FILE = "phrases.txt";
  private static final Map<String, List<String>> LISTS = read();

  private Phrases() {}

  private static Map<String, List<String>> read() {
    var lists = new LinkedHashMap<String, List<String>>();
    try (InputStream in = Phrases.class.getResourceAsStream(FILE)) {
      if (in == null) {
        throw new IllegalStateException("the class path lacks " + FILE);
      }
      List<String> current = new ArrayList<>();
      for (String line : new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().toList()) {
        if (line.startsWith("[")) {
          current = new ArrayList<>();
          lists.put(line.substring(1, line.length() - 1), current);
        } else if (!line.isBlank()) {
          current.add(line); // the lines before the first list are comments
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    lists.replaceAll((name, list) -> List.copyOf(list));
    return Map.copyOf(lists);
  }

  /** The wordings of a list. */
  static List<String> of(String list) {
    return Optional.ofNullable(LISTS.get(list))
        .orElseThrow(() -> new IllegalStateException(FILE + " has no list " + list));
  }

  /** A wording of a list. */
  static String any(String list, SplittableRandom random) {
    List<String> wordings = of(list);
    return wordings.get(random.nextInt(wordings.size()));
  }

  /** A wording with a name of {@code finding} in its place. */
  static String any(String list, Finding finding, SplittableRandom random) {
    return fill(any(list, random), finding, random);
  }

  /** Whether a wording names a finding. */
  static boolean names(String wording) {
    return wording.contains("<x>") || wording.contains("<a x>");
  }

  /**
   * A wording with a name of {@code finding} in its place: the field's or another that users know.
   */
  static String fill(String wording, Finding finding, SplittableRandom random) {
    String name =
        random.nextInt(3) == 0
            ? ReportGrammar.withArticle(finding)
            : any("names of " + finding.label(), random);
    return ReportGrammar.sentenceCase(wording.replace("<a x>", name).replace("<x>", bare(name)));
  }

  /** A name without its article. */
  static String bare(String name) {
    return name.replaceFirst("^(?:a|an) ", "");
  }
}
