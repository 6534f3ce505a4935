package org.radialog.clinical;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.radialog.base.RadialogException;

/**
 * Maps the headers of MIMIC-CXR reports to canonical names: by an exact table that includes the
 * typing errors in the data, then by words that the header contains, then by names of views. The
 * table is {@code section-names.txt}.
 *
 * @param table raw name → canonical name
 * @param contained words that decide, in this order, if the table has no entry
 * @param views words of a header that means findings
 */
record SectionNames(Map<String, String> table, List<String> contained, List<String> views) {
  /** What a header that names views stands for. */
  static final String FINDINGS = "findings";

  /** The names of {@code section-names.txt}. */
  static final SectionNames MIMIC = read("section-names.txt");

  SectionNames {
    table = Collections.unmodifiableMap(new LinkedHashMap<>(table));
    contained = List.copyOf(contained);
    views = List.copyOf(views);
  }

  /** The canonical name of a header: in lower case, without white space around it. */
  String canonical(String name) {
    String exact = table.get(name);
    if (exact != null) {
      return exact;
    }
    for (String word : contained) {
      if (name.contains(word)) {
        return word;
      }
    }
    return views.stream().anyMatch(name::contains) ? FINDINGS : name;
  }

  private static SectionNames read(String resource) {
    var table = new LinkedHashMap<String, String>();
    var contained = new ArrayList<String>();
    var views = new ArrayList<String>();
    for (String line : lines(resource)) {
      if (line.isBlank() || line.startsWith("#")) {
        continue;
      }
      if (line.startsWith("[contained] ")) {
        contained.addAll(words(line.substring("[contained] ".length())));
      } else if (line.startsWith("[views] ")) {
        views.addAll(words(line.substring("[views] ".length())));
      } else {
        int equals = line.indexOf(" = ");
        String canonical = line.substring(0, equals);
        words(line.substring(equals + 3)).forEach(raw -> table.put(raw, canonical));
      }
    }
    return new SectionNames(table, contained, views);
  }

  private static List<String> words(String list) {
    return List.of(list.split(" \\| ", -1));
  }

  private static List<String> lines(String resource) {
    try (InputStream in = SectionNames.class.getResourceAsStream(resource)) {
      if (in == null) {
        throw new RadialogException(
            resource + " is missing from the class path: build the module clinical");
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().toList();
    } catch (IOException e) {
      throw new RadialogException("cannot read " + resource + ": " + e, e);
    }
  }
}
