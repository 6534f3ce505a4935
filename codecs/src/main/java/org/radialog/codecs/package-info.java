/** Image decoders, from bytes to samples, and the refusal of images that cannot be read. */
@NullMarked
package org.radialog.codecs;

import org.jspecify.annotations.NullMarked;
