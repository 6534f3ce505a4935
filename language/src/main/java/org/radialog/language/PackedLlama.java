package org.radialog.language;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BiConsumer;
import java.util.stream.IntStream;
import org.radialog.base.Checksum;
import org.radialog.base.RadialogException;
import org.radialog.base.WholeFile;
import org.radialog.kernels.LowRank;
import org.radialog.kernels.PackedMatrix;
import org.radialog.kernels.QuantisedRows;
import org.radialog.kernels.WeightFormat;

/**
 * The weights of a Llama model in the form that {@link LlamaDecoder} reads: matrices interleaved
 * for the vector size of this machine, norms and adapters in fp32, all in one block of memory that
 * is also a file.
 *
 * <p>The file has lines of text that end with an empty line, padded to {@value #PAGE} bytes, and
 * then the sections in order, each aligned to {@value #ALIGNMENT}. The line of a section has its
 * checksum, and the last line that of the lines before it; all are verified before the weights are
 * used. A file with another version, number of lanes, key or model in its header is not the
 * requested file; a file with a matching header that cannot be read is damaged.
 */
final class PackedLlama implements AutoCloseable {
  private static final String MAGIC = "radialog packed weights 2";
  private static final int PAGE = 4096;
  private static final int ALIGNMENT = 64;
  private static final int LARGEST_HEADER = 1 << 24;
  private static final String CHECKSUM = "checksum %08x";
  private static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /** The content of a section. */
  private enum Kind {
    INT4,
    INT4_OFFSET,
    INT8,
    LOW_RANK,
    FLOATS;

    static Kind of(WeightFormat format) {
      return switch (format) {
        case INT4 -> INT4;
        case INT4_OFFSET -> INT4_OFFSET;
        case INT8 -> INT8;
      };
    }
  }

  /** A part of the memory. {@code rank} is 0 unless it is a low-rank pair. */
  private record Section(String name, Kind kind, int rows, int columns, int rank) {
    long bytes() {
      return switch (kind) {
        case INT4 -> PackedMatrix.bytes(WeightFormat.INT4, rows, columns);
        case INT4_OFFSET -> PackedMatrix.bytes(WeightFormat.INT4_OFFSET, rows, columns);
        case INT8 -> PackedMatrix.bytes(WeightFormat.INT8, rows, columns);
        case LOW_RANK -> LowRank.bytes(rank, rows, columns);
        case FLOATS -> (long) Float.BYTES * rows;
      };
    }

    String line(int checksum) {
      return "%s %s %d %d %d %08x".formatted(name, kind, rows, columns, rank, checksum);
    }
  }

  /** A linear layer: its matrix and its separate adapter. */
  record Adapted(PackedMatrix base, Optional<LowRank> beside) {}

  /** One transformer block; its fields have the checkpoint's names. */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  record Block(
      float[] inputLayernorm,
      Adapted qProj,
      Adapted kProj,
      Adapted vProj,
      Adapted oProj,
      float[] postAttentionLayernorm,
      Adapted gateProj,
      Adapted upProj,
      Adapted downProj) {
    Adapted linear(LlamaLinear linear) {
      return switch (linear) {
        case Q_PROJ -> qProj;
        case K_PROJ -> kProj;
        case V_PROJ -> vProj;
        case O_PROJ -> oProj;
        case GATE_PROJ -> gateProj;
        case UP_PROJ -> upProj;
        case DOWN_PROJ -> downProj;
      };
    }
  }

  private final Arena arena;
  private final MemorySegment memory;
  private final SequencedMap<String, MemorySegment> pieces = new LinkedHashMap<>();
  private final List<Block> layers = new ArrayList<>();
  private final float[] norm;
  private final PackedMatrix head;

  private PackedLlama(
      LlamaConfig config, Arena arena, MemorySegment memory, List<Section> sections) {
    this.arena = arena;
    this.memory = memory;
    Map<String, Section> byName = new LinkedHashMap<>();
    long at = 0;
    for (Section s : sections) {
      pieces.put(s.name, memory.asSlice(at, s.bytes()));
      byName.put(s.name, s);
      at = aligned(at + s.bytes());
    }
    for (int i = 0; i < config.layers(); i++) {
      layers.add(
          new Block(
              floats(LlamaWeights.inputNorm(i)),
              adapted(byName, config, LlamaLinear.Q_PROJ, i),
              adapted(byName, config, LlamaLinear.K_PROJ, i),
              adapted(byName, config, LlamaLinear.V_PROJ, i),
              adapted(byName, config, LlamaLinear.O_PROJ, i),
              floats(LlamaWeights.postAttentionNorm(i)),
              adapted(byName, config, LlamaLinear.GATE_PROJ, i),
              adapted(byName, config, LlamaLinear.UP_PROJ, i),
              adapted(byName, config, LlamaLinear.DOWN_PROJ, i)));
    }
    this.norm = floats(LlamaWeights.NORM);
    this.head = matrix(byName, LlamaWeights.HEAD, config.vocab(), config.hidden());
  }

  List<Block> layers() {
    return layers;
  }

  float[] norm() {
    return norm;
  }

  PackedMatrix head() {
    return head;
  }

  private float[] floats(String name) {
    return piece(name).toArray(FLOAT);
  }

  private Adapted adapted(
      Map<String, Section> byName, LlamaConfig config, LlamaLinear linear, int layer) {
    int rows = linear.rows(config);
    int columns = linear.columns(config);
    Section lora = byName.get(beside(linear, layer));
    return new Adapted(
        matrix(byName, linear.weight(layer), rows, columns),
        lora == null
            ? Optional.empty()
            : Optional.of(new LowRank(piece(lora.name), lora.rank, rows, columns)));
  }

  private PackedMatrix matrix(Map<String, Section> byName, String name, int rows, int columns) {
    MemorySegment bytes = piece(name);
    Section section = byName.get(name);
    if (section == null) {
      throw missing(name);
    }
    WeightFormat format =
        switch (section.kind) {
          case INT4 -> WeightFormat.INT4;
          case INT4_OFFSET -> WeightFormat.INT4_OFFSET;
          case INT8 -> WeightFormat.INT8;
          case LOW_RANK, FLOATS -> throw missing(name);
        };
    return new PackedMatrix(bytes, format, rows, columns);
  }

  private MemorySegment piece(String name) {
    MemorySegment piece = pieces.get(name);
    if (piece == null) {
      throw missing(name);
    }
    return piece;
  }

  private static RadialogException missing(String name) {
    return new RadialogException(
        RadialogException.Kind.REFUSED_WEIGHTS,
        "packed weights: there is no matrix or vector " + name);
  }

  private static String beside(LlamaLinear linear, int layer) {
    return linear.module(layer) + ".lora";
  }

  // ---------------------------------------------------------------- from a checkpoint

  /** The packing plan: the sections in order, and for each the code that fills it. */
  private record Plan(List<Section> sections, List<Filler> fillers) {
    long bytes() {
      return size(sections);
    }

    void fill(MemorySegment memory) {
      long[] begins = begins(sections);
      each((i, filler) -> filler.fill(memory.asSlice(begins[i], sections.get(i).bytes())));
    }

    // Fills one section after the other in separate memory.
    void fill(Made made) {
      each((i, filler) -> {
        try (Arena arena = Arena.ofShared()) {
          MemorySegment piece = arena.allocate(sections.get(i).bytes(), ALIGNMENT);
          filler.fill(piece);
          made.accept(i, piece);
        }
      });
    }

    // Uses all processors, and starts with the head, which takes longest.
    private void each(BiConsumer<Integer, Filler> work) {
      IntStream.range(0, sections.size())
          .map(i -> sections.size() - 1 - i)
          .boxed()
          .parallel()
          .forEach(i -> work.accept(i, fillers.get(i)));
    }
  }

  /** Receives the bytes of a section, which are invalid afterwards. */
  @FunctionalInterface
  private interface Made {
    void accept(int section, MemorySegment bytes);
  }

  private static long[] begins(List<Section> sections) {
    long[] begins = new long[sections.size()];
    long at = 0;
    for (int i = 0; i < begins.length; i++) {
      begins[i] = at;
      at = aligned(at + sections.get(i).bytes());
    }
    return begins;
  }

  private static Plan plan(
      LlamaWeights weights, Optional<LoraAdapter> adapter, boolean merged, Precision precision) {
    LlamaConfig config = weights.config();
    Plan plan = new Plan(new ArrayList<>(), new ArrayList<>());
    for (int i = 0; i < config.layers(); i++) {
      vector(weights, LlamaWeights.inputNorm(i), plan);
      for (LlamaLinear linear : LlamaLinear.values()) {
        if (linear == LlamaLinear.GATE_PROJ) {
          vector(weights, LlamaWeights.postAttentionNorm(i), plan);
        }
        int rows = linear.rows(config);
        int columns = linear.columns(config);
        int layer = i;
        Optional<LoraAdapter.Pair> pair = adapter.flatMap(a -> a.pair(config, layer, linear));
        double scale = adapter.map(a -> a.config().scale()).orElse(0.0);
        int rank = adapter.map(a -> a.config().r()).orElse(0);
        QuantisedRows source =
            pair.isPresent() && merged
                ? rounded(
                    precision,
                    r -> merged(weights.floats(linear.weight(layer), r, 1), r, pair.get(), scale),
                    rows,
                    columns)
                : source(weights, linear.weight(i), precision, rows, columns);
        plan.sections.add(
            new Section(linear.weight(i), Kind.of(source.format()), rows, columns, 0));
        plan.fillers.add(to -> PackedMatrix.pack(source, to));
        if (pair.isPresent() && !merged) {
          plan.sections.add(new Section(beside(linear, i), Kind.LOW_RANK, rows, columns, rank));
          plan.fillers.add(
              to -> LowRank.pack(pair.get().a(), pair.get().b(), scale, rank, rows, columns, to));
        }
      }
    }
    vector(weights, LlamaWeights.NORM, plan);
    QuantisedRows head =
        source(weights, weights.head(), Precision.INT8, config.vocab(), config.hidden());
    plan.sections.add(
        new Section(LlamaWeights.HEAD, Kind.of(head.format()), config.vocab(), config.hidden(), 0));
    plan.fillers.add(to -> PackedMatrix.pack(head, to));
    return plan;
  }

  /**
   * Packs a checkpoint in memory.
   *
   * @param merged whether an adapter is added to the matrices before they are rounded, or kept
   *     separately in fp32
   */
  @SuppressWarnings("MustBeClosedChecker") // close closes it
  static PackedLlama of(
      LlamaWeights weights, Optional<LoraAdapter> adapter, boolean merged, Precision precision) {
    Plan plan = plan(weights, adapter, merged, precision);
    Arena arena = Arena.ofShared();
    try {
      MemorySegment memory = arena.allocate(plan.bytes(), ALIGNMENT);
      plan.fill(memory);
      return new PackedLlama(weights.config(), arena, memory, plan.sections);
    } catch (RuntimeException | Error e) {
      arena.close();
      throw e;
    }
  }

  @FunctionalInterface
  private interface Filler {
    void fill(MemorySegment piece);
  }

  private static void vector(LlamaWeights weights, String name, Plan plan) {
    float[] values = weights.floats(name);
    plan.sections.add(new Section(name, Kind.FLOATS, values.length, 1, 0));
    plan.fillers.add(to -> MemorySegment.copy(values, 0, to, FLOAT, 0, values.length));
  }

  // Unchanged from the file if the formats agree, otherwise rounded from fp32.
  private static QuantisedRows source(
      LlamaWeights weights, String name, Precision precision, int rows, int columns) {
    Optional<QuantisedRows> stored = weights.quantised(name);
    return stored.isPresent() && agrees(stored.get().format(), precision)
        ? stored.get()
        : rounded(precision, r -> weights.floats(name, r, 1), rows, columns);
  }

  private static boolean agrees(WeightFormat format, Precision precision) {
    return switch (format) {
      case INT4, INT4_OFFSET -> precision == Precision.INT4;
      case INT8 -> precision == Precision.INT8;
    };
  }

  private static QuantisedRows rounded(
      Precision precision, QuantisedRows.Rows values, int rows, int columns) {
    return switch (precision) {
      case INT4 -> QuantisedRows.int4Measured(values, rows, columns);
      case INT8 -> QuantisedRows.int8(values, rows, columns);
      case FP32, BF16 ->
          throw new IllegalArgumentException(
              "plain Java decodes in int8 or int4, not in " + precision.label());
    };
  }

  // row + scale · b A
  private static float[] merged(float[] row, int r, LoraAdapter.Pair pair, double scale) {
    int columns = row.length;
    int rank = pair.a().length / columns;
    for (int j = 0; j < rank; j++) {
      float b = (float) (scale * pair.b()[r * rank + j]);
      for (int c = 0; c < columns; c++) {
        row[c] += b * pair.a()[j * columns + c];
      }
    }
    return row;
  }

  private static long size(List<Section> sections) {
    long size = 0;
    for (Section s : sections) {
      size = aligned(size + s.bytes());
    }
    return size;
  }

  private static long aligned(long at) {
    return aligned(at, ALIGNMENT);
  }

  private static long aligned(long at, long step) {
    return (at + step - 1) / step * step;
  }

  // ---------------------------------------------------------------- the file

  private static String model(LlamaConfig config, Precision precision) {
    return "%s, %s, %d lanes".formatted(precision.label(), config, PackedMatrix.LANES);
  }

  private static String line(String text) {
    if (text.indexOf('\n') >= 0) {
      throw new IllegalArgumentException("expected a key without line breaks, got: " + text);
    }
    return text + "\n";
  }

  /** Packs a checkpoint like {@link #of}, into a file with {@code key}. */
  static void write(
      Path file,
      String key,
      LlamaWeights weights,
      Optional<LoraAdapter> adapter,
      boolean merged,
      Precision precision) {
    Plan plan = plan(weights, adapter, merged, precision);
    String mark = mark(key, weights.config(), precision);
    int[] checksums = new int[plan.sections.size()];
    long[] begins = begins(plan.sections);
    long start = aligned(header(mark, plan.sections, checksums).length, PAGE);
    WholeFile.place(
        file,
        start + plan.bytes(),
        places -> {
          try {
            plan.fill((i, bytes) -> {
              checksums[i] = Checksum.of(bytes);
              put(places, start + begins[i], bytes);
            });
          } catch (UncheckedIOException e) {
            throw e.getCause();
          }
          int last = begins.length - 1;
          long end = begins[last] + plan.sections.get(last).bytes();
          byte[] padding = new byte[Math.toIntExact(plan.bytes() - end)];
          places.put(start + end, MemorySegment.ofArray(padding));
          places.put(0, MemorySegment.ofArray(header(mark, plan.sections, checksums)));
        });
  }

  private static void put(WholeFile.Places places, long at, MemorySegment bytes) {
    try {
      places.put(at, bytes);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String mark(String key, LlamaConfig config, Precision precision) {
    return line(MAGIC) + line(key) + line(model(config, precision));
  }

  private static byte[] header(String mark, List<Section> sections, int[] checksums) {
    StringBuilder text = new StringBuilder(mark);
    for (int i = 0; i < checksums.length; i++) {
      text.append(line(sections.get(i).line(checksums[i])));
    }
    byte[] lines = text.toString().getBytes(StandardCharsets.UTF_8);
    int checksum = Checksum.of(MemorySegment.ofArray(lines));
    return text.append(line(CHECKSUM.formatted(checksum)))
        .append('\n')
        .toString()
        .getBytes(StandardCharsets.UTF_8);
  }

  /** The sections of a file after verifying only the checksums. */
  private record Mapped(List<Section> sections, MemorySegment memory) {
    MemorySegment piece(int i) {
      return memory.asSlice(begins(sections)[i], sections.get(i).bytes());
    }
  }

  /**
   * Maps a file that {@link #write} made and verifies all its checksums, so that its content is
   * what was packed.
   *
   * @return empty if it has another version, machine, key or model
   * @throws RadialogException if it is missing or damaged
   */
  @SuppressWarnings("MustBeClosedChecker") // close closes it
  static Optional<PackedLlama> map(Path file, String key, LlamaConfig config, Precision precision) {
    Arena arena = Arena.ofShared();
    try {
      Optional<Mapped> mapped = mapped(file, mark(key, config, precision), arena);
      if (mapped.isEmpty()) {
        arena.close();
      }
      return mapped.map(m -> new PackedLlama(config, arena, m.memory, m.sections));
    } catch (RuntimeException | Error e) {
      arena.close();
      throw e;
    }
  }

  /**
   * Packs a model like {@link #write} and compares the result with a file.
   *
   * @return whether they are equal; empty if the file has another version, machine, key or model
   * @throws RadialogException if the file is missing or damaged
   */
  static Optional<Boolean> equal(
      Path file,
      String key,
      LlamaWeights weights,
      Optional<LoraAdapter> adapter,
      boolean merged,
      Precision precision) {
    try (Arena arena = Arena.ofShared()) {
      Optional<Mapped> mapped = mapped(file, mark(key, weights.config(), precision), arena);
      return mapped.map(m -> {
        Plan plan = plan(weights, adapter, merged, precision);
        if (!plan.sections.equals(m.sections)) {
          return false;
        }
        var differs = new AtomicBoolean();
        plan.fill((i, bytes) -> {
          if (bytes.mismatch(m.piece(i)) >= 0) {
            differs.set(true);
          }
        });
        return !differs.get();
      });
    }
  }

  private static Optional<Mapped> mapped(Path file, String mark, Arena arena) {
    MemorySegment whole;
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      whole = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
    } catch (IOException e) {
      throw new RadialogException(
          RadialogException.Kind.REFUSED_WEIGHTS, "cannot read " + file + ": " + e, e);
    }
    byte[] bytes = mark.getBytes(StandardCharsets.UTF_8);
    if (whole.byteSize() < bytes.length
        || whole.asSlice(0, bytes.length).mismatch(MemorySegment.ofArray(bytes)) >= 0) {
      return Optional.empty();
    }
    List<Section> sections = new ArrayList<>();
    List<Integer> checksums = new ArrayList<>();
    long start = sections(file, whole, bytes.length, sections, checksums);
    long expected = start + size(sections);
    if (whole.byteSize() != expected) {
      throw damaged(file, "expected " + expected + " bytes, found " + whole.byteSize());
    }
    Mapped mapped = new Mapped(sections, whole.asSlice(start));
    long[] begins = begins(sections);
    // Uses all processors, because a start waits for this.
    IntStream.range(0, sections.size())
        .parallel()
        .filter(i ->
            Checksum.of(mapped.memory.asSlice(begins[i], sections.get(i).bytes()))
                != checksums.get(i))
        .findAny()
        .ifPresent(i -> {
          throw damaged(file, sections.get(i).name + " has a wrong checksum");
        });
    return Optional.of(mapped);
  }

  // The lines starting at `from`, followed by the checksum of the header, and the position of the
  // sections.
  private static long sections(
      Path file, MemorySegment whole, int from, List<Section> sections, List<Integer> checksums) {
    int length = (int) Math.min(whole.byteSize(), LARGEST_HEADER);
    int lineStart = from;
    for (int end = from; end < length; end++) {
      if (whole.get(ValueLayout.JAVA_BYTE, end) != '\n') {
        continue;
      }
      String line =
          new String(
              whole.asSlice(lineStart, (long) end - lineStart).toArray(ValueLayout.JAVA_BYTE),
              StandardCharsets.UTF_8);
      if (line.startsWith("checksum ")) {
        if (!line.equals(CHECKSUM.formatted(Checksum.of(whole.asSlice(0, lineStart))))) {
          throw damaged(file, "its list of sections has a wrong checksum");
        }
        return aligned(end + 2L, PAGE); // after the empty line
      }
      sections.add(section(file, line));
      checksums.add((int) Long.parseLong(line.substring(line.length() - 8), 16));
      lineStart = end + 1;
    }
    throw damaged(file, "its list of sections is unterminated");
  }

  private static Section section(Path file, String line) {
    String[] words = line.split(" ", -1);
    try {
      if (words.length != 6 || !words[5].matches("[0-9a-f]{8}")) {
        throw damaged(file, "\"" + line + "\" does not describe a section");
      }
      return new Section(
          words[0],
          Kind.valueOf(words[1]),
          Integer.parseInt(words[2]),
          Integer.parseInt(words[3]),
          Integer.parseInt(words[4]));
    } catch (IllegalArgumentException | ArrayIndexOutOfBoundsException e) {
      throw damaged(file, "\"" + line + "\" does not describe a section");
    }
  }

  private static RadialogException damaged(Path file, String found) {
    return new RadialogException(
        RadialogException.Kind.REFUSED_WEIGHTS,
        "the packed weights " + file + " are damaged: " + found + "; delete the file");
  }

  /** Bytes of the weights in memory. */
  long bytes() {
    return memory.byteSize();
  }

  @Override
  public void close() {
    if (arena.scope().isAlive()) {
      arena.close();
    }
  }
}
