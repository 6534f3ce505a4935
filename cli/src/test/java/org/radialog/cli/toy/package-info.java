/**
 * Parts that main code knows nothing of, a class each: an image encoder, a prompt format and a text
 * metric. A stage of a training is {@code org.radialog.loop.toy.ToyStage}.
 */
@NullMarked
package org.radialog.cli.toy;

import org.jspecify.annotations.NullMarked;
