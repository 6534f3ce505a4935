/** For tests only: weights by formula, golden cases. */
@NullMarked
package org.radialog.testmodel;

import org.jspecify.annotations.NullMarked;
