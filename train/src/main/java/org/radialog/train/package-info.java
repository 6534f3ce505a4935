/** Training: recipes, stages, runs, and the export of a model folder. */
@NullMarked
package org.radialog.train;

import org.jspecify.annotations.NullMarked;
