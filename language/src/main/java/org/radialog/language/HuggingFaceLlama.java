package org.radialog.language;

import java.lang.foreign.MemorySegment;
import java.util.Optional;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.kernels.QuantisedRows;
import org.radialog.weights.Checkpoint;
import org.radialog.weights.DType;
import org.radialog.weights.TensorInfo;

/**
 * The weights of a checkpoint with Hugging Face's names and row order. A matrix may be stored in
 * groups of 32 columns with separate scales:
 *
 * <pre>
 *   X          U8 [R, C/2]  two columns per byte, the lower nibble first, each plus 8   (4 bits)
 *              I8 [R, C]                                                                (8 bits)
 *   X.scales   F16 [R, C/32]
 *   X.offsets  F16 [R, C/32], for 4 bits only: a value is scale · nibble + offset
 * </pre>
 *
 * @param config the shape of the model
 * @param checkpoint the file or files
 */
public record HuggingFaceLlama(LlamaConfig config, Checkpoint checkpoint) implements LlamaWeights {
  public static final String SCALES = ".scales";
  public static final String OFFSETS = ".offsets";

  static HuggingFaceLlama of(LlamaConfig config, Checkpoint checkpoint) {
    HuggingFaceLlama weights = new HuggingFaceLlama(config, checkpoint);
    weights.checkShapes();
    weights.shapes().keySet().forEach(weights::quantised); // scales of another size are refused
    return weights;
  }

  @Override
  public TensorInfo info(String name) {
    TensorInfo stored = stored(name);
    if (stored.dtype() == DType.U8 && scaled(name) && stored.shape().length == 2) {
      long[] shape = stored.shape();
      return new TensorInfo(name, DType.U8, new long[] {shape[0], 2 * shape[1]});
    }
    return stored;
  }

  private TensorInfo stored(String name) {
    TensorInfo info = checkpoint.tensors().get(name);
    if (info == null) {
      throw new RadialogException(
          Kind.REFUSED_WEIGHTS, "language model: the checkpoint has no tensor " + name);
    }
    return info;
  }

  private boolean scaled(String name) {
    return checkpoint.tensors().containsKey(name + SCALES);
  }

  @Override
  public MemorySegment bytes(String name) {
    return checkpoint.bytes(stored(name).name());
  }

  @Override
  public Optional<QuantisedRows> quantised(String name) {
    if (!scaled(name)) {
      return Optional.empty();
    }
    TensorInfo info = info(name);
    int rows = Math.toIntExact(info.shape()[0]);
    int columns = Math.toIntExact(info.shape()[1]);
    MemorySegment scales = halves(name + SCALES);
    return Optional.of(
        switch (info.dtype()) {
          case U8 ->
              QuantisedRows.nibbles(
                  bytes(name),
                  scales,
                  checkpoint.tensors().containsKey(name + OFFSETS)
                      ? Optional.of(halves(name + OFFSETS))
                      : Optional.empty(),
                  rows,
                  columns);
          case I8 -> QuantisedRows.bytes(bytes(name), scales, rows, columns);
          case F64, F32, F16, BF16, I64, I32, I16, U64, U32, U16, BOOL, Q4_0, Q4_1, Q5_0, Q5_1 ->
              throw notQuantised(info);
          case Q8_0, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, FOREIGN -> throw notQuantised(info);
        });
  }

  private MemorySegment halves(String name) {
    TensorInfo info = stored(name);
    if (info.dtype() != DType.F16) {
      throw new RadialogException(
          Kind.REFUSED_WEIGHTS, "language model: expected " + name + " as F16, found " + info);
    }
    return checkpoint.bytes(name);
  }

  private static RadialogException notQuantised(TensorInfo info) {
    return new RadialogException(
        Kind.REFUSED_WEIGHTS,
        "language model: expected U8 nibbles or I8 bytes with scales, found " + info);
  }

  @Override
  public float[] floats(String name, int firstRow, int rows) {
    long[] shape = info(name).shape();
    int columns = shape.length == 1 ? 1 : Math.toIntExact(shape[1]);
    Optional<QuantisedRows> quantised = quantised(name);
    if (quantised.isEmpty()) {
      return checkpoint.floats(name, (long) firstRow * columns, Math.multiplyExact(rows, columns));
    }
    float[] values = new float[Math.multiplyExact(rows, columns)];
    for (int r = 0; r < rows; r++) {
      quantised.get().row(firstRow + r, values, r * columns);
    }
    return values;
  }
}
