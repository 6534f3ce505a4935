package org.radialog.dialog;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.radialog.imaging.Radiograph;
import org.radialog.model.KvCache;
import org.radialog.model.LlamaInput;
import org.radialog.torch.Scope;

/**
 * How fast a loaded model is on this machine, measured past the engine: the same networks, adapter
 * and cache that a dialog uses, but with a fixed number of tokens that no end token cuts short.
 */
public final class Speed {
  private static final int FIRST_WORD = 1000; // ids from here on are ordinary words

  private final RaDialog radialog;

  /** Measures {@code radialog}, which should have no dialog at work meanwhile. */
  public Speed(RaDialog radialog) {
    this.radialog = radialog;
    radialog.ready();
  }

  /** Milliseconds from pixels to findings and image tokens: the best of {@code times}. */
  public double encodeMillis(Radiograph film, int times) {
    double best = Double.POSITIVE_INFINITY;
    for (int i = 0; i < times; i++) {
      best = Math.min(best, radialog.films().read(film).millis());
    }
    return best;
  }

  /** Tokens a second of a prompt of {@code tokens}: the best of {@code times}. */
  public double prefill(int tokens, int times) {
    LanguageModel model = radialog.language();
    double best = 0;
    for (int i = 0; i < times; i++) {
      try (KvCache cache = new KvCache(model.llama().config())) {
        long begun = System.nanoTime();
        model.llama().prefill(cache, List.of(words(tokens)));
        best = Math.max(best, tokens * 1e9 / (System.nanoTime() - begun));
      }
    }
    return best;
  }

  /**
   * Tokens a second and stream of {@code steps} greedy steps behind a prompt of {@code context}
   * tokens, with {@code streams} sequences in one step; and the seconds that the steps took.
   */
  public double decode(int context, int streams, int steps) {
    LanguageModel model = radialog.language();
    List<KvCache> caches = new ArrayList<>();
    try {
      int[] tokens = new int[streams];
      float[][] logits = new float[streams][];
      for (int s = 0; s < streams; s++) {
        KvCache cache = new KvCache(model.llama().config());
        caches.add(cache);
        cache.reserve(context + steps);
        logits[s] = model.llama().prefill(cache, List.of(words(context)));
      }
      long begun = System.nanoTime();
      for (int step = 0; step < steps; step++) {
        for (int s = 0; s < streams; s++) {
          tokens[s] = best(logits[s]);
        }
        model.decoder().step(tokens, caches, logits);
      }
      return steps * 1e9 / (System.nanoTime() - begun);
    } finally {
      caches.forEach(KvCache::close);
    }
  }

  /** GFLOP/s of the product of two [n, n] fp32 matrices, the best of five. */
  public static double matmulGflops(int n) {
    double best = 0;
    try (Scope _ = new Scope();
        NoGradGuard _ = new NoGradGuard()) {
      Tensor a = torch.rand(n, n);
      for (int i = 0; i < 5; i++) {
        long begun = System.nanoTime();
        a.mm(a); // [n, n]
        best = Math.max(best, 2.0 * n * n * n / (System.nanoTime() - begun));
      }
    }
    return best;
  }

  private static LlamaInput words(int count) {
    return new LlamaInput.Tokens(
        IntStream.range(0, count).map(i -> FIRST_WORD + i * 37 % 40_000).toArray());
  }

  private static int best(float[] logits) {
    int best = 0;
    for (int i = 1; i < logits.length; i++) {
      if (logits[i] > logits[best]) {
        best = i;
      }
    }
    return best;
  }
}
