package org.radialog.base;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class BoundedWorkTest {
  private static final List<Integer> ITEMS = IntStream.range(0, 40).boxed().toList();

  @Test
  void everyItemIsDoneOnceAndHeardOfOnTheCallersThread() {
    Thread caller = Thread.currentThread();
    List<String> heard = new ArrayList<>();
    AtomicInteger now = new AtomicInteger();
    AtomicInteger most = new AtomicInteger();
    BoundedWork.run(
        "counting",
        ITEMS,
        3,
        item -> {
          most.accumulateAndGet(now.incrementAndGet(), Math::max);
          Thread.onSpinWait();
          now.decrementAndGet();
          return "n" + item;
        },
        (i, result) -> {
          assertThat(Thread.currentThread()).isSameAs(caller);
          assertThat(result).isEqualTo("n" + i);
          heard.add(result);
        });
    assertThat(heard)
        .containsExactlyInAnyOrderElementsOf(ITEMS.stream().map(i -> "n" + i).toList());
    assertThat(most.get()).isBetween(1, 3);
  }

  @Test
  void ofSeveralFailuresTheFirstInTheListIsThrownAndNothingMoreIsBegun() {
    CountDownLatch laterFailed = new CountDownLatch(1);
    List<Integer> begun = Collections.synchronizedList(new ArrayList<>());
    assertThatThrownBy(() ->
            BoundedWork.run(
                "failing",
                ITEMS,
                2,
                item -> {
                  begun.add(item);
                  if (item == 0) {
                    await(laterFailed);
                    throw new RadialogException("item 0");
                  }
                  laterFailed.countDown();
                  throw new RadialogException("item " + item);
                },
                (i, result) -> {}))
        .isInstanceOf(RadialogException.class)
        .hasMessage("item 0");
    assertThat(begun).containsExactlyInAnyOrder(0, 1);
  }

  private static void await(CountDownLatch latch) {
    try {
      assertThat(latch.await(10, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void whatTheListenerThrowsEndsTheWork() {
    AtomicInteger heard = new AtomicInteger();
    assertThatThrownBy(() ->
            BoundedWork.run(
                "writing",
                ITEMS,
                1,
                item -> item,
                (i, result) -> {
                  heard.incrementAndGet();
                  throw new RadialogException("the disk is full");
                }))
        .hasMessage("the disk is full");
    assertThat(heard).hasValue(1);
  }

  @Test
  void anInterruptedCallerIsTold() {
    Thread.currentThread().interrupt();
    assertThatThrownBy(() -> BoundedWork.run("waiting", ITEMS, 2, item -> item, (i, result) -> {}))
        .isInstanceOf(WorkInterrupted.class)
        .hasMessage("waiting was interrupted");
    assertThat(Thread.interrupted()).isTrue();
  }
}
