/** Data sets: their readers, folds and near-duplicates. */
@NullMarked
package org.radialog.data;

import org.jspecify.annotations.NullMarked;
