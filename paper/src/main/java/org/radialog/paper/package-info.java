/** Training the published versions of RaDialog, as the paper and its code describe it. */
@NullMarked
package org.radialog.paper;

import org.jspecify.annotations.NullMarked;
