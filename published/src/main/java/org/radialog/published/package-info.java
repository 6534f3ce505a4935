/**
 * Files of models: what a published file is, which files make a model together, how they become a
 * model folder, and the folder itself.
 */
@NullMarked
package org.radialog.published;

import org.jspecify.annotations.NullMarked;
