package org.radialog.language;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The seven linear layers of a Llama block, in the order in which they run. */
public enum LlamaLinear {
  /** Queries, [H · d, D]. */
  Q_PROJ("self_attn.q_proj"),
  /** Keys, [K · d, D]. */
  K_PROJ("self_attn.k_proj"),
  /** Values, [K · d, D]. */
  V_PROJ("self_attn.v_proj"),
  /** Output of attention, [D, H · d]. */
  O_PROJ("self_attn.o_proj"),
  /** The gate of the MLP, [F, D]. */
  GATE_PROJ("mlp.gate_proj"),
  /** The input of the gate, [F, D]. */
  UP_PROJ("mlp.up_proj"),
  /** Output of the MLP, [D, F]. */
  DOWN_PROJ("mlp.down_proj");

  private final String path;

  LlamaLinear(String path) {
    this.path = path;
  }

  /** Its module in {@code layer}, for example {@code model.layers.3.self_attn.q_proj}. */
  public String module(int layer) {
    return "model.layers." + layer + "." + path;
  }

  /** The key of its weight in {@code layer}, [{@link #rows}, {@link #columns}]. */
  public String weight(int layer) {
    return module(layer) + ".weight";
  }

  /** Its name among LoRA's {@code target_modules}, for example {@code q_proj}. */
  public String target() {
    return path.substring(path.indexOf('.') + 1);
  }

  /** Outputs. */
  public int rows(LlamaConfig c) {
    return switch (this) {
      case Q_PROJ -> c.queryRows();
      case K_PROJ, V_PROJ -> c.keyRows();
      case O_PROJ, DOWN_PROJ -> c.hidden();
      case GATE_PROJ, UP_PROJ -> c.mlp();
    };
  }

  /** Inputs. */
  public int columns(LlamaConfig c) {
    return switch (this) {
      case Q_PROJ, K_PROJ, V_PROJ, GATE_PROJ, UP_PROJ -> c.hidden();
      case O_PROJ -> c.queryRows();
      case DOWN_PROJ -> c.mlp();
    };
  }

  /** One of these layers in a block. */
  record Place(LlamaLinear linear, int layer) {}

  private static final Pattern WEIGHT =
      Pattern.compile("model\\.layers\\.(\\d{1,6})\\.(.+)\\.weight");

  /** The layer of the matrix with the key {@code name}; empty if it is none of these. */
  static Optional<Place> ofWeight(String name) {
    Matcher matcher = WEIGHT.matcher(name);
    return matcher.matches()
        ? Stream.of(values())
            .filter(l -> l.path.equals(matcher.group(2)))
            .map(l -> new Place(l, Integer.parseInt(matcher.group(1))))
            .findFirst()
        : Optional.empty();
  }

  /** The layer with this {@link #target}. */
  public static Optional<LlamaLinear> ofTarget(String target) {
    return Stream.of(values()).filter(l -> l.target().equals(target)).findFirst();
  }
}
