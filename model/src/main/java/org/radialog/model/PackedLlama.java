package org.radialog.model;

import java.io.IOException;
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
import org.radialog.base.RadialogException;
import org.radialog.base.WholeFile;
import org.radialog.kernels.LowRank;
import org.radialog.kernels.PackedMatrix;
import org.radialog.kernels.QuantisedRows;
import org.radialog.kernels.WeightFormat;

/**
 * The weights of a Llama model as {@link LlamaDecoder} reads them: matrices interleaved for this
 * machine's vectors, norms and adapters in fp32, all in one piece of memory that is also a file.
 *
 * <p>The file: lines of text that end with an empty one, padded to {@value #PAGE} bytes, then the
 * sections in order, each aligned to {@value #ALIGNMENT}. A first line of another version, lanes,
 * key or model makes it another file; one that is marked rightly and cannot be read so is damaged.
 */
final class PackedLlama implements AutoCloseable {
  private static final String MAGIC = "radialog packed weights 1";
  private static final int PAGE = 4096;
  private static final int ALIGNMENT = 64;
  private static final int LARGEST_HEADER = 1 << 24;
  private static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /** What a section holds. */
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

  /** A piece of the memory. {@code rank} is 0 unless it is a low-rank pair. */
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

    String line() {
      return "%s %s %d %d %d".formatted(name, kind, rows, columns, rank);
    }
  }

  /** A linear layer: its matrix and what stands beside it. */
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
    return new RadialogException("packed weights: there is no matrix or vector " + name);
  }

  private static String beside(LlamaLinear linear, int layer) {
    return linear.module(layer) + ".lora";
  }

  // ---------------------------------------------------------------- from a checkpoint

  /** What is to be packed: sections in their order, and for each what fills it. */
  private record Plan(List<Section> sections, List<Filler> fillers) {
    long bytes() {
      return size(sections);
    }

    // As many threads as the machine gives.
    void fill(MemorySegment memory) {
      List<Runnable> work = new ArrayList<>();
      long at = 0;
      for (int i = 0; i < sections.size(); i++) {
        MemorySegment piece = memory.asSlice(at, sections.get(i).bytes());
        Filler filler = fillers.get(i);
        work.add(() -> filler.fill(piece));
        at = aligned(at + piece.byteSize());
      }
      work.reversed().parallelStream().forEach(Runnable::run); // the head is the longest
    }
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
   * Interleaves a checkpoint in memory.
   *
   * @param merged whether an adapter is added to the matrices before they are rounded, or kept in
   *     fp32 beside them
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

  // As the file has them where the formats agree, else rounded from fp32.
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
    return (at + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  }

  // ---------------------------------------------------------------- the file

  private static String model(LlamaConfig config, Precision precision) {
    return "%s, %s, %d lanes".formatted(precision.label(), config, PackedMatrix.LANES);
  }

  private static String line(String text) {
    if (text.indexOf('\n') >= 0) {
      throw new IllegalArgumentException("a key of one line is needed, got: " + text);
    }
    return text + "\n";
  }

  /** Interleaves a checkpoint as {@link #of} does, in a file that is marked with {@code key}. */
  static void write(
      Path file,
      String key,
      LlamaWeights weights,
      Optional<LoraAdapter> adapter,
      boolean merged,
      Precision precision) {
    Plan plan = plan(weights, adapter, merged, precision);
    StringBuilder text =
        new StringBuilder(line(MAGIC))
            .append(line(key))
            .append(line(model(weights.config(), precision)));
    plan.sections.forEach(s -> text.append(line(s.line())));
    byte[] header = text.append('\n').toString().getBytes(StandardCharsets.UTF_8);
    long start = (header.length + PAGE - 1L) / PAGE * PAGE;
    WholeFile.map(
        file,
        start + plan.bytes(),
        whole -> {
          MemorySegment.copy(header, 0, whole, ValueLayout.JAVA_BYTE, 0, header.length);
          plan.fill(whole.asSlice(start));
        });
  }

  /**
   * Maps a file that {@link #write} made.
   *
   * @return empty if it is of another version, machine, key or model
   * @throws RadialogException if it is missing or damaged
   */
  @SuppressWarnings("MustBeClosedChecker") // close closes it
  static Optional<PackedLlama> map(Path file, String key, LlamaConfig config, Precision precision) {
    Arena arena = Arena.ofShared();
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      MemorySegment whole = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
      byte[] mark =
          (line(MAGIC) + line(key) + line(model(config, precision)))
              .getBytes(StandardCharsets.UTF_8);
      if (whole.byteSize() < mark.length
          || whole.asSlice(0, mark.length).mismatch(MemorySegment.ofArray(mark)) >= 0) {
        arena.close();
        return Optional.empty();
      }
      List<Section> sections = new ArrayList<>();
      long start = sections(file, whole, mark.length, sections);
      long expected = start + size(sections);
      if (whole.byteSize() != expected) {
        throw damaged(file, "expected " + expected + " bytes, found " + whole.byteSize());
      }
      MemorySegment memory = whole.asSlice(start);
      return Optional.of(new PackedLlama(config, arena, memory, sections));
    } catch (IOException e) {
      arena.close();
      throw new RadialogException("cannot read " + file + ": " + e, e);
    } catch (RuntimeException | Error e) {
      arena.close();
      throw e;
    }
  }

  // Reads the lines of sections; returns where the first section lies.
  private static long sections(Path file, MemorySegment whole, int from, List<Section> sections) {
    int end = from;
    int limit = (int) Math.min(whole.byteSize(), LARGEST_HEADER);
    int lineStart = from;
    while (end < limit) {
      if (whole.get(ValueLayout.JAVA_BYTE, end) == '\n') {
        if (end == lineStart) {
          return ((long) end + PAGE) / PAGE * PAGE;
        }
        byte[] line =
            whole.asSlice(lineStart, (long) end - lineStart).toArray(ValueLayout.JAVA_BYTE);
        sections.add(section(file, new String(line, StandardCharsets.UTF_8)));
        lineStart = end + 1;
      }
      end++;
    }
    throw damaged(file, "its list of sections does not end");
  }

  private static Section section(Path file, String line) {
    String[] words = line.split(" ", -1);
    try {
      return new Section(
          words[0],
          Kind.valueOf(words[1]),
          Integer.parseInt(words[2]),
          Integer.parseInt(words[3]),
          Integer.parseInt(words[4]));
    } catch (IllegalArgumentException | ArrayIndexOutOfBoundsException e) {
      throw damaged(file, "\"" + line + "\" describes no section");
    }
  }

  private static RadialogException damaged(Path file, String found) {
    return new RadialogException(
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
