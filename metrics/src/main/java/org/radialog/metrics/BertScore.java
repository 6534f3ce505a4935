package org.radialog.metrics;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SequencedMap;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.radialog.base.Progress;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.base.Sha256;
import org.radialog.language.Bert;

/**
 * BERTScore (Zhang et al., arXiv 1904.09675) as computed by bert-score 0.3.13: each token of one
 * text is matched with the most similar token of the other, by the cosine of their vectors in a
 * BERT or RoBERTa. Precision is the mean over the hypothesis, recall the mean over the reference.
 * The two special tokens around a text can be matched but do not count.
 *
 * <p>With several references, the best is used, for precision, recall and F separately. A pair with
 * an empty text scores 0.
 */
public final class BertScore implements TextMetric {
  private static final int BATCH = 32;

  /**
   * Settings of the score.
   *
   * @param layer the layer whose vectors are compared, from 1; empty for the one that bert-score
   *     recommends for a network of this size
   * @param idf whether tokens are weighted by inverse document frequency in the references
   * @param baseline a table of bert-score's {@code rescale_baseline} for the same network, with one
   *     line {@code LAYER,P,R,F} per layer: scores are then (score - baseline) / (1 - baseline)
   */
  public record Settings(OptionalInt layer, boolean idf, Optional<Path> baseline) {
    /** The recommended layer, no weights, no rescaling. */
    public static final Settings PLAIN = new Settings(OptionalInt.empty(), false, Optional.empty());
  }

  /**
   * A network provided by the user.
   *
   * @param folder of a BERT or RoBERTa
   * @param how the settings of the score
   */
  public record Network(Path folder, Settings how) {}

  private static final String NAME = "BERTScore";

  private final TextEncoder encoder;
  private final boolean idf;
  private final Optional<double[]> baseline; // P, R, F
  private final SequencedMap<String, Object> settings;

  private BertScore(Path folder, TextEncoder encoder, boolean idf, Optional<double[]> baseline) {
    this.encoder = encoder;
    this.idf = idf;
    this.baseline = baseline;
    this.settings = new LinkedHashMap<>();
    settings.put("bert_sha256", Sha256.of(folder));
    settings.put("bert_layer", layer());
    settings.put("bert_idf", idf);
    settings.put("bert_rescaled", baseline.isPresent());
  }

  /** BERTScore with the given network; without one, a metric that names what is missing. */
  static TextMetric with(Optional<Network> network) {
    return network
        .<TextMetric>map(brought -> open(brought.folder(), brought.how()))
        .orElseGet(() ->
            TextMetric.lacking(
                NAME, "it needs a network: give the folder of a BERT or RoBERTa with --bert DIR"));
  }

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public SequencedMap<String, Object> settings() {
    return Collections.unmodifiableSequencedMap(settings);
  }

  @Override
  public Scored over(TokenizedPairs pairs, Progress progress) {
    return new Scored(
        of(pairs.texts(), progress).stream().map(MetricScores::resampled).toList(), List.of());
  }

  /**
   * Opens a network.
   *
   * @param folder of a BERT or RoBERTa, as read by {@link TextEncoder#open}
   * @throws RadialogException if a file is missing or invalid, or no layer is given and none is
   *     recommended
   */
  public static BertScore open(Path folder, Settings settings) {
    Bert.Config config = TextEncoder.config(folder);
    int layer = settings.layer().orElseGet(() -> recommended(folder, config));
    Optional<double[]> baseline = settings.baseline().map(file -> baseline(file, layer));
    return new BertScore(folder, TextEncoder.open(folder, layer), settings.idf(), baseline);
  }

  private static int recommended(Path folder, Bert.Config config) {
    return switch (config.family()) {
      case BERT ->
          switch (config.layers()) {
            case 12 -> 9; // bert-base-uncased
            case 24 -> 18; // bert-large-uncased
            default -> throw noLayer(folder, config);
          };
      case ROBERTA ->
          switch (config.layers()) {
            case 6 -> 5; // distilroberta-base
            case 12 -> 10; // roberta-base
            case 24 -> 17; // roberta-large
            default -> throw noLayer(folder, config);
          };
    };
  }

  private static RadialogException noLayer(Path folder, Bert.Config config) {
    return new RadialogException(
        Kind.REFUSED_DATA,
        ("%s: bert-score recommends no layer for a network of %d layers; choose one"
                + " from 1 to %d")
            .formatted(folder, config.layers(), config.layers()));
  }

  private static double[] baseline(Path file, int layer) {
    List<String> lines;
    try {
      lines = Files.readAllLines(file);
    } catch (IOException e) {
      throw new RadialogException(
          Kind.REFUSED_DATA, "cannot read the baseline " + file + ": " + e, e);
    }
    String line = layer + 1 < lines.size() ? lines.get(layer + 1) : "";
    String[] cells = line.split(",", -1);
    try {
      if (!lines.isEmpty()
          && lines.getFirst().strip().equals("LAYER,P,R,F")
          && cells.length == 4
          && Integer.parseInt(cells[0].strip()) == layer) {
        return Arrays.stream(cells).skip(1).mapToDouble(Double::parseDouble).toArray();
      }
    } catch (NumberFormatException e) {
      throw noBaseline(file, layer, line, e);
    }
    throw noBaseline(file, layer, line, null);
  }

  private static RadialogException noBaseline(
      Path file, int layer, String found, @Nullable Throwable cause) {
    String message =
        "%s: expected the line LAYER,P,R,F and, for layer %d, \"%d,P,R,F\" in numbers, found \"%s\"; use a file of bert-score's rescale_baseline"
            .formatted(file, layer, layer, found);
    return cause == null
        ? new RadialogException(Kind.REFUSED_DATA, message)
        : new RadialogException(Kind.REFUSED_DATA, message, cause);
  }

  /** The layer whose vectors are compared. */
  public int layer() {
    return encoder.config().layers();
  }

  /**
   * {@code BERTScore-P}, {@code BERTScore-R} and {@code BERTScore}, which is F; the corpus scores
   * are the means of the pairs.
   *
   * @throws RadialogException if there are no pairs
   */
  public List<MetricScores> of(List<TextPair> pairs, Progress progress) {
    if (pairs.isEmpty()) {
      throw new RadialogException(
          Kind.REFUSED_DATA, "expected pairs of texts to compare, found none");
    }
    List<Ids> ids =
        pairs.parallelStream()
            .map(pair ->
                new Ids(
                    encoder.ids(pair.hypothesis()),
                    pair.references().stream().map(encoder::ids).toList()))
            .toList();
    Weights weights = idf ? rarity(ids) : token -> framing(token) ? 0 : 1;
    // Batches texts of similar length, because a batch is padded to its longest text.
    List<Integer> order =
        IntStream.range(0, ids.size())
            .boxed()
            .sorted(Comparator.comparingInt(i -> ids.get(i).longest()))
            .toList();
    double[][] scores = new double[3][ids.size()];
    try (Progress.Task task = progress.start(NAME, (order.size() + BATCH - 1) / BATCH)) {
      for (int from = 0; from < order.size(); from += BATCH) {
        List<Integer> batch = order.subList(from, Math.min(from + BATCH, order.size()));
        SequencedMap<Row, Integer> rows = new LinkedHashMap<>();
        for (int pair : batch) {
          ids.get(pair).all().forEach(row -> rows.putIfAbsent(new Row(row), rows.size()));
        }
        List<Embedded> texts = embedded(List.copyOf(rows.sequencedKeySet()), weights);
        batch.parallelStream()
            .forEach(pair -> {
              Ids of = ids.get(pair);
              double[] best =
                  best(
                      text(texts, rows, of.hypothesis),
                      of.references.stream().map(row -> text(texts, rows, row)).toList());
              for (int k = 0; k < best.length; k++) {
                scores[k][pair] = best[k];
              }
            });
        task.step("");
      }
    }
    return List.of(
        MetricScores.mean("BERTScore-P", scores[0]),
        MetricScores.mean("BERTScore-R", scores[1]),
        MetricScores.mean(NAME, scores[2]));
  }

  @SuppressWarnings("ArrayRecordComponent") // read in inner loops, never changed
  private record Ids(int[] hypothesis, List<int[]> references) {
    List<int[]> all() {
      List<int[]> all = new ArrayList<>(references);
      all.add(hypothesis);
      return all;
    }

    int longest() {
      return all().stream().mapToInt(row -> row.length).max().orElse(0);
    }
  }

  /** A row of tokens with value equality. */
  @SuppressWarnings("ArrayRecordComponent") // read in inner loops, never changed
  private record Row(int[] ids) {
    @Override
    public boolean equals(Object other) {
      return other instanceof Row(int[] o) && Arrays.equals(ids, o);
    }

    @Override
    public int hashCode() {
      return Arrays.hashCode(ids);
    }
  }

  /** The weight of a token. */
  private interface Weights {
    double of(int token);
  }

  private boolean framing(int token) {
    return token == encoder.begin() || token == encoder.end();
  }

  private static Weights rarity(List<Ids> ids) {
    Map<Integer, Integer> having = new HashMap<>();
    int references = 0;
    for (Ids pair : ids) {
      for (int[] reference : pair.references) {
        references++;
        Arrays.stream(reference).distinct().forEach(token -> having.merge(token, 1, Integer::sum));
      }
    }
    double all = references + 1;
    return token -> Math.log(all / (having.getOrDefault(token, 0) + 1));
  }

  /**
   * An embedded text.
   *
   * @param vectors of its tokens, each of length 1
   * @param weights of its tokens; their sum is 1, or all are 0
   */
  @SuppressWarnings("ArrayRecordComponent") // read in inner loops, never changed
  private record Embedded(float[][] vectors, double[] weights) {}

  private List<Embedded> embedded(List<Row> rows, Weights weights) {
    List<float[]> vectors = encoder.vectors(rows.stream().map(Row::ids).toList());
    return IntStream.range(0, rows.size())
        .parallel()
        .mapToObj(i -> embedded(rows.get(i).ids, vectors.get(i), weights))
        .toList();
  }

  private Embedded embedded(int[] ids, float[] flat, Weights weights) {
    int width = encoder.config().hidden();
    float[][] vectors = new float[ids.length][];
    for (int t = 0; t < ids.length; t++) {
      float[] vector = Arrays.copyOfRange(flat, t * width, (t + 1) * width);
      float norm = (float) Math.sqrt(dot(vector, vector));
      for (int d = 0; d < width; d++) {
        vector[d] /= norm;
      }
      vectors[t] = vector;
    }
    double[] w = Arrays.stream(ids).mapToDouble(weights::of).toArray();
    double sum = Arrays.stream(w).sum();
    return new Embedded(vectors, Arrays.stream(w).map(x -> sum == 0 ? 0 : x / sum).toArray());
  }

  private static Embedded text(List<Embedded> texts, Map<Row, Integer> rows, int[] ids) {
    Integer at = rows.get(new Row(ids));
    if (at == null) {
      throw new IllegalStateException("a text of the batch was not embedded");
    }
    return texts.get(at);
  }

  // P, R, F
  private double[] best(Embedded hypothesis, List<Embedded> references) {
    double[] best = {Double.NEGATIVE_INFINITY, Double.NEGATIVE_INFINITY, Double.NEGATIVE_INFINITY};
    for (Embedded reference : references) {
      double[] one = score(hypothesis, reference);
      for (int k = 0; k < best.length; k++) {
        best[k] = Math.max(best[k], one[k]);
      }
    }
    baseline.ifPresent(b -> {
      for (int k = 0; k < best.length; k++) {
        best[k] = (best[k] - b[k]) / (1 - b[k]);
      }
    });
    return best;
  }

  private static double[] score(Embedded hypothesis, Embedded reference) {
    int rows = hypothesis.vectors.length;
    int columns = reference.vectors.length;
    if (rows == 2 || columns == 2) {
      return new double[3]; // an empty text
    }
    double[] forHypothesis = new double[rows];
    double[] forReference = new double[columns];
    Arrays.fill(forHypothesis, -1);
    Arrays.fill(forReference, -1);
    for (int i = 0; i < rows; i++) {
      for (int j = 0; j < columns; j++) {
        double cosine = dot(hypothesis.vectors[i], reference.vectors[j]);
        forHypothesis[i] = Math.max(forHypothesis[i], cosine);
        forReference[j] = Math.max(forReference[j], cosine);
      }
    }
    double precision = weighted(forHypothesis, hypothesis.weights);
    double recall = weighted(forReference, reference.weights);
    double f = precision + recall == 0 ? 0 : 2 * precision * recall / (precision + recall);
    return new double[] {precision, recall, f};
  }

  private static double weighted(double[] values, double[] weights) {
    double sum = 0;
    for (int i = 0; i < values.length; i++) {
      sum += values[i] * weights[i];
    }
    return sum;
  }

  private static final int LANES = 8; // sums that the compiler can vectorise

  private static float dot(float[] a, float[] b) {
    float[] sums = new float[LANES];
    int i = 0;
    for (; i + LANES <= a.length; i += LANES) {
      for (int lane = 0; lane < LANES; lane++) {
        sums[lane] += a[i + lane] * b[i + lane];
      }
    }
    float sum = 0;
    for (; i < a.length; i++) {
      sum += a[i] * b[i];
    }
    for (float part : sums) {
      sum += part;
    }
    return sum;
  }

  /** Frees the network. */
  @Override
  public void close() {
    encoder.close();
  }
}
