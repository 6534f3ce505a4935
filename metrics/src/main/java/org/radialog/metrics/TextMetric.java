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
 * A score of generated texts against references. A new metric takes one file and one line in {@link
 * #standard}; tables and JSON then include its name and scores.
 */
public interface TextMetric extends AutoCloseable {
  /** Its name in results, also if it is left out: {@code METEOR}. */
  String name();

  /** The reason why it cannot run and what to do about it; empty if it can. */
  default Optional<String> missing() {
    return Optional.empty();
  }

  /** The settings that its scores depend on, for the settings of a result. */
  default SequencedMap<String, Object> settings() {
    return Collections.unmodifiableSequencedMap(new LinkedHashMap<>());
  }

  /**
   * Scores pairs of texts.
   *
   * @throws IllegalStateException if something is {@link #missing}
   */
  Scored over(TokenizedPairs pairs, Progress progress);

  /** Releases its resources. */
  @Override
  default void close() {}

  /**
   * The scores of a set of pairs.
   *
   * @param scores each with one or several names, all over the same pairs
   * @param marks caveats that a reader must know; empty if there are none
   */
  record Scored(List<Resampled> scores, List<String> marks) {
    public Scored {
      scores = List.copyOf(scores);
      marks = List.copyOf(marks);
    }

    /** Scores without caveats. */
    public static Scored of(Resampled... scores) {
      return new Scored(List.of(scores), List.of());
    }
  }

  /**
   * Data files and networks that the user provides for metrics.
   *
   * @param meteor the folder with the data of METEOR
   * @param bertScore the network of BERTScore
   */
  record Data(Optional<Path> meteor, Optional<BertScore.Network> bertScore) {
    /** No data is provided. */
    public static final Data NONE = new Data(Optional.empty(), Optional.empty());
  }

  /**
   * All metrics of words, in the order of tables: those of this library, then those that the class
   * path adds as services of this interface. They are closed by whoever opened them.
   *
   * @throws org.radialog.base.RadialogException if the given data cannot be read
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
