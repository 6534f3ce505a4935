/** Pixels: reading, windowing, resize and crop, checks. */
@NullMarked
package org.radialog.imaging;

import org.jspecify.annotations.NullMarked;
