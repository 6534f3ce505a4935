package org.radialog.dialog;

import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.radialog.language.KvCache;
import org.radialog.language.Llama;
import org.radialog.language.LlamaInput;
import org.radialog.language.Precision;

/** A program that embeds the library: turns of 300 tokens in a process of its own. */
final class EmbeddedTurn {
  private static final int ROUNDS = 9;
  private static final String THREAD = "embedded-turn";

  private EmbeddedTurn() {}

  /**
   * Prints the milliseconds of the shortest turn, those of the processors in the one that took
   * fewest of them, and the system's threads that the turn's own one made.
   */
  public static void main(String[] args) throws InterruptedException {
    Thread turn = Thread.ofPlatform().name(THREAD).unstarted(EmbeddedTurn::measure);
    turn.start();
    turn.join();
  }

  private static void measure() {
    OperatingSystemMXBean system =
        (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    Path mini = Path.of(System.getProperty("radialog.root", ""), "models", "mini");
    try (LanguageModel model = LanguageModel.open(mini, Options.DEFAULT.with(Precision.INT8))) {
      Llama llama = model.llama();
      int[] ids = new Random(1).ints(300, 0, llama.config().vocab()).toArray();
      int before = threads();
      double wall = Double.MAX_VALUE;
      double cpu = Double.MAX_VALUE;
      for (int i = 0; i < ROUNDS; i++) {
        try (KvCache cache = new KvCache(llama.cacheShape())) {
          long cpuStart = system.getProcessCpuTime();
          long start = System.nanoTime();
          llama.prefill(cache, List.of(new LlamaInput.Tokens(ids)));
          wall = Math.min(wall, (System.nanoTime() - start) / 1e6);
          cpu = Math.min(cpu, (system.getProcessCpuTime() - cpuStart) / 1e6);
        }
      }
      System.out.println("wall " + wall);
      System.out.println("cpu " + cpu);
      System.out.println("threads " + (threads() - before));
    }
  }

  // A thread that a library starts has the name of the one that made it.
  private static int threads() {
    try (Stream<Path> tasks = Files.list(Path.of("/proc/self/task"))) {
      return (int)
          tasks
              .filter(task -> {
                try {
                  return Files.readString(task.resolve("comm")).strip().equals(THREAD);
                } catch (IOException e) {
                  return false; // it has just ended
                }
              })
              .count();
    } catch (IOException e) {
      return 0; // only Linux has this folder
    }
  }
}
