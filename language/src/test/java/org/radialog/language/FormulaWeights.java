package org.radialog.language;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Optional;
import org.radialog.base.RadialogException;
import org.radialog.testing.GoldenWeights;
import org.radialog.weights.DType;
import org.radialog.weights.TensorInfo;

/** Weights that are a formula over a salt and their names, as those of a golden case are. */
record FormulaWeights(LlamaConfig config, String salt) implements LlamaWeights {
  @Override
  public TensorInfo info(String name) {
    long[] shape =
        Optional.ofNullable(shapes().get(name))
            .orElseThrow(() -> new RadialogException("there is no tensor " + name));
    return new TensorInfo(name, DType.F32, shape);
  }

  @Override
  public MemorySegment bytes(String name) {
    return MemorySegment.ofArray(floats(name));
  }

  @Override
  public float[] floats(String name, int firstRow, int rows) {
    long[] shape = info(name).shape();
    int columns = shape.length == 1 ? 1 : (int) shape[1];
    return Arrays.copyOfRange(value(name, shape), firstRow * columns, (firstRow + rows) * columns);
  }

  /** The weight or the adapter's value {@code key}, row-major. */
  float[] value(String key, long... shape) {
    return GoldenWeights.fill(salt, key, shape);
  }
}
