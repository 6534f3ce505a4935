/**
 * The JSON of results, for the command line and for servers: one record per object, whose
 * components are the fields in their order. Fields may be added but are never renamed.
 */
@NullMarked
package org.radialog.wire;

import org.jspecify.annotations.NullMarked;
