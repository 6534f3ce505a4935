package org.radialog.dialog;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.radialog.imaging.Radiograph;
import org.radialog.model.KvCache;
import org.radialog.model.LanguageDecoder;
import org.radialog.model.Llama;
import org.radialog.model.LlamaConfig;
import org.radialog.model.LlamaInput;
import org.radialog.torch.Scope;
import org.radialog.torch.Torch;

/** Measures the parts of a loaded model, while no dialog runs. */
public final class Speed {
  private final RaDialog model;

  /** Waits until {@code model} is loaded. */
  public Speed(RaDialog model) {
    model.ready();
    this.model = model;
  }

  /** Milliseconds from pixels to findings and image tokens, the median of {@code rounds}. */
  public double encodeMillis(Radiograph film, int rounds) {
    double[] millis = new double[rounds];
    for (int i = 0; i < rounds; i++) {
      millis[i] = model.films().read(film, Optional.empty()).millis();
    }
    return median(millis);
  }

  /** Prompt tokens a second for a prompt of {@code tokens}, the median of {@code rounds}. */
  public double prefill(int tokens, int rounds) {
    Llama llama = model.language().llama();
    double[] rates = new double[rounds];
    for (int i = 0; i < rounds; i++) {
      try (KvCache cache = new KvCache(llama.config())) {
        long start = System.nanoTime();
        llama.prefill(cache, prompt(llama.config(), tokens));
        rates[i] = tokens * 1e9 / (System.nanoTime() - start);
      }
    }
    return median(rates);
  }

  /**
   * Tokens a second of each of {@code streams} sequences that run together behind {@code context}
   * tokens, over {@code tokens} steps.
   */
  public double decode(int context, int streams, int tokens) {
    LanguageDecoder decoder = model.language().decoder();
    LlamaConfig config = model.language().llama().config();
    List<KvCache> caches = new ArrayList<>();
    try {
      float[][] logits = new float[streams][config.vocab()];
      int[] next = new int[streams];
      for (int s = 0; s < streams; s++) {
        KvCache cache = new KvCache(config);
        caches.add(cache);
        next[s] = Sampler.argmax(model.language().llama().prefill(cache, prompt(config, context)));
        cache.reserve(context + tokens);
      }
      long start = System.nanoTime();
      for (int i = 0; i < tokens; i++) {
        decoder.step(next, caches, logits);
        for (int s = 0; s < streams; s++) {
          next[s] = Sampler.argmax(logits[s]);
        }
      }
      return tokens * 1e9 / (System.nanoTime() - start);
    } finally {
      caches.forEach(KvCache::close);
    }
  }

  /** GFLOP/s of an fp32 product of two matrices of {@code size} by {@code size}, best of five. */
  public static double matmulGflops(int size) {
    double best = 0;
    try (Scope _ = new Scope();
        NoGradGuard _ = new NoGradGuard()) {
      float[] values = new float[size * size];
      Arrays.fill(values, 1);
      Tensor a = Torch.tensor(values, size, size);
      for (int i = 0; i < 5; i++) {
        try (Scope _ = new Scope()) {
          long start = System.nanoTime();
          a.mm(a);
          best = Math.max(best, 2.0 * size * size * size / (System.nanoTime() - start));
        }
      }
    }
    return best;
  }

  private static List<LlamaInput> prompt(LlamaConfig config, int tokens) {
    int[] ids = new SplittableRandom(tokens).ints(tokens, 0, config.vocab()).toArray();
    return List.of(new LlamaInput.Tokens(ids));
  }

  private static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return sorted[sorted.length / 2];
  }
}
