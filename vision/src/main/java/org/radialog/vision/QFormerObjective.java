package org.radialog.vision;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.global.torch;
import org.radialog.torch.Init;
import org.radialog.torch.Parameters;
import org.radialog.torch.ProcessGroup;
import org.radialog.torch.Scope;
import org.radialog.torch.Torch;

/**
 * The objective of the Q-Former's first training stage (BLIP-2, arXiv 2301.12597, §3.1). The loss
 * is the sum of three terms: image-text contrast (ITC), image-text matching (ITM), where film and
 * text are encoded jointly, and text generation (LM).
 *
 * <p>B films with one text each, b of them in this process, Q queries, T tokens of the longest
 * text, E width of the embedding space for contrast, V vocabulary.
 */
public final class QFormerObjective {
  private static final double SMOOTHING = 0.1; // label smoothing of ITC and LM
  private static final double FLOOR = 1e-4; // keeps a draw possible if a softmax is 0
  private static final long MEAN = 1; // at::Reduction::Mean
  private static final long NO_LABEL = -100;
  private static final double TEMPERATURE = 0.07; // initial value

  /**
   * Draws one column for each row of {@code weights} [B, B], with probability proportional to the
   * weights; the diagonal is 0.
   */
  @FunctionalInterface
  public interface Negatives {
    /** Draws with libtorch's random number generator. */
    Negatives DRAWN = weights -> Torch.longs(torch.multinomial(weights, 1));

    /** Returns B column numbers. */
    long[] draw(Tensor weights);
  }

  /**
   * The losses of a batch, scalars with their autograd graph.
   *
   * @param contrast ITC: cross-entropy of films to texts and of texts to films, averaged
   * @param match ITM: cross-entropy of B matching and 2 B non-matching pairs
   * @param language LM: cross-entropy of each token of the texts after the first
   */
  public record Losses(Tensor contrast, Tensor match, Tensor language) {
    /** The sum of the three losses. */
    public Tensor total() {
      return contrast.add(match).add(language);
    }
  }

  private final QFormerText text;
  private final Tensor temperature; // []
  private final int begin;

  private QFormerObjective(QFormerText text, Tensor temperature, int begin) {
    this.text = text;
    this.temperature = temperature;
    this.begin = begin;
  }

  /**
   * Builds the objective; its temperature is in {@code p}, checkpoint key {@code temp}.
   *
   * @param begin id of [DEC], which replaces the first token when a text is generated
   * @throws org.radialog.base.RadialogException if {@code p} has the temperature in another shape
   */
  public static QFormerObjective of(QFormerText text, Parameters p, int begin) {
    return new QFormerObjective(text, p.get("temp", Init.constant(TEMPERATURE)), begin);
  }

  /**
   * Computes the losses of a batch in one process.
   *
   * @param features features of B films, {@code [B, C, h, w]}
   * @param rows token ids of the B texts, [CLS] first
   * @param negatives chooses the non-matching pairs
   * @throws IllegalArgumentException if there are fewer than two films, or a different number of
   *     texts
   */
  public Losses losses(Tensor features, List<int[]> rows, Negatives negatives) {
    return losses(ProcessGroup.alone(), features, List.of(rows), negatives);
  }

  /**
   * Computes the losses of a batch whose films are divided among processes; each of them calls
   * this. The gradients of the processes add up to those of the whole batch, and so do {@code
   * match} and {@code language}, while {@code contrast} is that of the whole batch in each process.
   * Films are compared with the texts of all processes, and non-matching pairs come from the whole
   * batch: process 0 draws them.
   *
   * @param features features of the b films of this process, {@code [b, C, h, w]}
   * @param texts token ids of the B texts, [CLS] first, by process in the order of the ranks
   * @param negatives chooses the non-matching pairs
   * @throws IllegalArgumentException if there are fewer than two films, none in this process, or a
   *     different number of texts
   * @throws ProcessGroup.Lost if another process has ended
   */
  public Losses losses(
      ProcessGroup group, Tensor features, List<List<int[]>> texts, Negatives negatives) {
    List<int[]> own = texts.get(group.rank());
    List<int[]> all = texts.stream().flatMap(List::stream).toList();
    if (all.size() < 2 || own.isEmpty() || features.size(0) != own.size()) {
      throw new IllegalArgumentException(
          "expected at least two films with one text each, got %d films and %d texts, of %d in all processes"
              .formatted(features.size(0), own.size(), all.size()));
    }
    List<Integer> counts = texts.stream().map(List::size).toList();
    try (Scope scope = new Scope()) {
      List<int[]> written = own.stream().map(this::begun).toList();
      QFormerText.Written pass = text.written(features, written);
      Tensor films = text.imageFeatures(pass.queries()); // [b, Q, E]
      Tensor read = text.textFeatures(text.text(own)); // [b, E]
      // Each process computes the gradients of its own films and texts; that of the temperature,
      // which belongs to none of them, is computed by process 0.
      Similarity similarity =
          similarity(
              group.gather(films, counts), // [B, Q, E]
              group.gather(read, counts), // [B, E]
              group.rank() == 0 ? temperature : temperature.detach());
      int first = counts.subList(0, group.rank()).stream().mapToInt(Integer::intValue).sum();
      Negatives same = shared(group, negatives);
      Tensor match =
          match(
              group.gather(features, counts), // [B, C, h, w]
              all,
              IntStream.range(first, first + own.size()).toArray(),
              same.draw(similarity.wrongFilms()),
              same.draw(similarity.wrongTexts()));
      Tensor language = language(pass.logits(), written);
      return new Losses(
          scope.keep(contrast(similarity)),
          scope.keep(match.mul(new Scalar((double) own.size() / all.size()))),
          scope.keep(language.mul(new Scalar((double) predicted(own) / predicted(all)))));
    }
  }

  /**
   * The similarity of films and texts, divided by the temperature.
   *
   * @param ofFilms one row per film: [B, B]
   * @param ofTexts one row per text: [B, B]
   */
  record Similarity(Tensor ofFilms, Tensor ofTexts) {
    /** The weights for drawing a non-matching text for each film, [B, B]. */
    Tensor wrongTexts() {
      return weights(ofFilms);
    }

    /** The weights for drawing a non-matching film for each text, [B, B]. */
    Tensor wrongFilms() {
      return weights(ofTexts);
    }

    private static Tensor weights(Tensor similarity) {
      try (Scope scope = new Scope();
          NoGradGuard _ = new NoGradGuard()) {
        Tensor weights = torch.softmax(similarity, 1).add(new Scalar(FLOOR));
        weights.fill_diagonal_(new Scalar(0.0));
        return scope.keep(weights);
      }
    }
  }

  /**
   * Compares each film with each text, using the most similar query of the film.
   *
   * @param films [B, Q, E], normalised to length 1
   * @param texts [B, E], normalised to length 1
   * @param temperature []
   */
  static Similarity similarity(Tensor films, Tensor texts, Tensor temperature) {
    Tensor pairs = films.matmul(texts.t()); // [B, Q, E] · [E, B] -> [B, Q, B]
    Tensor best = pairs.amax(new long[] {1}, false).div(temperature); // [B, B]
    return new Similarity(best, best.t());
  }

  private static Tensor contrast(Similarity similarity) {
    int count = Math.toIntExact(similarity.ofFilms.size(0));
    Tensor own = Torch.tensor(IntStream.range(0, count).asLongStream().toArray(), count); // [B]
    Tensor films = smoothed(similarity.ofFilms, own);
    Tensor texts = smoothed(similarity.ofTexts, own);
    return films.add(texts).div(new Scalar(2.0));
  }

  // Process 0 draws for all, since each process has its own random numbers.
  private static Negatives shared(ProcessGroup group, Negatives negatives) {
    return weights ->
        group.first(
            group.rank() == 0
                ? negatives.draw(weights)
                : new long[Math.toIntExact(weights.size(0))]);
  }

  // Of each own text: its film and it, a wrong film and it, its film and a wrong text.
  private Tensor match(
      Tensor features /* [B, C, h, w] */,
      List<int[]> rows,
      int[] own,
      long[] wrongFilms,
      long[] wrongTexts) {
    int count = own.length; // b
    long[] films = new long[3 * count];
    List<int[]> texts = new ArrayList<>();
    for (int i = 0; i < films.length; i++) {
      int pair = own[i % count];
      films[i] = i / count == 1 ? wrongFilms[pair] : pair;
      texts.add(rows.get(i / count == 2 ? Math.toIntExact(wrongTexts[pair]) : pair));
    }
    long[] labels = new long[films.length];
    Arrays.fill(labels, 0, count, 1);
    Tensor pairs = features.index_select(0, Torch.tensor(films, films.length)); // [3 b, C, h, w]
    Tensor logits = text.match(text.joint(pairs, texts)); // [3 b, 2]
    return torch.cross_entropy_loss(logits, Torch.tensor(labels, labels.length));
  }

  // The tokens that the texts have to be written with.
  private static int predicted(List<int[]> rows) {
    return rows.stream().mapToInt(row -> row.length - 1).sum();
  }

  // The logits at position t predict the token at t + 1; padding is ignored.
  private static Tensor language(Tensor logits /* [B, T, V] */, List<int[]> rows) {
    int longest = Math.toIntExact(logits.size(1)); // T
    List<Long> asked = new ArrayList<>();
    List<Long> targets = new ArrayList<>();
    for (int b = 0; b < rows.size(); b++) {
      int[] ids = rows.get(b);
      for (int t = 1; t < ids.length; t++) {
        asked.add((long) b * longest + t - 1);
        targets.add((long) ids[t]);
      }
    }
    Tensor chosen =
        logits.flatten(0, 1).index_select(0, Torch.tensor(array(asked), asked.size())); // [M, V]
    return smoothed(chosen, Torch.tensor(array(targets), targets.size()));
  }

  private int[] begun(int[] ids) {
    int[] written = ids.clone();
    written[0] = begin;
    return written;
  }

  private static Tensor smoothed(Tensor logits, Tensor targets) {
    return torch.cross_entropy_loss(
        logits, targets, new TensorOptional(), MEAN, NO_LABEL, SMOOTHING);
  }

  private static long[] array(List<Long> values) {
    return values.stream().mapToLong(Long::longValue).toArray();
  }
}
