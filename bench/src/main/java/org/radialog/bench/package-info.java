/** JMH benchmarks and runs beside peers. */
@NullMarked
package org.radialog.bench;

import org.jspecify.annotations.NullMarked;
