package org.radialog.dialog;

import org.radialog.clinical.Consistency;

/**
 * The findings section of a report.
 *
 * @param findings the findings that the report was written from
 * @param text the complete text as the language model wrote it
 * @param consistency the differences between text and findings, for the findings that were
 *     assessed, contradictions within the text, and comparisons without an earlier film
 * @param guidance where guidance stepped in
 * @param end the reason why the text ended
 * @param usage number of tokens
 * @param timings in milliseconds
 */
public record Report(
    Findings findings,
    String text,
    Consistency consistency,
    Guidance guidance,
    Engine.End end,
    Usage usage,
    Timings timings) {}
