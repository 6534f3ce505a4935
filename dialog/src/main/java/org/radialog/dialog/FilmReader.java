package org.radialog.dialog;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.clinical.Finding;
import org.radialog.imaging.Preprocessing;
import org.radialog.imaging.Radiograph;
import org.radialog.language.LlamaInput;
import org.radialog.published.ModelConfig;
import org.radialog.torch.BlasThreads;
import org.radialog.torch.Scope;
import org.radialog.torch.Torch;
import org.radialog.torch.TorchThreads;
import org.radialog.vision.VisionEncoder;

/**
 * The part of a model that looks at films: encoder, classifier and alignment. Its networks run on a
 * single dedicated thread, so that concurrent dialogs do not compete for cores and memory. Films
 * beyond a given number are refused.
 *
 * <p>C channels and S side of the encoder's input · P channels of its patches · J of its joint
 * space · h w cells of the grid · L labels · Q image tokens · D width of the language model.
 */
final class FilmReader implements AutoCloseable {
  /**
   * The result of reading a film.
   *
   * @param logits of the classifier, [L]
   * @param image image tokens, [Q, D]
   * @param patches the input of the joint projector for the classifier, [1, P, h, w]
   * @param shape of {@code patches}
   * @param millis duration in ms
   */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  record Reading(
      float[] logits, LlamaInput.Embeddings image, float[] patches, long[] shape, double millis) {}

  private final ExecutorService thread =
      Executors.newSingleThreadExecutor(TorchThreads.factory("radialog-film", 1));
  private final String model;
  private final ModelConfig.Film config;
  private final AlignmentInput input;
  private final Preprocessing forClassifier;
  private final Preprocessing forAlignment;
  private final Optional<Future<BlasThreads>> blas;
  private final Future<FilmNetworks> networks;
  private final int most; // films at once
  private final Semaphore room;

  /**
   * Starts building the networks.
   *
   * @param input what the alignment reads, the caller's to close after this
   * @param networks builds them, on the thread of this
   * @param alone whether its products are computed on one core
   * @param most films that are read or wait for it at once; others are refused
   */
  FilmReader(
      ModelConfig model,
      AlignmentInput input,
      Callable<FilmNetworks> networks,
      boolean alone,
      int most) {
    this.model = model.id();
    this.config = model.film();
    this.input = input;
    this.most = most;
    this.room = new Semaphore(most);
    this.forClassifier = config.preprocessing().forClassifier();
    this.forAlignment = config.preprocessing().forAlignment();
    // One core: films are read while the language model is unpacked or decodes on the others, and
    // small convolutions cost many times their work on threads that wait for each other. In
    // addition, the sums then do not depend on the number of threads or on other work.
    this.blas = alone ? Optional.of(thread.submit(BlasThreads::one)) : Optional.empty();
    this.networks =
        thread.submit(() -> {
          FilmNetworks made = networks.call();
          Torch.giveBack();
          return made;
        });
  }

  /** Completes when the networks are built. */
  Future<?> networks() {
    return networks;
  }

  /**
   * Reads a film. Pixels are prepared in the thread of the caller.
   *
   * @throws RadialogException if there is a prior and the model compares none, or the model knows
   *     only films by name and not this one; of the kind {@link Kind#OVERLOADED} if as many films
   *     as the limit allows are under way
   */
  Reading read(Radiograph film, Optional<Radiograph> prior) {
    long start = System.nanoTime();
    return admitted(() -> read(start, film, prior));
  }

  private Reading read(long start, Radiograph film, Optional<Radiograph> prior) {
    if (prior.isPresent() && !config.vision().prior()) {
      throw new RadialogException(
          Kind.UNSUPPORTED,
          "the model "
              + model
              + " cannot compare a film with a prior film: it has no weights for it"
              + " (vision.prior in its config.json); omit the prior");
    }
    Pixels forOwn = Pixels.of(forClassifier, film);
    boolean onePass =
        forAlignment.equals(forClassifier)
            && prior.isEmpty()
            && config.classifier().encoder() == ModelConfig.Encoder.SHARED;
    Optional<Pixels> other =
        onePass || !input.looks() ? Optional.empty() : Optional.of(Pixels.of(forAlignment, film));
    Optional<Pixels> before = prior.map(earlier -> Pixels.of(forAlignment, earlier));
    String name = name(film);
    return onThread(() -> read(start, name, forOwn, other, before));
  }

  /** A preprocessed film, [side, side]. */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Pixels(float[] values, int side) {
    static Pixels of(Preprocessing how, Radiograph film) {
      return new Pixels(how.apply(film), how.crop());
    }

    /** The input of {@code encoder}, [1, C, S, S]. */
    Tensor of(VisionEncoder encoder) {
      return encoder.input().of(Torch.tensor(values, 1, 1, side, side));
    }
  }

  /** The name of a film that can be read, if not every film can. */
  Optional<String> knownFilm() {
    return input.knownFilm();
  }

  // The file name without its suffix, as films are named in data sets.
  private static String name(Radiograph film) {
    String file = String.valueOf(Path.of(film.name()).getFileName());
    int dot = file.lastIndexOf('.');
    return dot > 0 ? file.substring(0, dot) : file;
  }

  private Reading read(
      long start, String name, Pixels pixels, Optional<Pixels> other, Optional<Pixels> prior) {
    FilmNetworks n = await(networks);
    try (Scope _ = new Scope();
        NoGradGuard _ = new NoGradGuard()) {
      VisionEncoder encoder = n.classifierEncoder();
      VisionEncoder.Features seen = encoder.encode(pixels.of(encoder)); // [1, ·, h, w]
      float[] logits = Torch.floats(n.classifier().forward(seen.projected())); // [L]
      Tensor features =
          input.of(
              name,
              () -> other.map(film -> aligned(n.alignmentEncoder(), film, prior)).orElse(seen));
      Tensor image = n.alignment().forward(features); // [1, Q, D]
      return new Reading(
          logits,
          new LlamaInput.Embeddings(Torch.floats(image), Math.toIntExact(image.size(1))),
          Torch.floats(seen.patches()),
          Torch.shape(seen.patches()),
          (System.nanoTime() - start) / 1e6);
    }
  }

  private static VisionEncoder.Features aligned(
      VisionEncoder encoder, Pixels film, Optional<Pixels> prior) {
    Tensor pixels = film.of(encoder); // [1, C, S, S]
    return prior
        .map(earlier -> encoder.encode(pixels, earlier.of(encoder)))
        .orElseGet(() -> encoder.encode(pixels)); // [1, ·, h, w]
  }

  /**
   * Grad-CAM of a label's logit over the patches: the channels, each weighted by the mean of its
   * gradient, summed; what speaks against the label cut off; the maximum scaled to 1.
   *
   * @throws RadialogException of the kind {@link Kind#OVERLOADED} as {@link #read}
   */
  HeatMap attribution(Reading reading, Finding finding) {
    int label = config.classifier().labels().indexOf(finding.label());
    return admitted(() -> onThread(() -> attribution(reading, finding, label)));
  }

  private HeatMap attribution(Reading reading, Finding finding, int label) {
    FilmNetworks n = await(networks);
    try (Scope _ = new Scope()) {
      Tensor patches = Torch.tensor(reading.patches, reading.shape).requires_grad_(true);
      Tensor projected = n.classifierEncoder().project(patches); // [1, J, h, w]
      Tensor logit = n.classifier().forward(projected).select(1, label).sum(); // []
      logit.backward();
      // Channels for a prior do not belong to positions of this film.
      long own = config.vision().filmChannels();
      Tensor gradient = patches.grad().narrow(1, 0, own); // [1, own, h, w]
      Tensor weights =
          gradient.mean(new long[] {2, 3}, true, new ScalarTypeOptional()); // [1, own, 1, 1]
      Tensor map = patches.detach().narrow(1, 0, own).mul(weights).sum(1).relu(); // [1, h, w]
      return new HeatMap(
          finding, (int) reading.shape[2], (int) reading.shape[3], scaled(Torch.floats(map)));
    }
  }

  private static List<Float> scaled(float[] values) {
    float max = 0;
    for (float value : values) {
      max = Math.max(max, value);
    }
    float scale = max > 0 ? 1 / max : 0;
    return IntStream.range(0, values.length).mapToObj(i -> values[i] * scale).toList();
  }

  // Callers prepare pixels, which wait for the thread in memory: films are counted before that.
  private <T> T admitted(Supplier<T> work) {
    if (!room.tryAcquire()) {
      throw new RadialogException(
          Kind.OVERLOADED,
          "as many films as the limit of %d allows are being read or wait for it; ask again later"
              .formatted(most));
    }
    try {
      return work.get();
    } finally {
      room.release();
    }
  }

  private <T> T onThread(Callable<T> work) {
    return await(thread.submit(work));
  }

  private static <T> T await(Future<T> future) {
    return Waiting.forResult(future);
  }

  /** Waits for running work and frees the networks. */
  @Override
  public void close() {
    thread.shutdown();
    Waiting.forEnd(thread);
    if (networks.state() == Future.State.SUCCESS) {
      networks.resultNow().close();
    }
    blas.ifPresent(one -> {
      if (one.state() == Future.State.SUCCESS) {
        one.resultNow().close();
      }
    });
  }
}
