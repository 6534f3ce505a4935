package org.radialog.model;

import org.bytedeco.openblas.global.openblas;

/**
 * How many threads OpenBLAS takes while this is open. Inside libtorch's own parallel regions its
 * threads fight libtorch's: attention and bf16 layers run several times faster with one. Large fp32
 * layers need them all.
 */
final class BlasThreads implements AutoCloseable {
  private final int before;

  private BlasThreads(int count) {
    before = openblas.blas_get_num_threads();
    openblas.blas_set_num_threads(count);
  }

  /** One thread. */
  static BlasThreads one() {
    return new BlasThreads(1);
  }

  /** As many as before. */
  static BlasThreads unchanged() {
    return new BlasThreads(openblas.blas_get_num_threads());
  }

  @Override
  public void close() {
    openblas.blas_set_num_threads(before);
  }
}
