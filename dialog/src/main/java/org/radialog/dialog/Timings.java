package org.radialog.dialog;

/**
 * The timings of one turn, in milliseconds.
 *
 * @param encode from pixels to findings and image tokens; 0 if that was done before
 * @param prefill computing the new tokens of the prompt, including waiting for other dialogs
 * @param firstToken from the call to the first token
 * @param decode from the first token to the last
 * @param total from the call to its return
 */
public record Timings(
    double encode, double prefill, double firstToken, double decode, double total) {}
