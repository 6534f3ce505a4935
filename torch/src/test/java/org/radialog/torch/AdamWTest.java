package org.radialog.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import org.bytedeco.pytorch.AdamWOptions;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.radialog.base.RadialogException;
import org.radialog.torch.AdamW.Config;
import org.radialog.torch.AdamW.Flavour;
import org.radialog.weights.Checkpoint;
import org.radialog.weights.DType;
import org.radialog.weights.SafetensorsWriter;

class AdamWTest {
  private static final float[] START = {1f, -2f, 0.5f, 3f};

  @Test
  void stepsOfTheTorchFlavourAreThoseOfTheLibrarysOwnOptimiser() {
    try (Scope _ = new Scope();
        Parameters p = parameters();
        AdamW ours = new AdamW(new Config(Flavour.TORCH, 0.9, 0.999, 1e-6, 0.1), p.trainable())) {
      Tensor theirs = Torch.tensor(START, 4);
      theirs.requires_grad_(true);
      AdamWOptions options = new AdamWOptions(0.01);
      options.eps().put(1e-6);
      options.weight_decay().put(0.1);
      var library = new org.bytedeco.pytorch.AdamW(new TensorVector(theirs), options);
      Tensor mine = p.named().firstEntry().getValue();
      for (int step = 0; step < 5; step++) {
        ours.zeroGrad();
        loss(mine).backward();
        ours.step(0.01);
        library.zero_grad();
        loss(theirs).backward();
        library.step();
      }
      assertThat(Torch.floats(mine)).containsExactly(Torch.floats(theirs), within(1e-6f));
      assertThat(Torch.floats(mine)).isNotEqualTo(START);
    }
  }

  @Test
  void theFirstStepOfEachFlavourIsTheFormulaByHand() {
    // After one step m = (1 - b1) g, v = (1 - b2) g²; with g = 2 · 1 the two flavours differ by
    // eps.
    double gradient = 2;
    double epsilon = 0.5;
    double torch = 1 - 0.01 * gradient / (gradient + epsilon);
    double transformers =
        1
            - 0.01
                * Math.sqrt(1 - 0.999)
                / (1 - 0.9)
                * (0.1 * gradient)
                / (Math.sqrt(0.001) * gradient + epsilon);
    assertThat(first(Flavour.TORCH, epsilon)).isCloseTo(torch, within(1e-6));
    assertThat(first(Flavour.TRANSFORMERS, epsilon)).isCloseTo(transformers, within(1e-6));
  }

  private static double first(Flavour flavour, double epsilon) {
    try (Scope _ = new Scope();
        Parameters p = parameters();
        AdamW optimizer = new AdamW(new Config(flavour, 0.9, 0.999, epsilon, 0), p.trainable())) {
      loss(p.named().firstEntry().getValue()).backward();
      optimizer.step(0.01);
      return Torch.floats(p.named().firstEntry().getValue())[0];
    }
  }

  @Test
  void aParameterWithoutAGradientIsLeftAsItIs() {
    try (Scope _ = new Scope();
        Parameters p = parameters();
        AdamW optimizer = new AdamW(Config.TORCH.withWeightDecay(0.1), p.trainable())) {
      optimizer.step(0.01);
      assertThat(Torch.floats(p.named().firstEntry().getValue())).containsExactly(START);
    }
  }

  @Test
  void aGroupHasARateAndADecayOfItsOwn() {
    try (Scope _ = new Scope();
        Parameters p = Parameters.of((name, _) -> Optional.of(START.clone()))) {
      Tensor slow = p.get("slow", Init.zeros(), 4);
      Tensor still = p.get("still", Init.zeros(), 4);
      p.trainable(_ -> true);
      try (AdamW optimizer =
          new AdamW(
              Config.TORCH,
              List.of(
                  new AdamW.Group(map("slow", slow), 0.5, 1),
                  new AdamW.Group(map("still", still), 0, 1)))) {
        loss(slow.add(still)).backward();
        optimizer.step(0.01);
        assertThat(Torch.floats(still)).containsExactly(START);
        assertThat(Torch.floats(slow)[0]).isCloseTo(0.995f, within(1e-6f));
      }
    }
  }

  @Test
  void clippingScalesAllGradientsToTheCommonNorm() {
    try (Scope _ = new Scope();
        Parameters p = parameters();
        AdamW optimizer = new AdamW(Config.TORCH, p.trainable())) {
      Tensor t = p.named().firstEntry().getValue();
      loss(t).backward(); // 2 t
      double norm = 2 * Math.sqrt(1 + 4 + 0.25 + 9);
      assertThat(optimizer.clipGradNorm(100)).isCloseTo(norm, within(1e-5));
      assertThat(Torch.floats(t.grad())).containsExactly(2f, -4f, 1f, 6f);
      assertThat(optimizer.clipGradNorm(1)).isCloseTo(norm, within(1e-5));
      assertThat(Torch.item(t.grad().norm())).isCloseTo(1, within(1e-5));
    }
  }

  @ParameterizedTest
  @EnumSource
  void goingOnFromASavedStateGivesTheSameBits(Flavour flavour, @TempDir Path folder) {
    Path file = folder.resolve("state.safetensors");
    Config config = new Config(flavour, 0.9, 0.999, 1e-8, 0.01);
    float[] whole;
    try (Scope _ = new Scope();
        Parameters p = parameters();
        AdamW optimizer = new AdamW(config, p.trainable())) {
      steps(p, optimizer, 3);
      SequencedMap<String, Tensor> all = optimizer.state();
      all.putAll(p.named());
      SafetensorsWriter.write(file, Map.of(), Parameters.entries(all, DType.F32));
      steps(p, optimizer, 4);
      whole = Torch.floats(p.named().firstEntry().getValue());
    }
    try (Scope _ = new Scope();
        Checkpoint saved = Checkpoint.open(file);
        Parameters p = parameters();
        AdamW optimizer = new AdamW(config, p.trainable())) {
      p.load(Parameters.Source.of(saved));
      optimizer.load(Parameters.Source.of(saved), 3);
      steps(p, optimizer, 4);
      assertThat(Torch.floats(p.named().firstEntry().getValue())).containsExactly(whole);
    }
  }

  @Test
  void aParameterInTwoGroupsIsRefused() {
    try (Parameters p = parameters()) {
      AdamW.Group group = new AdamW.Group(p.named(), 1, 1);
      assertThatThrownBy(() -> new AdamW(Config.TORCH, List.of(group, group)))
          .isInstanceOf(RadialogException.class)
          .hasMessageContaining("weight is in two groups");
    }
  }

  private static void steps(Parameters p, AdamW optimizer, int count) {
    for (int i = 0; i < count; i++) {
      try (Scope _ = new Scope()) {
        optimizer.zeroGrad();
        loss(p.named().firstEntry().getValue()).backward();
        optimizer.step(0.01);
      }
    }
  }

  private static Parameters parameters() {
    Parameters p = Parameters.of((name, _) -> Optional.of(START.clone()));
    p.get("weight", Init.zeros(), 4);
    p.trainable(_ -> true);
    return p;
  }

  private static Tensor loss(Tensor t) {
    return t.pow(new Scalar(2)).sum();
  }

  private static SequencedMap<String, Tensor> map(String name, Tensor tensor) {
    SequencedMap<String, Tensor> map = new LinkedHashMap<>();
    map.put(name, tensor);
    return map;
  }
}
