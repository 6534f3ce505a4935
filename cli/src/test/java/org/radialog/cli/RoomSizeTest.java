package org.radialog.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.radialog.testing.Golden;

/** A room stays small enough to be read, and its files know each other in one direction. */
class RoomSizeTest {
  private static final int FILES = 36;
  private static final int LINES = 6_000;

  /** Files that may know each other in a circle, by the reason. */
  private static final List<Set<String>> CIRCLES =
      List.of(
          // A facade, and the formats or kinds that it opens.
          Set.of("Checkpoint", "Formats", "Gguf", "PyTorch", "Safetensors", "Sharded"),
          Set.of("GgufLlama", "HuggingFaceLlama", "LlamaWeights"),
          Set.of(
              "ByteLevelTokenizer",
              "GgufVocabulary",
              "SentencePieceTokenizer",
              "TextTokenizer",
              "TokenizerFolder"),
          Set.of(
              "ChexpertPlus",
              "CsvTable",
              "GroupedRows",
              "IuXray",
              "MimicCxr",
              "PlainTable",
              "RexRank",
              "StudySink",
              "StudySource"),
          Set.of("NltkWords", "SentenceEnds", "WordTokenizer"),
          // A sealed family, or an interface whose registry names what implements it.
          Set.of("BertScore", "Bleu", "Cider", "Meteor", "RougeL", "TextMetric"),
          Set.of("ClinicalEfficacy", "ClinicalMetric"),
          Set.of(
              "BinaryTask",
              "CorrectionTask",
              "EasyTask",
              "ImpressionTask",
              "InstructDataSet",
              "InstructDialog",
              "InstructMix",
              "InstructTask",
              "KnowledgeTask",
              "ListTask",
              "NormalTask",
              "NotAssessedTask",
              "OutsideTask",
              "RegionTask",
              "ReportTask",
              "SummaryTask",
              "SureTask",
              "ViewTask",
              "WhyTask"),
          Set.of("Alignment", "MlpProjector", "QFormer", "QueryProjector", "RowProjector"),
          Set.of(
              "BioViLT",
              "BioViLTEncoder",
              "ConvNorm",
              "DividedBatch",
              "EfficientNetLite0",
              "ImageBackbone",
              "ResNet50"),
          Set.of("Dequantisation", "Int4", "Int8", "PackedMatrix", "QuantisedVectors"),
          // A facade and its dialogs, a file and the reader of its parts.
          Set.of("Dialog", "RaDialog", "SelfTestFilm", "TextDialog"),
          Set.of("Pickle", "PickleCalls"),
          Set.of("JpegEntropy", "JpegFile"),
          Set.of("Golden", "GoldenCase"));

  @TestFactory
  Stream<DynamicTest> aRoomIsSmallEnoughToBeRead() throws IOException {
    Map<String, List<Path>> rooms = sources();
    assertThat(rooms).hasSizeGreaterThan(15);
    return rooms.entrySet().stream()
        .map(room ->
            DynamicTest.dynamicTest(
                room.getKey(),
                () -> {
                  long lines = 0;
                  for (Path file : room.getValue()) {
                    try (Stream<String> text = Files.lines(file)) {
                      lines += text.count();
                    }
                  }
                  assertThat(room.getValue()).hasSizeLessThanOrEqualTo(FILES);
                  assertThat(lines).as("lines").isLessThanOrEqualTo(LINES);
                }));
  }

  @Test
  void filesKnowEachOtherInCirclesOnlyWhereTheListSaysWhy() {
    Map<String, Set<String>> uses = new TreeMap<>();
    for (JavaClass type : ArchitectureTest.CLASSES) {
      Set<String> used = uses.computeIfAbsent(file(type), name -> new TreeSet<>());
      type.getDirectDependenciesFromSelf().stream()
          .map(dependency -> dependency.getTargetClass().getBaseComponentType())
          .filter(target -> target.getPackageName().equals(type.getPackageName()))
          .map(RoomSizeTest::file)
          .filter(name -> !name.equals(file(type)))
          .forEach(used::add);
    }
    List<Set<String>> circles = new Circles(uses).found();
    assertThat(circles).isNotEmpty();
    assertThat(circles.stream().map(RoomSizeTest::simple).filter(c -> !CIRCLES.contains(c)))
        .as("circles that the list does not name")
        .isEmpty();
    assertThat(CIRCLES)
        .as("circles that are no more")
        .allMatch(circle -> circles.stream().anyMatch(c -> simple(c).equals(circle)));
  }

  private static Set<String> simple(Set<String> names) {
    Set<String> simple = new TreeSet<>();
    names.forEach(name -> simple.add(name.substring(name.lastIndexOf('.') + 1)));
    return simple;
  }

  // The class that gives a file its name.
  private static String file(JavaClass type) {
    String name = type.getName();
    int nested = name.indexOf('$');
    return nested < 0 ? name : name.substring(0, nested);
  }

  private static Map<String, List<Path>> sources() throws IOException {
    Map<String, List<Path>> rooms = new TreeMap<>();
    try (Stream<Path> modules = Files.list(Golden.root())) {
      for (Path module : modules.filter(m -> Files.exists(m.resolve("pom.xml"))).toList()) {
        Path main = module.resolve("src/main/java");
        if (Files.isDirectory(main)) {
          try (Stream<Path> files = Files.walk(main)) {
            rooms.put(
                module.getFileName().toString(),
                files.filter(file -> file.toString().endsWith(".java")).toList());
          }
        }
      }
    }
    return rooms;
  }

  /** Tarjan's strongly connected components of more than one node. */
  private static final class Circles {
    private final Map<String, Set<String>> uses;
    private final Map<String, Integer> index = new HashMap<>();
    private final Deque<String> stack = new ArrayDeque<>();
    private final Set<String> onStack = new HashSet<>();
    private final List<Set<String>> found = new ArrayList<>();

    Circles(Map<String, Set<String>> uses) {
      this.uses = uses;
    }

    List<Set<String>> found() {
      uses.keySet()
          .forEach(node -> {
            if (!index.containsKey(node)) {
              visit(node);
            }
          });
      return found;
    }

    private int visit(String node) {
      int own = index.size();
      int lowest = own;
      index.put(node, own);
      stack.push(node);
      onStack.add(node);
      for (String next : uses.getOrDefault(node, Set.of())) {
        if (!index.containsKey(next)) {
          lowest = Math.min(lowest, visit(next));
        } else if (onStack.contains(next)) {
          lowest = Math.min(lowest, index.getOrDefault(next, own));
        }
      }
      if (lowest == own) {
        Set<String> circle = new TreeSet<>();
        String top;
        do {
          top = stack.pop();
          onStack.remove(top);
          circle.add(top);
        } while (!top.equals(node));
        if (circle.size() > 1) {
          found.add(circle);
        }
      }
      return lowest;
    }
  }
}
