package org.radialog.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Pickles written by hand, opcode by opcode, beside a small numpy array that makes them
 * checkpoints.
 */
class PickleTest {
  @TempDir private Path folder = Path.of("");

  @Test
  void anUnknownClassStaysItsNameAndFields() {
    // some.module.Settings.__new__() with the state {'rate': 5}
    try (Checkpoint c =
        open(dict("settings", "csome.module\nSettings\n)\u0081}" + text("rate") + "K\5sb"))) {
      assertThat(c.metadata())
          .containsEntry("settings", Map.of("__class__", "some.module.Settings", "rate", 5L));
    }
  }

  @Test
  void anUnknownClassMayBeADictOrAList() {
    try (Checkpoint c =
        open(dict("d", "cm\nD\n)\u0081" + text("k") + "K\1s", "l", "cm\nL\n)\u0081K\1a"))) {
      assertThat(c.metadata())
          .containsEntry("d", Map.of("__class__", "m.D", "k", 1L))
          .containsEntry("l", Map.of("__class__", "m.L", "__items__", List.of(1L)));
    }
  }

  @Test
  void aPathIsKeptByItsParts() {
    try (Checkpoint c =
        open(dict("p", "cpathlib\nPosixPath\n" + text("data") + text("a.csv") + "\u0086R"))) {
      assertThat(c.metadata())
          .containsEntry(
              "p",
              Map.of("__class__", "pathlib.PosixPath", "__arguments__", List.of("data", "a.csv")));
    }
  }

  @Test
  void aCallIsRefusedEvenBesideGoodTensors() {
    refused(dict("x", "cos\nsystem\n" + text("echo") + "\u0085R"), "names os.system");
    refused(dict("x", "csubprocess\nPopen\n)\u0081"), "names subprocess.Popen");
    refused(dict("x", "cbuiltins\nexec\n)\u0081"), "names builtins.exec");
    refused(dict("x", "cmodel\nFactory\n)R"), "calls model.Factory");
    refused(dict("x", text("os") + text("system") + "\u0093"), "names os.system");
    refused(dict("x", "ctorch.hub\nload\n)R"), "calls torch.hub.load");
  }

  @Test
  void arraysOfProtocolTwoAndColumnMajorOnesAreRead() {
    // Protocol 2 writes bytes as _codecs.encode(text, 'latin1').
    String encoded = "c_codecs\nencode\n" + text("\0\0\u0080?") + text("latin1") + "\u0086R";
    String columns = "C\6\1\2\3\4\5\6";
    try (Checkpoint c =
        open(
            dict(
                "one", array("f4", "<", "K\1\u0085", "\u0089", encoded),
                "columns", array("u1", "|", "K\2K\3\u0086", "\u0088", columns)))) {
      assertThat(c.floats("one")).containsExactly(1f);
      // Column-major [2, 3]: 1 3 5 over 2 4 6.
      assertThat(c.longs("columns")).containsExactly(1, 3, 5, 2, 4, 6);
    }
  }

  @Test
  void arraysThatDoNotFitAreRefused() {
    refused(dict("a", array("f4", ">", "K\1\u0085", "\u0089", "C\4\0\0\0\0")), "big-endian");
    refused(dict("a", array("O8", "|", "K\1\u0085", "\u0089", "C\10\0\0\0\0\0\0\0\0")), "O8");
    refused(dict("a", array("f4", "<", "K\2\u0085", "\u0089", "C\4\0\0\0\0")), "needs 8 bytes");
    refused(
        dict("a", array("f4", "<", "J\u00ff\u00ff\u00ff\u00ff\u0085", "\u0089", "C\0")), "[-1]");
  }

  @Test
  void aKeyThatWouldNameTwoTensorsIsRefused() {
    String one = array("u1", "|", "K\1\u0085", "\u0089", "C\1\1");
    refused(dict("a.b", one, "a", "}" + text("b") + one + "s"), "two tensors have the name a.b");
  }

  @Test
  void whatFollowsThePickleIsRefused() {
    refused(dict("a", "K\1") + "more", "4 bytes follow");
  }

  private void refused(String pickle, String reason) {
    assertThatThrownBy(() -> open(pickle).close())
        .isInstanceOf(WeightsRefused.class)
        .hasMessageContaining(reason);
  }

  private Checkpoint open(String pickle) {
    Path file = folder.resolve("hand.pkl");
    try {
      Files.write(file, bytes(pickle));
    } catch (IOException e) {
      throw new AssertionError(e);
    }
    return Checkpoint.open(file);
  }

  /** A dict of the given values and of a good tensor. */
  private static String dict(String... keysAndValues) {
    StringBuilder pickle = new StringBuilder("\u0080\2}(");
    pickle.append(text("good")).append(array("u1", "|", "K\1\u0085", "\u0089", "C\1\1"));
    for (int i = 0; i < keysAndValues.length; i += 2) {
      pickle.append(text(keysAndValues[i])).append(keysAndValues[i + 1]);
    }
    return pickle + "u.";
  }

  private static String array(
      String type, String order, String shape, String columnMajor, String data) {
    String dtype =
        "cnumpy\ndtype\n"
            + text(type)
            + "\u0089\u0088\u0087R(K\3"
            + text(order)
            + "NNNJ\u00ff\u00ff\u00ff\u00ffJ\u00ff\u00ff\u00ff\u00ffK\0tb";
    return "cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\u0085C\1b\u0087R(K\1"
        + shape
        + dtype
        + columnMajor
        + data
        + "tb";
  }

  /** BINUNICODE; the characters of a pickle stand for its bytes. */
  private static String text(String text) {
    byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
    return "X" + (char) utf8.length + "\0\0\0" + new String(utf8, StandardCharsets.ISO_8859_1);
  }

  private static byte[] bytes(String pickle) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    pickle.chars().forEach(out::write);
    return out.toByteArray();
  }
}
