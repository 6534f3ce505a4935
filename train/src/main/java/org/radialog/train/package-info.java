/** The training stages. */
@NullMarked
package org.radialog.train;

import org.jspecify.annotations.NullMarked;
