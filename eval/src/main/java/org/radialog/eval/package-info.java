/** Evaluation: protocols, baselines, scores and the files of results. */
@NullMarked
package org.radialog.eval;

import org.jspecify.annotations.NullMarked;
