package org.radialog.testing;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.opentest4j.TestAbortedException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * The folder of golden cases: {@code golden/} of the repository, or another of the same layout
 * given as {@code -Dradialog.golden=DIR}.
 */
public final class Golden {
  static final JsonMapper JSON = JsonMapper.builder().build();

  private static final String END = ".json";

  private Golden() {}

  /** The repository's root. */
  public static Path root() {
    return Path.of(property("radialog.root"));
  }

  /** The folder of the golden cases. */
  public static Path folder() {
    String other = System.getProperty("radialog.golden", "");
    return other.isEmpty() ? root().resolve("golden") : Path.of(other);
  }

  /**
   * The cases whose name is {@code name} or begins with {@code name} and a hyphen, sorted: {@code
   * llama} finds {@code llama-mha} and {@code llama-gqa}. Without any, the calling test is skipped
   * by name.
   */
  public static List<GoldenCase> cases(String name) {
    List<GoldenCase> cases;
    try (Stream<Path> children = Files.list(folder())) {
      cases =
          children
              .map(f -> f.getFileName().toString())
              .filter(f -> f.endsWith(END))
              .map(f -> f.substring(0, f.length() - END.length()))
              .filter(f -> f.equals(name) || f.startsWith(name + "-"))
              .filter(f -> !f.endsWith("-keys"))
              .sorted()
              .map(f -> new GoldenCase(folder(), f))
              .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    assumeTrue(!cases.isEmpty(), () -> "no golden case " + name + " in " + folder());
    return cases;
  }

  /**
   * The dynamic tests of all cases of a family, for a test factory. Without a case, a single test
   * that is reported as skipped: a factory that is itself aborted shows up in no report.
   */
  public static Stream<DynamicTest> tests(
      String name, Function<GoldenCase, Stream<DynamicTest>> ofCase) {
    List<GoldenCase> cases;
    try {
      cases = cases(name);
    } catch (TestAbortedException e) {
      return Stream.of(
          DynamicTest.dynamicTest(
              name,
              () -> {
                throw e;
              }));
    }
    return cases.stream().flatMap(ofCase);
  }

  /** The case of exactly this name. Without it, the calling test is skipped by name. */
  public static GoldenCase theCase(String name) {
    assumeTrue(
        Files.exists(folder().resolve(name + END)),
        () -> "no golden case " + name + " in " + folder());
    return new GoldenCase(folder(), name);
  }

  /** A published key list: {@code biovilt}, {@code classifier} or {@code qformer}. */
  public static List<GoldenCase.Key> keys(String name) {
    return GoldenCase.keys(json(folder().resolve(name + "-keys.json")).path("keys"));
  }

  static JsonNode json(Path file) {
    return JSON.readTree(file.toFile());
  }

  private static String property(String name) {
    String value = System.getProperty(name, "");
    if (value.isEmpty()) {
      throw new IllegalStateException(
          "the system property " + name + " is not set: run the test through Maven");
    }
    return value;
  }
}
