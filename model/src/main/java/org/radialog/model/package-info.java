/** The networks, one file each. */
@NullMarked
package org.radialog.model;

import org.jspecify.annotations.NullMarked;
