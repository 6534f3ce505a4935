/**
 * Products of a quantised matrix with a few vectors in plain Java, the main work of a decode step
 * of a language model. The package uses no tensor library and knows no models.
 *
 * <pre>
 *   y[r] = Σ_g  d[r,g] · a[g] · Σ_k q[r,32g+k] · x[32g+k]        q 4 or 8 bits, x 8 bits, d f16, a
 * fp32
 * </pre>
 *
 * <p>Weights and activations are quantised in groups of 32 columns. Weights are interleaved so that
 * one lane of a vector of shorts is one row; the products of a group are summed exactly in shorts.
 * Integer sums do not depend on the batch and the floating-point sums have a fixed order, so the
 * result for a row is bit-identical alone, in a batch, before and after compilation, and for any
 * number of threads.
 */
@NullMarked
package org.radialog.kernels;

import org.jspecify.annotations.NullMarked;
