package org.radialog.testing;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.math.BigInteger;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.radialog.weights.Checkpoint;
import org.radialog.weights.DType;
import org.radialog.weights.WeightsRefused;
import tools.jackson.databind.JsonNode;

/**
 * Every file of the case {@code checkpoints}: contents and metadata must equal those read by the
 * reference libraries, and malicious files must be refused.
 */
class CheckpointsParityTest {
  /**
   * Rounding tolerance for K-quant types, because the reference multiplies in a different order.
   */
  private static final double K_TOLERANCE = 1e-6;

  /**
   * Maximum allocation in bytes for refusing a file; the largest malicious file declares 2^60
   * elements.
   */
  private static final long MAX_ALLOCATION = 64L << 20;

  private static final long MAX_TIME = Duration.ofSeconds(1).toNanos();

  @TestFactory
  Stream<DynamicTest> wellFormedFilesAreReadExactly() {
    return Golden.tests(
        "checkpoints",
        golden ->
            golden.values().required("files").properties().stream()
                .map(file ->
                    DynamicTest.dynamicTest(
                        "checkpoints/" + file.getKey(),
                        () -> read(folder(golden), file.getKey(), file.getValue()))));
  }

  @TestFactory
  Stream<DynamicTest> hostileFilesAreRefused() {
    return Golden.tests(
        "checkpoints",
        golden -> {
          Path folder = folder(golden);
          // Loads the classes first, because class loading also allocates memory and takes time.
          for (String name : golden.values().required("files").propertyNames()) {
            Checkpoint.open(folder.resolve(name)).close();
          }
          return golden.values().required("hostile").propertyNames().stream()
              .map(name ->
                  DynamicTest.dynamicTest("checkpoints/" + name, () -> refuse(folder, name)));
        });
  }

  private static Path folder(GoldenCase golden) {
    return golden.file(golden.config().required("folder").stringValue());
  }

  private static void refuse(Path folder, String name) {
    Path file = folder.resolve(name);
    ThreadMXBean thread = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long bytes = thread.getCurrentThreadAllocatedBytes();
    long time = thread.getCurrentThreadCpuTime();
    assertThatThrownBy(() -> Checkpoint.open(file).close())
        .isInstanceOf(WeightsRefused.class)
        .hasMessageContaining(file.getFileName().toString());
    assertThat(thread.getCurrentThreadAllocatedBytes() - bytes)
        .as("bytes allocated")
        .isLessThan(MAX_ALLOCATION);
    // CPU time instead of wall-clock time, so that other load on the machine cannot fail the test.
    assertThat(thread.getCurrentThreadCpuTime() - time).as("nanoseconds").isLessThan(MAX_TIME);
    System.out.println("parity checkpoints/" + name + " refused (exact)");
  }

  private static void read(Path folder, String name, JsonNode expected) {
    try (Checkpoint checkpoint = Checkpoint.open(folder.resolve(name))) {
      if (expected.has("metadata")) {
        assertMetadata(checkpoint, expected.get("metadata"));
      }
      if (expected.has("total_size")) {
        assertThat(checkpoint.metadata())
            .containsEntry("total_size", expected.get("total_size").longValue());
      }
      if (expected.has("tensors")) {
        assertListing(checkpoint, expected.get("tensors"));
      }
      if (expected.has("expected")) {
        // "NAME.safetensors (remark)"
        String file = expected.get("expected").stringValue();
        assertBlocks(
            folder, name, checkpoint, file.substring(0, file.indexOf(".safetensors") + 12));
      }
      if (expected.has("content")) {
        assertContent(checkpoint, expected.get("content"));
      }
    }
    System.out.println("parity checkpoints/" + name + " 0 (exact)");
  }

  private static void assertMetadata(Checkpoint checkpoint, JsonNode expected) {
    assertThat(checkpoint.metadata().keySet()).containsAll(expected.propertyNames());
    for (Map.Entry<String, JsonNode> entry : expected.properties()) {
      // Entries of GGUF are {"type", "value"}; entries of safetensors are texts.
      JsonNode value =
          entry.getValue().isString() ? entry.getValue() : entry.getValue().get("value");
      assertThat(checkpoint.metadata().get(entry.getKey()))
          .as(entry.getKey())
          .isEqualTo(plain(value));
    }
  }

  private static void assertListing(Checkpoint checkpoint, JsonNode expected) {
    assertThat(checkpoint.tensors()).hasSize(expected.size());
    int i = 0;
    for (var tensor : checkpoint.tensors().values()) {
      JsonNode listed = expected.get(i++);
      assertThat(tensor.name()).isEqualTo(listed.get(0).stringValue());
      assertThat(tensor.dtype().name()).isEqualTo(listed.get(1).stringValue());
      assertThat(tensor.shape()).isEqualTo(GoldenCase.longs(listed.get(2)));
    }
  }

  /** Compares with the expected file, which contains fp32 values under the name of the type. */
  private static void assertBlocks(Path folder, String name, Checkpoint checkpoint, String file) {
    try (Checkpoint values = Checkpoint.open(folder.resolve(file))) {
      assertThat(values.tensors()).hasSameSizeAs(checkpoint.tensors());
      for (String key : values.tensors().keySet()) {
        String tensor = checkpoint.tensors().containsKey(key) ? key : "tensor." + key;
        DType dtype = checkpoint.tensor(tensor).dtype();
        boolean rounded = dtype.quantised() && dtype.blockElements() == 256;
        Parity.check(
            "checkpoints/" + name + "/" + tensor,
            checkpoint.doubles(tensor),
            values.doubles(key),
            rounded ? K_TOLERANCE : 0);
      }
    }
  }

  private static void assertContent(Checkpoint checkpoint, JsonNode content) {
    SequencedMap<String, JsonNode> tensors = new LinkedHashMap<>();
    collect(content.has("tensor") ? "tensor" : "", content, tensors);
    // The original safetensors writer sorts by type and name.
    assertThat(checkpoint.tensors().keySet()).containsExactlyInAnyOrderElementsOf(tensors.keySet());
    tensors.forEach((name, tensor) -> assertTensor(checkpoint, name, tensor));
    if (content.has("dict")) {
      for (JsonNode pair : content.get("dict")) {
        if (!holdsOnlyTensors(pair.get(1))) {
          String key = pair.get(0).asString();
          assertThat(withoutClasses(requireNonNull(checkpoint.metadata().get(key), key)))
              .as(key)
              .isEqualTo(described(pair.get(1)).orElseThrow());
        }
      }
    }
  }

  // Collects the tensors with the names that the reader gives them; tensors of a state dict have no
  // prefix.
  private static void collect(String path, JsonNode node, Map<String, JsonNode> tensors) {
    if (node.has("tensor")) {
      tensors.put(path, node);
    } else if (node.has("dict") || node.has("fields")) {
      for (JsonNode pair : node.path(node.has("dict") ? "dict" : "fields")) {
        String key = pair.get(0).asString();
        String child = path.isEmpty() ? key : path + "." + key;
        collect(child.equals("state_dict") ? "" : child, pair.get(1), tensors);
      }
    } else if (node.has("list") || node.has("tuple")) {
      JsonNode items = node.path(node.has("list") ? "list" : "tuple");
      for (int i = 0; i < items.size(); i++) {
        collect(path + "." + i, items.get(i), tensors);
      }
    }
  }

  private static boolean holdsOnlyTensors(JsonNode node) {
    return node.has("tensor")
        || (node.has("dict")
            && !node.get("dict").isEmpty()
            && node.get("dict").valueStream().allMatch(pair -> pair.get(1).has("tensor")));
  }

  private static void assertTensor(Checkpoint checkpoint, String name, JsonNode expected) {
    DType dtype = checkpoint.tensor(name).dtype();
    assertThat(dtype).as(name).isEqualTo(dtype(expected.get("tensor").stringValue()));
    assertThat(checkpoint.tensor(name).shape())
        .as(name)
        .isEqualTo(GoldenCase.longs(expected.get("shape")));
    JsonNode values = expected.get("values");
    if (dtype.integer()) {
      long[] integers =
          values
              .valueStream()
              .mapToLong(v -> v.isBoolean() ? (v.asBoolean() ? 1 : 0) : v.asLong())
              .toArray();
      assertThat(checkpoint.longs(name)).as(name).isEqualTo(integers);
    } else {
      // Compares bits, so that -0.0 and NaN are distinguished.
      double[] doubles = values.valueStream().mapToDouble(CheckpointsParityTest::number).toArray();
      assertThat(bits(checkpoint.doubles(name))).as(name).isEqualTo(bits(doubles));
    }
  }

  private static long[] bits(double[] values) {
    return Arrays.stream(values).mapToLong(Double::doubleToLongBits).toArray();
  }

  private static double number(JsonNode value) {
    return value.isString() ? Double.parseDouble(value.stringValue()) : value.doubleValue();
  }

  private static DType dtype(String torch) {
    return switch (torch) {
      case "float64" -> DType.F64;
      case "float32" -> DType.F32;
      case "float16" -> DType.F16;
      case "bfloat16" -> DType.BF16;
      case "int64" -> DType.I64;
      case "int32" -> DType.I32;
      case "int16" -> DType.I16;
      case "int8" -> DType.I8;
      case "uint8" -> DType.U8;
      case "bool" -> DType.BOOL;
      default -> throw new AssertionError("the case has the unknown type " + torch);
    };
  }

  /** Converts the JSON of a Python object to the form in the metadata, without tensors in dicts. */
  private static Optional<Object> described(JsonNode node) {
    if (node.has("tensor")) {
      return Optional.empty();
    }
    for (String pairs : List.of("dict", "fields")) {
      if (node.has(pairs)) {
        Map<String, Object> map = new LinkedHashMap<>();
        for (JsonNode pair : node.get(pairs)) {
          described(pair.get(1)).ifPresent(v -> map.put(pair.get(0).asString(), v));
        }
        return Optional.of(map);
      }
    }
    for (String items : List.of("list", "tuple", "size")) {
      if (node.has(items)) {
        List<Object> list = new ArrayList<>();
        node.get(items).forEach(item -> list.add(described(item).orElseThrow()));
        return Optional.of(list);
      }
    }
    return Optional.of(plain(node));
  }

  private static Object plain(JsonNode value) {
    if (value.isNull()) {
      return Optional.empty();
    }
    if (value.isArray()) {
      return value.valueStream().map(CheckpointsParityTest::plain).toList();
    }
    if (value.isBoolean()) {
      return value.booleanValue();
    }
    if (value.isIntegralNumber()) {
      BigInteger integer = value.bigIntegerValue();
      return integer.bitLength() < Long.SIZE ? (Object) integer.longValue() : integer;
    }
    return value.isNumber() ? (Object) value.doubleValue() : value.stringValue();
  }

  /**
   * Removes class names, because the JSON of the reference does not distinguish a dict from a
   * subclass.
   */
  private static Object withoutClasses(Object value) {
    return switch (value) {
      case Map<?, ?> map -> {
        Map<Object, Object> plain = new LinkedHashMap<>();
        map.forEach((k, v) -> {
          if (!"__class__".equals(k)) {
            plain.put(k, withoutClasses(v));
          }
        });
        yield plain;
      }
      case List<?> list -> list.stream().map(CheckpointsParityTest::withoutClasses).toList();
      default -> value;
    };
  }
}
