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
 * The folder of golden cases: {@code golden/} of the repository, or another folder with the same
 * layout given by {@code -Dradialog.golden=DIR}.
 */
public final class Golden {
  static final JsonMapper JSON = JsonMapper.builder().build();

  private static final String END = ".json";

  private Golden() {}

  /** The root of the repository. */
  public static Path root() {
    return Path.of(property("radialog.root"));
  }

  /** The folder of the golden cases. */
  public static Path folder() {
    return isRepositorys()
        ? root().resolve("golden")
        : Path.of(System.getProperty("radialog.golden", ""));
  }

  /** Whether the cases are those of the repository, where every case must be present and used. */
  public static boolean isRepositorys() {
    return System.getProperty("radialog.golden", "").isEmpty();
  }

  /**
   * The cases whose name is {@code name} or begins with {@code name} and a hyphen, sorted. For
   * example, {@code llama} finds {@code llama-mha} and {@code llama-gqa}.
   *
   * @throws AssertionError if there is no such case in the repository's folder
   * @throws TestAbortedException if there is no such case in another folder; the calling test is
   *     skipped by name
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
    return present(!cases.isEmpty(), name, cases);
  }

  private static <T> T present(boolean there, String name, T what) {
    String absent = "no golden case " + name + " in " + folder();
    if (isRepositorys() && !there) {
      throw new AssertionError(absent + ": the files of the repository are incomplete");
    }
    assumeTrue(there, absent);
    return what;
  }

  /**
   * The dynamic tests for all cases of a family, for a test factory. {@code ofCase} returns an
   * empty stream for a case that does not contain the values that the factory compares. If there is
   * no test in a folder other than the repository's, a single test is returned that is reported as
   * skipped, because an aborted factory does not appear in any report.
   *
   * @throws AssertionError if there is no test in the repository's folder
   */
  public static Stream<DynamicTest> tests(
      String name, Function<GoldenCase, Stream<DynamicTest>> ofCase) {
    try {
      List<DynamicTest> tests = cases(name).stream().flatMap(ofCase).toList();
      return present(!tests.isEmpty(), name + " with what is compared here", tests).stream();
    } catch (TestAbortedException e) {
      return Stream.of(
          DynamicTest.dynamicTest(
              name,
              () -> {
                throw e;
              }));
    }
  }

  /** The case with exactly this name; if it is missing, fails like {@link #cases}. */
  public static GoldenCase theCase(String name) {
    file(name + END);
    return new GoldenCase(folder(), name);
  }

  /** The file at {@code path} in the folder; if it is missing, fails like {@link #cases}. */
  public static Path file(String path) {
    Path file = folder().resolve(path);
    return present(Files.exists(file), path, file);
  }

  /** A published key list: {@code biovilt}, {@code classifier} or {@code qformer}. */
  public static List<GoldenCase.Key> keys(String name) {
    return GoldenCase.keys(json(file(name + "-keys.json")).path("keys"));
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
