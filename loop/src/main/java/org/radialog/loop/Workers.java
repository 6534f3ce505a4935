package org.radialog.loop;

import java.io.BufferedReader;
import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.radialog.base.Printable;
import org.radialog.base.RadialogException;
import org.radialog.torch.ProcessGroup;
import org.radialog.torch.ProcessGroup.Meeting;
import org.radialog.torch.ProcessGroup.Place;
import org.radialog.torch.TorchThreads;

/**
 * The processes of a training on this machine. The first one starts the others with its own command
 * line and watches them; if one of them dies, it stops with an error.
 */
public final class Workers {
  // System properties of a child process: its number on this machine, and the meeting file.
  private static final String NUMBER = "radialog.worker";
  private static final String MEETING = "radialog.meeting";

  private static final long GRACE_SECONDS = 20;

  /**
   * The processes and machines of a training.
   *
   * @param processes the number of processes on each machine
   * @param nodes the number of machines
   * @param node the number of this machine, from 0
   * @param rendezvous where the processes of several machines meet, as {@code HOST:PORT}: an
   *     address and a free port of machine 0; empty for one machine
   * @param command main class and arguments of this process, with which it starts the others
   */
  public record Spread(
      int processes, int nodes, int node, Optional<String> rendezvous, List<String> command) {
    private static final Pattern ADDRESS = Pattern.compile("(.+):(\\d{1,5})");

    /**
     * Checks the numbers.
     *
     * @throws IllegalArgumentException if they do not fit together; the message names the options
     *     of the command line
     */
    public Spread {
      command = List.copyOf(command);
      if (processes < 1 || nodes < 1) {
        throw new IllegalArgumentException(
            "%d processes on %d machines".formatted(processes, nodes));
      }
      if (node < 0 || node >= nodes) {
        throw new IllegalArgumentException(
            "--rank is %d, expected a number below --nodes, which is %d".formatted(node, nodes));
      }
      if ((nodes > 1) != rendezvous.isPresent()) {
        throw new IllegalArgumentException(
            "--rendezvous HOST:PORT belongs to --nodes of two or more machines");
      }
      rendezvous.ifPresent(Spread::port);
    }

    /** A training in this process alone. */
    public static Spread alone() {
      return new Spread(1, 1, 0, Optional.empty(), List.of());
    }

    private static Meeting port(String address) {
      Matcher parts = ADDRESS.matcher(address);
      int port = parts.matches() ? Integer.parseInt(parts.group(2)) : 0;
      if (port < 1 || port > 65_535) {
        throw new IllegalArgumentException(
            "--rendezvous is \"%s\", expected HOST:PORT such as 10.0.0.1:29500"
                .formatted(Printable.of(address)));
      }
      return new Meeting.Port(parts.group(1), port);
    }

    private Optional<Meeting> meeting() {
      return rendezvous.map(Spread::port);
    }

    private int size() {
      return processes * nodes;
    }

    private int rank(int number) {
      return node * processes + number;
    }

    private Place place(int number, Meeting meeting) {
      return new Place(rank(number), size(), meeting);
    }
  }

  /** A child process that ended with an error. */
  private record Death(int rank, int code, String lastLine) {
    RadialogException failure(int size, @Nullable Throwable cause) {
      String said = lastLine.isEmpty() ? "it said nothing" : Printable.of(lastLine);
      String message =
          "process %d of %d ended with exit code %d: %s; the run folder keeps the last checkpoint, and the same command resumes from it"
              .formatted(rank, size, code, said);
      return cause == null ? new RadialogException(message) : new RadialogException(message, cause);
    }
  }

  private final Spread spread;
  private final Path folder = newFolder();
  private final Meeting.File file = new Meeting.File(folder.resolve("meeting"));
  private final List<Process> processes = new ArrayList<>();
  private final BlockingQueue<Death> deaths = new LinkedBlockingQueue<>();
  private volatile boolean joined;

  private Workers(Spread spread) {
    this.spread = spread;
  }

  /**
   * Runs a training in all its processes. The first process on a machine starts the others of that
   * machine. Each process runs {@code training} in a group of all processes of all machines.
   *
   * @param training what each process runs
   * @throws RadialogException if another process ends before the training does
   */
  public static void run(Spread spread, Consumer<ProcessGroup> training) {
    Optional<Integer> worker = Optional.ofNullable(Integer.getInteger(NUMBER));
    if (worker.isPresent()) {
      endWithParent();
      Meeting met =
          spread
              .meeting()
              .orElseGet(() -> new Meeting.File(Path.of(System.getProperty(MEETING, ""))));
      try (ProcessGroup group = ProcessGroup.join(spread.place(worker.get(), met))) {
        training.accept(group);
      }
    } else if (spread.size() == 1) {
      training.accept(ProcessGroup.alone());
    } else {
      new Workers(spread).run(training);
    }
  }

  // The parent may be killed before the group has formed, when no connection tells.
  private static void endWithParent() {
    ProcessHandle.current()
        .parent()
        .ifPresent(parent -> {
          CompletableFuture<Void> _ = parent.onExit().thenRun(() -> Runtime.getRuntime().halt(1));
        });
  }

  private void run(Consumer<ProcessGroup> training) {
    try {
      for (int number = 1; number < spread.processes; number++) {
        start(number);
      }
      Meeting meeting = spread.meeting().orElse(file);
      try (ProcessGroup group = ProcessGroup.join(spread.place(0, meeting))) {
        joined = true;
        training.accept(group);
      }
      for (Process process : processes) {
        if (!process.waitFor(GRACE_SECONDS, TimeUnit.SECONDS)) {
          process.destroyForcibly();
        }
      }
    } catch (ProcessGroup.Lost lost) {
      throw firstDeath().map(death -> death.failure(spread.size(), lost)).orElse(lost);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new RadialogException(
          RadialogException.Kind.CANCELLED, "interrupted while the other processes ended", e);
    } finally {
      processes.forEach(Process::destroyForcibly);
      removeMeeting();
    }
  }

  // The connection closes a moment before the process has ended.
  private Optional<Death> firstDeath() {
    try {
      return Optional.ofNullable(
          processes.isEmpty() ? null : deaths.poll(GRACE_SECONDS, TimeUnit.SECONDS));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return Optional.empty();
    }
  }

  private void start(int number) {
    List<String> words = new ArrayList<>();
    words.add(ProcessHandle.current().info().command().orElse("java"));
    ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
        // not for a child: the terminal, the port of a debugger, a file that is written at the end
        .filter(flag ->
            !flag.startsWith("-Dradialog.stderr.terminal")
                && !flag.startsWith("-agentlib:")
                && !flag.startsWith("-javaagent:")
                && !flag.startsWith("-XX:AOTCacheOutput"))
        .forEach(words::add);
    words.add("-D" + NUMBER + "=" + number);
    words.add("-D" + MEETING + "=" + file.path());
    words.add("-cp");
    words.add(System.getProperty("java.class.path"));
    words.addAll(spread.command);
    Process process;
    try {
      process =
          new ProcessBuilder(words)
              .redirectInput(Redirect.from(Path.of("/dev/null").toFile()))
              .redirectOutput(Redirect.DISCARD)
              .start();
    } catch (IOException e) {
      throw new RadialogException("cannot start process %d: %s".formatted(number, e), e);
    }
    processes.add(process);
    TorchThreads.start("process " + number, 1, () -> watch(number, process));
  }

  private void watch(int number, Process process) {
    String last = "";
    int code;
    try (BufferedReader lines = process.errorReader()) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        if (!line.isBlank() && !line.startsWith("WARNING: ")) {
          last = line;
        }
      }
      code = process.waitFor();
    } catch (IOException e) {
      last = "cannot read what it says: " + e;
      code = process.onExit().join().exitValue();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return;
    }
    if (code != 0) {
      Death death = new Death(spread.rank(number), code, last);
      if (!joined) { // the main thread is waiting for this process to join
        removeMeeting();
        throw death.failure(spread.size(), null);
      }
      deaths.add(death);
    }
  }

  private static Path newFolder() {
    try {
      return Files.createTempDirectory("radialog-processes-"); // its owner's alone
    } catch (IOException e) {
      throw new RadialogException("cannot make a folder for the processes to meet: " + e, e);
    }
  }

  private void removeMeeting() {
    try {
      Files.deleteIfExists(file.path());
      Files.deleteIfExists(folder);
    } catch (IOException e) {
      throw new RadialogException("cannot remove " + file.path() + ": " + e, e);
    }
  }
}
