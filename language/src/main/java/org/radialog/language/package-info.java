/**
 * The text networks: {@link org.radialog.language.Llama} and its fast decode step {@link
 * org.radialog.language.LlamaDecoder}, the cache of keys and values, packed weights, LoRA; {@link
 * org.radialog.language.Bert}.
 */
@NullMarked
package org.radialog.language;

import org.jspecify.annotations.NullMarked;
