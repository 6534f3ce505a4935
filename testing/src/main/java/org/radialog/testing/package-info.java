/** For tests only: weights by formula, golden cases. */
@NullMarked
package org.radialog.testing;

import org.jspecify.annotations.NullMarked;
