/** Quantised matrix times few vectors in plain Java. */
@NullMarked
package org.radialog.kernels;

import org.jspecify.annotations.NullMarked;
