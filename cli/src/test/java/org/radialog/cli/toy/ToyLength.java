package org.radialog.cli.toy;

import java.util.stream.IntStream;
import org.radialog.base.Progress;
import org.radialog.metrics.Sums;
import org.radialog.metrics.TextMetric;
import org.radialog.metrics.TokenizedPairs;

/** A text metric: how many words a text has. */
public final class ToyLength implements TextMetric {
  @Override
  public String name() {
    return "toy length";
  }

  @Override
  public Scored over(TokenizedPairs pairs, Progress progress) {
    return Scored.of(
        Sums.mean(
            name(),
            IntStream.range(0, pairs.size())
                .mapToDouble(i -> pairs.hypothesis(i).size())
                .toArray()));
  }
}
