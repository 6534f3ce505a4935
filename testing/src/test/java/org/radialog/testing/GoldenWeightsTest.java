package org.radialog.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

/** The values in the table of golden/README.md, section 1. */
class GoldenWeightsTest {
  @Test
  void hashIsFnv1a64OfUtf8() {
    assertThat(GoldenWeights.hash("a")).isEqualTo(0xaf63dc4c8601ec8cL);
    assertThat(GoldenWeights.hash("encoder.encoder.conv1.weight")).isEqualTo(0x6c164d08e1cd09a4L);
    assertThat(GoldenWeights.hash("encoder.encoder.bn1.running_var"))
        .isEqualTo(0x0473d5fc8d554c0fL);
    assertThat(GoldenWeights.hash("encoder.encoder.bn1.weight")).isEqualTo(0x8dea273acb3d8882L);
    assertThat(GoldenWeights.hash("encoder.encoder.bn1.bias")).isEqualTo(0x799f70b35ab6ab5fL);
    assertThat(GoldenWeights.hash("Größe.weight")).isEqualTo(0xb8eb6c147a1438ecL);
  }

  @Test
  void uniformsAreSplitMix64() {
    long h = 0x6c164d08e1cd09a4L;
    assertThat(LongStream.range(0, 5).mapToDouble(i -> GoldenWeights.uniform(h, i)).toArray())
        .containsExactly(
            0x1.3594ca1ff9194p-2,
            -0x1.8d226df3c2300p-1,
            -0x1.2e0fb8328cea4p-1,
            0x1.9e76dbaa3eec8p-3,
            -0x1.6df88cfa1e9e0p-5);
  }

  @Test
  void weightsOfSeveralDimensionsScaleWithTheirFanIn() {
    float[] conv1 = GoldenWeights.fill("", "encoder.encoder.conv1.weight", 64, 3, 7, 7);
    assertThat(first(5, conv1))
        .containsExactly(
            0x1.61ce9ep-5f, -0x1.c5de34p-4f, -0x1.59368ap-4f, 0x1.d9ac68p-6f, -0x1.a240a2p-8f);
    assertThat(conv1).hasSize(9408);
    assertThat(conv1[9407]).isEqualTo(0x1.5a00d6p-4f);
    assertThat(first(5, GoldenWeights.fill("", "Größe.weight", 2, 3)))
        .containsExactly(
            0x1.b2b29cp-1f, -0x1.5ed198p-6f, 0x1.4c8296p-1f, 0x1.cbfdeep-3f, -0x1.afc126p-1f);
  }

  @Test
  void vectorsFollowTheirName() {
    assertThat(first(5, GoldenWeights.fill("", "encoder.encoder.bn1.running_var", 64)))
        .containsExactly(
            0x1.dad1c6p-1f, 0x1.5ab308p+0f, 0x1.57bbbep+0f, 0x1.ed98ccp-1f, 0x1.dc56cep-1f);
    assertThat(first(5, GoldenWeights.fill("", "encoder.encoder.bn1.weight", 64)))
        .containsExactly(
            0x1.16943p+0f, 0x1.df8e3ep-1f, 0x1.e3a0d6p-1f, 0x1.fdc95cp-1f, 0x1.041ebcp+0f);
    assertThat(first(5, GoldenWeights.fill("", "encoder.encoder.bn1.bias", 64)))
        .containsExactly(
            -0x1.82d5fep-4f, -0x1.d4e27p-5f, 0x1.4fb3ccp-5f, 0x1.a91dep-7f, 0x1.805edap-4f);
    assertThat(GoldenWeights.fill("", "temp")).containsExactly(0.07f);
    assertThat(GoldenWeights.fill("", "bn1.num_batches_tracked")).containsExactly(0f);
  }

  @Test
  void inputsFillTheirRange() {
    assertThat(first(3, GoldenWeights.floats("", "input/biovilt/single", 0, 1, 1, 3, 28, 28)))
        .containsExactly(0x1.55dc8cp-1f, 0x1.edcdd4p-4f, 0x1.21cfc2p-1f);
    assertThat(GoldenWeights.ids("", "input/llama-mha/prompt", 3, 320, 5))
        .containsExactly(124, 117, 142, 121, 113);
  }

  @Test
  void aSaltChangesEveryValue() {
    float[] plain = GoldenWeights.fill("", "a.weight", 4, 4);
    float[] salted = GoldenWeights.fill("salt/", "a.weight", 4, 4);
    for (int i = 0; i < plain.length; i++) {
      assertThat(salted[i]).isNotEqualTo(plain[i]);
    }
  }

  private static float[] first(int count, float[] values) {
    return Arrays.copyOf(values, count);
  }
}
