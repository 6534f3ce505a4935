package org.radialog.train;

import java.util.List;

/**
 * The part of each batch that one of several processes learns from. The parts of all processes
 * together are the batch, each element once.
 *
 * @param rank of the process, from 0
 * @param of how many processes
 */
public record Share(int rank, int of) {
  /** Of a process that learns alone. */
  public static final Share WHOLE = new Share(0, 1);

  /** The part of {@code batch}: neighbours, so that dialogs of about one length stay together. */
  public <T> List<T> of(List<T> batch) {
    return batch.subList(bound(rank, batch), bound(rank + 1, batch));
  }

  private int bound(int process, List<?> batch) {
    return (int) ((long) batch.size() * process / of);
  }
}
