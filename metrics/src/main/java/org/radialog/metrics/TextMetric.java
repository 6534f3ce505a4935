package org.radialog.metrics;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.ServiceLoader;
import org.radialog.base.Progress;

/**
 * A score of generated texts beside references. A metric is one file and one line in {@link
 * #standard}; tables and JSON show what it is called and what it gives.
 */
public interface TextMetric extends AutoCloseable {
  /** What results call it, also where it is left out: {@code METEOR}. */
  String name();

  /** Why it cannot run and what to do about it; empty where it can. */
  default Optional<String> missing() {
    return Optional.empty();
  }

  /** What its scores depend on beside the texts, as a result's settings have it. */
  default SequencedMap<String, Object> settings() {
    return Collections.unmodifiableSequencedMap(new LinkedHashMap<>());
  }

  /**
   * Scores pairs of texts.
   *
   * @throws IllegalStateException if something is {@link #missing}
   */
  Scored over(TokenizedPairs pairs, Progress progress);

  /** Gives back what it holds. */
  @Override
  default void close() {}

  /**
   * What a metric says of pairs.
   *
   * @param scores each with one or several names, all over the same pairs
   * @param marks what a reader must know of them; empty where there is nothing
   */
  record Scored(List<Resampled> scores, List<String> marks) {
    public Scored {
      scores = List.copyOf(scores);
      marks = List.copyOf(marks);
    }

    /** Scores of which there is nothing to warn. */
    public static Scored of(Resampled... scores) {
      return new Scored(List.of(scores), List.of());
    }
  }

  /**
   * What metrics need that the user brings.
   *
   * @param meteor the folder of METEOR's data
   * @param bertScore the network of BERTScore
   */
  record Data(Optional<Path> meteor, Optional<BertScore.Network> bertScore) {
    /** Nothing was brought. */
    public static final Data NONE = new Data(Optional.empty(), Optional.empty());
  }

  /**
   * All metrics of words, in the order of tables: those of this library, then those that the class
   * path adds as services of this interface. They are closed by whoever opened them.
   *
   * @throws org.radialog.base.RadialogException if data that was brought cannot be read
   */
  static List<TextMetric> standard(Data data) {
    List<TextMetric> all =
        new ArrayList<>(
            List.of(
                new Bleu(),
                new RougeL(),
                new Cider(),
                Meteor.with(data.meteor()),
                BertScore.with(data.bertScore())));
    ServiceLoader.load(TextMetric.class).forEach(all::add);
    return List.copyOf(all);
  }

  /** A metric that cannot run. */
  static TextMetric lacking(String name, String reason) {
    return new TextMetric() {
      @Override
      public String name() {
        return name;
      }

      @Override
      public Optional<String> missing() {
        return Optional.of(reason);
      }

      @Override
      public Scored over(TokenizedPairs pairs, Progress progress) {
        throw new IllegalStateException(name + " cannot run: " + reason);
      }
    };
  }
}
