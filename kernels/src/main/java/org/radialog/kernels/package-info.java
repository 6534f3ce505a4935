/**
 * Quantised matrix times few vectors in plain Java: what a decode step of a language model does all
 * day. No tensor library and no model.
 *
 * <pre>
 *   y[r] = Σ_g  d[r,g] · a[g] · Σ_k q[r,32g+k] · x[32g+k]        q 4 or 8 bits, x 8 bits, d f16, a fp32
 * </pre>
 *
 * <p>Weights and activations are quantised in groups of 32 columns. Weights are interleaved so that
 * one lane of a vector of shorts is one row; the products of a group are summed in shorts, exactly.
 * Integer sums do not depend on the batch and the floating-point sums have one order, so a row's
 * result has the same bits alone, in a batch, before and after compilation, on any number of
 * threads.
 */
@NullMarked
package org.radialog.kernels;

import org.jspecify.annotations.NullMarked;
