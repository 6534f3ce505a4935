package org.radialog.dialog;

import org.radialog.clinical.Consistency;

/**
 * The answer to a question.
 *
 * @param text as the language model wrote it
 * @param consistency where it does not fit the findings that were assessed, the report that it
 *     follows, or itself
 * @param end why it ended
 */
public record Reply(
    String question,
    String text,
    Consistency consistency,
    Engine.End end,
    Usage usage,
    Timings timings) {}
