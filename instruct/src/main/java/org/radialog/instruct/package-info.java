/** The instruction tasks: the questions and answers that a language model is trained on. */
@NullMarked
package org.radialog.instruct;

import org.jspecify.annotations.NullMarked;
