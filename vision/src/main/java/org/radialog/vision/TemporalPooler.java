package org.radialog.vision;

import static org.bytedeco.pytorch.global.torch.cat;
import static org.bytedeco.pytorch.global.torch.gelu;
import static org.bytedeco.pytorch.global.torch.matmul;
import static org.bytedeco.pytorch.global.torch.softmax;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.radialog.base.RadialogException;
import org.radialog.torch.Init;
import org.radialog.torch.LayerNorm;
import org.radialog.torch.Linear;
import org.radialog.torch.Parameters;
import org.radialog.torch.Scope;
import org.radialog.torch.Torch;

/**
 * The temporal model of BioViL-T (arXiv 2301.04558, §3.1), which compares a film with its prior: a
 * transformer over the patches of both, of which the half of the current film is kept. In the
 * published checkpoint it is under {@code encoder.vit_pooler.}; RaDialog itself never uses it.
 *
 * <p>B batch, P channels of a patch, h = w = 14 cells of the grid, L = h · w, H heads, d = P / H.
 */
public final class TemporalPooler {
  /** h and w: the published position table has this size only. */
  static final int GRID = 14;

  private static final int BLOCKS = 3;
  private static final int HEADS = 8;
  private static final double EPSILON = 1e-6;
  private static final double STD = 0.02;

  private final long channels; // P
  private final Tensor typeEmbed; // [2, 1, P]: for the current film and the prior
  private final List<Block> blocks;
  private final LayerNorm normPost;

  private TemporalPooler(long channels, Tensor typeEmbed, List<Block> blocks, LayerNorm normPost) {
    this.channels = channels;
    this.typeEmbed = typeEmbed;
    this.blocks = blocks;
    this.normPost = normPost;
  }

  /**
   * Builds the network; its tensors belong to {@code p}.
   *
   * @param p the parameters under {@code encoder.vit_pooler.}
   * @param channels P
   * @throws RadialogException if {@code p} lacks a tensor or has it in another shape
   */
  public static TemporalPooler of(Parameters p, long channels) {
    return new TemporalPooler(
        channels,
        p.get("type_embed", Init.normal(STD), 2, 1, channels),
        IntStream.range(0, BLOCKS)
            .mapToObj(i -> Block.of(p.at("blocks." + i + "."), channels))
            .toList(),
        LayerNorm.of(p.at("norm_post."), channels, EPSILON));
  }

  /**
   * Patches of the film and of its prior, both {@code [B, P, 14, 14]}, to features of the
   * difference, {@code [B, P, 14, 14]}, for inference.
   *
   * @throws RadialogException if one has another shape
   */
  Tensor forward(Tensor current, Tensor prior) {
    check(current, "film");
    check(prior, "prior film");
    try (Scope scope = new Scope()) {
      Tensor x = cat(new TensorVector(tokens(current), tokens(prior)), 1); // [B, 2 L, P]
      Tensor place =
          cat(
              new TensorVector(
                  positions(channels).add(typeEmbed.select(0, 0)),
                  positions(channels).add(typeEmbed.select(0, 1))),
              1); // [1, 2 L, P]
      for (Block block : blocks) {
        x = block.forward(x, place); // [B, 2 L, P]
      }
      Tensor kept = normPost.forward(x).narrow(1, 0, (long) GRID * GRID); // [B, L, P]
      return scope.keep(kept.transpose(1, 2).unflatten(2, GRID, GRID).contiguous()); // [B, P, h, w]
    }
  }

  private void check(Tensor patches, String name) {
    long[] shape = Torch.shape(patches);
    if (shape.length != 4 || shape[1] != channels || shape[2] != GRID || shape[3] != GRID) {
      throw new RadialogException(
          ("a film with a prior needs patches [batch, %d, %d, %d], the %s gave %s: use"
                  + " films of 448 pixels per side")
              .formatted(channels, GRID, GRID, name, Arrays.toString(shape)));
    }
  }

  // [B, P, h, w] to [B, L, P]
  private static Tensor tokens(Tensor patches) {
    return patches.flatten(2, 3).transpose(1, 2);
  }

  /**
   * The position table, {@code [1, L, P]}: sines and cosines of the row and of the column, P/2
   * channels each, with wavelengths from 2π to 10,000 · 2π grid cells.
   */
  public static Tensor positions(long channels) {
    int half = Math.toIntExact(channels / 2);
    float[] table = new float[GRID * GRID * 2 * half];
    int at = 0;
    for (int row = 1; row <= GRID; row++) {
      for (int column = 1; column <= GRID; column++) {
        for (int axis : new int[] {row, column}) {
          double angle = axis / (GRID + EPSILON) * 2 * Math.PI;
          for (int i = 0; i < half; i++) {
            double a = angle / Math.pow(10_000, (double) (i / 2 * 2) / half);
            table[at++] = (float) (i % 2 == 0 ? Math.sin(a) : Math.cos(a));
          }
        }
      }
    }
    return Torch.tensor(table, 1, GRID * GRID, 2L * half);
  }

  /**
   * Pre-norm attention and feed-forward; position embeddings are added to queries, keys and values.
   */
  private record Block(
      LayerNorm norm1,
      Linear query,
      Linear key,
      Linear value,
      Linear output,
      LayerNorm norm2,
      Linear fc1,
      Linear fc2) {
    static Block of(Parameters p, long channels) {
      return new Block(
          LayerNorm.of(p.at("norm1."), channels, EPSILON),
          Linear.withoutBias(p.at("attn.proj_q."), channels, channels),
          Linear.withoutBias(p.at("attn.proj_k."), channels, channels),
          Linear.withoutBias(p.at("attn.proj_v."), channels, channels),
          Linear.of(p.at("attn.proj."), channels, channels),
          LayerNorm.of(p.at("norm2."), channels, EPSILON),
          Linear.of(p.at("mlp.fc1."), channels, channels),
          Linear.of(p.at("mlp.fc2."), channels, channels));
    }

    // x [B, T, P], place [1, T, P] -> [B, T, P]
    Tensor forward(Tensor x, Tensor place) {
      try (Scope scope = new Scope()) {
        Tensor source = norm1.forward(x).add(place); // [B, T, P]
        Tensor q = split(query.forward(source)); // [B, H, T, d]
        Tensor k = split(key.forward(source)); // [B, H, T, d]
        Tensor v = split(value.forward(source)); // [B, H, T, d]
        double scale = 1 / Math.sqrt((double) q.size(3));
        Tensor shares = softmax(matmul(q, k.transpose(2, 3)).mul(new Scalar(scale)), -1);
        Tensor mixed = matmul(shares, v).transpose(1, 2).flatten(2, 3); // [B, T, P]
        Tensor attended = x.add(output.forward(mixed)); // [B, T, P]
        Tensor inner = gelu(fc1.forward(norm2.forward(attended))); // [B, T, P]
        return scope.keep(attended.add(fc2.forward(inner)));
      }
    }

    // [B, T, P] to [B, H, T, d]
    private static Tensor split(Tensor x) {
      return x.view(x.size(0), x.size(1), HEADS, -1).transpose(1, 2);
    }
  }
}
