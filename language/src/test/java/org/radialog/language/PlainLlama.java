package org.radialog.language;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.radialog.torch.Torch;

/**
 * The training pass of an adapted {@link Llama} written out in elementary operations, in fp32 or
 * fp64: what the gradients are in exact arithmetic, and what plain fp32 makes of them. The call
 * must stand in a {@code Scope}.
 *
 * <p>B sequences · T tokens · D hidden · H heads · K key/value heads · d head size · V vocabulary.
 */
final class PlainLlama {
  private final LlamaWeights weights;
  private final LlamaConfig config;
  private final LoraConfig lora;
  private final ScalarType type;
  private final Map<String, Tensor> adapter = new LinkedHashMap<>();

  /** The adapter's values come from {@code weights} too, under PEFT's names. */
  PlainLlama(FormulaWeights weights, LoraConfig lora, ScalarType type) {
    this.weights = weights;
    this.config = weights.config();
    this.lora = lora;
    this.type = type;
    for (int layer = 0; layer < config.layers(); layer++) {
      for (LlamaLinear linear : lora.targets()) {
        long[] shape = weights.info(linear.weight(layer)).shape(); // [out, in]
        String module = LoraAdapter.PREFIX + linear.module(layer);
        for (String factor : List.of("lora_A", "lora_B")) {
          long rows = factor.equals("lora_A") ? lora.r() : shape[0];
          long columns = factor.equals("lora_A") ? shape[1] : lora.r();
          String key = module + "." + factor + ".weight";
          float[] values = weights.value(key, rows, columns);
          adapter.put(
              key, Torch.tensor(values, rows, columns).to(type).detach().set_requires_grad(true));
        }
      }
    }
  }

  /** The gradients of the mean cross-entropy, by the adapter's names. */
  Map<String, double[]> gradients(int[][] ids, int[][] labels) {
    loss(ids, labels).backward();
    return gradients(adapter);
  }

  /** The gradients of {@code tensors} as doubles, row-major. */
  static Map<String, double[]> gradients(Map<String, Tensor> tensors) {
    Map<String, double[]> gradients = new LinkedHashMap<>();
    tensors.forEach((name, tensor) -> {
      Tensor gradient = tensor.grad().to(ScalarType.Double).contiguous();
      double[] values = new double[Math.toIntExact(gradient.numel())];
      gradient.data_ptr_double().get(values);
      gradients.put(name, values);
    });
    return gradients;
  }

  private Tensor loss(int[][] ids, int[][] labels) {
    int b = ids.length;
    int t = ids[0].length;
    long[] flat = Arrays.stream(ids).flatMapToInt(Arrays::stream).asLongStream().toArray();
    Tensor x =
        weight(LlamaWeights.EMBEDDING)
            .index_select(0, Torch.tensor(flat, flat.length))
            .view(b, t, config.hidden()); // [B, T, D]
    try (Rotary rotary = new Rotary(config)) {
      Tensor all = Torch.tensor(IntStream.range(0, t).toArray(), t); // [T]
      Tensor cos = rotary.cos(all, t).to(type).transpose(0, 1); // [1, T, d]
      Tensor sin = rotary.sin(all, t).to(type).transpose(0, 1); // [1, T, d]
      for (int layer = 0; layer < config.layers(); layer++) {
        Tensor h = norm(x, LlamaWeights.inputNorm(layer));
        x = x.add(attention(h, layer, cos, sin)); // [B, T, D]
        h = norm(x, LlamaWeights.postAttentionNorm(layer));
        Tensor gate = torch.silu(linear(h, LlamaLinear.GATE_PROJ, layer)); // [B, T, F]
        Tensor up = linear(h, LlamaLinear.UP_PROJ, layer); // [B, T, F]
        x = x.add(linear(gate.mul(up), LlamaLinear.DOWN_PROJ, layer)); // [B, T, D]
      }
    }
    Tensor hidden = norm(x, LlamaWeights.NORM).view(-1, config.hidden()); // [B·T, D]
    List<Long> rows = new ArrayList<>();
    List<Long> targets = new ArrayList<>();
    for (int i = 0; i < b; i++) {
      for (int j = 1; j < t; j++) {
        if (labels[i][j] != Llama.IGNORED) {
          rows.add((long) i * t + j - 1);
          targets.add((long) labels[i][j]);
        }
      }
    }
    Tensor logits =
        torch.linear(hidden.index_select(0, longs(rows)), weight(LlamaWeights.HEAD)); // [M, V]
    return torch.cross_entropy_loss(logits, longs(targets));
  }

  private Tensor attention(Tensor x, int layer, Tensor cos, Tensor sin) {
    Tensor q = rotate(heads(x, LlamaLinear.Q_PROJ, layer, config.heads()), cos, sin);
    Tensor k = rotate(heads(x, LlamaLinear.K_PROJ, layer, config.kvHeads()), cos, sin);
    Tensor v = heads(x, LlamaLinear.V_PROJ, layer, config.kvHeads());
    long t = x.size(1);
    Tensor future = torch.ones(new long[] {t, t}).triu(1).to(ScalarType.Bool); // [T, T]
    Tensor scores =
        q.matmul(grouped(k).transpose(2, 3))
            .div(new Scalar(Math.sqrt((double) config.headSize())))
            .masked_fill(future, new Scalar(Double.NEGATIVE_INFINITY)); // [B, H, T, T]
    Tensor attended = torch.softmax(scores, -1).matmul(grouped(v)); // [B, H, T, d]
    Tensor joined = attended.transpose(1, 2).reshape(x.size(0), t, config.queryRows());
    return linear(joined, LlamaLinear.O_PROJ, layer); // [B, T, D]
  }

  // [B, T, D] -> [B, heads, T, d]
  private Tensor heads(Tensor x, LlamaLinear linear, int layer, int heads) {
    return linear(x, linear, layer)
        .view(x.size(0), x.size(1), heads, config.headSize())
        .transpose(1, 2);
  }

  // [B, K, T, d] -> [B, H, T, d]
  private Tensor grouped(Tensor t) {
    return t.repeat_interleave(config.group(), new LongOptional(1), new LongOptional());
  }

  private Tensor rotate(Tensor x, Tensor cos, Tensor sin) {
    long half = config.headSize() / 2;
    Tensor first = x.narrow(3, 0, half);
    Tensor second = x.narrow(3, half, half);
    return x.mul(cos).add(torch.cat(new TensorVector(second.neg(), first), 3).mul(sin));
  }

  private Tensor norm(Tensor x, String name) {
    Tensor square = x.mul(x).mean(new long[] {-1}, true, new ScalarTypeOptional()); // [B, T, 1]
    return x.mul(square.add(new Scalar(config.rmsEps())).rsqrt()).mul(weight(name));
  }

  private Tensor linear(Tensor x, LlamaLinear linear, int layer) {
    Tensor y = torch.linear(x, weight(linear.weight(layer)));
    if (!lora.targets().contains(linear)) {
      return y;
    }
    String module = LoraAdapter.PREFIX + linear.module(layer);
    Tensor a = Objects.requireNonNull(adapter.get(module + ".lora_A.weight"));
    Tensor b = Objects.requireNonNull(adapter.get(module + ".lora_B.weight"));
    return y.add(torch.linear(torch.linear(x, a), b), new Scalar(lora.scale()));
  }

  private Tensor weight(String name) {
    return Torch.tensor(weights.floats(name), weights.info(name).shape()).to(type);
  }

  private static Tensor longs(List<Long> values) {
    return Torch.tensor(values.stream().mapToLong(Long::longValue).toArray(), values.size());
  }
}
