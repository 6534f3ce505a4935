/**
 * Support for tests: golden cases, weights computed with a formula, and writers of checkpoint
 * files.
 */
@NullMarked
package org.radialog.testing;

import org.jspecify.annotations.NullMarked;
