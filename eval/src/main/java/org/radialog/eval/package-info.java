/** Metrics and protocols. */
@NullMarked
package org.radialog.eval;

import org.jspecify.annotations.NullMarked;
