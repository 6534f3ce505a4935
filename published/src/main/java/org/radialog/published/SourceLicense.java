package org.radialog.published;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.radialog.weights.Checkpoint;

/**
 * The licence of a published language model as stated by its files, as an SPDX expression: from the
 * key {@code general.license} of a GGUF file, the header of a {@code README.md} on Hugging Face, or
 * the text of a licence file.
 */
public final class SourceLicense {
  private static final int LARGEST_TEXT = 1 << 20;
  private static final Pattern FIELD = Pattern.compile("(license|license_name):\\s*(.*)");

  /** SPDX identifiers by their names on the hub. */
  private static final Map<String, String> SPDX =
      List.of(
              "Apache-2.0 MIT ISC Zlib Unlicense BSL-1.0 MPL-2.0 ECL-2.0 AFL-3.0 Artistic-2.0 0BSD"
                  + " BSD-2-Clause BSD-3-Clause BSD-3-Clause-Clear MS-PL NCSA PostgreSQL OSL-3.0"
                  + " EPL-1.0 EPL-2.0 EUPL-1.1 EUPL-1.2 WTFPL OFL-1.1 LPPL-1.3c CC0-1.0 CC-BY-2.0"
                  + " CC-BY-2.5 CC-BY-3.0 CC-BY-4.0 CC-BY-SA-3.0 CC-BY-SA-4.0 CC-BY-NC-2.0"
                  + " CC-BY-NC-3.0 CC-BY-NC-4.0 CC-BY-ND-4.0 CC-BY-NC-ND-3.0 CC-BY-NC-ND-4.0"
                  + " CC-BY-NC-SA-2.0 CC-BY-NC-SA-3.0 CC-BY-NC-SA-4.0 CDLA-Permissive-1.0"
                  + " CDLA-Permissive-2.0 CDLA-Sharing-1.0 PDDL-1.0 ODC-By-1.0 ODbL-1.0")
          .stream()
          .flatMap(all -> List.of(all.split(" ")).stream())
          .collect(Collectors.toMap(id -> id.toLowerCase(Locale.ROOT), id -> id));

  /** Names on the hub that differ from SPDX, or belong to licences that SPDX does not list. */
  private static final Map<String, String> OTHERS =
      Map.ofEntries(
          Map.entry("gpl-2.0", "GPL-2.0-only"),
          Map.entry("gpl-3.0", "GPL-3.0-only"),
          Map.entry("lgpl-2.1", "LGPL-2.1-only"),
          Map.entry("lgpl-3.0", "LGPL-3.0-only"),
          Map.entry("agpl-3.0", "AGPL-3.0-only"),
          Map.entry("odc-by", "ODC-By-1.0"),
          Map.entry("odbl", "ODbL-1.0"),
          Map.entry("pddl", "PDDL-1.0"),
          Map.entry("llama2", "LicenseRef-Llama-2-Community"),
          Map.entry("llama3", "LicenseRef-Llama-3-Community"),
          Map.entry("llama3.1", "LicenseRef-Llama-3.1-Community"),
          Map.entry("llama3.2", "LicenseRef-Llama-3.2-Community"),
          Map.entry("llama3.3", "LicenseRef-Llama-3.3-Community"),
          Map.entry("llama4", "LicenseRef-Llama-4-Community"),
          Map.entry("gemma", "LicenseRef-Gemma"));

  /** Licence texts, recognised by words at their beginning. */
  private static final List<Map.Entry<Pattern, String>> TEXTS =
      List.of(
          text("Apache License\\W+Version 2\\.0", "Apache-2.0"),
          text(
              "(The )?MIT License|Permission is hereby granted, free of charge, to any person",
              "MIT"),
          text("GNU AFFERO GENERAL PUBLIC LICENSE\\W+Version 3", "AGPL-3.0-only"),
          text("GNU LESSER GENERAL PUBLIC LICENSE\\W+Version 3", "LGPL-3.0-only"),
          text("GNU GENERAL PUBLIC LICENSE\\W+Version 3", "GPL-3.0-only"),
          text("GNU GENERAL PUBLIC LICENSE\\W+Version 2", "GPL-2.0-only"),
          text("LLAMA 2 COMMUNITY LICENSE", "LicenseRef-Llama-2-Community"),
          text("(META )?LLAMA 3 COMMUNITY LICENSE", "LicenseRef-Llama-3-Community"),
          text("LLAMA 3\\.1 COMMUNITY LICENSE", "LicenseRef-Llama-3.1-Community"),
          text("LLAMA 3\\.2 COMMUNITY LICENSE", "LicenseRef-Llama-3.2-Community"),
          text("LLAMA 3\\.3 COMMUNITY LICENSE", "LicenseRef-Llama-3.3-Community"));

  private SourceLicense() {}

  private static Map.Entry<Pattern, String> text(String words, String license) {
    return Map.entry(Pattern.compile("^\\W*(" + words + ")", Pattern.CASE_INSENSITIVE), license);
  }

  /** The licence in a GGUF file, otherwise in the files of its folder; empty if there is none. */
  public static Optional<String> ofGguf(Path file) {
    try (Checkpoint gguf = Checkpoint.open(file)) {
      Map<String, Object> metadata = gguf.metadata();
      Optional<String> stated =
          stated(
              metadata.get("general.license") instanceof String id ? List.of(id) : List.of(),
              metadata.get("general.license.name") instanceof String name
                  ? Optional.of(name)
                  : Optional.empty());
      return stated.isPresent()
          ? stated
          : beside(Optional.ofNullable(file.toAbsolutePath().getParent()).orElse(file));
    }
  }

  /**
   * The licence in the {@code README.md} of a folder, otherwise in its licence file; empty if there
   * is neither.
   */
  public static Optional<String> beside(Path folder) {
    Optional<String> readme = read(folder.resolve("README.md")).flatMap(SourceLicense::head);
    if (readme.isPresent()) {
      return readme;
    }
    for (String name : List.of("LICENSE", "LICENSE.txt", "LICENSE.md", "LICENCE")) {
      Optional<String> text = read(folder.resolve(name));
      if (text.isPresent()) {
        return TEXTS.stream()
            .filter(known -> known.getKey().matcher(text.get()).find())
            .map(Map.Entry::getValue)
            .findFirst();
      }
    }
    return Optional.empty();
  }

  private static Optional<String> read(Path file) {
    try {
      if (!Files.isRegularFile(file)) {
        return Optional.empty();
      }
      byte[] bytes;
      try (var in = Files.newInputStream(file)) {
        bytes = in.readNBytes(LARGEST_TEXT);
      }
      String text = new String(bytes, StandardCharsets.UTF_8);
      return Optional.of(text.startsWith("\uFEFF") ? text.substring(1) : text);
    } catch (IOException e) {
      return Optional.empty(); // an unreadable text is ignored
    }
  }

  // The lines between two lines of ---, in YAML: the two fields are texts or lists of texts.
  private static Optional<String> head(String readme) {
    List<String> lines = readme.lines().toList();
    if (lines.isEmpty() || !lines.getFirst().strip().equals("---")) {
      return Optional.empty();
    }
    List<String> licenses = new ArrayList<>();
    Optional<String> name = Optional.empty();
    boolean listing = false;
    for (String line : lines.subList(1, lines.size())) {
      if (line.strip().equals("---")) {
        break;
      }
      var field = FIELD.matcher(line);
      if (listing && line.strip().startsWith("- ")) {
        licenses.add(word(line.strip().substring(2)));
      } else if (field.matches()) {
        String value = word(field.group(2));
        listing = false;
        if (field.group(1).equals("license_name")) {
          name = Optional.of(value).filter(v -> !v.isEmpty());
        } else if (value.startsWith("[") && value.endsWith("]")) {
          for (String one : value.substring(1, value.length() - 1).split(",", -1)) {
            licenses.add(word(one));
          }
        } else if (value.isEmpty()) {
          listing = true;
        } else {
          licenses.add(value);
        }
      } else {
        listing = false;
      }
    }
    return stated(licenses, name);
  }

  private static String word(String value) {
    String plain = value.replaceFirst("(^|\\s)#.*$", "").strip();
    boolean quoted =
        plain.length() > 1
            && (plain.charAt(0) == '"' || plain.charAt(0) == '\'')
            && plain.charAt(plain.length() - 1) == plain.charAt(0);
    return quoted ? plain.substring(1, plain.length() - 1).strip() : plain;
  }

  private static Optional<String> stated(List<String> licenses, Optional<String> name) {
    List<String> known =
        licenses.stream()
            .map(String::strip)
            .filter(id -> !id.isEmpty() && !id.equalsIgnoreCase("unknown"))
            .flatMap(id -> id.equalsIgnoreCase("other") ? name.stream() : Optional.of(id).stream())
            .toList();
    List<String> all = known.isEmpty() ? name.stream().toList() : known;
    return all.isEmpty()
        ? Optional.empty()
        : Optional.of(
            all.stream().map(SourceLicense::spdx).distinct().collect(Collectors.joining(" AND ")));
  }

  private static String spdx(String id) {
    String key = id.toLowerCase(Locale.ROOT).replace(' ', '-');
    String known = SPDX.getOrDefault(key, OTHERS.getOrDefault(key, ""));
    if (!known.isEmpty()) {
      return known;
    }
    String name = id.replaceAll("[^A-Za-z0-9.]+", "-").replaceAll("^-|-$", "");
    return "LicenseRef-" + (name.isEmpty() ? "see-source" : shortened(name));
  }

  private static String shortened(String name) {
    return name.length() <= 80 ? name : name.substring(0, 80);
  }
}
