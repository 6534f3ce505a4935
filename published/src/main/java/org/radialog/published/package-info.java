/**
 * Model files: recognising published files, combining them to a model, importing them into a model
 * folder, and the folder itself.
 */
@NullMarked
package org.radialog.published;

import org.jspecify.annotations.NullMarked;
