package org.radialog.loop;

import java.util.List;
import java.util.stream.IntStream;
import org.radialog.torch.ProcessGroup;

/**
 * The part of each batch that one of several processes computes. The parts of all processes
 * together contain each element of the batch exactly once.
 *
 * @param group the processes, this one among them
 */
public record Share(ProcessGroup group) {
  /** The share of a process that trains alone. */
  public static final Share WHOLE = new Share(ProcessGroup.alone());

  /** The number of the process, from 0. */
  public int rank() {
    return group.rank();
  }

  /** The part of this process. */
  public <T> List<T> of(List<T> batch) {
    return part(rank(), batch);
  }

  /**
   * The parts of all processes, in the order of their ranks. Each is contiguous, so that dialogs of
   * similar length stay together.
   */
  public <T> List<List<T>> parts(List<T> batch) {
    return IntStream.range(0, group.size()).mapToObj(process -> part(process, batch)).toList();
  }

  private <T> List<T> part(int process, List<T> batch) {
    return batch.subList(bound(process, batch), bound(process + 1, batch));
  }

  private int bound(int process, List<?> batch) {
    return (int) ((long) batch.size() * process / group.size());
  }
}
