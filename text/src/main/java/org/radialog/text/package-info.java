/** Tokenizers: convert texts and the parts of a prompt to tokens, and tokens to text. */
@NullMarked
package org.radialog.text;

import org.jspecify.annotations.NullMarked;
