package org.radialog.dialog;

import java.util.List;
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
 * @param likelihoods of the tokens of the answer, if they were asked for
 * @param timings in milliseconds
 */
public record Reply(
    String question,
    String text,
    Consistency consistency,
    Guidance guidance,
    Engine.End end,
    Usage usage,
    List<TokenLikelihood> likelihoods,
    Timings timings) {
  public Reply {
    likelihoods = List.copyOf(likelihoods);
  }
}
