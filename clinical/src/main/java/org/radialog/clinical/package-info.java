/** The radiology text domain. */
@NullMarked
package org.radialog.clinical;

import org.jspecify.annotations.NullMarked;
