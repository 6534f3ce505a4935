/** The protocol of OpenAI's API: requests, answers, errors, and JSON of a schema. */
@NullMarked
package org.radialog.openai;

import org.jspecify.annotations.NullMarked;
