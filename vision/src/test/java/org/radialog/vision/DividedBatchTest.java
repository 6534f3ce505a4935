package org.radialog.vision;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.radialog.testing.GoldenWeights;
import org.radialog.testing.Outputs;
import org.radialog.torch.Parameters;
import org.radialog.torch.ProcessGroup;
import org.radialog.torch.ProcessGroup.Meeting;
import org.radialog.torch.ProcessGroup.Place;
import org.radialog.torch.Scope;
import org.radialog.torch.Torch;
import org.radialog.vision.BioViLT.BatchNorm;

/** Batch statistics of films that members of a group divide; each member is a thread. */
class DividedBatchTest {
  private static final int FILMS = 5;
  private static final int SIDE = 64;

  @TempDir private Path folder = Path.of("");

  /** In fp64, since a deep network with batch statistics amplifies the rounding of fp32. */
  @Test
  void theMembersOfAGroupHaveTheStatisticsAndTogetherTheGradientsOfTheWholeBatch()
      throws Exception {
    Map<String, float[]> whole = trained(BatchNorm.BATCH, 0, FILMS);
    Meeting meeting = new Meeting.File(folder.resolve("meeting"));
    List<Future<Map<String, float[]>>> members = new ArrayList<>();
    try (ExecutorService threads = Executors.newFixedThreadPool(2)) {
      for (int rank = 0; rank < 2; rank++) {
        Place place = new Place(rank, 2, meeting);
        members.add(
            threads.submit(() -> {
              try (ProcessGroup group = ProcessGroup.join(place);
                  DividedBatch batch = new DividedBatch(group, FILMS)) {
                return trained(batch, 2 * place.rank(), 2 + place.rank());
              }
            }));
      }
    }
    Map<String, float[]> first = members.get(0).get();
    Map<String, float[]> second = members.get(1).get();
    assertThat(whole).containsKey("encoder.encoder._conv_stem.weight").hasSizeGreaterThan(100);
    double largest = 0;
    double difference = 0;
    for (String name : whole.keySet()) {
      float[] expected = Outputs.named(whole, name);
      float[] one = Outputs.named(first, name);
      float[] other = Outputs.named(second, name);
      if (BioViLT.isBuffer(name)) {
        assertThat(one).as(name).usingComparatorWithPrecision(1e-6f).containsExactly(expected);
        assertThat(other).as(name).containsExactly(one);
      } else {
        for (int i = 0; i < expected.length; i++) {
          largest = Math.max(largest, Math.abs(expected[i]));
          difference = Math.max(difference, Math.abs((double) expected[i] - one[i] - other[i]));
        }
      }
    }
    assertThat(difference / largest).isLessThan(1e-6);
  }

  @Test
  void aMemberThatEndsIsNoticedInTheBackwardPassOfTheOthers() throws Exception {
    Meeting meeting = new Meeting.File(folder.resolve("meeting"));
    try (ExecutorService threads = Executors.newFixedThreadPool(2)) {
      Future<?> ending =
          threads.submit(() -> {
            try (Scope _ = new Scope();
                ProcessGroup group = ProcessGroup.join(new Place(1, 2, meeting));
                DividedBatch batch = new DividedBatch(group, 2)) {
              batch.moments(Torch.tensor(new float[] {1, 2}, 1, 1, 1, 2), 0);
            }
          });
      Future<?> staying =
          threads.submit(() -> {
            try (Scope _ = new Scope();
                ProcessGroup group = ProcessGroup.join(new Place(0, 2, meeting));
                DividedBatch batch = new DividedBatch(group, 2)) {
              Tensor x = Torch.tensor(new float[] {3, 5}, 1, 1, 1, 2).set_requires_grad(true);
              Tensor values = x.mul(new Scalar(2.0));
              batch.moments(values, 0);
              ending.get();
              assertThat(group.lost()).isEmpty();
              assertThatThrownBy(() -> values.sum().backward())
                  .isInstanceOf(RuntimeException.class);
              assertThat(group.lost())
                  .hasValueSatisfying(lost ->
                      assertThat(lost)
                          .hasMessageStartingWith("process 0 of 2 has lost another one"));
            }
            return null;
          });
      staying.get();
    }
  }

  @Test
  void everyStepMayHaveABatchOfItsOwn() {
    try (Scope _ = new Scope()) {
      for (int step = 0; step < 30; step++) { // the library has room for ten callbacks at a time
        Tensor x = Torch.tensor(new float[] {1, 2, 3, 5}, 2, 1, 1, 2).set_requires_grad(true);
        try (DividedBatch batch = new DividedBatch(ProcessGroup.alone(), 2)) {
          Tensor values = x.mul(new Scalar(2.0));
          assertThat(Torch.floats(batch.moments(values, 0).mean())).containsExactly(5.5f);
          values.sum().backward();
        }
        // without its part in the mean, it would be 2
        assertThat(Torch.floats(x.grad()))
            .usingComparatorWithPrecision(1e-6f)
            .containsExactly(0, 0, 0, 0);
      }
    }
  }

  // The gradients of the films from `first` on, and the running statistics.
  private static Map<String, float[]> trained(BioViLT.Statistics statistics, int first, int count) {
    try (Scope _ = new Scope();
        Parameters p = Parameters.fresh(1)) {
      BioViLT network = BioViLT.of(p, BioViLT.Config.of(BioViLT.Backbone.EFFICIENTNET_LITE0, 8, 8));
      p.to(ScalarType.Double, _ -> true);
      p.trainable(name -> !BioViLT.isBuffer(name));
      long[] shape = {FILMS, 1, SIDE, SIDE};
      Tensor films =
          Torch.tensor(GoldenWeights.floats("", "image", 0, 1, shape), shape).to(ScalarType.Double);
      Tensor loss =
          network
              .forward(films.narrow(0, first, count), statistics)
              .projected()
              .square()
              .sum()
              .div(new Scalar((double) FILMS));
      loss.backward();
      Map<String, float[]> seen = new LinkedHashMap<>();
      p.named()
          .forEach((name, tensor) ->
              seen.put(name, Torch.floats(BioViLT.isBuffer(name) ? tensor : tensor.grad())));
      return seen;
    }
  }
}
