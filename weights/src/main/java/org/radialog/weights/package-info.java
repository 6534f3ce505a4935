/** Reading and writing checkpoint files without a tensor library. */
@NullMarked
package org.radialog.weights;

import org.jspecify.annotations.NullMarked;
