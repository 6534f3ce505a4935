package org.radialog.kernels;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.concurrent.locks.LockSupport;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * A team of threads that work together in phases of a few microseconds. The caller of {@link #run}
 * is member 0; the others sleep between runs.
 *
 * <p>A phase ends when all its pieces are done, whichever members did them, not when all members
 * have arrived. A member that the operating system has descheduled therefore delays nobody, unless
 * it is stopped within a piece. Each member starts with a large piece reserved for it; then the
 * small pieces go to whichever member is free, and last the large pieces of members that never
 * arrived.
 *
 * <p>A waiting member spins for about 50 µs, which is enough on an idle machine, and then sleeps
 * until it is woken; on a busy machine this frees the processor for the member it waits for.
 */
public final class Team implements AutoCloseable {
  /** The work of a run: consecutive phases, each divided into pieces. */
  public interface Phases {
    /** Number of phases. */
    int count();

    /** The number of units of work in a phase. */
    int units(int phase);

    /**
     * Processes units {@code from} to {@code to − 1} of a phase. The results of all pieces of
     * earlier phases are visible.
     *
     * @param member the member that does it, less than {@link Team#size}
     * @param first whether it is the first piece of this member in the phase
     */
    void piece(int phase, int member, int from, int to, boolean first);

    /**
     * Called while other members still work on the previous phase, or a little later, with the
     * piece that {@code member} will probably start with. It must not write anything that others
     * read, and must not fail.
     */
    default void ahead(int phase, int member, int from) {}
  }

  /** The maximum number of members of a team. */
  public static final int MOST = 16;

  private static final int PIECES = 32; // maximum number of pieces in a phase: bits of a state
  private static final int LARGE = 4; // size of the reserved piece of a member, in small pieces
  private static final int SMALL_EACH = 2;
  private static final long SPIN_NANOS = 50_000;
  // the time that a sampler takes between two steps
  private static final long IDLE_SPIN_NANOS = 100_000;
  private static final int LOOK = 32; // spins between two readings of the clock

  private static final Phases NOTHING =
      new Phases() {
        @Override
        public int count() {
          return 0;
        }

        @Override
        public int units(int phase) {
          return 0;
        }

        @Override
        public void piece(int phase, int member, int from, int to, boolean first) {}
      };

  private final List<Worker> workers = new ArrayList<>();
  private final int size;
  private final int pieces;
  private final int weight; // total size of all pieces, in small pieces
  private final AtomicBoolean busy = new AtomicBoolean();
  private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
  private volatile boolean closed;

  // The number of the current phase, counted over all runs, and one bit for each of its pieces that
  // no member has taken. The run is published before its first state and read after it.
  private final AtomicLong state = new AtomicLong();
  private final AtomicInteger left = new AtomicInteger(); // number of pieces that are not done
  private final AtomicIntegerArray asleep; // by member
  private final AtomicInteger sleepers = new AtomicInteger();
  private final AtomicReferenceArray<@Nullable Thread> threads; // by member
  private volatile Run run = new Run(NOTHING, 0, new int[0]);

  /**
   * A run in progress.
   *
   * @param work the phases
   * @param base the number of its first phase
   * @param units the number of units of each phase
   */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Run(Phases work, int base, int[] units) {
    int phase(long state) {
      return number(state) - base;
    }

    boolean over(long state) {
      return phase(state) < 0 || phase(state) >= units.length;
    }
  }

  private Team(int size) {
    this.size = size;
    this.pieces = Math.min(PIECES, size + SMALL_EACH * size);
    this.weight = LARGE * size + (pieces - size);
    this.asleep = new AtomicIntegerArray(size);
    this.threads = new AtomicReferenceArray<>(size);
  }

  /** A team of {@code size} members, including the caller of {@link #run}. */
  public static Team of(int size) {
    if (size < 1 || size > MOST) {
      throw new IllegalArgumentException("a team needs 1 to " + MOST + " members, got " + size);
    }
    Team team = new Team(size);
    for (int member = 1; member < size; member++) {
      Worker worker = team.new Worker(member);
      team.workers.add(worker);
      team.threads.set(member, worker);
      worker.start();
    }
    return team;
  }

  /** Number of members. */
  public int size() {
    return size;
  }

  /**
   * Runs {@code work} on the members and returns when all its pieces are done. If a piece fails,
   * pieces that have not been started are skipped.
   *
   * @throws IllegalStateException if the team is closed or already running
   */
  public void run(Phases work) {
    if (!busy.compareAndSet(false, true)) {
      throw new IllegalStateException("the team is already running");
    }
    try {
      if (closed) {
        throw new IllegalStateException("the team is closed");
      }
      failure.set(null);
      threads.set(0, Thread.currentThread());
      int[] units = new int[work.count()];
      for (int phase = 0; phase < units.length; phase++) {
        units[phase] = work.units(phase);
      }
      Run mine = new Run(work, number(state.get()) + 1, units);
      run = mine;
      begin(mine, 0);
      member(0);
      Throwable thrown = failure.get();
      if (thrown instanceof RuntimeException e) {
        throw e;
      }
      if (thrown instanceof Error e) {
        throw e;
      }
    } finally {
      threads.set(0, null);
      busy.set(false);
    }
  }

  /**
   * Runs {@code task} for 0 to {@code count − 1}. Tasks are started in this order, each by a free
   * member, so a task may wait for an earlier one. If a task fails, those that have not been
   * started are skipped.
   */
  public void each(int count, IntConsumer task) {
    AtomicInteger next = new AtomicInteger();
    run(
        new Phases() {
          @Override
          public int count() {
            return 1;
          }

          @Override
          public int units(int phase) {
            return size;
          }

          @Override
          public void piece(int phase, int member, int from, int to, boolean first) {
            try {
              for (int i = next.getAndIncrement(); i < count; i = next.getAndIncrement()) {
                task.accept(i);
              }
            } catch (RuntimeException | Error e) {
              next.set(count);
              throw e;
            }
          }
        });
  }

  private static int number(long state) {
    return (int) (state >>> 32);
  }

  // The first unit of a piece: the reserved pieces of the members come first, then the small
  // pieces.
  private int start(int piece, int units) {
    long before = piece <= size ? (long) LARGE * piece : (long) LARGE * size + (piece - size);
    return (int) (units * before / weight);
  }

  // Starts a phase, or the first phase after it that has units, or ends the run.
  private void begin(Run mine, int from) {
    int phase = from;
    int free = 0;
    for (; phase < mine.units.length; phase++) {
      int units = mine.units[phase];
      for (int piece = 0; piece < pieces; piece++) {
        if (start(piece, units) < start(piece + 1, units)) {
          free |= 1 << piece;
        }
      }
      if (free != 0) {
        break;
      }
    }
    left.set(Integer.bitCount(free));
    state.set((long) (mine.base + phase) << 32 | (free & 0xffffffffL));
    if (sleepers.get() > 0) {
      wake();
    }
  }

  private void wake() {
    for (int member = 0; member < size; member++) {
      if (asleep.get(member) != 0) {
        LockSupport.unpark(threads.get(member));
      }
    }
  }

  // The loop of a member: member 0 until the run ends, the others until the team is closed.
  private void member(int member) {
    int last = number(state.get()) - 1; // the phase in which this member last took a piece
    int done = 0; // finished pieces of it that have not been reported yet
    while (true) {
      long now = state.get();
      Run mine = run;
      int phase = mine.phase(now);
      boolean over = mine.over(now);
      if (over && member == 0) {
        return;
      }
      int free = (int) now;
      if (over || free == 0) {
        if (done > 0) {
          int rest = left.addAndGet(-done);
          done = 0;
          if (rest == 0) {
            begin(mine, phase + 1);
            continue;
          }
        }
        if (!await(now, member, mine)) {
          return;
        }
        continue;
      }
      int piece = choose(free, member);
      int from = start(piece, mine.units[phase]);
      int to = start(piece + 1, mine.units[phase]);
      if (state.compareAndSet(now, now & ~(1L << piece))) {
        if (failure.get() == null) {
          try {
            mine.work.piece(phase, member, from, to, last != number(now));
          } catch (RuntimeException | Error e) {
            failure.compareAndSet(null, e); // the first failure is the cause
          }
        }
        last = number(now);
        done++;
      }
    }
  }

  private int choose(int free, int member) {
    if ((free & 1 << member) != 0) {
      return member;
    }
    int small = free >>> size << size;
    return Integer.numberOfTrailingZeros(small != 0 ? small : free);
  }

  // Waits for another state; returns false if the team is closed.
  private boolean await(long now, int member, Run mine) {
    boolean over = mine.over(now);
    int next = mine.phase(now) + 1;
    if (!over && next < mine.units.length) {
      mine.work.ahead(next, member, start(member, mine.units[next]));
    }
    long limit = 0;
    for (int spins = 0; state.get() == now; spins++) {
      if (over && closed) {
        return false;
      }
      if (spins % LOOK == 0) {
        long time = System.nanoTime();
        if (limit == 0) {
          limit = time + (over ? IDLE_SPIN_NANOS : SPIN_NANOS);
        } else if (time - limit > 0) {
          sleep(now, member, over);
        }
      }
      Thread.onSpinWait();
    }
    return true;
  }

  private void sleep(long now, int member, boolean over) {
    sleepers.incrementAndGet();
    asleep.set(member, 1); // then check again: a new state is published before this is read
    while (state.get() == now && !(over && closed)) {
      LockSupport.park(this);
      if (Thread.currentThread().isInterrupted() && member == 0) {
        break; // parking would return immediately; the interruption of the caller is not ours to
        // clear
      }
    }
    asleep.set(member, 0);
    sleepers.decrementAndGet();
  }

  /** Ends the threads, after a run in progress has finished. */
  @Override
  public void close() {
    closed = true;
    workers.forEach(LockSupport::unpark);
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

    Worker(int member) {
      super("radialog-kernels-" + member);
      this.member = member;
      setDaemon(true);
    }

    @Override
    public void run() {
      member(member);
    }
  }
}
