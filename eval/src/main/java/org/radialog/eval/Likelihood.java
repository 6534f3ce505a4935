package org.radialog.eval;

import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.clinical.Finding;
import org.radialog.clinical.FindingsList;
import org.radialog.clinical.PromptFormat;
import org.radialog.clinical.PromptPart;
import org.radialog.clinical.Turn;
import org.radialog.dialog.PromptInputs;
import org.radialog.dialog.RaDialog;
import org.radialog.imaging.Radiograph;
import org.radialog.language.KvCache;
import org.radialog.language.LanguageNetwork;
import org.radialog.language.LlamaInput;
import org.radialog.text.TextTokenizer;

/**
 * Computes the likelihood of given reports under a loaded model, while no dialog runs. The prompt
 * goes through prefill and the report through the decoder, so the precision of the decode steps is
 * measured.
 */
public final class Likelihood {
  /** Tokens per pass: enough for libtorch to be fast, few enough for their logits. */
  private static final int PASS = 16;

  private final RaDialog model;

  /** Waits until {@code model} is loaded. */
  public Likelihood(RaDialog model) {
    Objects.requireNonNull(model, "model");
    model.ready();
    this.model = model;
  }

  /**
   * The score of a text.
   *
   * @param tokens number of tokens of the text, including its end token
   * @param negativeLogLikelihood of all of them together, in nats
   */
  public record Score(int tokens, double negativeLogLikelihood) {
    /** Nothing scored yet. */
    public static final Score NONE = new Score(0, 0);

    /** Both texts. */
    public Score and(Score other) {
      return new Score(tokens + other.tokens, negativeLogLikelihood + other.negativeLogLikelihood);
    }

    /** The mean per token, in nats. */
    public double mean() {
      return negativeLogLikelihood / tokens;
    }

    /**
     * The perplexity, exp of the mean: the effective number of tokens that the model hesitated
     * between.
     */
    public double perplexity() {
      return Math.exp(mean());
    }
  }

  /**
   * Scores {@code report} as the first answer about a film, each token given the true tokens before
   * it.
   *
   * @param findings the findings in the prompt; empty if it contains none
   * @throws RadialogException if prompt and report together have more tokens than the language
   *     model has positions
   */
  public Score report(Radiograph film, Optional<Set<Finding>> findings, String report) {
    Objects.requireNonNull(film, "film");
    Objects.requireNonNull(findings, "findings");
    Objects.requireNonNull(report, "report");
    model.loaded().tokenizer().requireRoom(report, model.loaded().positions());
    LlamaInput.Embeddings image = model.loaded().image(film);
    List<PromptPart> parts =
        model.loaded().prompts().open(findings.map(FindingsList::of), new Turn.Report());
    return score(
        PromptInputs.of(parts, model.loaded().tokenizer(), image, true, model.loaded().positions()),
        answer(report));
  }

  /**
   * Scores {@code answer} to a question that is asked first, without a film and without findings.
   *
   * @throws RadialogException as {@link #report}
   */
  public Score answer(String question, String answer) {
    List<PromptPart> parts =
        model.loaded().prompts().open(Optional.empty(), new Turn.Question(question)).stream()
            .filter(part -> !(part instanceof PromptPart.Image))
            .toList();
    TextTokenizer tokenizer = model.loaded().tokenizer();
    int[] ids = tokenizer.encode(parts, true, model.loaded().positions()).getFirst();
    return score(List.of(new LlamaInput.Tokens(ids)), answer(answer));
  }

  /** The tokens of an answer, including its end token. */
  int[] answer(String text) {
    PromptFormat format = model.loaded().prompts();
    TextTokenizer tokenizer = model.loaded().tokenizer();
    int[] words =
        tokenizer
            .encode(List.of(format.answer(text)), false, model.loaded().positions())
            .getFirst();
    int[] end = tokenizer.encode(format.endToken(), true);
    return IntStream.concat(Arrays.stream(words), Arrays.stream(end)).toArray();
  }

  private Score score(List<LlamaInput> prompt, int[] answer) {
    LanguageNetwork network = model.loaded().language().network();
    int positions = model.loaded().positions();
    int length = prompt.stream().mapToInt(LlamaInput::count).sum() + answer.length;
    if (length > positions) {
      throw new RadialogException(
          Kind.BAD_INPUT,
          ("prompt and report have %d tokens in total, expected at most the %d positions"
                  + " of the language model; score a shorter report")
              .formatted(length, positions));
    }
    try (KvCache cache = new KvCache(network.cacheShape())) {
      double sum = -logProbability(network.prefill(cache, prompt), answer[0]);
      // The last token is predicted but not read.
      for (int from = 0; from + 1 < answer.length; from += PASS) {
        int to = Math.min(from + PASS, answer.length - 1);
        float[][] logits = new float[to - from][network.vocab()];
        network.extend(List.of(Arrays.copyOfRange(answer, from, to)), List.of(cache), logits);
        for (int i = from; i < to; i++) {
          sum -= logProbability(logits[i - from], answer[i + 1]);
        }
      }
      return new Score(answer.length, sum);
    }
  }

  private static double logProbability(float[] logits, int token) {
    double most = Double.NEGATIVE_INFINITY;
    for (float logit : logits) {
      most = Math.max(most, logit);
    }
    double sum = 0;
    for (float logit : logits) {
      sum += Math.exp(logit - most);
    }
    return logits[token] - most - Math.log(sum);
  }
}
