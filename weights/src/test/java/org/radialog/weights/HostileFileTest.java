package org.radialog.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SequencedMap;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Files made to hurt, which no chance change of a good file finds. */
class HostileFileTest {
  private static final ThreadMXBean THREAD = (ThreadMXBean) ManagementFactory.getThreadMXBean();
  private static final long MAX_ALLOCATION = 64L << 20;
  private static final String GOOD =
      Pickles.text("good") + Pickles.array("u1", "|", "K\1\u0085", "\u0089", "C\1\1");

  /** Loading classes allocates, too: not to be counted below. */
  @BeforeAll
  static void warmUp() {
    assertThatThrownBy(() -> read(pickle(Pickles.text("a"))))
        .hasMessageContaining("without a value");
    assertThatThrownBy(() -> read(archive("\u0080\2}.", new byte[0])))
        .hasMessageContaining("no tensor");
    assertThat(read(pickle(GOOD)).tensors()).hasSize(1);
  }

  /** 2^18 values from 18 dicts, each of which holds the one before it twice. */
  @Test
  void dictsInDictsThatUnfoldToHundredsOfThousandsAreRefused() {
    StringBuilder bomb = new StringBuilder("}");
    for (int level = 0; level < 18; level++) {
      bomb.append("q\1}(").append(Pickles.text("a")).append("h\1");
      bomb.append(Pickles.text("b")).append("h\1u");
    }
    // The inner dicts stay on the stack below: taken off by a tuple.
    String below = "(" + bomb + "t";
    refused(pickle(GOOD + Pickles.text("bomb") + below), "more than");
  }

  /** The same dict of tensors again and again, each time under another name. */
  @Test
  void tensorsThatAreNamedAgainAndAgainAreRefused() {
    StringBuilder bomb = new StringBuilder(Pickles.text("x".repeat(1900)) + "}(");
    for (int i = 0; i < 100; i++) {
      bomb.append(Pickles.text("t" + i)).append(i == 0 ? one() + "q\1" : "h\1");
    }
    bomb.append("uq\2");
    for (int i = 0; i < 2000; i++) {
      bomb.append(Pickles.text("again" + i)).append("h\2");
    }
    refused(pickle(GOOD + bomb), "more than");
  }

  @Test
  void aTextThatIsDecodedAgainAndAgainIsRefused() {
    String text = Pickles.text("x".repeat(20_000)) + "q\1";
    String again = "c_codecs\nencode\nq\2" + "h\1" + Pickles.text("latin1") + "q\3\u0086R0";
    String bomb = text + again + "h\2h\1h\3\u0086R0".repeat(10_000);
    refused(pickle(GOOD + bomb + "K\0"), "copies of the same content");
  }

  @Test
  void aListThatBecomesADictAgainAndAgainIsRefused() {
    StringBuilder pairs = new StringBuilder("](");
    for (int i = 0; i < 2000; i++) {
      pairs.append(Pickles.wide('J', i)).append("K\0\u0086");
    }
    String list = Pickles.text("bomb") + pairs + "e\u0085q\1";
    String again = "ccollections\nOrderedDict\nq\2" + "h\1R0" + "h\2h\1R0".repeat(10_000);
    refused(pickle(GOOD + list + again), "copies of the same content");
  }

  @Test
  void aKeyThatHoldsALongTextManyTimesIsRefused() {
    String key = "(" + Pickles.text("x".repeat(10_000)) + "q\1" + "h\1".repeat(20_000) + "t";
    refused(pickle(GOOD + key + "K\0"), "as a dict key");
  }

  @Test
  void aShapeOfThousandsOfDimensionsIsRefusedBeforeItIsCopied() {
    String size = "(" + "K\1".repeat(20_000) + "tq\1";
    String tensors = Pickles.tensor("K\0", size, "h\1");
    refused(
        archive("\u0080\2}(" + Pickles.text("t") + tensors + "u.", new byte[24]),
        "with invalid arguments");
  }

  /** Names whose hashes are equal: a table of them must not become a list that is searched. */
  @Test
  void manyClassesOfTheSameHashAreReadInTime() {
    StringBuilder keys = new StringBuilder();
    for (int i = 0; i < 1 << 16; i++) {
      StringBuilder name = new StringBuilder();
      for (int bit = 0; bit < 16; bit++) {
        name.append((i >> bit & 1) == 0 ? "Aa" : "BB");
      }
      keys.append("cm\n").append(name).append("\nK\0");
    }
    byte[] file = pickle(GOOD + keys);
    long before = THREAD.getCurrentThreadCpuTime();
    assertThat(read(file).tensors()).hasSize(1);
    // Measured 0.1 s, as a list half a minute.
    assertThat(THREAD.getCurrentThreadCpuTime() - before).isLessThan(10_000_000_000L);
  }

  @Test
  void zipEntriesThatShareBytesAreRefused() {
    byte[] zip = archive(oneTensor(), new byte[24]);
    String text = new String(zip, StandardCharsets.ISO_8859_1);
    // The pickle, first in the directory, reaches over the storage's header behind it.
    int first = text.indexOf("PK\1\2");
    for (int size : new int[] {first + 20, first + 24}) {
      var field = new Mutation.Field("size", size, 4);
      field.set(zip, field.get(zip) + 38);
    }
    refused(zip, "the zip entries r/data.pkl and r/data/0 overlap");
  }

  @Test
  void aZipEntryThatIsCalledOtherwiseWhereItLiesIsRefused() {
    byte[] zip = archive(oneTensor(), new byte[24]);
    int last = new String(zip, StandardCharsets.ISO_8859_1).lastIndexOf("PK\1\2");
    new Mutation.Field("offset", last + 42, 4).set(zip, 0);
    refused(zip, "r/data/0 has another name in its local header");
  }

  @Test
  void anArchiveOfArchivesIsNotUnpacked() {
    byte[] inner = archive(oneTensor(), new byte[24]);
    refused(ZipMutation.zip(Map.of("r/inner.pt", inner)), "0 entries */data.pkl");
  }

  @Test
  void aStorageOutsideTheArchivesFolderIsRefused() {
    SequencedMap<String, byte[]> entries = new LinkedHashMap<>();
    entries.put("r/data.pkl", Pickles.bytes(oneTensor()));
    entries.put("../data/0", new byte[24]);
    entries.put("/r/data/0", new byte[24]);
    refused(ZipMutation.zip(entries), "no storage r/data/0");
  }

  @Test
  void aFileThatEndsInTheMiddleOfItsStoragesIsRefused() {
    byte[] zip = archive(oneTensor(), new byte[24]);
    for (int length = 0; length < zip.length; length++) {
      byte[] cut = Arrays.copyOf(zip, length);
      assertThatThrownBy(() -> read(cut)).isInstanceOf(WeightsRefused.class);
    }
  }

  @Test
  void aMaliciousPickleOfTheFirstProtocolsIsNamedAsSuch() {
    byte[] reduced = Pickles.bytes("cposix\nsystem\np0\n(Vecho\np1\ntp2\nRp3\n.");
    refused(reduced, "it is malicious: its pickle names posix.system");
    byte[] instance = Pickles.bytes("ios\nsystem\n.");
    refused(instance, "it is malicious: its pickle names os.system");
    refused(Pickles.bytes("im\nFactory\n."), "it may be malicious: its pickle calls m.Factory");
  }

  private static String one() {
    return Pickles.array("u1", "|", "K\1\u0085", "\u0089", "C\1\1");
  }

  private static String oneTensor() {
    return "\u0080\2}("
        + Pickles.text("t")
        + Pickles.tensor("K\0", "K\6\u0085", "K\1\u0085")
        + "u.";
  }

  /** A dict of these keys and values. */
  private static byte[] pickle(String keysAndValues) {
    return Pickles.bytes("\u0080\2}(" + keysAndValues + "u.");
  }

  private static byte[] archive(String pickle, byte[] storage) {
    SequencedMap<String, byte[]> entries = new LinkedHashMap<>();
    entries.put("r/data.pkl", Pickles.bytes(pickle));
    entries.put("r/data/0", storage);
    return ZipMutation.zip(entries);
  }

  private static Checkpoint.Contents read(byte[] file) {
    return Formats.readBytes(Path.of("hostile"), MemorySegment.ofArray(file));
  }

  private static void refused(byte[] file, String reason) {
    long before = THREAD.getCurrentThreadAllocatedBytes();
    assertThatThrownBy(() -> read(file))
        .isInstanceOf(WeightsRefused.class)
        .hasMessageContaining(reason);
    assertThat(THREAD.getCurrentThreadAllocatedBytes() - before)
        .as("bytes allocated")
        .isLessThan(MAX_ALLOCATION);
  }
}
