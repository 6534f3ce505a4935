/** Data sets and instruction tasks. */
@NullMarked
package org.radialog.data;

import org.jspecify.annotations.NullMarked;
