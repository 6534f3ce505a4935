/** Exceptions, atomic writing of files, progress, and other basics that all rooms share. */
@NullMarked
package org.radialog.base;

import org.jspecify.annotations.NullMarked;
