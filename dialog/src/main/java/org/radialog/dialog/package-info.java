/**
 * The facade of the library ({@link org.radialog.dialog.RaDialog}), dialogs, the engine and
 * sampling.
 */
@NullMarked
package org.radialog.dialog;

import org.jspecify.annotations.NullMarked;
