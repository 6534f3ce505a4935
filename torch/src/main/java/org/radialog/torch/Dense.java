package org.radialog.torch;

import org.bytedeco.pytorch.Tensor;

/** A layer {@code y = x W^T + b}, with or without an adapter. */
public sealed interface Dense permits Linear, LoraLinear {
  /** {@code [..., in]} to {@code [..., out]}. */
  Tensor forward(Tensor x);
}
