package org.radialog.dialog;

import org.radialog.clinical.Consistency;

/**
 * The findings section of a report.
 *
 * @param findings what the report was written from
 * @param text as the language model wrote it, every word of it
 * @param consistency where text and findings differ, over the findings that were assessed, and
 *     where the text contradicts itself or compares without an earlier film
 * @param end why the text ended
 */
public record Report(
    Findings findings,
    String text,
    Consistency consistency,
    Engine.End end,
    Usage usage,
    Timings timings) {}
