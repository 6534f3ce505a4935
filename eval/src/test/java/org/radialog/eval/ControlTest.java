package org.radialog.eval;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.radialog.language.LlamaLinear;
import org.radialog.language.LoraAdapter;
import org.radialog.language.LoraConfig;
import org.radialog.torch.Parameters;
import org.radialog.torch.Scope;
import org.radialog.torch.Torch;
import org.radialog.vision.Alignment;

class ControlTest {
  private static final long[] SHAPE = {3, 4};

  private static final Alignment DOUBLED = (features, dropout) -> features.add(features);
  private static final Parameters.Source TAUGHT = (name, shape) -> Optional.of(new float[12]);
  private static final LoraAdapter ADAPTER =
      new LoraAdapter(LoraConfig.trained(3, 6, Set.of(LlamaLinear.Q_PROJ)), TAUGHT);

  private static float[] tokens(Control control) {
    try (Scope _ = new Scope()) {
      return Torch.floats(
          control.alignment(DOUBLED).forward(Torch.tensor(new float[] {1, 2, 3}, 1, 3, 1)));
    }
  }

  private static float[] values(Control control, String name) {
    return control.adapter(ADAPTER).values().values(name, SHAPE).orElseThrow();
  }

  @Test
  void withoutAControlTheModelIsAsItIs() {
    assertThat(tokens(Control.NONE)).containsExactly(2, 4, 6);
    assertThat(Control.NONE.adapter(ADAPTER)).isSameAs(ADAPTER);
  }

  @Test
  void zeroImageGivesAsManyTokensOfZeroAndKeepsTheAdapter() {
    assertThat(tokens(Control.ZERO_IMAGE)).containsExactly(0, 0, 0);
    assertThat(Control.ZERO_IMAGE.adapter(ADAPTER)).isSameAs(ADAPTER);
  }

  @Test
  void aRandomAdapterHasTheSameSizesAndValuesByNameAndKeepsTheImage() {
    assertThat(tokens(Control.RANDOM_ADAPTER)).containsExactly(2, 4, 6);
    assertThat(Control.RANDOM_ADAPTER.adapter(ADAPTER).config()).isEqualTo(ADAPTER.config());
    float[] a = values(Control.RANDOM_ADAPTER, "a");
    assertThat(a).hasSize(12).isNotEqualTo(new float[12]);
    assertThat(values(Control.RANDOM_ADAPTER, "a")).isEqualTo(a);
    assertThat(values(Control.RANDOM_ADAPTER, "b")).isNotEqualTo(a);
    float bound = (float) Math.sqrt(3.0 / 4);
    for (float value : a) {
      assertThat(value).isBetween(-bound, bound);
    }
  }
}
