/** The training loop: stages, run folders that resume, several processes, recipe files. */
@NullMarked
package org.radialog.loop;

import org.jspecify.annotations.NullMarked;
