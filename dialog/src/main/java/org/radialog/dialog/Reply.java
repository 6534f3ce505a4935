package org.radialog.dialog;

import org.radialog.clinical.Consistency;

/**
 * The answer to a question.
 *
 * @param question as it was asked
 * @param text as the language model wrote it
 * @param consistency its inconsistencies with the findings that were assessed, with the preceding
 *     report, and with itself
 * @param guidance where guidance stepped in
 * @param end the reason why it ended
 * @param usage number of tokens
 * @param timings in milliseconds
 */
public record Reply(
    String question,
    String text,
    Consistency consistency,
    Guidance guidance,
    Engine.End end,
    Usage usage,
    Timings timings) {}
