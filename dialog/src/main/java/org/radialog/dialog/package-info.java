/** Engine, sampling and the facade. */
@NullMarked
package org.radialog.dialog;

import org.jspecify.annotations.NullMarked;
