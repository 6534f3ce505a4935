package org.radialog.metrics;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Aligns the words of a hypothesis with those of a reference (M. Denkowski, A. Lavie, WMT 2014,
 * section 2.1): no word is used twice; among all such alignments, the one with the most matched
 * words is chosen, and among these the one with the fewest chunks, by a beam search over the
 * reference.
 *
 * <p>Details that the paper leaves open follow the alignments of METEOR 1.5 on several thousand
 * pairs of texts. A match that shares its words with no other match is always taken. In the search,
 * a match counts as its weight times its words, rounded down on either side, so that a single word
 * that does not match exactly counts as 0 and is taken if it does not add a chunk. The order in
 * {@link #extend} decides between equally good alignments.
 */
final class MeteorAlignment {
  private static final int BEAM = 40;
  private static final long MANY = 1 << 18; // more words than any text has

  /** How two phrases match; earlier kinds are more reliable. */
  enum Kind {
    EXACT(1),
    STEM(0.6),
    SYNONYM(0.8),
    PARAPHRASE(0.6);

    private final double weight;

    Kind(double weight) {
      this.weight = weight;
    }

    double weight() {
      return weight;
    }
  }

  /** A phrase of the reference and a phrase of the hypothesis that match. */
  record Match(Kind kind, int reference, int referenceLength, int hypothesis, int length) {
    boolean follows(Match before) {
      return before.reference + before.referenceLength == reference
          && before.hypothesis + before.length == hypothesis;
    }

    int counts() {
      return (int) (kind.weight * referenceLength) + (int) (kind.weight * length);
    }
  }

  /**
   * An alignment of the first words of the reference.
   *
   * @param used words of the hypothesis that are taken
   * @param matches the chosen matches in the order of the reference, the last one first
   */
  private record Path(BitSet used, Chosen matches, int counted, int chunks, int free) {
    static final Comparator<Path> BEST_FIRST =
        Comparator.<Path>comparingInt(p -> -p.counted).thenComparingInt(p -> p.chunks);

    Path pass(Match match) {
      return new Path(
          used,
          new Chosen(match, matches),
          counted,
          chunks,
          match.reference + match.referenceLength);
    }

    Path with(Match match, BitSet nowUsed, @Nullable Match after) {
      return new Path(
          nowUsed,
          new Chosen(match, matches),
          counted + match.counts(),
          chunks
              + 1
              - (matches.match != null && match.follows(matches.match) ? 1 : 0)
              - (after != null && after.follows(match) ? 1 : 0),
          match.reference + match.referenceLength);
    }

    boolean onDiagonal() {
      return matches.match != null && matches.match.reference == matches.match.hypothesis;
    }

    boolean allows(Match match) {
      int next = used.nextSetBit(match.hypothesis);
      return next < 0 || next >= match.hypothesis + match.length;
    }

    Path take(Match match, @Nullable Match after) {
      BitSet now = (BitSet) used.clone();
      now.set(match.hypothesis, match.hypothesis + match.length);
      return with(match, now, after);
    }
  }

  private record Chosen(@Nullable Match match, @Nullable Chosen before) {}

  private MeteorAlignment() {}

  /**
   * Chooses the alignment.
   *
   * @param matches all possible matches
   * @return the chosen matches in the order of the reference
   */
  static List<Match> of(List<Match> matches, int referenceLength, int hypothesisLength) {
    int[] inReference = new int[referenceLength];
    int[] inHypothesis = new int[hypothesisLength];
    for (Match m : matches) {
      for (int i = 0; i < m.referenceLength; i++) {
        inReference[m.reference + i]++;
      }
      for (int i = 0; i < m.length; i++) {
        inHypothesis[m.hypothesis + i]++;
      }
    }
    BitSet used = new BitSet(hypothesisLength);
    Match[] fixed = new Match[referenceLength];
    List<List<Match>> open = new ArrayList<>(referenceLength);
    for (int i = 0; i < referenceLength; i++) {
      open.add(new ArrayList<>());
    }
    for (Match m : matches) {
      if (alone(inReference, m.reference, m.referenceLength)
          && alone(inHypothesis, m.hypothesis, m.length)) {
        fixed[m.reference] = m;
        used.set(m.hypothesis, m.hypothesis + m.length);
      } else {
        open.get(m.reference).add(m);
      }
    }
    List<Path> paths = List.of(new Path(used, new Chosen(null, null), 0, 0, 0));
    for (int at = 0; at < referenceLength; at++) {
      if (fixed[at] == null && open.get(at).isEmpty()) {
        continue;
      }
      List<Path> next = new ArrayList<>();
      for (Path path : paths) {
        if (path.free > at) {
          next.add(path);
        } else if (fixed[at] != null) {
          next.add(path.pass(fixed[at]));
        } else {
          extend(path, open.get(at), fixed, next);
        }
      }
      paths = next.size() > BEAM ? bestOf(next) : next;
    }
    Path best = Collections.min(paths, Path.BEST_FIRST); // the first of equal ones
    List<Match> chosen = new ArrayList<>();
    for (Chosen c = best.matches; c != null && c.match != null; c = c.before) {
      chosen.addFirst(c.match);
    }
    return chosen;
  }

  // Keeps the best ones in their previous order; the first of equal ones.
  private static List<Path> bestOf(List<Path> paths) {
    long[] ranked = new long[paths.size()];
    for (int i = 0; i < ranked.length; i++) {
      Path path = paths.get(i);
      // fewer matched words, then more chunks (of those that existed, some may have been joined),
      // then the position
      long chunks = path.chunks + MANY;
      ranked[i] = ((MANY - path.counted) << 22 | chunks) << 22 | i;
    }
    Arrays.sort(ranked);
    return Arrays.stream(ranked, 0, BEAM)
        .map(rank -> rank & ((1 << 22) - 1))
        .sorted()
        .mapToObj(i -> paths.get((int) i))
        .toList();
  }

  // The order of equally good paths decides between them at the end: usually an earlier match
  // before a later one, and a match before no match.
  private static void extend(Path path, List<Match> open, Match[] fixed, List<Path> next) {
    List<Path> longer = new ArrayList<>();
    for (Match m : open) {
      if (path.allows(m)) {
        int end = m.reference + m.referenceLength;
        longer.add(path.take(m, end < fixed.length ? fixed[end] : null));
      }
    }
    boolean onDiagonal = longer.stream().allMatch(p -> p.onDiagonal() && p.chunks > path.chunks);
    longer.add(path);
    next.addAll(onDiagonal ? longer.reversed() : longer);
  }

  private static boolean alone(int[] covered, int from, int length) {
    for (int i = from; i < from + length; i++) {
      if (covered[i] != 1) {
        return false;
      }
    }
    return true;
  }
}
