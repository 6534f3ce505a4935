package org.radialog.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class TeamTest {
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 7})
  void membersSeeWhatTheOthersWroteBeforeTheBarrier(int size) {
    try (Team team = Team.of(size)) {
      int[] written = new int[size];
      AtomicInteger wrong = new AtomicInteger();
      for (int run = 0; run < 20; run++) {
        team.run(member -> {
          for (int round = 1; round <= 50; round++) {
            written[member] = round;
            team.barrier();
            int expected = round;
            if (Arrays.stream(written).anyMatch(w -> w != expected)) {
              wrong.incrementAndGet();
            }
            team.barrier();
          }
        });
      }
      assertThat(wrong).hasValue(0);
      assertThat(written).containsOnly(50);
    }
  }

  @Test
  void aFailingMemberEndsTheRunWithItsOwnErrorAndTheTeamStaysUsable() {
    try (Team team = Team.of(3)) {
      for (int failing = 0; failing < 3; failing++) {
        int bad = failing;
        assertThatThrownBy(() ->
                team.run(member -> {
                  if (member == bad) {
                    throw new IllegalArgumentException("member " + bad);
                  }
                  team.barrier();
                }))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessage("member " + bad);
        AtomicInteger ran = new AtomicInteger();
        team.run(member -> {
          team.barrier();
          ran.incrementAndGet();
          team.barrier();
        });
        assertThat(ran).hasValue(3);
      }
    }
  }

  @Test
  void anIdleTeamBurnsNoProcessorTime() throws InterruptedException {
    ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    try (Team team = Team.of(3)) {
      long[] ids = new long[3];
      team.run(member -> ids[member] = Thread.currentThread().threadId());
      Thread.sleep(100);
      long before = threads.getThreadCpuTime(ids[1]) + threads.getThreadCpuTime(ids[2]);
      Thread.sleep(500);
      long after = threads.getThreadCpuTime(ids[1]) + threads.getThreadCpuTime(ids[2]);
      assertThat(Duration.ofNanos(after - before)).isLessThan(Duration.ofMillis(5));
    }
  }

  @Test
  void closingEndsItsThreads() {
    Thread[] threads = new Thread[3];
    Team team = Team.of(3);
    team.run(member -> threads[member] = Thread.currentThread());
    team.close();
    assertThat(threads[1].isAlive()).isFalse();
    assertThat(threads[2].isAlive()).isFalse();
    assertThatThrownBy(() -> team.run(member -> {})).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void aSecondCallerIsTurnedAway() throws InterruptedException {
    try (Team team = Team.of(2)) {
      CountDownLatch inside = new CountDownLatch(1);
      CountDownLatch leave = new CountDownLatch(1);
      Thread first =
          new Thread(() ->
              team.run(member -> {
                if (member == 0) {
                  inside.countDown();
                  try {
                    leave.await();
                  } catch (InterruptedException e) {
                    throw new AssertionError(e);
                  }
                }
              }));
      first.start();
      inside.await();
      assertThatThrownBy(() -> team.run(member -> {})).isInstanceOf(IllegalStateException.class);
      leave.countDown();
      first.join();
    }
  }
}
