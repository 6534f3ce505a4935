/**
 * The networks that look at a film, one file each: the encoder and its backbones, the pooler over a
 * film and its prior, the classifier of findings, and what turns patch features into image tokens.
 */
@NullMarked
package org.radialog.vision;

import org.jspecify.annotations.NullMarked;
