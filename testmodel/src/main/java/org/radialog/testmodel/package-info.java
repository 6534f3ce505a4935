/** Support for tests: a tiny model folder whose weights are computed with a formula. */
@NullMarked
package org.radialog.testmodel;

import org.jspecify.annotations.NullMarked;
