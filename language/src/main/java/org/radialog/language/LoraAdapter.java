package org.radialog.language;

import java.util.Optional;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.torch.Parameters;

/**
 * The values of a low-rank adapter, under PEFT's names: {@code base_model.model.} + module + {@code
 * .lora_A.weight} [r, in] and {@code .lora_B.weight} [out, r].
 *
 * @param config rank, strength and targets
 * @param values the source of the two matrices of each target, by these names
 */
public record LoraAdapter(LoraConfig config, Parameters.Source values) {
  /** PEFT's prefix of the name of a module. */
  public static final String PREFIX = "base_model.model.";

  /**
   * The two matrices of one layer.
   *
   * @param a [r, in] row-major
   * @param b [out, r] row-major
   */
  @SuppressWarnings("ArrayRecordComponent") // values, never compared
  public record Pair(float[] a, float[] b) {}

  /** Whether the adapter has matrices for the layer with the key {@code weight}. */
  boolean targets(String weight) {
    return LlamaLinear.ofWeight(weight)
        .filter(place -> config.targets().contains(place.linear()))
        .isPresent();
  }

  /** The matrices for the layer with the key {@code weight}; see {@link #pair}. */
  public Optional<Pair> beside(LlamaConfig model, String weight) {
    return LlamaLinear.ofWeight(weight)
        .flatMap(place -> pair(model, place.layer(), place.linear()));
  }

  /**
   * The matrices for {@code linear} of {@code layer}; empty if the adapter does not target it.
   *
   * @throws RadialogException if it does and a matrix is missing or has another shape
   */
  public Optional<Pair> pair(LlamaConfig model, int layer, LlamaLinear linear) {
    if (!config.targets().contains(linear)) {
      return Optional.empty();
    }
    String module = PREFIX + linear.module(layer);
    return Optional.of(
        new Pair(
            matrix(module + ".lora_A.weight", config.r(), linear.columns(model)),
            matrix(module + ".lora_B.weight", linear.rows(model), config.r())));
  }

  private float[] matrix(String name, long rows, long columns) {
    return values
        .values(name, new long[] {rows, columns})
        .orElseThrow(() ->
            new RadialogException(
                Kind.REFUSED_WEIGHTS,
                "adapter: expected a matrix %s [%d, %d], found none"
                    .formatted(name, rows, columns)));
  }
}
