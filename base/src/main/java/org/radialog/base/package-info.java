/** Exceptions, writing a file whole or not at all, progress. */
@NullMarked
package org.radialog.base;

import org.jspecify.annotations.NullMarked;
