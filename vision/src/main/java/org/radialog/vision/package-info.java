/**
 * The image networks, one file each: the encoder and its backbones, the pooler for a film and its
 * prior, the findings classifier, and the alignments from patch features to image tokens.
 */
@NullMarked
package org.radialog.vision;

import org.jspecify.annotations.NullMarked;
