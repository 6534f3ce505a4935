/** Speed measurements, JMH benchmarks and comparisons with other programs. */
@NullMarked
package org.radialog.bench;

import org.jspecify.annotations.NullMarked;
