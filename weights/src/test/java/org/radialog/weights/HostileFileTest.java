package org.radialog.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.sun.management.ThreadMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.lifecycle.AfterContainer;
import net.jqwik.api.lifecycle.BeforeContainer;

/**
 * A file that was damaged anywhere is either read with every tensor inside it or refused, whatever
 * its format.
 */
class HostileFileTest {
  /** Far above what the small files need, far below what their headers can announce. */
  private static final long MAX_ALLOCATION = 32L << 20;

  private static final List<Long> EXTREMES =
      List.of(
          0L,
          1L,
          -1L,
          0x7fL,
          0xffL,
          0xffffL,
          (long) Integer.MAX_VALUE,
          0x80000000L,
          0xffffffffL,
          1L << 40,
          1L << 60,
          Long.MAX_VALUE,
          Long.MIN_VALUE);

  private static List<Path> files = List.of();
  private static Path folder = Path.of("");

  /** A change of a file's bytes; places are fractions of its length. */
  sealed interface Damage {
    byte[] apply(byte[] original);

    record Truncated(double at) implements Damage {
      @Override
      public byte[] apply(byte[] original) {
        return Arrays.copyOf(original, place(at, original.length));
      }
    }

    record FlippedBits(List<Double> at, int bit) implements Damage {
      @Override
      public byte[] apply(byte[] original) {
        byte[] bytes = original.clone();
        for (double place : at) {
          bytes[place(place, bytes.length)] ^= (byte) (1 << bit);
        }
        return bytes;
      }
    }

    record ChangedField(double at, int width, long value) implements Damage {
      @Override
      public byte[] apply(byte[] original) {
        byte[] field = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(value).array();
        byte[] bytes = original.clone();
        int begin = place(at, bytes.length);
        System.arraycopy(field, 0, bytes, begin, Math.min(width, bytes.length - begin));
        return bytes;
      }
    }

    record Moved(double from, double to, int length) implements Damage {
      @Override
      public byte[] apply(byte[] original) {
        byte[] bytes = original.clone();
        int begin = place(from, bytes.length);
        int end = place(to, bytes.length);
        System.arraycopy(
            original, begin, bytes, end, Math.min(length, bytes.length - Math.max(begin, end)));
        return bytes;
      }
    }

    static int place(double fraction, int length) {
      return (int) Math.min(length - 1L, (long) (fraction * length));
    }
  }

  @BeforeContainer
  static void collect() throws IOException {
    String other = System.getProperty("radialog.golden", "");
    Path golden =
        other.isEmpty() ? Path.of(System.getProperty("radialog.root"), "golden") : Path.of(other);
    Path checkpoints = golden.resolve("checkpoints");
    assumeTrue(Files.isDirectory(checkpoints), () -> "no golden case checkpoints in " + golden);
    folder = Files.createTempDirectory("hostile");
    try (Stream<Path> children = Files.list(checkpoints)) {
      files = children.filter(Files::isRegularFile).sorted().toList();
    }
    for (Path file : files) {
      // An index finds its shards beside it.
      Files.copy(file, folder.resolve(file.getFileName()));
      // Loading classes allocates, too: not to be counted below.
      Checkpoint.open(file).close();
    }
  }

  @AfterContainer
  static void delete() throws IOException {
    try (Stream<Path> children = Files.list(folder)) {
      for (Path child : children.toList()) {
        Files.delete(child);
      }
    }
    Files.delete(folder);
  }

  @Property(tries = 1000, seed = "20261125")
  void aDamagedFileIsReadInsideItsBoundsOrRefused(
      @ForAll("file") Path file, @ForAll("damage") Damage damage) throws IOException {
    Path damaged = folder.resolve("damaged-" + file.getFileName());
    Files.write(damaged, damage.apply(Files.readAllBytes(file)));
    long before = allocated();
    try (Checkpoint checkpoint = Checkpoint.open(damaged)) {
      assertThat(allocated() - before).as("bytes allocated").isLessThan(MAX_ALLOCATION);
      for (TensorInfo info : checkpoint.tensors().values()) {
        assertThat(checkpoint.bytes(info.name()).byteSize()).isEqualTo(info.bytes());
        assertThat((long) checkpoint.doubles(info.name()).length).isEqualTo(info.elements());
      }
    } catch (WeightsRefused e) {
      assertThat(allocated() - before).as("bytes allocated").isLessThan(MAX_ALLOCATION);
      assertThat(e).hasMessageContaining("is refused: ");
    }
  }

  /** The smallest file of each kind, with every place overwritten by numbers that overflow. */
  @Example
  void everyFieldOfASmallFileMayHoldAnything() throws IOException {
    for (String name :
        List.of("handmade.gguf", "handmade.pt", "model-00002-of-00002.safetensors")) {
      Path file = folder.resolve(name);
      assumeTrue(Files.exists(file), () -> "no golden file " + name);
      int length = (int) Files.size(file);
      for (int at = 0; at < length; at++) {
        double place = (at + 0.5) / length;
        aDamagedFileIsReadInsideItsBoundsOrRefused(file, new Damage.ChangedField(place, 4, -1));
        aDamagedFileIsReadInsideItsBoundsOrRefused(
            file, new Damage.ChangedField(place, 8, Long.MAX_VALUE));
      }
    }
  }

  @Provide
  Arbitrary<Path> file() {
    return Arbitraries.of(files);
  }

  @Provide
  Arbitrary<Damage> damage() {
    // Half of the places are in the first tenth, where headers lie.
    Arbitrary<Double> place =
        Arbitraries.oneOf(
            Arbitraries.doubles().between(0, 1), Arbitraries.doubles().between(0, 0.1));
    Arbitrary<Damage> truncated = Arbitraries.doubles().between(0, 1).map(Damage.Truncated::new);
    Arbitrary<Damage> flipped =
        Combinators.combine(
                place.list().ofMinSize(1).ofMaxSize(6), Arbitraries.integers().between(0, 7))
            .as(Damage.FlippedBits::new);
    Arbitrary<Damage> changed =
        Combinators.combine(place, Arbitraries.of(1, 2, 4, 8), Arbitraries.of(EXTREMES))
            .as(Damage.ChangedField::new);
    Arbitrary<Damage> moved =
        Combinators.combine(place, place, Arbitraries.integers().between(1, 64))
            .as(Damage.Moved::new);
    return Arbitraries.oneOf(truncated, flipped, changed, moved);
  }

  private static long allocated() {
    return ((ThreadMXBean) ManagementFactory.getThreadMXBean()).getCurrentThreadAllocatedBytes();
  }
}
