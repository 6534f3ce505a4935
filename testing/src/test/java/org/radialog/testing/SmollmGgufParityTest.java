package org.radialog.testing;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.radialog.weights.Checkpoint;
import org.radialog.weights.TensorInfo;
import tools.jackson.databind.JsonNode;

/** The content of a real GGUF file, the base language model of the embedded model. */
class SmollmGgufParityTest {
  private static final Path FILE = Golden.root().resolve("models/mini/base.gguf");

  private static Optional<Checkpoint> opened = Optional.empty();

  @AfterAll
  static void close() {
    opened.ifPresent(Checkpoint::close);
  }

  // Opened by the first test that needs it, so that a missing file fails a test by name.
  private static Checkpoint checkpoint() {
    opened = opened.or(() -> Optional.of(Checkpoint.open(FILE)));
    return opened.orElseThrow();
  }

  @TestFactory
  Stream<DynamicTest> metadataIsThatOfTheReference() {
    return Golden.tests(
        "smollm2-gguf",
        golden ->
            golden.values().required("metadata").properties().stream()
                .map(entry ->
                    DynamicTest.dynamicTest(
                        "smollm2-gguf/" + entry.getKey(),
                        () ->
                            assertMetadata(
                                entry.getKey(),
                                requireNonNull(
                                    checkpoint().metadata().get(entry.getKey()), "is missing"),
                                entry.getValue().required("value")))));
  }

  private static void assertMetadata(String key, Object actual, JsonNode expected) {
    if (expected.isObject()) { // a long list is described by its length, ends and digest
      List<?> list = (List<?>) actual;
      String lines = list.stream().map(Object::toString).collect(Collectors.joining("\n"));
      Parity.equal("smollm2-gguf/" + key + "/length", list.size(), expected.get("length").asInt());
      Parity.equal(
          "smollm2-gguf/" + key,
          sha256(lines.getBytes(StandardCharsets.UTF_8)),
          expected.get("sha256_of_lines").stringValue());
    } else if (expected.isArray()) {
      List<String> texts = new ArrayList<>();
      expected.forEach(e -> texts.add(e.asString()));
      Parity.equal("smollm2-gguf/" + key, actual, texts);
    } else if (expected.isIntegralNumber()) {
      Parity.equal("smollm2-gguf/" + key, actual, expected.longValue());
    } else if (expected.isNumber()) {
      Parity.equal("smollm2-gguf/" + key, actual, expected.doubleValue());
    } else if (expected.isBoolean()) {
      Parity.equal("smollm2-gguf/" + key, actual, expected.booleanValue());
    } else {
      Parity.equal("smollm2-gguf/" + key, actual, expected.stringValue());
    }
  }

  @TestFactory
  Stream<DynamicTest> tensorsAreListedInTheFilesOrder() {
    return Golden.tests(
        "smollm2-gguf",
        golden ->
            Stream.of(
                DynamicTest.dynamicTest("smollm2-gguf/tensors", () -> assertListing(golden))));
  }

  private static void assertListing(GoldenCase golden) {
    List<String> listed = new ArrayList<>();
    for (JsonNode tensor : golden.values().required("tensors")) {
      String shape = Arrays.toString(GoldenCase.longs(tensor.get(2)));
      listed.add(tensor.get(0).stringValue() + " " + tensor.get(1).stringValue() + shape);
    }
    List<String> actual =
        checkpoint().tensors().values().stream().map(TensorInfo::toString).toList();
    Parity.equal("smollm2-gguf/tensors", actual, listed);
  }

  @TestFactory
  Stream<DynamicTest> blocksAreDequantisedExactly() {
    return Golden.tests(
        "smollm2-gguf",
        golden ->
            golden.values().required("dequantised").properties().stream()
                .map(entry ->
                    DynamicTest.dynamicTest(
                        "smollm2-gguf/" + entry.getKey(), () -> assertValues(entry))));
  }

  private static void assertValues(Map.Entry<String, JsonNode> entry) {
    float[] values = checkpoint().floats(entry.getKey());
    float[] first = Arrays.copyOf(values, 8);
    double[] expected = GoldenCase.doubles(entry.getValue().required("first_8"));
    for (int i = 0; i < first.length; i++) {
      assertThat((double) first[i]).as("element %d", i).isEqualTo(expected[i]);
    }
    ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(values);
    Parity.equal(
        "smollm2-gguf/" + entry.getKey(),
        sha256(bytes.array()),
        entry.getValue().required("sha256_of_float32_bytes").stringValue());
  }

  private static String sha256(byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
  }
}
