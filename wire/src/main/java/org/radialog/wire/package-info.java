/**
 * The JSON of results, as the command line prints it and a server answers with it: one record per
 * object, whose components are the fields in their order. Fields are added, never renamed.
 */
@NullMarked
package org.radialog.wire;

import org.jspecify.annotations.NullMarked;
