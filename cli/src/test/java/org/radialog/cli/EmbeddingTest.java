package org.radialog.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * {@code examples/embed}, a project outside this build, is built by Maven with {@code
 * radialog-dialog} as its one dependency, and run. It finds the jars of this build where {@code mvn
 * install} would put them, but in a local repository of its own.
 */
class EmbeddingTest {
  private static final Path ROOT = CommandLineRun.ROOT;
  private static final String VERSION = "0.1.0-SNAPSHOT";
  private static final String QUESTION = "Is there a pleural effusion?";
  private static final List<String> FLAGS =
      List.of("--add-modules", "jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED");

  @TempDir private static Path temporary;
  private static final List<Path> LINKS = new ArrayList<>();
  private static String absent = "";
  private static String classpath = "";

  @BeforeAll
  static void build() throws Exception {
    Path repository = Files.createDirectories(temporary.resolve("repository"));
    Path own = Files.createDirectories(repository.resolve("org/radialog"));
    install(ROOT, "radialog", own);
    for (Path room : rooms()) {
      String artifact = "radialog-" + room.getFileName();
      Path jar = room.resolve("target/%s-%s.jar".formatted(artifact, VERSION));
      if (!isCurrent(jar, room.resolve("target/classes"))) {
        absent = jar + " is absent or older than its classes: run mvn verify";
        return;
      }
      Files.copy(jar, install(room, artifact, own).resolve(jar.getFileName()));
    }
    link(Path.of(System.getProperty("localRepository", "")), repository);

    Path project = temporary.resolve("embed");
    copy(ROOT.resolve("examples/embed"), project);
    String maven = System.getProperty("radialog.maven", "");
    Ended built =
        run(
            project,
            List.of(
                maven.isEmpty() ? "mvn" : maven + "/bin/mvn",
                "-B",
                "-o",
                "-q",
                "-Dmaven.repo.local=" + repository,
                // What is linked was fetched under the settings of this build, which may not be the
                // user's.
                "-Daether.enhancedLocalRepository.trackingFilename=none",
                "compile"));
    assertThat(built.code).as(built.out + built.err).isZero();
    classpath =
        project.resolve("target/classes")
            + ":"
            + Files.readString(project.resolve("target/classpath"));
  }

  @AfterAll
  static void unlink() throws IOException {
    for (Path link : LINKS) {
      Files.delete(link);
    }
  }

  @Test
  void anotherProjectReportsAndAsksWithOneDependencyAndTwoFlags() throws Exception {
    Ended ended = read(FLAGS, "report", QUESTION);
    assertThat(ended.code).as(ended.err).isZero();
    assertThat(ended.out.lines())
        .satisfiesExactly(
            line ->
                assertThat(line)
                    .matches("precision: (int8|bf16)"), // bf16 on a CPU of narrow vectors
            line -> assertThat(line).matches("report: .*[a-z]\\."),
            line -> assertThat(line).startsWith(QUESTION + ": ").matches(".*: (Yes|No)\\b.*"));
    assertThat(ended.err).isEqualTo("WARNING: Using incubator modules: jdk.incubator.vector\n");
  }

  @Test
  void withoutTheFlagsItAnswersThroughLibtorchAndOnlyTheJdkWarns() throws Exception {
    Ended ended = read(List.of(), QUESTION);
    assertThat(ended.code).as(ended.err).isZero();
    assertThat(ended.out.lines())
        .satisfiesExactly(
            line -> assertThat(line).isEqualTo("precision: bf16"),
            line -> assertThat(line).startsWith(QUESTION + ": ").matches(".*: (Yes|No)\\b.*"));
    assertThat(ended.err.lines())
        .allMatch(line -> line.isEmpty() || line.startsWith("WARNING: "))
        .anyMatch(line -> line.contains("--enable-native-access=ALL-UNNAMED"));
  }

  private static Ended read(List<String> flags, String... requests) throws Exception {
    assumeTrue(absent.isEmpty(), absent);
    List<String> command = new ArrayList<>(List.of(System.getProperty("java.home") + "/bin/java"));
    command.addAll(flags);
    command.addAll(
        List.of(
            "-cp",
            classpath,
            "org.example.ReadFilm",
            ROOT.resolve("models/mini").toString(),
            ROOT.resolve("samples/effusion.jpg").toString()));
    command.addAll(List.of(requests));
    return run(temporary, command);
  }

  // ---- the local repository

  // All but the command, whose jar lies elsewhere and which no room uses.
  private static List<Path> rooms() throws IOException {
    try (Stream<Path> children = Files.list(ROOT)) {
      return children
          .filter(room -> Files.exists(room.resolve("pom.xml")))
          .filter(room -> !room.getFileName().toString().equals("cli"))
          .sorted()
          .toList();
    }
  }

  // As Maven's jar plugin has it: what is not newer than its jar is in it.
  private static boolean isCurrent(Path jar, Path classes) throws IOException {
    if (!Files.exists(jar)) {
      return false;
    }
    FileTime packed = Files.getLastModifiedTime(jar);
    try (Stream<Path> files = Files.walk(classes)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        if (Files.getLastModifiedTime(file).compareTo(packed) > 0) {
          return false;
        }
      }
    }
    return true;
  }

  private static Path install(Path project, String artifact, Path own) throws IOException {
    Path folder = Files.createDirectories(own.resolve(artifact).resolve(VERSION));
    Files.copy(
        project.resolve("pom.xml"), folder.resolve("%s-%s.pom".formatted(artifact, VERSION)));
    return folder;
  }

  // Everything of the build's own local repository but the artifacts of this project.
  private static void link(Path from, Path to) throws IOException {
    try (Stream<Path> children = Files.list(from)) {
      for (Path child : children.toList()) {
        Path target = to.resolve(child.getFileName().toString());
        if (!Files.exists(target)) {
          LINKS.add(Files.createSymbolicLink(target, child));
        } else if (!target.endsWith("org/radialog")) {
          link(child, target);
        }
      }
    }
  }

  private static void copy(Path from, Path to) throws IOException {
    try (Stream<Path> files = Files.walk(from)) {
      for (Path file : files.filter(f -> !f.startsWith(from.resolve("target"))).toList()) {
        Files.copy(file, to.resolve(from.relativize(file)));
      }
    }
  }

  // ---- a run

  private record Ended(int code, String out, String err) {}

  private static Ended run(Path folder, List<String> command) throws Exception {
    Path out = temporary.resolve("out");
    Path err = temporary.resolve("err");
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .directory(folder.toFile())
            .redirectOutput(out.toFile())
            .redirectError(err.toFile());
    builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
    builder.environment().keySet().removeIf(name -> name.startsWith("MAVEN_"));
    Process process = builder.start();
    boolean ended = process.waitFor(3, TimeUnit.MINUTES);
    process.destroyForcibly();
    assertThat(ended).as(String.join(" ", command)).isTrue();
    return new Ended(process.exitValue(), Files.readString(out), Files.readString(err));
  }
}
