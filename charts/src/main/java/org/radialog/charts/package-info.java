/** Charts as PNG and SVG. */
@NullMarked
package org.radialog.charts;

import org.jspecify.annotations.NullMarked;
