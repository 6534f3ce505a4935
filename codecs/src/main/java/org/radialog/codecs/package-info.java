/**
 * How pixels are coded: a decoder per coding, from bytes to samples, and the refusal of what cannot
 * be read.
 */
@NullMarked
package org.radialog.codecs;

import org.jspecify.annotations.NullMarked;
