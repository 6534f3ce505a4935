/**
 * Scores of texts, labels and probabilities with intervals and tests; nothing here knows a film or
 * a dialog, so that any system's outputs can be scored.
 */
@NullMarked
package org.radialog.metrics;

import org.jspecify.annotations.NullMarked;
