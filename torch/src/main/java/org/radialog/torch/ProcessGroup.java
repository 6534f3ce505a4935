package org.radialog.torch;

import java.io.IOException;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.bytedeco.javacpp.chrono.Milliseconds;
import org.bytedeco.pytorch.BroadcastOptions;
import org.bytedeco.pytorch.FileStore;
import org.bytedeco.pytorch.GlooDeviceVector;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.ProcessGroupGloo;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Store;
import org.bytedeco.pytorch.TCPStore;
import org.bytedeco.pytorch.TCPStoreOptions;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.Work;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.bytedeco.pytorch.global.torch_gloo;
import org.radialog.base.Printable;
import org.radialog.base.RadialogException;

/**
 * A group of processes that exchange tensors through libtorch's Gloo over TCP. Every process of a
 * group must make the same calls in the same order; each call waits for the other processes. The
 * order of a sum depends only on the number of processes, and all processes get the same bits.
 *
 * <p>The traffic is neither encrypted nor authenticated, so machines need a private network. Not
 * safe for use by several threads at once.
 */
public final class ProcessGroup implements AutoCloseable {
  private static final Duration JOINING = Duration.ofMinutes(10);
  // A process that ends closes its connections, which is noticed at once. This is the limit for a
  // machine that stops responding with its connections open.
  private static final Duration WAITING = Duration.ofHours(1);

  /** Where the processes of a group find each other. */
  public sealed interface Meeting {
    /**
     * A file that the processes of one machine exchange their addresses through.
     *
     * @param path a file that does not exist yet
     */
    record File(Path path) implements Meeting {}

    /**
     * A port that process 0 opens, for processes on any machines.
     *
     * @param host an address of the machine on which process 0 runs
     * @param port a free TCP port of it
     */
    record Port(String host, int port) implements Meeting {}
  }

  /**
   * The place of a process in its group.
   *
   * @param rank the number of this process, from 0
   * @param size the number of processes in the group
   * @param meeting where the processes find each other
   */
  public record Place(int rank, int size, Meeting meeting) {}

  /** Another process of the group has ended or does not respond. */
  public static final class Lost extends RadialogException {
    private static final long serialVersionUID = 1;

    Lost(String message, Throwable cause) {
      super(message, cause);
    }
  }

  private record Joined(Store store, ProcessGroupGloo gloo) {}

  private final int rank;
  private final int size;
  private final Optional<Joined> others; // empty for a process alone
  private Optional<Lost> lost = Optional.empty();

  private ProcessGroup(int rank, int size, Optional<Joined> others) {
    this.rank = rank;
    this.size = size;
    this.others = others;
  }

  /** A group of this process only, whose calls return at once. */
  public static ProcessGroup alone() {
    return new ProcessGroup(0, 1, Optional.empty());
  }

  /**
   * Joins a group; returns when all processes have joined. They may start up to ten minutes apart.
   *
   * @throws RadialogException if the meeting cannot be reached or a process does not join
   */
  public static ProcessGroup join(Place place) {
    NativeLibraries.load();
    torch_gloo.kAllreduceSlotPrefix(); // loads Gloo's part of the binding
    try (Scope scope = new Scope()) {
      Store store = scope.release(store(place));
      ProcessGroupGloo.Options options = ProcessGroupGloo.Options.create(millis(JOINING));
      options.devices(
          new GlooDeviceVector(ProcessGroupGloo.createDeviceForHostname(ownAddress(place))));
      ProcessGroupGloo gloo =
          scope.release(new ProcessGroupGloo(store, place.rank, place.size, options));
      gloo.setTimeout(millis(WAITING));
      return new ProcessGroup(place.rank, place.size, Optional.of(new Joined(store, gloo)));
    } catch (RuntimeException e) {
      throw new Lost(
          "process %d of %d cannot join the others at %s: %s"
              .formatted(place.rank, place.size, name(place.meeting), words(e)),
          e);
    }
  }

  private static Store store(Place place) {
    return switch (place.meeting) {
      case Meeting.File(Path path) -> new FileStore(path.toString(), place.size);
      case Meeting.Port(String host, int port) -> {
        TCPStoreOptions options = new TCPStoreOptions();
        options.port((short) port);
        options.isServer(place.rank == 0);
        options.waitWorkers(false);
        options.timeout(millis(JOINING));
        yield new TCPStore(host, options);
      }
    };
  }

  // Where the others reach this process.
  private static String ownAddress(Place place) {
    return switch (place.meeting) {
      case Meeting.File _ -> "127.0.0.1";
      case Meeting.Port(String host, int port) -> place.rank == 0 ? host : towards(host, port);
    };
  }

  // The address that the system would send from; nothing is sent.
  private static String towards(String host, int port) {
    try (DatagramSocket socket = new DatagramSocket()) {
      socket.connect(new InetSocketAddress(InetAddress.getByName(host), port));
      return socket.getLocalAddress().getHostAddress();
    } catch (IOException e) {
      throw new RadialogException("no way leads to %s: %s".formatted(Printable.of(host), e), e);
    }
  }

  private static String name(Meeting meeting) {
    return switch (meeting) {
      case Meeting.File(Path path) -> Printable.escaped(path.toString());
      case Meeting.Port(String host, int port) -> Printable.of(host) + ":" + port;
    };
  }

  /** The number of this process, from 0. */
  public int rank() {
    return rank;
  }

  /** How many processes there are, this one among them. */
  public int size() {
    return size;
  }

  /**
   * Replaces a dense tensor by its sum over all processes. It must have the same shape and dtype in
   * each.
   *
   * @throws Lost if another process has ended
   */
  public void sum(Tensor tensor) {
    together(tensor, gloo -> values -> gloo.allreduce(values));
  }

  /**
   * The sum of a number over all processes.
   *
   * @throws Lost if another process has ended
   */
  public double sum(double value) {
    try (Scope _ = new Scope()) {
      Tensor one = Torch.empty(ScalarType.Double, 1).fill_(new Scalar(value));
      sum(one);
      return Torch.item(one);
    }
  }

  /**
   * Replaces a tensor by that of process 0, which must have the same shape and dtype.
   *
   * @throws Lost if another process has ended
   */
  public void broadcast(Tensor tensor) {
    broadcast(tensor, 0);
  }

  /**
   * What a call has thrown when another process was lost: the library wraps what is thrown during a
   * backward pass in an exception of its own.
   */
  public Optional<Lost> lost() {
    return lost;
  }

  private void broadcast(Tensor tensor, int from) {
    together(
        tensor, gloo -> values -> gloo.broadcast(values, new BroadcastOptions().rootRank(from)));
  }

  /**
   * The rows of all processes, in the order of their ranks. Only the own rows are connected to the
   * autograd graph.
   *
   * @param own [n, …], the rows of this process
   * @param rows how many rows each process has, n being one of these numbers
   * @return [N, …], N being the sum of {@code rows}
   * @throws Lost if another process has ended
   */
  public Tensor gather(Tensor own, List<Integer> rows) {
    if (rows.size() != size || own.size(0) != rows.get(rank)) {
      throw new IllegalArgumentException(
          "process %d of %d has %d rows, expected as announced: %s"
              .formatted(rank, size, own.size(0), rows));
    }
    if (size == 1) {
      return own;
    }
    try (Scope scope = new Scope()) {
      TensorVector parts = new TensorVector();
      for (int from = 0; from < size; from++) {
        long[] shape = Torch.shape(own);
        shape[0] = rows.get(from);
        Tensor part =
            from == rank ? own.contiguous() : Torch.empty(Torch.type(own), shape); // [n, …]
        broadcast(part, from);
        parts.push_back(part);
      }
      return scope.keep(torch.cat(parts, 0)); // [N, …]
    }
  }

  /**
   * Returns the values of process 0 in all processes.
   *
   * @param values the same number of values in each process
   * @throws Lost if another process has ended
   */
  public long[] first(long... values) {
    try (Scope _ = new Scope()) {
      Tensor all = Torch.tensor(values, values.length);
      broadcast(all);
      return Torch.longs(all);
    }
  }

  /**
   * Waits until all processes have made this call.
   *
   * @throws Lost if another process has ended
   */
  public void barrier() {
    sum(0);
  }

  private void together(
      Tensor tensor, Function<ProcessGroupGloo, Function<TensorVector, Work>> what) {
    others.ifPresent(joined -> {
      try (Scope _ = new Scope();
          NoGradGuard _ = new NoGradGuard()) {
        Tensor plain = tensor.detach().contiguous();
        what.apply(joined.gloo).apply(new TensorVector(plain))._wait();
        if (!tensor.is_contiguous()) {
          tensor.copy_(plain);
        }
      } catch (RuntimeException e) {
        Lost found =
            new Lost(
                "process %d of %d has lost another one: %s".formatted(rank, size, words(e)), e);
        lost = Optional.of(found);
        throw found;
      }
    });
  }

  // The library's messages begin with a position in its source code.
  private static String words(RuntimeException e) {
    String message = String.valueOf(e.getMessage()).lines().findFirst().orElse("");
    return Printable.of(message.replaceFirst("^\\[[^\\]]*\\.cc:\\d+\\] ", ""));
  }

  /** Leaves the group. */
  @Override
  public void close() {
    others.ifPresent(joined -> {
      joined.gloo.close();
      joined.store.close();
    });
  }

  private static Milliseconds millis(Duration time) {
    return new Milliseconds(time.toMillis());
  }
}
