package org.radialog.language;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.locks.LockSupport;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;
import org.radialog.kernels.Team;
import org.radialog.torch.Bf16;
import org.radialog.torch.BlasThreads;
import org.radialog.torch.Scope;
import org.radialog.torch.Torch;
import org.radialog.torch.TorchThreads;

/**
 * Computes a bf16 prompt in blocks of {@value LlamaMatrices#BLOCK} positions that begin at
 * multiples of that number, each padded to full size and on one thread. The summation order of the
 * libraries depends on the shape of a product and on the number of threads. Here both are always
 * the same, so the keys and values of a position, and the logits after it, are bit-identical
 * however a prompt is divided into calls, for any number of processors and with any other work.
 * Several blocks are computed in parallel: in each layer, a block waits for the keys of the blocks
 * before it.
 */
final class PromptBlocks implements AutoCloseable {
  private static final int BLOCK = LlamaMatrices.BLOCK;
  private static final int MOST_THREADS = 8;

  private final LlamaNetwork network;
  private final LlamaConfig config;
  private final LlamaMatrices matrices;
  private @Nullable Team team; // created with the first prompt

  PromptBlocks(LlamaNetwork network, LlamaMatrices matrices) {
    this.network = network;
    this.config = matrices.config();
    this.matrices = matrices;
  }

  /**
   * Appends {@code input} to one sequence.
   *
   * @return the logits of its last position, [V]
   */
  float[] append(LlamaNetwork.Run run, List<LlamaInput> input) {
    int first = run.start() / BLOCK;
    int blocks = (run.start() + run.count() - 1) / BLOCK + 1 - first;
    Team members = team();
    int together = Math.clamp((blocks + members.size() - 1) / members.size(), 1, matrices.blocks());
    int pieces = (blocks + together - 1) / together;
    try (Scope _ = new Scope();
        NoGradGuard _ = new NoGradGuard();
        TorchThreads _ = TorchThreads.of(1);
        BlasThreads _ = BlasThreads.one()) {
      network.rotary().grow((first + blocks) * BLOCK);
      Tensor x = zeros((long) blocks * BLOCK, config.hidden()); // [N, D], padded on both sides
      x.narrow(0, run.start() - (long) first * BLOCK, run.count()).copy_(network.embed(input));
      Written written = new Written(pieces);
      float[] logits = new float[config.vocab()];
      // Free threads take the next piece, so all pieces before it are done or in progress.
      members.each(
          pieces,
          piece -> {
            int from = piece * together;
            int count = Math.min(together, blocks - from);
            try {
              new Piece(run, first + from, count, piece, written)
                  .compute(x, (long) from * BLOCK, logits);
            } catch (RuntimeException | Error e) {
              written.failed();
              throw e;
            }
          });
      run.cache().advance(run.count());
      return logits;
    }
  }

  private Team team() {
    Team mine = team;
    if (mine == null) {
      mine = Team.of(Math.clamp(Runtime.getRuntime().availableProcessors(), 1, MOST_THREADS));
      team = mine;
    }
    return mine;
  }

  /** Sets the number of threads, instead of the number of processors. */
  void threads(int count) {
    close();
    team = Team.of(count);
  }

  @Override
  public void close() {
    Team mine = team;
    if (mine != null) {
      mine.close();
      team = null;
    }
  }

  private static Tensor zeros(long... shape) {
    return torch.zeros(shape, new TensorOptions(ScalarType.Float));
  }

  /**
   * The layer up to which the keys and values of each piece, and of all pieces before it, are in
   * the cache.
   */
  private static final class Written {
    private static final int FAILED = Integer.MAX_VALUE;
    private static final int SPINS = 2_000; // some 40 µs
    private static final long NAP_NANOS = 50_000;

    private final AtomicIntegerArray layers;

    Written(int pieces) {
      layers = new AtomicIntegerArray(pieces);
    }

    /** Waits for the pieces before this one, then notifies those after it. */
    void layer(int piece, int layer) {
      for (int tries = 0; piece > 0 && layers.get(piece - 1) <= layer; tries++) {
        if (tries < SPINS) {
          Thread.onSpinWait();
        } else {
          LockSupport.parkNanos(NAP_NANOS);
        }
      }
      if (piece > 0 && layers.get(piece - 1) == FAILED) {
        throw new IllegalStateException("the part of the prompt before this one failed");
      }
      layers.set(piece, layer + 1);
    }

    /** Releases the waiting pieces, so that they can end. */
    void failed() {
      for (int piece = 0; piece < layers.length(); piece++) {
        layers.set(piece, FAILED);
      }
    }
  }

  /**
   * Some consecutive blocks of a prompt, on one thread. R = count · BLOCK rows, including padding.
   */
  private final class Piece implements LlamaNetwork.Attention {
    private final LlamaNetwork.Run run;
    private final int first; // block
    private final int count; // of blocks
    private final int number;
    private final Written written;
    private final int from; // first position that is computed
    private final int to; // one past the last
    private final boolean ends; // whether it is the end of the prompt
    private final List<TensorOptional> masks = new ArrayList<>(); // by block: [1, 1, G · BLOCK, L]

    Piece(LlamaNetwork.Run run, int first, int count, int number, Written written) {
      this.run = run;
      this.first = first;
      this.count = count;
      this.number = number;
      this.written = written;
      this.from = Math.max(run.start(), first * BLOCK);
      this.to = Math.min(run.start() + run.count(), (first + count) * BLOCK);
      this.ends = to == run.start() + run.count();
    }

    /**
     * Computes the piece and stores its keys and values in the cache.
     *
     * @param x [N, D]
     * @param row first row of this piece in x
     * @param logits of the last position of the prompt, if it is in this piece
     */
    void compute(Tensor x, long row, float[] logits) {
      try (Scope _ = new Scope();
          NoGradGuard _ = new NoGradGuard();
          TorchThreads _ = TorchThreads.of(1)) {
        long[] positions = new long[count * BLOCK];
        Arrays.setAll(positions, i -> (long) first * BLOCK + i);
        for (int block = first; block < first + count; block++) {
          masks.add(new TensorOptional(mask(block)));
        }
        long[] wanted = ends ? new long[] {to - 1 - (long) first * BLOCK} : new long[0];
        Tensor own = x.narrow(0, row, (long) count * BLOCK); // [R, D]
        Tensor hidden =
            network.transform(own, positions, this, Optional.of(wanted), LlamaNetwork.Probe.NONE);
        if (ends) {
          float[] values = Torch.floats(matrices.logits(hidden).select(0, 0)); // [V]
          System.arraycopy(values, 0, logits, 0, logits.length);
        }
      }
    }

    // The mask of the rows of a block over all positions up to its end: 0 or −inf.
    private Tensor mask(int block) {
      int length = (block + 1) * BLOCK;
      float[] mask = new float[config.group() * BLOCK * length];
      for (int row = 0; row < config.group() * BLOCK; row++) {
        int seen = block * BLOCK + row % BLOCK + 1;
        Arrays.fill(mask, row * length + seen, (row + 1) * length, Float.NEGATIVE_INFINITY);
      }
      return Torch.tensor(mask, 1, 1, (long) config.group() * BLOCK, length);
    }

    // k and v [R, K, d], including padding
    @Override
    public void keep(int layer, Tensor k, Tensor v) {
      Tensor keys = LlamaNetwork.view(run.cache(), run.cache().keys(layer)); // [K, capacity, d]
      Tensor values = LlamaNetwork.view(run.cache(), run.cache().values(layer)); // [K, capacity, d]
      int skipped = from - first * BLOCK; // rows of padding at the beginning
      int own = to - from;
      keys.narrow(1, from, own).copy_(k.narrow(0, skipped, own).transpose(0, 1));
      values.narrow(1, from, own).copy_(v.narrow(0, skipped, own).transpose(0, 1));
      written.layer(number, layer);
    }

    // q [R, H, d], in the last layer of the one wanted row; k and v [R, K, d]
    @Override
    public Tensor attend(int layer, Tensor q, Tensor k, Tensor v) {
      keep(layer, k, v);
      Tensor keys = LlamaNetwork.view(run.cache(), run.cache().keys(layer)); // [K, capacity, d]
      Tensor values = LlamaNetwork.view(run.cache(), run.cache().values(layer)); // [K, capacity, d]
      if (q.size(0) == 1) {
        // the G queries of a group take the place of positions, which avoids copying keys
        return LlamaNetwork.attention(
                q.view(1, config.kvHeads(), config.group(), config.headSize()),
                keys.narrow(1, 0, to).unsqueeze(0),
                values.narrow(1, 0, to).unsqueeze(0),
                new TensorOptional(),
                false) // [1, K, G, d]
            .reshape(1, config.queryRows()); // [1, H·d]
      }
      TensorVector outputs = new TensorVector();
      for (int block = 0; block < count; block++) {
        try (Scope scope = new Scope()) {
          Tensor rows = q.narrow(0, (long) block * BLOCK, BLOCK); // [BLOCK, H, d]
          outputs.push_back(
              scope.keep(
                  attend(
                      rows,
                      upTo(first + block, keys),
                      upTo(first + block, values),
                      masks.get(block))));
        }
      }
      return outputs.size() == 1 ? outputs.get(0) : torch.cat(outputs, 0); // [R, H·d]
    }

    // The cache up to the end of a block: [K, capacity, d] -> [1, K, L, d], zeros beyond the prompt
    private Tensor upTo(int block, Tensor t) {
      int length = (block + 1) * BLOCK;
      if (length <= to) {
        return t.narrow(1, 0, length).unsqueeze(0);
      }
      Tensor padded = zeros(config.kvHeads(), length, config.headSize());
      padded.narrow(1, 0, to).copy_(t.narrow(1, 0, to));
      return padded.unsqueeze(0);
    }

    // q [BLOCK, H, d], k and v [1, K, L, d] -> [BLOCK, H·d]
    private Tensor attend(Tensor q, Tensor k, Tensor v, TensorOptional mask) {
      if (k.size(2) > BlockAttention.PAYS && Bf16.isFast()) {
        return BlockAttention.attend(
                q.transpose(0, 1), // [H, BLOCK, d]
                network.repeat(k).squeeze(0), // [H, L, d]
                network.repeat(v).squeeze(0)) // [H, BLOCK, d]
            .transpose(0, 1) // [BLOCK, H, d]
            .reshape(BLOCK, config.queryRows()); // [BLOCK, H·d]
      }
      long kv = config.kvHeads();
      long group = config.group();
      long d = config.headSize();
      // the G queries of a group follow each other, which avoids copying keys
      Tensor grouped =
          q.view(BLOCK, kv, group, d).permute(1, 2, 0, 3).reshape(1, kv, group * BLOCK, d);
      return LlamaNetwork.attention(grouped, k, v, mask, false) // [1, K, G·BLOCK, d]
          .view(kv, group, BLOCK, d)
          .permute(2, 0, 1, 3) // [BLOCK, K, G, d]
          .reshape(BLOCK, config.queryRows()); // [BLOCK, H·d]
    }
  }
}
