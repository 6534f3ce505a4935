package org.radialog.dialog;

import java.util.List;

/**
 * A token of an answer and how likely the language model found it there, at temperature 1 and
 * before anything was barred.
 *
 * @param id of the token
 * @param text of the token alone, with U+FFFD for bytes that are no whole character
 * @param logProbability its natural logarithm, at most 0
 * @param likeliest the most likely tokens at this place in descending order, as many as were asked
 *     for; their own lists are empty
 */
public record TokenLikelihood(
    int id, String text, double logProbability, List<TokenLikelihood> likeliest) {
  public TokenLikelihood {
    likeliest = List.copyOf(likeliest);
  }
}
