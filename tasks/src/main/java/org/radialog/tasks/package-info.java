/** The dialogs that the embedded model is trained on: one class per task, and their mix. */
@NullMarked
package org.radialog.tasks;

import org.jspecify.annotations.NullMarked;
