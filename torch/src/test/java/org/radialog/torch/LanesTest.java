package org.radialog.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.stream.IntStream;
import org.assertj.core.api.Assertions;
import org.assertj.core.data.Offset;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class LanesTest {
  private static final int BATCH = 6;
  private static final int WIDTH = 33;

  private final Scope scope = new Scope();
  private Tensor weight;
  private Tensor unused;
  private Tensor x; // [BATCH, WIDTH]

  @BeforeEach
  void make() {
    Torch.seed(1);
    weight = torch.randn(WIDTH, WIDTH).requires_grad_(true);
    unused = torch.randn(WIDTH).requires_grad_(true);
    x = torch.randn(BATCH, WIDTH);
  }

  @AfterEach
  void close() {
    scope.close();
  }

  @Test
  void theGradientsOfThePartsAddUpToThoseOfTheBatch() {
    double whole = gradient(1, 0);
    float[] alone = Torch.floats(weight.grad());
    double divided = gradient(4, 0);
    assertThat(divided).isCloseTo(whole, Assertions.within(1e-6 * whole));
    assertThat(Torch.floats(weight.grad())).containsExactly(alone, Offset.offset(1e-5f));
    assertThat(unused.grad().defined()).isFalse();
  }

  @Test
  void gradientsAreAddedToThoseThatAreThere() {
    gradient(2, 0);
    float[] once = Torch.floats(weight.grad());
    add(2, 0);
    float[] twice = Torch.floats(weight.grad());
    for (int i = 0; i < once.length; i++) {
      assertThat(twice[i]).isCloseTo(2 * once[i], Offset.offset(1e-5f));
    }
  }

  @Test
  void dropoutDependsOnTheSeedAlone() {
    Torch.seed(7);
    gradient(3, 0.5);
    float[] first = Torch.floats(weight.grad());
    for (int again = 0; again < 20; again++) {
      Torch.seed(7);
      gradient(3, 0.5);
      assertThat(Torch.floats(weight.grad())).isEqualTo(first);
    }
    Torch.seed(8);
    gradient(3, 0.5);
    assertThat(Torch.floats(weight.grad())).isNotEqualTo(first);
  }

  @Test
  void partsAreComputedAtTheSameTimeWithTheirShareOfTheThreads() {
    CyclicBarrier together = new CyclicBarrier(3);
    List<Integer> threads = new ArrayList<>();
    try (TorchThreads _ = TorchThreads.of(6)) {
      Lanes.backward(
          List.of(weight),
          List.of(0, 1, 2),
          part -> {
            try {
              together.await();
            } catch (Exception e) {
              throw new IllegalStateException(e);
            }
            synchronized (threads) {
              threads.add(torch.get_num_threads());
            }
            return weight.sum().mul(new Scalar(part.getFirst()));
          });
    }
    assertThat(threads).containsExactly(2, 2, 2);
    assertThat(Torch.floats(weight.grad())).containsOnly(3);
  }

  @Test
  void whatStopsAPartIsThrownAndNoGradientIsAdded() {
    try (TorchThreads _ = TorchThreads.of(2)) {
      assertThatThrownBy(() ->
              Lanes.backward(
                  List.of(weight),
                  List.of(0, 1),
                  part -> {
                    if (part.contains(0)) {
                      throw new IllegalArgumentException("the film is damaged");
                    }
                    return weight.sum();
                  }))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("the film is damaged");
    }
    assertThat(weight.grad().defined()).isFalse();
  }

  @Test
  void anEmptyBatchHasNoLoss() {
    assertThat(
            Lanes.backward(
                List.of(weight),
                List.of(),
                _ -> {
                  throw new AssertionError("there is no part");
                }))
        .isZero();
  }

  private double gradient(int threads, double dropout) {
    weight.mutable_grad().reset();
    return add(threads, dropout);
  }

  private double add(int threads, double dropout) {
    try (TorchThreads _ = TorchThreads.of(threads)) {
      return Lanes.backward(
          List.of(weight, unused),
          IntStream.range(0, BATCH).boxed().toList(),
          part -> {
            Tensor rows = x.narrow(0, part.getFirst(), part.size());
            Tensor out = torch.linear(Dropout.of(rows, dropout), weight); // [n, WIDTH]
            return out.square().sum().mul(new Scalar(1.0 / BATCH));
          });
    }
  }
}
