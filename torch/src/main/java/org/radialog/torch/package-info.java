/** A thin layer over libtorch. */
@NullMarked
package org.radialog.torch;

import org.jspecify.annotations.NullMarked;
