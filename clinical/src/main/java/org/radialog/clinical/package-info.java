/**
 * The radiology text domain: findings, report sections, prompts, dialog turns and the report
 * labeler.
 */
@NullMarked
package org.radialog.clinical;

import org.jspecify.annotations.NullMarked;
