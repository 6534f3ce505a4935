/** The radialog command. */
@NullMarked
package org.radialog.cli;

import org.jspecify.annotations.NullMarked;
