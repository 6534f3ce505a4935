/**
 * Training and evaluation of the published versions of RaDialog, following the paper and its code.
 */
@NullMarked
package org.radialog.paper;

import org.jspecify.annotations.NullMarked;
