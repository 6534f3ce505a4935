package org.radialog.cli;

import static com.tngtech.archunit.core.domain.JavaCall.Predicates.target;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.assignableTo;
import static com.tngtech.archunit.core.domain.properties.HasName.Predicates.nameMatching;
import static com.tngtech.archunit.core.domain.properties.HasOwner.Predicates.With.owner;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ThreadFactory;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.assertj.core.api.Assertions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** The rooms and their one-way dependencies, as docs/architecture.md draws them. */
class ArchitectureTest {
  /** What a room may use directly; what is not listed is forbidden. */
  private static final Map<String, List<String>> MAY_USE =
      Map.ofEntries(
          Map.entry("base", List.of()),
          Map.entry("weights", List.of("base")),
          Map.entry("torch", List.of("weights", "base")),
          Map.entry("kernels", List.of("base")),
          Map.entry("clinical", List.of("base")),
          Map.entry("codecs", List.of("base")),
          Map.entry("imaging", List.of("codecs", "base")),
          Map.entry("text", List.of("clinical", "weights", "base")),
          Map.entry("vision", List.of("torch", "base")),
          Map.entry("language", List.of("kernels", "torch", "weights", "base")),
          Map.entry(
              "published",
              List.of(
                  "language",
                  "vision",
                  "text",
                  "imaging",
                  "clinical",
                  "kernels",
                  "torch",
                  "weights",
                  "base")),
          Map.entry(
              "dialog",
              List.of(
                  "published",
                  "language",
                  "vision",
                  "text",
                  "imaging",
                  "codecs",
                  "clinical",
                  "kernels",
                  "torch",
                  "weights",
                  "base")),
          Map.entry(
              "wire",
              List.of("dialog", "published", "language", "imaging", "codecs", "clinical", "base")),
          Map.entry(
              "openai", List.of("wire", "dialog", "text", "imaging", "codecs", "clinical", "base")),
          Map.entry("data", List.of("imaging", "clinical", "base")),
          Map.entry("metrics", List.of("language", "text", "clinical", "torch", "weights", "base")),
          Map.entry("instruct", List.of("data", "clinical", "base")),
          Map.entry("charts", List.of("base")),
          Map.entry("tasks", List.of("instruct", "data", "clinical", "base")),
          Map.entry(
              "eval",
              List.of(
                  "charts",
                  "tasks",
                  "instruct",
                  "metrics",
                  "data",
                  "dialog",
                  "published",
                  "language",
                  "vision",
                  "text",
                  "torch",
                  "imaging",
                  "clinical",
                  "base")),
          Map.entry("loop", List.of("charts", "data", "published", "torch", "weights", "base")),
          Map.entry(
              "paper",
              List.of(
                  "loop",
                  "eval",
                  "instruct",
                  "metrics",
                  "data",
                  "dialog",
                  "published",
                  "language",
                  "vision",
                  "text",
                  "torch",
                  "weights",
                  "imaging",
                  "clinical",
                  "base")),
          Map.entry(
              "train",
              List.of(
                  "loop",
                  "eval",
                  "tasks",
                  "metrics",
                  "data",
                  "dialog",
                  "published",
                  "language",
                  "vision",
                  "text",
                  "imaging",
                  "clinical",
                  "torch",
                  "weights",
                  "base")),
          Map.entry(
              "bench",
              List.of(
                  "dialog",
                  "language",
                  "kernels",
                  "torch",
                  "weights",
                  "imaging",
                  "clinical",
                  "base")),
          Map.entry(
              "cli",
              List.of(
                  "bench",
                  "paper",
                  "train",
                  "loop",
                  "eval",
                  "instruct",
                  "metrics",
                  "data",
                  "wire",
                  "dialog",
                  "published",
                  "language",
                  "vision",
                  "text",
                  "imaging",
                  "codecs",
                  "clinical",
                  "kernels",
                  "weights",
                  "base")));

  /** Main code of all rooms; read once, since reading it takes seconds. */
  static final JavaClasses CLASSES =
      new ClassFileImporter()
          .withImportOption(new ImportOption.DoNotIncludeTests())
          .importPackages("org.radialog");

  @Test
  void everyRoomIsLookedAt() {
    Assertions.assertThat(CLASSES.stream().map(ArchitectureTest::room).distinct().sorted())
        .containsAll(MAY_USE.keySet());
  }

  @TestFactory
  Stream<DynamicTest> aRoomUsesOnlyTheRoomsBelowIt() {
    return MAY_USE.entrySet().stream()
        .sorted(Map.Entry.comparingByKey())
        .map(entry ->
            DynamicTest.dynamicTest(entry.getKey(), () -> check(entry.getKey(), entry.getValue())));
  }

  private static void check(String room, List<String> allowed) {
    classes()
        .that()
        .resideInAPackage("org.radialog." + room + "..")
        .should()
        .onlyDependOnClassesThat(
            new DescribedPredicate<JavaClass>(
                "are outside the project, of " + room + " or of " + allowed) {
              @Override
              public boolean test(JavaClass used) {
                String other = room(used);
                return other.isEmpty() || other.equals(room) || allowed.contains(other);
              }
            })
        .allowEmptyShould(true)
        .check(CLASSES);
  }

  @Test
  void roomsHaveNoCycles() {
    slices().matching("org.radialog.(*)..").should().beFreeOfCycles().check(CLASSES);
  }

  @Test
  void onlyTheRoomTorchSetsHowManyThreadsAnOperationOfLibtorchTakes() {
    noClasses()
        .that()
        .resideOutsideOfPackage("org.radialog.torch..")
        .should()
        .callMethodWhere(
            target(owner(assignableTo("org.bytedeco.pytorch.global.torch")))
                .and(target(nameMatching(".*num_(interop_)?threads"))))
        .check(CLASSES);
  }

  @Test
  void roomsThatUseLibtorchStartThreadsThroughTorchThreads() {
    Assertions.assertThat(filesInRoomsOfTorch(ArchitectureTest::startsThreads))
        .as("files that start a thread themselves")
        .containsExactlyInAnyOrder(
            "LoadedModel", // its parts open TorchThreads; mapping files is not to wait for libtorch
            "LanguageModel"); // the decoder's kernels, which are plain Java
    Set<String> sharers = filesInRoomsOfTorch(ArchitectureTest::sharesWorkOut);
    sharers.retainAll(filesInRoomsOfTorch(ArchitectureTest::touchesLibtorch));
    Assertions.assertThat(sharers)
        .as("files that touch libtorch and share work out to the common pool")
        .containsExactlyInAnyOrder(
            "LlamaTensors", // filling opens TorchThreads on the pool's threads
            "LlamaStream", // fills through LlamaTensors
            "LlamaFile", // its rows open TorchThreads on the pool's threads
            "PackedMatrices"); // the decoder's kernels, which are plain Java
  }

  private static Set<String> filesInRoomsOfTorch(Predicate<JavaClass> wanted) {
    return CLASSES.stream()
        .filter(type -> MAY_USE.getOrDefault(room(type), List.of()).contains("torch"))
        .filter(wanted)
        .map(type -> type.getName().replaceAll("^.*\\.|\\$.*$", ""))
        .collect(Collectors.toSet());
  }

  private static boolean touchesLibtorch(JavaClass type) {
    return type.getDirectDependenciesFromSelf().stream()
        .anyMatch(d -> d.getTargetClass().getPackageName().startsWith("org.bytedeco.pytorch"));
  }

  private static boolean sharesWorkOut(JavaClass type) {
    return type.getMethodCallsFromSelf().stream()
        .anyMatch(call -> call.getName().matches("parallel(Stream)?"));
  }

  // An executor that is given a ThreadFactory starts that factory's threads.
  private static boolean startsThreads(JavaClass type) {
    return type.getMethodCallsFromSelf().stream()
            .anyMatch(call ->
                switch (call.getTargetOwner().getName()) {
                  case "java.lang.Thread",
                      "java.lang.Thread$Builder$OfPlatform",
                      "java.lang.Thread$Builder$OfVirtual" ->
                      call.getName().matches("start|startVirtualThread|factory");
                  case "java.util.concurrent.Executors" ->
                      call.getTarget().getRawParameterTypes().stream()
                          .noneMatch(p -> p.isEquivalentTo(ThreadFactory.class));
                  case "java.util.concurrent.CompletableFuture" -> call.getName().endsWith("Async");
                  default -> false;
                })
        || type.getConstructorCallsFromSelf().stream()
            .anyMatch(call ->
                call.getTargetOwner()
                    .getName()
                    .matches(
                        "java\\.lang\\.Thread|java\\.util\\.concurrent\\.(ForkJoin|ThreadPool).*"));
  }

  private static String room(JavaClass type) {
    String prefix = "org.radialog.";
    String name = type.getPackageName();
    if (!name.startsWith(prefix)) {
      return "";
    }
    String rest = name.substring(prefix.length());
    int dot = rest.indexOf('.');
    return dot < 0 ? rest : rest.substring(0, dot);
  }
}
