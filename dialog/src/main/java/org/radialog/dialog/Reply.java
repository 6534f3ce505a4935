package org.radialog.dialog;

/**
 * The answer to a question.
 *
 * @param text as the language model wrote it
 * @param end why it ended
 */
public record Reply(String question, String text, Engine.End end, Usage usage, Timings timings) {}
