package org.radialog.kernels;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Threads that do one piece of work together, meeting at barriers a few microseconds apart. The
 * caller of {@link #run} is member 0; the others spin at a barrier, and sleep between runs.
 *
 * <p>Waiting spins for a bounded time, then yields, then sleeps: on an idle machine a barrier costs
 * about a microsecond, on a busy one nobody burns the processor that the awaited thread needs.
 * Closing ends the threads.
 */
public final class Team implements AutoCloseable {
  /** What every member runs. */
  @FunctionalInterface
  public interface Work {
    /** Member {@code member} of {@link Team#size}; all members meet the same barriers. */
    void run(int member);
  }

  /** Ends a member that waits for one that failed. */
  private static final class Abandoned extends RuntimeException {
    private static final long serialVersionUID = 1L;

    Abandoned() {
      super("another member of the team failed", null, false, false);
    }
  }

  private static final int SPINS = 1_000; // some 20 µs
  private static final int YIELDS = 2_000; // on an idle machine about a millisecond
  private static final int IDLE_SPINS = 4_000; // some 100 µs: a sampler's time between two steps
  private static final long NAP_NANOS = 50_000;

  private final List<Worker> workers = new ArrayList<>();
  private final int size;
  private final AtomicBoolean busy = new AtomicBoolean();
  private final AtomicInteger arrived = new AtomicInteger();
  private final AtomicInteger finished = new AtomicInteger();
  private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
  private volatile int phase; // barriers passed
  private final AtomicInteger runs =
      new AtomicInteger(); // runs begun; tells workers that there is work
  private volatile boolean closed;
  private Work work = member -> {};

  private Team(int size) {
    this.size = size;
  }

  /** A team of {@code size} members, one of them the caller of {@link #run}. */
  public static Team of(int size) {
    if (size < 1) {
      throw new IllegalArgumentException("a team needs one member or more, got " + size);
    }
    Team team = new Team(size);
    for (int member = 1; member < size; member++) {
      Worker worker = team.new Worker(member);
      team.workers.add(worker);
      worker.start();
    }
    return team;
  }

  /** Number of members. */
  public int size() {
    return size;
  }

  /**
   * Runs {@code work} on all members and returns when all are done.
   *
   * @throws IllegalStateException if the team is closed, or runs already
   */
  public void run(Work work) {
    if (!busy.compareAndSet(false, true)) {
      throw new IllegalStateException("the team runs already");
    }
    try {
      if (closed) {
        throw new IllegalStateException("the team is closed");
      }
      this.work = work;
      arrived.set(0);
      finished.set(0);
      failure.set(null);
      runs.incrementAndGet();
      workers.forEach(Worker::wake);
      runMember(0);
      for (int tries = 0; finished.get() != size; tries++) {
        pause(tries);
      }
      Throwable thrown = failure.get();
      if (thrown instanceof RuntimeException e) {
        throw e;
      }
      if (thrown instanceof Error e) {
        throw e;
      }
    } finally {
      this.work = member -> {};
      busy.set(false);
    }
  }

  private void runMember(int member) {
    try {
      work.run(member);
    } catch (RuntimeException | Error e) {
      failure.compareAndSet(null, e); // the first is the cause, the others are abandoned
    } finally {
      finished.incrementAndGet();
    }
  }

  /**
   * Waits until every member is here; only inside a run. What they wrote before is then visible.
   */
  public void barrier() {
    await(arrive());
  }

  /**
   * Says that this member is here, and waits for nobody: what it does before {@link #await} is done
   * while the others come. Only inside a run.
   *
   * @return for {@link #await}
   */
  public int arrive() {
    int now = phase;
    if (arrived.incrementAndGet() == size) {
      arrived.set(0);
      phase = now + 1;
    }
    return now;
  }

  /**
   * Waits until every member has arrived. What they wrote before is then visible.
   *
   * @param now what {@link #arrive} returned
   */
  public void await(int now) {
    for (int tries = 0; phase == now; tries++) {
      if (failure.get() != null) {
        throw new Abandoned();
      }
      pause(tries);
    }
  }

  @SuppressWarnings(
      "ThreadPriorityCheck") // on a busy machine the awaited thread needs this processor
  private static void pause(int tries) {
    if (tries < SPINS) {
      Thread.onSpinWait();
    } else if (tries < SPINS + YIELDS) {
      Thread.yield();
    } else {
      LockSupport.parkNanos(NAP_NANOS);
    }
  }

  /** Ends the threads; a run in progress is finished first. */
  @Override
  public void close() {
    closed = true;
    workers.forEach(Worker::wake);
    boolean interrupted = false;
    for (Worker worker : workers) {
      while (worker.isAlive()) {
        try {
          worker.join();
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private final class Worker extends Thread {
    private final int member;
    private volatile boolean asleep;

    Worker(int member) {
      super("radialog-kernels-" + member);
      this.member = member;
      setDaemon(true);
    }

    void wake() {
      if (asleep) {
        LockSupport.unpark(this);
      }
    }

    @Override
    public void run() {
      int done = 0;
      while (true) {
        for (int tries = 0; runs.get() == done && !closed; tries++) {
          if (tries < IDLE_SPINS) {
            Thread.onSpinWait();
          } else {
            asleep = true; // then look again: run() publishes its work before it looks at this
            if (runs.get() == done && !closed) {
              LockSupport.park(this);
            }
            asleep = false;
          }
        }
        if (runs.get() == done) {
          return;
        }
        done++;
        runMember(member);
      }
    }
  }
}
