package org.radialog.published;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.radialog.base.Progress;
import org.radialog.base.RadialogException;
import org.radialog.kernels.QuantisedRows;
import org.radialog.kernels.WeightFormat;
import org.radialog.language.HuggingFaceLlama;
import org.radialog.language.LlamaTensors;
import org.radialog.language.LlamaWeights;
import org.radialog.language.LoraAdapter;
import org.radialog.language.Precision;
import org.radialog.torch.Scope;
import org.radialog.torch.Torch;
import org.radialog.torch.TorchThreads;
import org.radialog.weights.DType;
import org.radialog.weights.SafetensorsWriter;
import org.radialog.weights.TensorInfo;

/**
 * Writes a language model, with its adapter merged, as one safetensors file under Hugging Face's
 * names: in bfloat16, or in groups of 32 columns with 8 or 4 bits, as plain bytes or nibbles with
 * separate scales (see {@link HuggingFaceLlama} for the layout), so that any reader can use it.
 * Norms are fp32, the embedding table is bfloat16, and the head has at least 8 bits.
 *
 * <p>Only one matrix is in memory at a time.
 */
public final class LlamaFile {
  private static final int CHUNK = 1 << 19; // number of values of a matrix that are merged at once
  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final LlamaWeights weights;
  private final Optional<LoraAdapter> adapter;

  private LlamaFile(LlamaWeights weights, Optional<LoraAdapter> adapter) {
    this.weights = weights;
    this.adapter = adapter;
  }

  /**
   * Writes the file.
   *
   * @param adapter added to the matrices in fp32 before they are rounded
   * @param precision {@code BF16}, {@code INT8} or {@code INT4}
   * @throws RadialogException if it cannot be written, or the widths of the model are not multiples
   *     of 32 where required
   */
  public static void write(
      Path file,
      LlamaWeights weights,
      Optional<LoraAdapter> adapter,
      Precision precision,
      Progress progress) {
    new LlamaFile(weights, adapter).write(file, precision, progress);
  }

  /** The storage form of a tensor. */
  private enum Form {
    FLOATS,
    BFLOAT16,
    BYTES,
    NIBBLES,
    NIBBLES_WITH_OFFSET
  }

  private void write(Path file, Precision precision, Progress progress) {
    SequencedMap<String, Form> forms = forms(precision);
    List<TensorInfo> infos = new ArrayList<>();
    forms.forEach((name, form) -> layOut(name, form, infos));
    try (Progress.Task task = progress.start("language model", forms.size())) {
      SafetensorsWriter.place(
          file,
          Map.of("format", "pt"),
          infos,
          places -> {
            for (Map.Entry<String, Form> entry : forms.entrySet()) {
              place(entry.getKey(), entry.getValue(), places);
              task.step(entry.getKey());
            }
          });
    }
  }

  // One matrix with its scales is in memory at a time.
  private void place(String name, Form form, SafetensorsWriter.Places places) throws IOException {
    List<TensorInfo> infos = new ArrayList<>();
    layOut(name, form, infos);
    try (Arena arena = Arena.ofShared()) {
      SequencedMap<String, MemorySegment> to = new LinkedHashMap<>();
      for (TensorInfo info : infos) {
        to.put(info.name(), arena.allocate(info.bytes(), Long.BYTES));
      }
      fill(name, form, to);
      for (Map.Entry<String, MemorySegment> tensor : to.entrySet()) {
        places.put(tensor.getKey(), tensor.getValue());
      }
    }
  }

  private SequencedMap<String, Form> forms(Precision precision) {
    SequencedMap<String, Form> forms = new LinkedHashMap<>();
    weights
        .shapes()
        .forEach((name, shape) ->
            forms.put(
                name,
                shape.length == 1
                    ? Form.FLOATS
                    : name.equals(LlamaWeights.EMBEDDING)
                        ? Form.BFLOAT16
                        : matrix(name, shape, precision)));
    return forms;
  }

  private Form matrix(String name, long[] shape, Precision precision) {
    int columns = Math.toIntExact(shape[1]);
    return switch (precision) {
      case FP32 ->
          throw new IllegalArgumentException("a language model is stored in bf16, int8 or int4");
      case BF16 -> Form.BFLOAT16;
      case INT8 -> grouped(name, columns, Form.BYTES);
      case INT4 -> {
        if (name.equals(LlamaWeights.HEAD)) {
          yield grouped(name, columns, Form.BYTES);
        }
        grouped(name, columns, Form.NIBBLES);
        int rows = Math.toIntExact(shape[0]);
        WeightFormat better = QuantisedRows.int4Measured(new Rows(name, 1), rows, columns).format();
        yield better == WeightFormat.INT4_OFFSET ? Form.NIBBLES_WITH_OFFSET : Form.NIBBLES;
      }
    };
  }

  private static Form grouped(String name, int columns, Form form) {
    if (columns % WeightFormat.GROUP != 0) {
      throw new RadialogException(
          "cannot quantise %s: expected columns in groups of %d, found %d; take bf16 for this model"
              .formatted(name, WeightFormat.GROUP, columns));
    }
    return form;
  }

  private void layOut(String name, Form form, List<TensorInfo> infos) {
    long[] shape = Objects.requireNonNull(weights.shapes().get(name));
    switch (form) {
      case FLOATS -> infos.add(new TensorInfo(name, DType.F32, shape));
      case BFLOAT16 -> infos.add(new TensorInfo(name, DType.BF16, shape));
      case BYTES -> {
        infos.add(new TensorInfo(name, DType.I8, shape));
        infos.add(groups(name + HuggingFaceLlama.SCALES, shape));
      }
      case NIBBLES, NIBBLES_WITH_OFFSET -> {
        infos.add(new TensorInfo(name, DType.U8, new long[] {shape[0], shape[1] / 2}));
        infos.add(groups(name + HuggingFaceLlama.SCALES, shape));
        if (form == Form.NIBBLES_WITH_OFFSET) {
          infos.add(groups(name + HuggingFaceLlama.OFFSETS, shape));
        }
      }
    }
  }

  private static TensorInfo groups(String name, long[] shape) {
    return new TensorInfo(name, DType.F16, new long[] {shape[0], shape[1] / WeightFormat.GROUP});
  }

  private void fill(String name, Form form, Map<String, MemorySegment> to) {
    long[] shape = Objects.requireNonNull(weights.shapes().get(name));
    MemorySegment values = piece(to, name);
    if (form == Form.FLOATS) {
      float[] floats = weights.floats(name);
      MemorySegment.copy(floats, 0, values, FLOAT, 0, floats.length);
      return;
    }
    int rows = Math.toIntExact(shape[0]);
    int columns = Math.toIntExact(shape[1]);
    int step = Math.clamp(CHUNK / columns, 1, rows);
    int parts = Math.clamp(rows / step, 1, 8 * Runtime.getRuntime().availableProcessors());
    IntStream.range(0, parts)
        .parallel()
        .forEach(i -> {
          int first = (int) ((long) rows * i / parts);
          int end = (int) ((long) rows * (i + 1) / parts);
          Rows source = new Rows(name, step);
          switch (form) {
            case FLOATS -> throw new AssertionError("filled above");
            case BFLOAT16 -> bfloat16(source, first, end, columns, values);
            case BYTES ->
                bytes(
                    QuantisedRows.int8(source, rows, columns),
                    first,
                    end,
                    values,
                    piece(to, name + HuggingFaceLlama.SCALES));
            case NIBBLES ->
                nibbles(
                    QuantisedRows.int4(source, rows, columns),
                    first,
                    end,
                    values,
                    piece(to, name + HuggingFaceLlama.SCALES),
                    Optional.empty());
            case NIBBLES_WITH_OFFSET ->
                nibbles(
                    QuantisedRows.int4WithOffset(source, rows, columns),
                    first,
                    end,
                    values,
                    piece(to, name + HuggingFaceLlama.SCALES),
                    Optional.of(piece(to, name + HuggingFaceLlama.OFFSETS)));
          }
        });
  }

  private static MemorySegment piece(Map<String, MemorySegment> to, String name) {
    return Objects.requireNonNull(to.get(name), name);
  }

  private static void bfloat16(Rows source, int first, int end, int columns, MemorySegment to) {
    for (int r = first; r < end; r++) {
      float[] row = source.row(r);
      for (int c = 0; c < columns; c++) {
        to.set(SHORT, ((long) r * columns + c) * Short.BYTES, DType.bfloat16(row[c]));
      }
    }
  }

  private static void bytes(
      QuantisedRows rows, int first, int end, MemorySegment to, MemorySegment scales) {
    byte[] q = new byte[WeightFormat.GROUP];
    int groups = rows.columns() / WeightFormat.GROUP;
    for (int r = first; r < end; r++) {
      for (int g = 0; g < groups; g++) {
        long index = (long) r * groups + g;
        scales.set(SHORT, index * Short.BYTES, (short) rows.read(r, g, q));
        MemorySegment.copy(q, 0, to, ValueLayout.JAVA_BYTE, index * q.length, q.length);
      }
    }
  }

  private static void nibbles(
      QuantisedRows rows,
      int first,
      int end,
      MemorySegment to,
      MemorySegment scales,
      Optional<MemorySegment> offsets) {
    byte[] q = new byte[WeightFormat.GROUP];
    byte[] pairs = new byte[WeightFormat.GROUP / 2];
    int groups = rows.columns() / WeightFormat.GROUP;
    int bias = offsets.isPresent() ? 0 : 8;
    for (int r = first; r < end; r++) {
      for (int g = 0; g < groups; g++) {
        long index = (long) r * groups + g;
        int scale = rows.read(r, g, q);
        scales.set(SHORT, index * Short.BYTES, (short) scale);
        if (offsets.isPresent()) {
          offsets.get().set(SHORT, index * Short.BYTES, (short) (scale >>> 16));
        }
        for (int i = 0; i < pairs.length; i++) {
          pairs[i] = (byte) ((q[2 * i] + bias) | (q[2 * i + 1] + bias) << 4);
        }
        MemorySegment.copy(pairs, 0, to, ValueLayout.JAVA_BYTE, index * pairs.length, pairs.length);
      }
    }
  }

  /** Rows of a matrix in fp32 with the adapter added, some at a time. To be used by one thread. */
  private final class Rows implements QuantisedRows.Rows {
    private final String name;
    private final int step;
    private final int columns;
    private final int rows;
    private final Optional<LoraAdapter.Pair> pair;
    private int first;
    private float[] chunk = {};

    Rows(String name, int step) {
      long[] shape = weights.info(name).shape();
      this.name = name;
      this.step = step;
      this.rows = Math.toIntExact(shape[0]);
      this.columns = Math.toIntExact(shape[1]);
      this.pair = adapter.flatMap(a -> a.beside(weights.config(), name));
    }

    @Override
    public float[] row(int row) {
      if (row < first || (row - first + 1) * columns > chunk.length) {
        first = row;
        chunk = rows(row, Math.min(step, rows - row));
      }
      int at = (row - first) * columns;
      return Arrays.copyOfRange(chunk, at, at + columns);
    }

    private float[] rows(int from, int count) {
      float[] plain = weights.floats(name, from, count);
      if (pair.isEmpty()) {
        return plain;
      }
      try (Scope _ = new Scope();
          NoGradGuard _ = new NoGradGuard();
          TorchThreads _ = TorchThreads.of(1)) { // parallelism is above libtorch
        Tensor values = Torch.tensor(plain, count, columns);
        LlamaTensors.merge(values, pair.get(), from, LlamaTensors.scale(adapter));
        return Torch.floats(values);
      }
    }
  }
}
