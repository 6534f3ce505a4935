package org.radialog.data;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.radialog.base.Progress;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.imaging.Radiograph;

/**
 * Finds identical or nearly identical texts or films in two splits of a data set, because a model
 * must not be evaluated on examples from its training.
 *
 * <p>Every item is paired with the most similar item of another split, so there are at most as many
 * pairs as items, however often a phrase such as "no acute disease" was dictated. The result is
 * deterministic. The work grows linearly with the number of items: only items that share a bucket
 * of a locality-sensitive hash are compared, and within a bucket each item only with the {@value
 * #NEIGHBOURS} preceding ones. A pair can therefore be missed among thousands of texts from one
 * template.
 */
public final class NearDuplicates {
  // 16 bands of 4: two texts with a Jaccard similarity of 0.8 share a band with probability 0.9998,
  // with a similarity of 0.7
  // with probability 0.99 (Leskovec, Rajaraman, Ullman, Mining of Massive Datasets, section 3.4).
  private static final int BANDS = 16;
  private static final int ROWS = 4;

  private static final int WORDS = 3;

  private static final int NEIGHBOURS = 64;

  // 32 bands of 24 bits drawn from 1,024: two films that agree in 95 % of the bits share a band
  // with probability 0.9999, with 90 % with 0.93; films that agree in 70 % share a given band with
  // 0.0002.
  private static final int PICTURE_BANDS = 32;
  private static final int PICTURE_BITS = 24;
  private static final int SIDE = 32;

  private NearDuplicates() {}

  /**
   * A text to check.
   *
   * @param id identifier of the report
   * @param split split of the report
   * @param text the text
   */
  public record Text(String id, String split, String text) {}

  /**
   * A film to check.
   *
   * @param id identifier of the film
   * @param split split of the film
   * @param file image file
   */
  public record Picture(String id, String split, Path file) {}

  /**
   * Two items of different splits, the earlier one first.
   *
   * @param first id of the earlier item
   * @param firstSplit split of the earlier item
   * @param second id of the later item
   * @param secondSplit split of the later item
   * @param similarity from 0 to 1, which means identical; for texts the Jaccard similarity of their
   *     word triples, for films the fraction of equal bits of their difference hashes
   */
  public record Pair(
      String first, String firstSplit, String second, String secondSplit, double similarity) {}

  /**
   * The pairs of films, and the films that could not be read.
   *
   * @param pairs similar films of different splits
   * @param rejected films that could not be read
   */
  public record Pictures(List<Pair> pairs, List<Rejected> rejected) {
    public Pictures {
      pairs = List.copyOf(pairs);
      rejected = List.copyOf(rejected);
    }
  }

  /**
   * Finds pairs of texts. Case, punctuation and white space are ignored; a text without words is
   * never paired.
   *
   * @param threshold minimum similarity, from 0.5 to 1; below 0.7 some pairs are missed
   */
  public static List<Pair> texts(List<Text> texts, double threshold) {
    check(threshold);
    // Equal texts are treated as one document, so that a thousand copies cost one comparison.
    var documents = new LinkedHashMap<String, Integer>();
    int[] document = new int[texts.size()];
    for (int i = 0; i < texts.size(); i++) {
      String plain = plain(texts.get(i).text());
      document[i] = plain.isEmpty() ? -1 : documents.computeIfAbsent(plain, p -> documents.size());
    }
    int[][] shingles =
        documents.keySet().stream().map(NearDuplicates::shingles).toArray(int[][]::new);
    int[][] bands = Arrays.stream(shingles).map(NearDuplicates::bands).toArray(int[][]::new);
    return pairs(
        texts.stream().map(t -> new Item(t.id(), t.split())).toList(),
        document,
        bands,
        (a, b) -> jaccard(shingles[a], shingles[b]),
        threshold);
  }

  /**
   * Finds pairs of films by their difference hash of 1,024 bits, one per comparison of a cell of a
   * 33 × 32 grid with its right neighbour. The hash does not depend on size, bit depth, brightness
   * or contrast, but it changes with cropping, rotation and mirroring.
   *
   * @param threshold minimum fraction of equal bits, from 0.5 to 1; 0.9 finds re-encoded films but
   *     not different films of one patient
   * @param progress is notified after each film
   */
  public static Pictures pictures(List<Picture> pictures, double threshold, Progress progress) {
    check(threshold);
    var items = new ArrayList<Item>();
    var hashes = new ArrayList<PictureHash>();
    var rejected = new ArrayList<Rejected>();
    try (Progress.Task task = progress.start("films", pictures.size())) {
      for (Picture picture : pictures) {
        try {
          hashes.add(PictureHash.of(Radiograph.read(picture.file())));
          items.add(new Item(picture.id(), picture.split()));
        } catch (RadialogException e) {
          rejected.add(new Rejected(picture.file(), 0, e.getMessage()));
        }
        task.step("");
      }
    }
    int[][] bands = hashes.stream().map(PictureHash::bands).toArray(int[][]::new);
    int[] self = new int[hashes.size()];
    Arrays.setAll(self, i -> i);
    List<Pair> pairs =
        pairs(items, self, bands, (a, b) -> hashes.get(a).similarity(hashes.get(b)), threshold);
    return new Pictures(pairs, rejected);
  }

  private record Item(String id, String split) {}

  @FunctionalInterface
  private interface Similarity {
    double of(int document, int other);
  }

  /** The best partner found so far for an item. */
  private static final class Best {
    int partner = -1;
    double similarity;

    void offer(int other, double value) {
      if (partner < 0 || value > similarity || (value == similarity && other < partner)) {
        partner = other;
        similarity = value;
      }
    }
  }

  private static List<Pair> pairs(
      List<Item> items, int[] document, int[][] bands, Similarity similarity, double threshold) {
    // The first item with this document in each split.
    int documents = Arrays.stream(document).max().orElse(-1) + 1;
    List<Map<String, Integer>> holders = new ArrayList<>();
    for (int d = 0; d < documents; d++) {
      holders.add(new LinkedHashMap<>(1));
    }
    for (int i = 0; i < items.size(); i++) {
      if (document[i] >= 0) {
        holders.get(document[i]).putIfAbsent(items.get(i).split(), i);
      }
    }
    // The best partner of each document, for each of its splits, in another split.
    List<Map<String, Best>> best = new ArrayList<>();
    for (int d = 0; d < documents; d++) {
      best.add(new HashMap<>(1));
      offer(best.get(d), holders.get(d), holders.get(d), 1);
    }
    int bandCount = documents == 0 ? 0 : bands[0].length;
    long[] keys = new long[documents];
    for (int band = 0; band < bandCount; band++) {
      // When sorted by band value and then by number, a bucket is a run of equal values.
      for (int d = 0; d < documents; d++) {
        keys[d] = (long) bands[d][band] << 32 | d;
      }
      Arrays.sort(keys);
      for (int i = 1; i < documents; i++) {
        int b = (int) keys[i];
        for (int j = i - 1; j >= Math.max(0, i - NEIGHBOURS) && same(keys[j], keys[i]); j--) {
          int a = (int) keys[j];
          if (!cross(holders.get(a), holders.get(b))) {
            continue;
          }
          double value = similarity.of(a, b);
          if (value >= threshold) {
            offer(best.get(a), holders.get(a), holders.get(b), value);
            offer(best.get(b), holders.get(b), holders.get(a), value);
          }
        }
      }
    }
    var pairs = new LinkedHashMap<Long, Pair>();
    for (int i = 0; i < items.size(); i++) {
      if (document[i] < 0) {
        continue;
      }
      Best partner = best.get(document[i]).get(items.get(i).split());
      if (partner == null) {
        continue;
      }
      int first = Math.min(i, partner.partner);
      int second = Math.max(i, partner.partner);
      Item a = items.get(first);
      Item b = items.get(second);
      pairs.put(
          (long) first << 32 | second,
          new Pair(a.id(), a.split(), b.id(), b.split(), partner.similarity));
    }
    return pairs.values().stream()
        .sorted(Comparator.comparingDouble(Pair::similarity).reversed())
        .toList();
  }

  // For each split of the document's items, offers the items of the partner in other splits.
  private static void offer(
      Map<String, Best> best, Map<String, Integer> own, Map<String, Integer> other, double value) {
    for (String split : own.keySet()) {
      other.forEach((otherSplit, item) -> {
        if (!otherSplit.equals(split)) {
          best.computeIfAbsent(split, s -> new Best()).offer(item, value);
        }
      });
    }
  }

  private static boolean same(long key, long other) {
    return key >> 32 == other >> 32;
  }

  private static boolean cross(Map<String, Integer> a, Map<String, Integer> b) {
    return a.size() > 1 || b.size() > 1 || !a.keySet().equals(b.keySet());
  }

  private static void check(double threshold) {
    if (!(threshold >= 0.5 && threshold <= 1)) {
      throw new RadialogException(
          Kind.BAD_INPUT,
          "expected a similarity from 0.5 to 1, got " + threshold + " for near-duplicates");
    }
  }

  private static String plain(String text) {
    return text.toLowerCase(Locale.ROOT).replaceAll("[^\\p{L}\\p{N}]+", " ").strip();
  }

  // The hashes of all word triples, sorted, without repetition; a shorter text is hashed as a
  // whole.
  private static int[] shingles(String plain) {
    String[] words = plain.split(" ", -1);
    int count = Math.max(1, words.length - WORDS + 1);
    int[] hashes = new int[count];
    for (int i = 0; i < count; i++) {
      long h = 0;
      for (int w = i; w < Math.min(words.length, i + WORDS); w++) {
        h = mix(h * 31 + words[w].hashCode());
      }
      hashes[i] = (int) (h >>> 32);
    }
    return Arrays.stream(hashes).sorted().distinct().toArray();
  }

  // MinHash: the minimum of the hashes under each of 64 permutations, 4 of them per band.
  private static int[] bands(int[] shingles) {
    int[] bands = new int[BANDS];
    for (int b = 0; b < BANDS; b++) {
      long band = b;
      for (int r = 0; r < ROWS; r++) {
        long seed = mix(0x9E3779B97F4A7C15L * (b * ROWS + r + 1));
        long least = Long.MAX_VALUE;
        for (int shingle : shingles) {
          least = Math.min(least, mix(shingle ^ seed));
        }
        band = mix(band * 31 + least);
      }
      bands[b] = (int) (band >>> 32);
    }
    return bands;
  }

  private static double jaccard(int[] a, int[] b) {
    int i = 0;
    int j = 0;
    int both = 0;
    while (i < a.length && j < b.length) {
      int order = Integer.compare(a[i], b[j]);
      if (order == 0) {
        both++;
      }
      i += order <= 0 ? 1 : 0;
      j += order >= 0 ? 1 : 0;
    }
    return (double) both / (a.length + b.length - both);
  }

  // The finaliser of SplitMix64.
  private static long mix(long z) {
    z ^= z >>> 30;
    z *= 0xBF58476D1CE4E5B9L;
    z ^= z >>> 27;
    z *= 0x94D049BB133111EBL;
    return z ^ z >>> 31;
  }

  /** The difference hash of a film. */
  private static final class PictureHash {
    /** 32 × 32 cells, row-major. */
    private final long[] bits;

    private PictureHash(long[] bits) {
      this.bits = bits;
    }

    static PictureHash of(Radiograph film) {
      byte[] grey = film.display();
      long[] bits = new long[SIDE * SIDE / 64];
      for (int y = 0; y < SIDE; y++) {
        double left = mean(grey, film.width(), film.height(), 0, y);
        for (int x = 0; x < SIDE; x++) {
          double right = mean(grey, film.width(), film.height(), x + 1, y);
          if (left > right) {
            int at = y * SIDE + x;
            bits[at >> 6] |= 1L << (at & 63);
          }
          left = right;
        }
      }
      return new PictureHash(bits);
    }

    double similarity(PictureHash other) {
      int different = 0;
      for (int i = 0; i < bits.length; i++) {
        different += Long.bitCount(bits[i] ^ other.bits[i]);
      }
      return 1 - different / (double) (SIDE * SIDE);
    }

    // The bits of each band are at fixed positions that depend on the band number.
    int[] bands() {
      int[] bands = new int[PICTURE_BANDS];
      for (int b = 0; b < PICTURE_BANDS; b++) {
        for (int i = 0; i < PICTURE_BITS; i++) {
          int at = (int) (mix(0x9E3779B97F4A7C15L * (b * PICTURE_BITS + i + 1)) >>> 54);
          bands[b] = bands[b] << 1 | (int) (bits[at >> 6] >>> (at & 63) & 1);
        }
      }
      return bands;
    }

    private static double mean(byte[] grey, int width, int height, int x, int y) {
      int x0 = Math.min(width - 1, (int) ((long) x * width / (SIDE + 1)));
      int x1 = Math.max(x0 + 1, (int) ((long) (x + 1) * width / (SIDE + 1)));
      int y0 = Math.min(height - 1, (int) ((long) y * height / SIDE));
      int y1 = Math.max(y0 + 1, (int) ((long) (y + 1) * height / SIDE));
      long sum = 0;
      for (int row = y0; row < y1; row++) {
        for (int column = x0; column < x1; column++) {
          sum += grey[row * width + column] & 0xFF;
        }
      }
      return sum / (double) ((x1 - x0) * (y1 - y0));
    }
  }
}
