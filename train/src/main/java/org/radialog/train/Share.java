package org.radialog.train;

import java.util.List;

/**
 * The part of each batch that one of several processes computes. The parts of all processes
 * together contain each element of the batch exactly once.
 *
 * @param rank the number of the process, from 0
 * @param of the number of processes
 */
public record Share(int rank, int of) {
  /** The share of a process that trains alone. */
  public static final Share WHOLE = new Share(0, 1);

  /** A contiguous part of {@code batch}, so that dialogs of similar length stay together. */
  public <T> List<T> of(List<T> batch) {
    return batch.subList(bound(rank, batch), bound(rank + 1, batch));
  }

  private int bound(int process, List<?> batch) {
    return (int) ((long) batch.size() * process / of);
  }
}
