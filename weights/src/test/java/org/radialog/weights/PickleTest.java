package org.radialog.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
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
        open(
            dict(
                "settings", "csome.module\nSettings\n)\u0081}" + Pickles.text("rate") + "K\5sb"))) {
      assertThat(c.metadata())
          .containsEntry("settings", Map.of("__class__", "some.module.Settings", "rate", 5L));
    }
  }

  @Test
  void anUnknownClassMayBeADictOrAList() {
    try (Checkpoint c =
        open(dict("d", "cm\nD\n)\u0081" + Pickles.text("k") + "K\1s", "l", "cm\nL\n)\u0081K\1a"))) {
      assertThat(c.metadata())
          .containsEntry("d", Map.of("__class__", "m.D", "k", 1L))
          .containsEntry("l", Map.of("__class__", "m.L", "__items__", List.of(1L)));
    }
  }

  @Test
  void aPathIsKeptByItsParts() {
    try (Checkpoint c =
        open(
            dict(
                "p",
                "cpathlib\nPosixPath\n"
                    + Pickles.text("data")
                    + Pickles.text("a.csv")
                    + "\u0086R"))) {
      assertThat(c.metadata())
          .containsEntry(
              "p",
              Map.of("__class__", "pathlib.PosixPath", "__arguments__", List.of("data", "a.csv")));
    }
  }

  @Test
  void aMaliciousCallIsRefusedEvenBesideGoodTensors() {
    String x = Pickles.text("echo") + "\u0085R";
    for (String name :
        List.of(
            "os.system",
            "posix.system",
            "subprocess.Popen",
            "builtins.eval",
            "builtins.exec",
            "builtins.getattr",
            "__builtin__.eval",
            "importlib.import_module",
            "operator.attrgetter")) {
      String global = "c" + name.replace('.', '\n') + "\n";
      refused(dict("x", global + x), "it is malicious: its pickle names " + name);
      refused(
          dict("x", global),
          "Nothing was executed. Do not load the file in another program; get it");
      refused(dict("x", global + ")\u0081"), "it is malicious: its pickle names " + name);
    }
    refused(
        dict("x", Pickles.text("os") + Pickles.text("system") + "\u0093"),
        "it is malicious: its pickle names os.system");
  }

  @Test
  void aCallOfAnythingUnknownIsRefusedByName() {
    refused(
        dict("x", "cmodel\nFactory\n)R"), "it may be malicious: its pickle calls model.Factory");
    refused(dict("x", "ctorch.hub\nload\n)R"), "calls torch.hub.load");
    refused(dict("x", "(cmodel\nFactory\no"), "calls model.Factory");
    refused(dict("x", "(imodel\nFactory\n"), "calls model.Factory");
    refused(dict("x", "(imodel\nFactory\n"), "Nothing was executed");
  }

  @Test
  void arraysOfProtocolTwoAndColumnMajorOnesAreRead() {
    // Protocol 2 writes bytes as _codecs.encode(text, 'latin1').
    String encoded =
        "c_codecs\nencode\n" + Pickles.text("\0\0\u0080?") + Pickles.text("latin1") + "\u0086R";
    String columns = "C\6\1\2\3\4\5\6";
    try (Checkpoint c =
        open(
            dict(
                "one", Pickles.array("f4", "<", "K\1\u0085", "\u0089", encoded),
                "columns", Pickles.array("u1", "|", "K\2K\3\u0086", "\u0088", columns)))) {
      assertThat(c.floats("one")).containsExactly(1f);
      // Column-major [2, 3]: 1 3 5 over 2 4 6.
      assertThat(c.longs("columns")).containsExactly(1, 3, 5, 2, 4, 6);
    }
  }

  @Test
  void arraysThatDoNotFitAreRefused() {
    refused(
        dict("a", Pickles.array("f4", ">", "K\1\u0085", "\u0089", "C\4\0\0\0\0")), "big-endian");
    refused(
        dict("a", Pickles.array("O8", "|", "K\1\u0085", "\u0089", "C\10\0\0\0\0\0\0\0\0")), "O8");
    refused(
        dict("a", Pickles.array("f4", "<", "K\2\u0085", "\u0089", "C\4\0\0\0\0")), "needs 8 bytes");
    refused(
        dict("a", Pickles.array("f4", "<", "J\u00ff\u00ff\u00ff\u00ff\u0085", "\u0089", "C\0")),
        "[-1]");
  }

  @Test
  void aKeyThatWouldNameTwoTensorsIsRefused() {
    String one = Pickles.array("u1", "|", "K\1\u0085", "\u0089", "C\1\1");
    refused(
        dict("a.b", one, "a", "}" + Pickles.text("b") + one + "s"),
        "two tensors have the name a.b");
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
      Files.write(file, Pickles.bytes(pickle));
    } catch (IOException e) {
      throw new AssertionError(e);
    }
    return Checkpoint.open(file);
  }

  /** A dict of the given values and of a good tensor. */
  private static String dict(String... keysAndValues) {
    StringBuilder pickle = new StringBuilder("\u0080\2}(");
    pickle
        .append(Pickles.text("good"))
        .append(Pickles.array("u1", "|", "K\1\u0085", "\u0089", "C\1\1"));
    for (int i = 0; i < keysAndValues.length; i += 2) {
      pickle.append(Pickles.text(keysAndValues[i])).append(keysAndValues[i + 1]);
    }
    return pickle + "u.";
  }
}
