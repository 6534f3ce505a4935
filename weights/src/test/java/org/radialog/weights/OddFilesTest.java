package org.radialog.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.radialog.base.RadialogException;

/** Files that users of other tools reported: what can be read is read, the rest called by name. */
class OddFilesTest {
  @TempDir private Path folder = Path.of("");

  private static Path theCase(String name) {
    try {
      return Path.of(OddFilesTest.class.getResource("/cases/" + name).toURI());
    } catch (URISyntaxException e) {
      throw new AssertionError(e);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"s01_scalar", "s02_empty", "s03_emptymeta", "s05_onlymeta", "s12_unordered"})
  void anOddSafetensorsFileIsRead(String name) {
    try (Checkpoint file = Checkpoint.open(theCase("safetensors-odd/" + name + ".safetensors"))) {
      assertThat(file.format()).isEqualTo("safetensors");
      file.tensors().keySet().forEach(tensor -> assertThat(file.bytes(tensor)).isNotNull());
    }
  }

  @ParameterizedTest
  @CsvSource({
    "safetensors-odd/s09_gap.safetensors, gap",
    "safetensors-odd/s10_trailing.safetensors, the header describes",
    "torch-odd/t05_big.pt, big",
    "inspect-lfs-pointer/s14_lfs_pointer.safetensors, it is a Git LFS pointer",
    "inspect-lfs-pointer/s15_html.safetensors, it is a web page"
  })
  void whatIsNoneIsRefusedByWhatItIs(String name, String says) {
    assertThatThrownBy(() -> Checkpoint.open(theCase(name)).close())
        .isInstanceOf(WeightsRefused.class)
        .hasMessageContaining(says);
  }

  @ParameterizedTest
  @ValueSource(strings = {"t01.pt", "t07_param.pt", "t13_lightning.ckpt", "t15_intkeys.pt"})
  void anOddPyTorchFileIsRead(String name) {
    try (Checkpoint file = Checkpoint.open(theCase("torch-odd/" + name))) {
      assertThat(file.tensors()).isNotEmpty();
    }
  }

  @Test
  void whatADownloadLeftInItsPlaceIsCalledByName() throws IOException {
    Map<String, String> left =
        Map.of(
            "<!DOCTYPE html><html>",
            "it is a web page",
            "\n  <HTML lang=en>",
            "it is a web page",
            "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code>",
            "it is an XML file",
            "{\"error\":\"Repository not found\"}",
            "it is a JSON file",
            "Entry not found",
            "it is a text file, not the weights: it begins with \"Entry not found\"",
            "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
            "it is a Git LFS pointer");
    for (Map.Entry<String, String> entry : left.entrySet()) {
      for (String name : List.of("model.safetensors", "model.gguf", "model.bin")) {
        Path file = Files.writeString(folder.resolve(name), entry.getKey());
        assertThatThrownBy(() -> Checkpoint.open(file).close())
            .isInstanceOf(WeightsRefused.class)
            .hasMessageContaining(entry.getValue());
      }
    }
  }

  @Test
  void anEmptyAndAZeroedFileAreCalledSo() throws IOException {
    Path file = Files.write(folder.resolve("model.safetensors"), new byte[0]);
    assertThatThrownBy(() -> Checkpoint.open(file).close()).hasMessageContaining("it is empty");
    Files.write(file, new byte[100_000]);
    assertThatThrownBy(() -> Checkpoint.open(file).close())
        .hasMessageContaining("contains only zeros");
  }

  @Test
  void aProtocol5PickleOfArraysIsReadAsOneOfProtocol4() {
    try (Checkpoint four = Checkpoint.open(theCase("pickle-protocol5/v_p4.pkl"));
        Checkpoint five = Checkpoint.open(theCase("pickle-protocol5/v_p5.pkl"))) {
      assertThat(five.tensors()).isEqualTo(four.tensors()).hasSize(2);
      five.tensors()
          .keySet()
          .forEach(name -> assertThat(five.floats(name)).isEqualTo(four.floats(name)));
    }
  }

  // {name: _frombuffer(data, dtype, (2, 2), order ...)}
  private Path frombuffer(String data, String rest) throws IOException {
    String pickle =
        "\u0080\5}"
            + Pickles.text("a")
            + "cnumpy.core.numeric\n_frombuffer\n("
            + data
            + Pickles.numpyType("f4", "<")
            + "K\2K\2\u0086"
            + rest
            + "tRs.";
    Path file = folder.resolve("made.pkl");
    return Files.write(file, pickle.getBytes(StandardCharsets.ISO_8859_1));
  }

  private static String bytearray(int length) {
    return "\u0096" + (char) length + "\0\0\0\0\0\0\0" + "\0\0\u0080?".repeat(length / 4);
  }

  @Test
  void anArrayOfABufferMayBeReadOnlyAndInColumnOrder() throws IOException {
    for (String rest : List.of(Pickles.text("C"), Pickles.text("F"), Pickles.text("C") + "N")) {
      for (String data : List.of(bytearray(16), bytearray(16) + "\u0098")) {
        try (Checkpoint file = Checkpoint.open(frombuffer(data, rest))) {
          assertThat(file.tensor("a").shape()).containsExactly(2, 2);
          assertThat(file.floats("a")).containsExactly(1, 1, 1, 1);
        }
      }
    }
  }

  @Test
  void anArrayOfABufferThatDoesNotFitIsRefused() throws IOException {
    for (Path file :
        List.of(
            frombuffer(bytearray(12), Pickles.text("C")),
            frombuffer(bytearray(16), Pickles.text("K")),
            frombuffer(bytearray(16), Pickles.text("C") + "K\1"),
            frombuffer("\u0097", Pickles.text("C")))) {
      assertThatThrownBy(() -> Checkpoint.open(file).close()).isInstanceOf(WeightsRefused.class);
    }
    assertThatThrownBy(() -> Checkpoint.open(frombuffer("\u0097", Pickles.text("C"))).close())
        .hasMessageContaining("are in external buffers");
    Path tooLong =
        Files.write(
            folder.resolve("long.pkl"),
            Pickles.bytes("\u0080\5\u0096\u00ff\u00ff\u00ff\u00ff\0\0\0\0."));
    assertThatThrownBy(() -> Checkpoint.open(tooLong).close()).isInstanceOf(WeightsRefused.class);
  }

  @ParameterizedTest
  @EnumSource(ForeignType.class)
  void aTypeThatIsNotComputedWithIsListedAndItsValuesAreRefusedByName(ForeignType type)
      throws IOException {
    assertThat(
            ForeignType.ofSafetensors(type.name()).isPresent()
                || ForeignType.ofGguf(number(type)).equals(Optional.of(type)))
        .isTrue();
    if (ForeignType.ofSafetensors(type.name()).isEmpty()) {
      return; // blocks of GGUF: the files of the cases below
    }
    int elements = 4 * type.blockElements();
    int bytes = 4 * type.blockBytes();
    String header =
        "{\"a\":{\"dtype\":\"%s\",\"shape\":[%d],\"data_offsets\":[0,%d]}}"
            .formatted(type, elements, bytes);
    byte[] file = new byte[8 + header.length() + bytes];
    file[0] = (byte) header.length();
    System.arraycopy(header.getBytes(StandardCharsets.UTF_8), 0, file, 8, header.length());
    Path path = Files.write(folder.resolve("a.safetensors"), file);
    try (Checkpoint checkpoint = Checkpoint.open(path)) {
      assertThat(checkpoint.tensor("a").toString()).isEqualTo("a " + type + "[" + elements + "]");
      assertThat(checkpoint.tensor("a").bytes()).isEqualTo(bytes);
      assertThat(checkpoint.bytes("a").byteSize()).isEqualTo(bytes);
      assertThatThrownBy(() -> checkpoint.floats("a"))
          .isInstanceOf(RadialogException.class)
          .hasMessageContaining("is of the type " + type);
      assertThatThrownBy(() -> checkpoint.longs("a")).hasMessageContaining("cannot compute");
      assertThatThrownBy(() -> checkpoint.doubles("a")).hasMessageContaining("cannot compute");
    }
  }

  private static int number(ForeignType type) {
    for (int i = 0; i < 100; i++) {
      if (ForeignType.ofGguf(i).equals(Optional.of(type))) {
        return i;
      }
    }
    return -1;
  }
}
