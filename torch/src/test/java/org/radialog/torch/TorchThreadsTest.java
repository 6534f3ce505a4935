package org.radialog.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.FutureTask;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;

class TorchThreadsTest {
  private static int count() {
    return torch.get_num_threads();
  }

  private static <T> T onPlainThread(Callable<T> work) throws Exception {
    var task = new FutureTask<>(work);
    Thread.ofPlatform().start(task);
    return task.get();
  }

  @Test
  void whatWasSetBeforeIsSetAgain() {
    try (TorchThreads _ = TorchThreads.of(3)) {
      assertThat(count()).isEqualTo(3);
      try (TorchThreads _ = TorchThreads.of(1)) {
        assertThat(count()).isEqualTo(1);
        try (TorchThreads _ = TorchThreads.all()) {
          assertThat(count()).isEqualTo(Runtime.getRuntime().availableProcessors());
        }
        assertThat(count()).isEqualTo(1);
      }
      assertThat(count()).isEqualTo(3);
    }
  }

  @Test
  void aThreadOfTheFactoryHasItsNumberWhateverAnotherThreadSetLast() throws Exception {
    try (TorchThreads _ = TorchThreads.of(5);
        ExecutorService two = Executors.newSingleThreadExecutor(TorchThreads.factory("two", 2))) {
      assertThat(two.submit(TorchThreadsTest::count).get()).isEqualTo(2);
      onPlainThread(() -> {
        torch.set_num_threads(4); // as another library of the program may
        return count();
      });
      assertThat(two.submit(TorchThreadsTest::count).get()).isEqualTo(2);
      assertThat(count()).isEqualTo(5);
    }
  }

  @Test
  void aThreadOfAPoolHasItInsideAndItsOwnOutside() throws Exception {
    List<Integer> seen =
        onPlainThread(() -> {
          torch.set_num_threads(4);
          List<Integer> inside =
              IntStream.range(0, 64)
                  .parallel()
                  .mapToObj(i -> {
                    try (TorchThreads _ = TorchThreads.of(1)) {
                      return count();
                    }
                  })
                  .toList();
          assertThat(count()).isEqualTo(4);
          return inside;
        });
    assertThat(seen).containsOnly(1);
  }

  @Test
  void aThreadOfTheFactoryIsADaemonOfThatName() {
    Thread thread = TorchThreads.factory("films", 1).newThread(() -> {});
    assertThat(thread.isDaemon()).isTrue();
    assertThat(thread.getName()).isEqualTo("films");
  }

  @Test
  void noThreadAtAllIsRefused() {
    assertThatThrownBy(() -> TorchThreads.of(0)).hasMessage("an operation needs a thread, got 0");
  }
}
