package org.radialog.dialog;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.stream.Stream;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.radialog.base.RadialogException;
import org.radialog.imaging.Radiograph;
import org.radialog.language.Precision;
import org.radialog.testmodel.TinyModel;

/** Programs that embed the library, each a process of its own, started as a stranger may do it. */
@Timeout(240)
class FromJavaTest {
  private static final String VECTORS = "--add-modules=jdk.incubator.vector";
  private static final String NATIVE = "--enable-native-access=ALL-UNNAMED";

  /** What a process printed and how it ended. */
  private record Ended(int code, String out, String err) {}

  /** Loads a model, at a precision or the one that the library chooses, and says a few tokens. */
  static final class Program {
    private Program() {}

    public static void main(String[] arguments) {
      Options options = Options.DEFAULT;
      if (arguments.length > 1) {
        options = options.with(Precision.valueOf(arguments[1]));
      }
      try (RaDialog model = RaDialog.load(Path.of(arguments[0]), options);
          Dialog dialog = model.open(Study.of(film()).ofAnyView())) {
        Report report = dialog.report(Decoding.greedy(8), text -> {});
        System.out.println(model.precision() + " " + report.usage().completionTokens());
      }
    }

    static Radiograph film() {
      byte[] pixels = new byte[160 * 160];
      for (int i = 0; i < pixels.length; i++) {
        pixels[i] = (byte) (i % 160 + i / 320);
      }
      return Radiograph.ofGrey("film", 160, 160, pixels);
    }
  }

  /** Asks a question of 16 MB, then a short one. */
  static final class Asking {
    private Asking() {}

    public static void main(String[] arguments) {
      try (RaDialog model =
              RaDialog.load(Path.of(arguments[0]), Options.DEFAULT.with(Precision.FP32));
          Dialog dialog = model.open(Study.of(Program.film()).ofAnyView())) {
        dialog.findings();
        model.ready();
        String question = "a?".repeat(8 << 20);
        long begun = System.nanoTime();
        try {
          dialog.ask(question, text -> {});
        } catch (RadialogException e) {
          System.out.println(e.getMessage());
        }
        System.out.println((System.nanoTime() - begun) / 1_000_000_000 + " s");
        System.out.println(
            dialog.ask("Edema?", Decoding.greedy(8), text -> {}).usage().completionTokens());
      }
    }
  }

  @TempDir private Path temporary;

  private static List<String> classPath() {
    return List.of(
        System.getProperty("java.class.path").split(System.getProperty("path.separator")));
  }

  private Ended java(List<String> arguments) throws IOException, InterruptedException {
    Path out = temporary.resolve("out");
    Path err = temporary.resolve("err");
    List<String> command = new ArrayList<>();
    command.add(ProcessHandle.current().info().command().orElseThrow());
    command.addAll(arguments);
    Process process =
        new ProcessBuilder(command)
            .redirectOutput(out.toFile())
            .redirectError(err.toFile())
            .start();
    try {
      assertThat(process.waitFor(200, TimeUnit.SECONDS)).as("the program ended").isTrue();
      return new Ended(process.exitValue(), Files.readString(out), Files.readString(err));
    } finally {
      process.destroyForcibly();
    }
  }

  private Ended program(List<String> flags, String... arguments) throws Exception {
    return program(Program.class, flags, arguments);
  }

  private Ended program(Class<?> main, List<String> flags, String... arguments) throws Exception {
    List<String> all = new ArrayList<>(flags);
    all.addAll(List.of("-cp", String.join(System.getProperty("path.separator"), classPath())));
    all.add(main.getName());
    all.add(TinyModel.folder().toString());
    all.addAll(List.of(arguments));
    return java(all);
  }

  @Test
  void aProgramWithTheVectorApiIsServedFastAndNothingIsPrinted() throws Exception {
    Ended ended = program(List.of(VECTORS, NATIVE));
    assertThat(ended.err.lines().filter(line -> !line.contains("incubator modules"))).isEmpty();
    assertThat(ended.out).isEqualTo(LanguageModel.fastest() + " 8\n");
    assertThat(ended.code).isZero();
  }

  @Test
  void aProgramWithoutTheVectorApiIsServedThroughLibtorch() throws Exception {
    Ended ended = program(List.of(NATIVE));
    assertThat(ended.err).isEmpty();
    assertThat(ended.out).isEqualTo("BF16 8\n");
    assertThat(ended.code).isZero();
  }

  @Test
  void aQuantisedPrecisionWithoutTheVectorApiIsRefusedByTheFlagThatIsMissing() throws Exception {
    for (Precision precision : List.of(Precision.INT8, Precision.INT4)) {
      Ended ended = program(List.of(NATIVE), precision.name());
      assertThat(ended.err)
          .contains(
              "RadialogException: the precision "
                  + precision.label()
                  + " needs the Vector API of the JDK, which is not enabled in this process: start"
                  + " java with --add-modules jdk.incubator.vector, or use the precision bf16 or"
                  + " fp32")
          .doesNotContain("NoClassDefFoundError");
      assertThat(ended.code).isNotZero();
    }
  }

  @Test
  void aQuestionOfMegabytesInASmallHeapIsRefusedAtOnceAndTheNextOneAnswered() throws Exception {
    Ended ended = program(Asking.class, List.of(VECTORS, NATIVE, "-Xmx128m"));
    assertThat(ended.out)
        .as(ended.err)
        .matches(
            "the text has 16777216 characters, and the language model's 2048 positions hold \\d+"
                + " at most; shorten it\n0 s\n8\n");
    assertThat(ended.code).isZero();
  }

  @Test
  void aModularProgramRunsOnTheModulePath() throws Exception {
    Path library = modules();
    Path application = application(library);
    List<String> path = List.of("-p", library + System.getProperty("path.separator") + application);
    Ended ended =
        java(
            Stream.of(
                    path,
                    List.of("--add-modules", "jdk.incubator.vector,ALL-MODULE-PATH"),
                    List.of("-m", "embedding/embedding.Main", TinyModel.folder().toString()))
                .flatMap(List::stream)
                .toList());
    assertThat(ended.out).as(ended.err).isEqualTo("radialog.dialog answers\n");
    assertThat(ended.code).isZero();
    assertThat(ended.err).doesNotContain("SLF4J");

    Ended unresolved =
        java(
            Stream.of(
                    path, List.of("-m", "embedding/embedding.Main", TinyModel.folder().toString()))
                .flatMap(List::stream)
                .toList());
    assertThat(unresolved.code).isNotZero();
    assertThat(unresolved.err)
        .contains("start java with --add-modules jdk.incubator.vector,ALL-MODULE-PATH")
        .doesNotContain("NoClassDefFoundError");
  }

  // Every jar of the class path but those of the tests; our rooms' classes as the jars that a build
  // makes of them.
  private Path modules() throws IOException {
    Path folder = Files.createDirectory(temporary.resolve("modules"));
    for (String entry : classPath()) {
      Path path = Path.of(entry);
      String name = String.valueOf(path.getFileName());
      if (Files.isDirectory(path) && name.equals("classes")) {
        String room = String.valueOf(path.getName(path.getNameCount() - 3));
        if (!room.matches("testing|testmodel")) {
          jar(path, folder.resolve("radialog-" + room + "-0.1.0-SNAPSHOT.jar"));
        }
      } else if (name.endsWith(".jar")
          && !name.matches(
              "(junit|assertj|jqwik|byte-buddy|opentest4j|apiguardian|radialog-test(ing|model)).*")) {
        Files.copy(path, folder.resolve(name));
      }
    }
    return folder;
  }

  private static void jar(Path classes, Path jar) throws IOException {
    List<Path> files;
    try (Stream<Path> all = Files.walk(classes)) {
      files = all.filter(Files::isRegularFile).toList();
    }
    try (OutputStream out = Files.newOutputStream(jar);
        JarOutputStream entries = new JarOutputStream(out)) {
      for (Path file : files) {
        entries.putNextEntry(new JarEntry(classes.relativize(file).toString().replace('\\', '/')));
        Files.copy(file, entries);
        entries.closeEntry();
      }
    }
  }

  private Path application(Path library) throws IOException {
    Path source = Files.createDirectories(temporary.resolve("source/embedding"));
    Path module = temporary.resolve("source/module-info.java");
    Files.writeString(module, "module embedding { requires radialog.dialog; }");
    Path main = source.resolve("Main.java");
    Files.writeString(
        main,
        """
        package embedding;

        import java.nio.file.Path;
        import org.radialog.dialog.Decoding;
        import org.radialog.dialog.Dialog;
        import org.radialog.dialog.RaDialog;
        import org.radialog.dialog.Study;
        import org.radialog.imaging.Radiograph;

        public final class Main {
          public static void main(String[] arguments) {
            byte[] pixels = new byte[160 * 160];
            for (int i = 0; i < pixels.length; i++) {
              pixels[i] = (byte) (i % 160 + i / 320);
            }
            try (RaDialog model = RaDialog.load(Path.of(arguments[0]));
                Dialog dialog =
                    model.open(
                        Study.of(Radiograph.ofGrey("film", 160, 160, pixels)).ofAnyView())) {
              int tokens = dialog.report(Decoding.greedy(5), text -> {}).usage().completionTokens();
              System.out.println(
                  RaDialog.class.getModule().getName() + (tokens == 5 ? " answers" : " fails"));
            }
          }
        }
        """);
    Path out = temporary.resolve("application");
    ByteArrayOutputStream said = new ByteArrayOutputStream();
    int code =
        ToolProvider.getSystemJavaCompiler()
            .run(
                null,
                said,
                said,
                "-p",
                library.toString(),
                "-d",
                out.toString(),
                module.toString(),
                main.toString());
    assertThat(code).as(said.toString(StandardCharsets.UTF_8)).isZero();
    return out;
  }
}
