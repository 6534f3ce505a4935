package org.radialog.metrics;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.Set;
import org.radialog.clinical.Finding;

/**
 * Scores claimed findings against true findings, as in scikit-learn: precision, recall and F1 with
 * {@code zero_division=0}, each averaged over labels (macro), over labels by support (weighted),
 * over all cells (micro) and over rows (samples), and accuracy.
 *
 * <p>The names are {@code macro_f1_14}, {@code micro_precision_5}, … for the two sets of labels,
 * {@code label_accuracy_14} (fraction of correct cells), {@code exact_rows_14} (fraction of rows
 * without an error), and {@code f1/Cardiomegaly} for a label. A label that is not known for any row
 * has no score and is excluded from averages. A row takes twelve bytes.
 */
public final class MultiLabel implements Resampled {
  /** The labels scored in the CheXpert competition, in column order. */
  public static final Set<Finding> FIVE =
      Collections.unmodifiableSet(
          EnumSet.of(
              Finding.CARDIOMEGALY,
              Finding.EDEMA,
              Finding.CONSOLIDATION,
              Finding.ATELECTASIS,
              Finding.PLEURAL_EFFUSION));

  private static final List<String> AVERAGES =
      List.of(
          "macro_precision",
          "macro_recall",
          "macro_f1",
          "micro_precision",
          "micro_recall",
          "micro_f1",
          "samples_precision",
          "samples_recall",
          "samples_f1",
          "weighted_precision",
          "weighted_recall",
          "weighted_f1",
          "label_accuracy",
          "exact_rows");
  private static final List<String> NAMES = allNames();
  private static final int ALL_BITS = bits(Finding.ALL);
  private static final int FIVE_BITS = bits(FIVE);

  private final int rows;
  private final int[] truth; // of the known labels
  private final int[] said; // of the known labels
  private final int[] known;
  private final int knownAnywhere;

  private MultiLabel(int rows, int[] truth, int[] said, int[] known) {
    this.rows = rows;
    this.truth = truth;
    this.said = said;
    this.known = known;
    int anywhere = 0;
    for (int row : known) {
      anywhere |= row;
    }
    this.knownAnywhere = anywhere;
  }

  /** Collects rows. */
  public static final class Builder {
    private int rows;
    private int[] truth = new int[64];
    private int[] said = new int[64];
    private int[] known = new int[64];

    /** Adds a row: the true findings and the claimed findings. */
    public Builder add(Set<Finding> truly, Set<Finding> claimed) {
      return add(ALL_BITS, bits(truly), bits(claimed));
    }

    /**
     * Adds a row in which not every label is known.
     *
     * @param assessed the findings that are known to be true or false; claims about other findings
     *     are ignored
     */
    public Builder add(Set<Finding> assessed, Set<Finding> truly, Set<Finding> claimed) {
      return add(bits(assessed), bits(truly), bits(claimed));
    }

    Builder add(int assessed, int truly, int claimed) {
      if (rows == truth.length) {
        truth = Arrays.copyOf(truth, 2 * rows);
        said = Arrays.copyOf(said, 2 * rows);
        known = Arrays.copyOf(known, 2 * rows);
      }
      truth[rows] = truly & assessed;
      said[rows] = claimed & assessed;
      known[rows++] = assessed;
      return this;
    }

    /** The rows so far. */
    public MultiLabel build() {
      return new MultiLabel(
          rows, Arrays.copyOf(truth, rows), Arrays.copyOf(said, rows), Arrays.copyOf(known, rows));
    }
  }

  /**
   * The scores of one label. If it is not known for any row, it has no scores and is excluded from
   * averages.
   *
   * @param finding the label
   * @param known number of rows in which it is known; the other rows are ignored
   * @param support number of rows in which it is true
   * @param said number of rows in which it was claimed
   * @param precision from 0 to 1, with its interval
   * @param recall from 0 to 1, with its interval
   * @param f1 from 0 to 1, with its interval
   */
  public record Row(
      Finding finding,
      int known,
      int support,
      int said,
      Interval precision,
      Interval recall,
      Interval f1) {}

  /**
   * All scores.
   *
   * @param averages {@code macro_f1_14}, {@code micro_f1_5}, … and the accuracies
   * @param labels one row per finding, in column order
   */
  public record Scores(SequencedMap<String, Interval> averages, List<Row> labels) {
    public Scores {
      averages = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(averages));
      labels = List.copyOf(labels);
    }
  }

  /** The scores with their intervals. */
  public Scores scores(Bootstrap bootstrap, Groups groups) {
    return scores(bootstrap.intervals(this, groups));
  }

  /** The scores without intervals. */
  public Scores scores() {
    return scores(Interval.points(this));
  }

  Scores scores(SequencedMap<String, Interval> intervals) {
    SequencedMap<String, Interval> averages = new LinkedHashMap<>(intervals);
    List<Row> labels = new ArrayList<>();
    for (Finding finding : Finding.ALL) {
      int bit = 1 << finding.column();
      int support = 0;
      int claims = 0;
      int assessed = 0;
      for (int i = 0; i < rows; i++) {
        assessed += (known[i] & bit) != 0 ? 1 : 0;
        support += (truth[i] & bit) != 0 ? 1 : 0;
        claims += (said[i] & bit) != 0 ? 1 : 0;
      }
      labels.add(
          new Row(
              finding,
              assessed,
              support,
              claims,
              taken(averages, "precision/" + finding.label()),
              taken(averages, "recall/" + finding.label()),
              taken(averages, "f1/" + finding.label())));
    }
    return new Scores(averages, labels);
  }

  private static Interval taken(SequencedMap<String, Interval> intervals, String name) {
    Interval interval = intervals.remove(name);
    if (interval == null) {
      throw new IllegalArgumentException("no score " + name);
    }
    return interval;
  }

  @Override
  public int items() {
    return rows;
  }

  @Override
  public List<String> names() {
    return NAMES;
  }

  @Override
  public double[] of(int[] times) {
    return scored(times, 0, 0);
  }

  // A label that occurs in the data but not in the resample has no score there. If it counted as 0,
  // as zero_division defines for a label that never occurs, it would lower the average in nearly
  // every resample.
  @Override
  public double[] resample(int[] times) {
    int there = 0;
    int claimed = 0;
    for (int i = 0; i < rows; i++) {
      there |= truth[i];
      claimed |= said[i];
    }
    return scored(times, there, claimed);
  }

  @Override
  public MultiLabel only(int[] chosen) {
    Builder some = new Builder();
    for (int i : chosen) {
      some.add(known[i], truth[i], said[i]);
    }
    return some.build();
  }

  /**
   * The scores. A label in {@code there} or {@code claimed} that does not occur in the rows used
   * has a score of NaN and is excluded from averages.
   */
  private double[] scored(int[] times, int there, int claimed) {
    long[] hits = new long[Finding.COUNT];
    long[] support = new long[Finding.COUNT];
    long[] claims = new long[Finding.COUNT];
    var all = new Rows(ALL_BITS);
    var five = new Rows(FIVE_BITS);
    long items = 0;
    for (int i = 0; i < rows; i++) {
      int n = times[i];
      if (n == 0) {
        continue;
      }
      int t = truth[i];
      int s = said[i];
      for (int rest = t | s; rest != 0; rest &= rest - 1) {
        int label = Integer.numberOfTrailingZeros(rest);
        int isTrue = t >> label & 1;
        int isSaid = s >> label & 1;
        support[label] += isTrue == 1 ? n : 0;
        claims[label] += isSaid == 1 ? n : 0;
        hits[label] += (isTrue & isSaid) == 1 ? n : 0;
      }
      all.add(t, s, known[i], n);
      five.add(t, s, known[i], n);
      items += n;
    }
    double[] scores = new double[NAMES.size()];
    double[][] each = new double[Finding.COUNT][];
    for (int label = 0; label < Finding.COUNT; label++) {
      boolean isThere = (there >> label & 1) == 1;
      boolean isClaimed = (claimed >> label & 1) == 1;
      if ((knownAnywhere >> label & 1) == 0) {
        each[label] = new double[] {Double.NaN, Double.NaN, Double.NaN};
        continue;
      }
      each[label] =
          new double[] {
            share(hits[label], claims[label], isClaimed),
            share(hits[label], support[label], isThere),
            share(2 * hits[label], claims[label] + support[label], isThere || isClaimed)
          };
    }
    // number of labels with a precision, a recall, an F1
    int[] having = {claimed, there, claimed | there};
    int at = averages(scores, 0, ALL_BITS, each, having, hits, support, claims, all, items);
    at = averages(scores, at, FIVE_BITS, each, having, hits, support, claims, five, items);
    for (double[] label : each) {
      System.arraycopy(label, 0, scores, at, label.length);
      at += label.length;
    }
    return scores;
  }

  @Override
  public MultiLabel followedBy(Resampled other) {
    if (!(other instanceof MultiLabel second)) {
      throw new IllegalArgumentException("labels followed by " + other.names());
    }
    int[] bothTruth = Arrays.copyOf(truth, rows + second.rows);
    int[] bothSaid = Arrays.copyOf(said, rows + second.rows);
    int[] bothKnown = Arrays.copyOf(known, rows + second.rows);
    System.arraycopy(second.truth, 0, bothTruth, rows, second.rows);
    System.arraycopy(second.said, 0, bothSaid, rows, second.rows);
    System.arraycopy(second.known, 0, bothKnown, rows, second.rows);
    return new MultiLabel(rows + second.rows, bothTruth, bothSaid, bothKnown);
  }

  /** Sums over rows for averages over rows, for one set of labels. */
  private static final class Rows {
    private final int labels;
    private double precision;
    private double recall;
    private double f1;
    private long cells;
    private long right;
    private long exact;

    Rows(int labels) {
      this.labels = labels;
    }

    void add(int truth, int said, int known, int n) {
      int assessed = Integer.bitCount(labels & known);
      int t = Integer.bitCount(truth & labels);
      int s = Integer.bitCount(said & labels);
      int hit = Integer.bitCount(truth & said & labels);
      int wrong = t + s - 2 * hit;
      cells += (long) n * assessed;
      right += (long) n * (assessed - wrong);
      exact += wrong == 0 ? n : 0;
      if (hit > 0) {
        precision += n * ((double) hit / s);
        recall += n * ((double) hit / t);
        f1 += n * (2.0 * hit / (t + s));
      }
    }
  }

  private int averages(
      double[] scores,
      int from,
      int labels,
      double[][] each,
      int[] having,
      long[] hits,
      long[] support,
      long[] claims,
      Rows perRow,
      long items) {
    double[] macro = new double[3];
    int[] defined = new int[3]; // number of scored labels that the resample has
    int[] expected = new int[3];
    double[] weighted = new double[3];
    long allHits = 0;
    long allSupport = 0;
    long allClaims = 0;
    int n = 0;
    for (int rest = labels & knownAnywhere; rest != 0; rest &= rest - 1) {
      int label = Integer.numberOfTrailingZeros(rest);
      for (int k = 0; k < macro.length; k++) {
        double of = each[label][k];
        int isThere = having[k] >> label & 1;
        expected[k] += isThere;
        if (!Double.isNaN(of)) {
          macro[k] += of;
          weighted[k] += of * support[label];
          defined[k] += isThere;
        }
      }
      allHits += hits[label];
      allSupport += support[label];
      allClaims += claims[label];
      n++;
    }
    int at = from;
    // Labels missing from a resample are replaced by the mean of the labels that it has; labels
    // that never occur count as 0, here as in all items.
    for (int k = 0; k < macro.length; k++) {
      double share = expected[k] == 0 ? 1 : (double) expected[k] / defined[k];
      scores[at++] = macro[k] * share / n;
    }
    scores[at++] = share(allHits, allClaims, false);
    scores[at++] = share(allHits, allSupport, false);
    scores[at++] = share(2 * allHits, allClaims + allSupport, false);
    scores[at++] = perRow.precision / items;
    scores[at++] = perRow.recall / items;
    scores[at++] = perRow.f1 / items;
    for (double sum : weighted) {
      scores[at++] = allSupport == 0 ? 0 : sum / allSupport;
    }
    scores[at++] = (double) perRow.right / perRow.cells;
    scores[at++] = (double) perRow.exact / items;
    return at;
  }

  private static double share(long part, long whole, boolean undefinedOfNone) {
    if (whole == 0) {
      return undefinedOfNone ? Double.NaN : 0;
    }
    return (double) part / whole;
  }

  static int bits(Iterable<Finding> findings) {
    int bits = 0;
    for (Finding finding : findings) {
      bits |= 1 << finding.column();
    }
    return bits;
  }

  /** Whether a score is one of the averages over labels, rows or cells. */
  public static boolean isAverage(String name) {
    int last = name.lastIndexOf('_');
    return last > 0 && AVERAGES.contains(name.substring(0, last));
  }

  private static List<String> allNames() {
    List<String> names = new ArrayList<>();
    for (String labels : List.of("_14", "_5")) {
      AVERAGES.forEach(average -> names.add(average + labels));
    }
    for (Finding finding : Finding.ALL) {
      for (String score : List.of("precision/", "recall/", "f1/")) {
        names.add(score + finding.label());
      }
    }
    return Collections.unmodifiableList(names);
  }
}
