package org.radialog.torch;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.RepeatedTest;

/** The library is loaded once a process, so each try is a process of its own. */
class LoadingTest {
  @RepeatedTest(5)
  void threadsThatLoadTheLibraryAtOnceDoNotWaitForEachOtherForever() throws Exception {
    Process process =
        new ProcessBuilder(
                List.of(
                    ProcessHandle.current().info().command().orElseThrow(),
                    "--enable-native-access=ALL-UNNAMED",
                    "-cp",
                    System.getProperty("java.class.path"),
                    Race.class.getName()))
            .inheritIO()
            .start();
    try {
      assertThat(process.waitFor(60, TimeUnit.SECONDS)).as("both threads ended").isTrue();
      assertThat(process.exitValue()).isZero();
    } finally {
      process.destroyForcibly();
    }
  }

  static final class Race {
    private Race() {}

    public static void main(String[] arguments) throws InterruptedException {
      CountDownLatch start = new CountDownLatch(1);
      List<Thread> threads =
          List.of(
              starting(
                  start,
                  () -> {
                    NativeLibraries.load();
                    torch.get_num_threads();
                  }),
              starting(
                  start,
                  () -> {
                    try (Scope _ = new Scope()) {
                      Torch.tensor(new float[] {1}, 1);
                    }
                  }));
      start.countDown();
      for (Thread thread : threads) {
        thread.join();
      }
    }

    private static Thread starting(CountDownLatch start, Runnable work) {
      return Thread.ofPlatform()
          .start(() -> {
            try {
              start.await();
            } catch (InterruptedException e) {
              throw new IllegalStateException(e);
            }
            work.run();
          });
    }
  }
}
