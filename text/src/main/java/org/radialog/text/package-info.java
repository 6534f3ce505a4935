/** Tokenizers: texts and the parts of a prompt as tokens, and tokens as text. */
@NullMarked
package org.radialog.text;

import org.jspecify.annotations.NullMarked;
