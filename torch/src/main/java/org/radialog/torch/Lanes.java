package org.radialog.torch;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.BoolOptional;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Divides a batch among threads, each of which computes the gradients of its part with operations
 * of one thread. That is faster than operations of several threads, above all in fp32: OpenBLAS
 * multiplies these matrices, and its threads wait for each other actively.
 *
 * <p>Each thread takes memory from a pool of its own, where the C library has several. Set {@code
 * MALLOC_ARENA_MAX=1} before the program starts, or a step takes twice the memory.
 */
public final class Lanes {
  private Lanes() {}

  /**
   * Adds the gradients of a batch to those of {@code parameters}. The number of parts is the number
   * of threads that operations of this thread have ({@link TorchThreads}), or that of the elements
   * if it is smaller. The result depends on this number, but neither on which part ends first nor
   * on what happens in other threads.
   *
   * @param loss maps a part of the batch, in its order, to a scalar such that those of all parts
   *     add up to the loss of the batch; must change nothing that other parts read. Its dropout
   *     must be that of {@link Dropout}
   * @return the loss of the batch; 0 if it is empty
   */
  public static <T> double backward(
      List<Tensor> parameters, List<T> batch, Function<List<T>, Tensor> loss) {
    int threads = torch.get_num_threads();
    int lanes = Math.min(threads, batch.size());
    if (lanes < 2) {
      return batch.isEmpty() ? 0 : alone(loss, batch);
    }
    long seed = drawn();
    List<Future<Part>> parts;
    try (BlasThreads _ = BlasThreads.one();
        ExecutorService executor =
            Executors.newFixedThreadPool(
                lanes, TorchThreads.factory("radialog-lane", threads / lanes))) {
      parts =
          IntStream.range(0, lanes)
              .mapToObj(lane -> {
                List<T> own =
                    batch.subList(bound(batch, lane, lanes), bound(batch, lane + 1, lanes));
                return executor.submit(
                    () -> Dropout.seeded(seed + lane, () -> part(parameters, own, loss)));
              })
              .toList();
    } // waits for all of them
    return sum(parameters, parts);
  }

  private static int bound(List<?> batch, int lane, int lanes) {
    return (int) ((long) batch.size() * lane / lanes);
  }

  private static <T> double alone(Function<List<T>, Tensor> loss, List<T> batch) {
    try (Scope _ = new Scope()) {
      Tensor value = loss.apply(batch);
      value.backward();
      return Torch.item(value);
    }
  }

  // From the generator that the seed of the step determines.
  private static long drawn() {
    try (Scope _ = new Scope()) {
      TensorOptions whole = new TensorOptions(ScalarType.Long);
      return torch.randint(Long.MAX_VALUE, new long[] {1}, whole).item_long();
    }
  }

  /** The gradients of a part, one per parameter; undefined if the loss does not depend on it. */
  private record Part(double loss, TensorVector gradients) implements AutoCloseable {
    @Override
    public void close() {
      gradients.close();
    }
  }

  private static <T> Part part(
      List<Tensor> parameters, List<T> own, Function<List<T>, Tensor> loss) {
    try (Scope scope = new Scope()) {
      Tensor value = loss.apply(own);
      TensorVector gradients =
          torch.grad(
              new TensorVector(value),
              new TensorVector(parameters.toArray(Tensor[]::new)),
              new TensorVector(),
              new BoolOptional(),
              false,
              true);
      return new Part(Torch.item(value), scope.release(gradients));
    }
  }

  private static double sum(List<Tensor> parameters, List<Future<Part>> parts) {
    List<RuntimeException> failed = new ArrayList<>();
    double sum = 0;
    for (Future<Part> future : parts) {
      try (Part part = future.get()) {
        if (failed.isEmpty()) {
          add(parameters, part.gradients);
          sum += part.loss;
        }
      } catch (ExecutionException e) {
        failed.add(unwrapped(e));
      } catch (InterruptedException e) {
        throw new IllegalStateException("a part of the batch is complete and cannot wait", e);
      }
    }
    if (!failed.isEmpty()) {
      RuntimeException first = failed.getFirst();
      failed.stream().skip(1).forEach(first::addSuppressed);
      throw first;
    }
    return sum;
  }

  private static RuntimeException unwrapped(ExecutionException e) {
    return switch (e.getCause()) {
      case Error error -> throw error;
      case RuntimeException cause -> cause;
      case null, default -> new IllegalStateException(e);
    };
  }

  private static void add(List<Tensor> parameters, TensorVector gradients) {
    try (Scope _ = new Scope();
        NoGradGuard _ = new NoGradGuard()) {
      for (int i = 0; i < parameters.size(); i++) {
        Tensor parameter = parameters.get(i);
        Tensor gradient = gradients.get(i);
        if (!gradient.defined()) {
          continue;
        }
        if (parameter.grad().defined()) {
          parameter.grad().add_(gradient);
        } else {
          // a copy: a gradient may be one value in many places, or that of another parameter too
          parameter.mutable_grad().put(torch.empty_like(parameter).copy_(gradient));
        }
      }
    }
  }
}
