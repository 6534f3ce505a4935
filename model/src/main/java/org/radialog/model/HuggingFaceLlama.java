package org.radialog.model;

import java.lang.foreign.MemorySegment;
import org.radialog.base.RadialogException;
import org.radialog.weights.Checkpoint;
import org.radialog.weights.TensorInfo;

/** The weights of a checkpoint that has Hugging Face's names and row order. */
record HuggingFaceLlama(LlamaConfig config, Checkpoint checkpoint) implements LlamaWeights {
  static HuggingFaceLlama of(LlamaConfig config, Checkpoint checkpoint) {
    HuggingFaceLlama weights = new HuggingFaceLlama(config, checkpoint);
    weights.checkShapes();
    return weights;
  }

  @Override
  public TensorInfo info(String name) {
    TensorInfo info = checkpoint.tensors().get(name);
    if (info == null) {
      throw new RadialogException("language model: the checkpoint has no tensor " + name);
    }
    return info;
  }

  @Override
  public MemorySegment bytes(String name) {
    return checkpoint.bytes(info(name).name());
  }

  @Override
  public float[] floats(String name, int firstRow, int rows) {
    long[] shape = info(name).shape();
    int columns = shape.length == 1 ? 1 : Math.toIntExact(shape[1]);
    return checkpoint.floats(name, (long) firstRow * columns, Math.multiplyExact(rows, columns));
  }
}
