package org.radialog.dialog;

/**
 * Where the time of one turn went, in milliseconds.
 *
 * @param encode from pixels to findings and image tokens; 0 where that was done before
 * @param prefill computing the new tokens of the prompt, waiting for other dialogs included
 * @param firstToken from the call to the first token
 * @param decode from the first token to the last
 * @param total from the call to its return
 */
public record Timings(
    double encode, double prefill, double firstToken, double decode, double total) {}
