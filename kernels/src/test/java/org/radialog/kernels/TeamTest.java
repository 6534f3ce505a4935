package org.radialog.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class TeamTest {
  @FunctionalInterface
  private interface Piece {
    void run(int phase, int member, int from, int to, boolean first);
  }

  private static Team.Phases phases(int[] units, Piece piece) {
    return new Team.Phases() {
      @Override
      public int count() {
        return units.length;
      }

      @Override
      public int units(int phase) {
        return units[phase];
      }

      @Override
      public void piece(int phase, int member, int from, int to, boolean first) {
        piece.run(phase, member, from, to, first);
      }
    };
  }

  private static void quietly(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 7, 16})
  void everyUnitIsDoneOnceAndSeesWhatThePhaseBeforeWrote(int size) {
    int[] units = {40, 1, 0, 7, 200, 3, 0};
    try (Team team = Team.of(size)) {
      int[][] written = new int[units.length][200];
      AtomicInteger wrong = new AtomicInteger();
      for (int run = 1; run <= 300; run++) {
        int expected = run;
        team.run(
            phases(
                units,
                (phase, member, from, to, first) -> {
                  for (int before = 0; before < phase; before++) {
                    int unseen = 0;
                    for (int i = 0; i < units[before]; i++) {
                      unseen += written[before][i] == expected ? 0 : 1;
                    }
                    wrong.addAndGet(unseen);
                  }
                  for (int i = from; i < to; i++) {
                    written[phase][i]++;
                  }
                }));
      }
      assertThat(wrong).hasValue(0);
      for (int phase = 0; phase < units.length; phase++) {
        assertThat(Arrays.copyOf(written[phase], units[phase]))
            .isEqualTo(IntStream.generate(() -> 300).limit(units[phase]).toArray());
      }
    }
  }

  @Test
  void aMemberIsToldOfItsFirstPieceOfEachPhase() {
    try (Team team = Team.of(3)) {
      for (int run = 0; run < 200; run++) {
        List<String> firsts = Collections.synchronizedList(new ArrayList<>());
        Set<String> took = ConcurrentHashMap.newKeySet();
        team.run(
            phases(
                new int[] {90, 90, 90},
                (phase, member, from, to, first) -> {
                  took.add(phase + " " + member);
                  if (first) {
                    firsts.add(phase + " " + member);
                  }
                }));
        assertThat(firsts).containsExactlyInAnyOrderElementsOf(took);
      }
    }
  }

  @Test
  void aMemberThatIsNotRunHoldsUpNothingButThePieceThatItIsIn() {
    try (Team team = Team.of(3)) {
      CountDownLatch stopped = new CountDownLatch(1);
      CountDownLatch othersDone = new CountDownLatch(1);
      AtomicInteger done = new AtomicInteger();
      AtomicInteger slow = new AtomicInteger();
      AtomicBoolean sleeping = new AtomicBoolean();
      team.run(
          phases(
              new int[] {180, 180},
              (phase, member, from, to, first) -> {
                if (phase == 0 && sleeping.compareAndSet(false, true)) {
                  // As if the system gave it no processor until all else of the phase is done.
                  stopped.countDown();
                  slow.set(to - from);
                  quietly(othersDone);
                } else if (phase == 0) {
                  quietly(stopped);
                  if (done.addAndGet(to - from) == 180 - slow.get()) {
                    othersDone.countDown();
                  }
                }
              }));
      assertThat(done).hasValue(180 - slow.get());
      assertThat(slow.get()).isLessThan(180 / 3);
    }
  }

  @Test
  void aMemberThatSleepsBetweenPiecesMissesPhasesThatTheOthersDoWithoutIt() {
    try (Team team = Team.of(2)) {
      CountDownLatch end = new CountDownLatch(1);
      AtomicInteger missed = new AtomicInteger();
      Team.Phases work =
          new Team.Phases() {
            @Override
            public int count() {
              return 50;
            }

            @Override
            public int units(int phase) {
              return 60;
            }

            @Override
            public void piece(int phase, int member, int from, int to, boolean first) {
              if (member == 0 && phase == 49) {
                end.countDown();
              }
              if (member == 0 && first) {
                missed.incrementAndGet();
              }
            }

            @Override
            public void ahead(int phase, int member, int from) {
              if (member == 1 && phase < 49) {
                quietly(end); // the system runs it again only when all is done
              }
            }
          };
      for (int run = 0; run < 20; run++) {
        team.run(work);
      }
      assertThat(missed).hasValueGreaterThan(0);
    }
  }

  @Test
  void tasksAreBegunInTheirOrderSoThatOneMayWaitForAnEarlierOne() {
    try (Team team = Team.of(3)) {
      for (int run = 0; run < 200; run++) {
        AtomicInteger[] done = new AtomicInteger[20];
        Arrays.setAll(done, i -> new AtomicInteger());
        team.each(
            20,
            i -> {
              while (i > 0 && done[i - 1].get() == 0) {
                Thread.onSpinWait();
              }
              done[i].incrementAndGet();
            });
        assertThat(Arrays.stream(done).mapToInt(AtomicInteger::get)).containsOnly(1);
      }
    }
  }

  @Test
  void aFailingPieceEndsTheRunWithItsOwnErrorAndTheTeamStaysUsable() {
    try (Team team = Team.of(3)) {
      for (int round = 0; round < 30; round++) {
        int bad = round;
        AtomicInteger later = new AtomicInteger();
        assertThatThrownBy(() ->
                team.run(
                    phases(
                        new int[] {30, 30, 30},
                        (phase, member, from, to, first) -> {
                          if (phase == 0 && from <= bad && bad < to) {
                            throw new IllegalArgumentException("unit " + bad);
                          }
                          if (phase > 0) {
                            later.incrementAndGet();
                          }
                        })))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessage("unit " + bad);
        assertThat(later).hasValue(0);
        AtomicInteger ran = new AtomicInteger();
        team.run(
            phases(new int[] {9, 9}, (phase, member, from, to, first) -> ran.addAndGet(to - from)));
        assertThat(ran).hasValue(18);
      }
    }
  }

  @Test
  void anIdleTeamBurnsNoProcessorTime() throws InterruptedException {
    ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    try (Team team = Team.of(3)) {
      Set<Thread> members = ConcurrentHashMap.newKeySet();
      CountDownLatch all = new CountDownLatch(3);
      team.each(
          3,
          i -> {
            members.add(Thread.currentThread());
            all.countDown();
            quietly(all);
          });
      members.remove(Thread.currentThread());
      assertThat(members).hasSize(2);
      Thread.sleep(100);
      long before = members.stream().mapToLong(t -> threads.getThreadCpuTime(t.threadId())).sum();
      Thread.sleep(500);
      long after = members.stream().mapToLong(t -> threads.getThreadCpuTime(t.threadId())).sum();
      assertThat(Duration.ofNanos(after - before)).isLessThan(Duration.ofMillis(5));
    }
  }

  @Test
  void whoWaitsForALongPieceLeavesTheProcessorToOthers() {
    ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    try (Team team = Team.of(2)) {
      AtomicInteger tasks = new AtomicInteger();
      long before = threads.getCurrentThreadCpuTime();
      Thread caller = Thread.currentThread();
      CountDownLatch both = new CountDownLatch(2);
      team.each(
          2,
          i -> {
            both.countDown();
            quietly(both);
            if (Thread.currentThread() != caller) {
              try {
                Thread.sleep(300);
              } catch (InterruptedException e) {
                throw new AssertionError(e);
              }
            }
            tasks.incrementAndGet();
          });
      assertThat(tasks).hasValue(2);
      assertThat(Duration.ofNanos(threads.getCurrentThreadCpuTime() - before))
          .isLessThan(Duration.ofMillis(50));
    }
  }

  @Test
  void aCallerThatWasInterruptedIsServedAndStaysInterrupted() {
    try (Team team = Team.of(2)) {
      Thread.currentThread().interrupt();
      AtomicInteger ran = new AtomicInteger();
      team.run(
          phases(
              new int[] {60, 60, 60},
              (phase, member, from, to, first) -> ran.addAndGet(to - from)));
      assertThat(ran).hasValue(180);
      assertThat(Thread.interrupted()).isTrue();
    }
  }

  @Test
  void closingEndsItsThreads() {
    Set<Thread> threads = ConcurrentHashMap.newKeySet();
    Team team = Team.of(3);
    CountDownLatch all = new CountDownLatch(3);
    team.each(
        3,
        i -> {
          threads.add(Thread.currentThread());
          all.countDown();
          quietly(all);
        });
    team.close();
    threads.remove(Thread.currentThread());
    assertThat(threads).hasSize(2).noneMatch(Thread::isAlive);
    assertThatThrownBy(() -> team.each(1, i -> {})).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void aSecondCallerIsTurnedAway() throws InterruptedException {
    try (Team team = Team.of(2)) {
      CountDownLatch inside = new CountDownLatch(1);
      CountDownLatch leave = new CountDownLatch(1);
      Thread first =
          new Thread(() ->
              team.each(
                  1,
                  i -> {
                    inside.countDown();
                    quietly(leave);
                  }));
      first.start();
      inside.await();
      assertThatThrownBy(() -> team.each(1, i -> {})).isInstanceOf(IllegalStateException.class);
      leave.countDown();
      first.join();
    }
  }
}
