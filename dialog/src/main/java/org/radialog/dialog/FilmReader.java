package org.radialog.dialog;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.radialog.clinical.Finding;
import org.radialog.imaging.DicomRecipe;
import org.radialog.imaging.Preprocessing;
import org.radialog.imaging.Radiograph;
import org.radialog.model.Alignment;
import org.radialog.model.BioViLT;
import org.radialog.model.FindingsClassifier;
import org.radialog.model.LlamaInput;
import org.radialog.model.ModelConfig;
import org.radialog.torch.Parameters;
import org.radialog.torch.Scope;
import org.radialog.torch.Torch;

/**
 * The part of a model that looks at films: encoder, classifier and alignment. Its networks run on
 * one thread of its own, so that many dialogs fight neither for the cores nor for memory.
 *
 * <p>P {@code patchDim} · J {@code jointDim} · h w cells of the grid · L labels · Q image tokens ·
 * D width of the language model.
 */
final class FilmReader implements AutoCloseable {
  /**
   * What was seen on a film.
   *
   * @param logits of the classifier, [L]
   * @param image image tokens, [Q, D]
   * @param patches what the joint projector read for the classifier, [1, 2P, h, w]
   * @param shape of {@code patches}
   * @param millis what it took
   */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  record Reading(
      float[] logits, LlamaInput.Embeddings image, float[] patches, long[] shape, double millis) {}

  private record Networks(
      Parameters parameters, BioViLT encoder, FindingsClassifier classifier, Alignment alignment)
      implements AutoCloseable {
    static Networks of(ModelConfig config, Parameters.Source source, int hidden, ScalarType type) {
      Parameters p = Parameters.of(source);
      try {
        BioViLT.Config sizes = config.vision().network();
        BioViLT encoder =
            switch (config.vision().batchNorm()) {
              case RUNNING -> BioViLT.folded(p.at("vision."), sizes, type);
              case BATCH -> BioViLT.of(p.at("vision."), sizes);
            };
        return new Networks(
            p,
            encoder,
            FindingsClassifier.of(
                p.at("classifier."), config.classifier().network(config.vision().jointDim())),
            config.alignment().network(p, config.vision(), hidden));
      } catch (RuntimeException | Error e) {
        p.close();
        throw e;
      }
    }

    @Override
    public void close() {
      encoder.close();
      parameters.close();
    }
  }

  private final ExecutorService thread =
      Executors.newSingleThreadExecutor(
          work -> Thread.ofPlatform().daemon().name("radialog-film").unstarted(work));
  private final ModelConfig config;
  private final boolean blind;
  private final Preprocessing forClassifier;
  private final Preprocessing forAlignment;
  private final Future<?> alone;
  private final Future<Networks> networks;

  /**
   * Begins to build the networks.
   *
   * @param hidden D
   * @param type of the encoder's convolutions
   * @param blind whether image tokens are to be zero
   */
  FilmReader(
      ModelConfig config, Parameters.Source source, int hidden, ScalarType type, boolean blind) {
    this.config = config;
    this.blind = blind;
    ModelConfig.Preprocessing p = config.preprocessing();
    DicomRecipe dicom = DicomRecipe.of(p.dicom().text());
    this.forClassifier = new Preprocessing(p.resize(), p.crops().classifier(), dicom);
    this.forAlignment = new Preprocessing(p.resize(), p.crops().alignment(), dicom);
    // One core: films are read while the language model is unpacked or talks on the others, and
    // small convolutions on threads that must wait for each other cost many times their work.
    this.alone = thread.submit(() -> Torch.threads(1));
    this.networks = thread.submit(() -> Networks.of(config, source, hidden, type));
  }

  /** Waits until the thread has taken its one core: later threads start from the last setting. */
  void settled() {
    Waiting.forCompletion(alone);
  }

  /** Waits until the networks are there. */
  void ready() {
    await(networks);
  }

  /** Looks at a film. Pixels are prepared in the caller's thread. */
  Reading read(Radiograph film) {
    long start = System.nanoTime();
    int side = forClassifier.crop();
    float[] pixels = forClassifier.apply(film);
    boolean onePass = forAlignment.equals(forClassifier);
    Optional<float[]> other = onePass ? Optional.empty() : Optional.of(forAlignment.apply(film));
    return onThread(() -> read(start, pixels, side, other));
  }

  private Reading read(long start, float[] pixels, int side, Optional<float[]> other) {
    Networks n = await(networks);
    BioViLT.BatchNorm statistics = config.vision().batchNorm().statistics();
    try (Scope _ = new Scope();
        NoGradGuard _ = new NoGradGuard()) {
      BioViLT.Output seen =
          n.encoder.forward(Torch.tensor(pixels, 1, 1, side, side), statistics); // [1, ·, h, w]
      float[] logits = Torch.floats(n.classifier.forward(seen.projected())); // [L]
      BioViLT.Output aligned = seen;
      if (other.isPresent()) {
        long s = forAlignment.crop();
        aligned = n.encoder.forward(Torch.tensor(other.get(), 1, 1, s, s), statistics);
      }
      Tensor features =
          switch (config.alignment().source()) {
            case PATCHES -> aligned.patches();
            case PROJECTED -> aligned.projected();
          };
      Tensor image = n.alignment.forward(features); // [1, Q, D]
      float[] rows = Torch.floats(image);
      if (blind) {
        Arrays.fill(rows, 0);
      }
      return new Reading(
          logits,
          new LlamaInput.Embeddings(rows, Math.toIntExact(image.size(1))),
          Torch.floats(seen.patches()),
          Torch.shape(seen.patches()),
          (System.nanoTime() - start) / 1e6);
    }
  }

  /**
   * Grad-CAM of a label's logit over the patches: the channels, each weighted by the mean of its
   * gradient, summed; what speaks against the label cut off; the maximum scaled to 1.
   */
  HeatMap attribution(Reading reading, Finding finding) {
    int label = config.classifier().labels().indexOf(finding.label());
    return onThread(() -> attribution(reading, finding, label));
  }

  private HeatMap attribution(Reading reading, Finding finding, int label) {
    Networks n = await(networks);
    try (Scope _ = new Scope()) {
      Tensor patches = Torch.tensor(reading.patches, reading.shape).requires_grad_(true);
      Tensor projected =
          n.encoder.project(patches, config.vision().batchNorm().statistics()); // [1, J, h, w]
      Tensor logit = n.classifier.forward(projected).select(1, label).sum(); // []
      logit.backward();
      // The second half of the channels is the missing prior: no place of the film.
      long half = reading.shape[1] / 2;
      Tensor gradient = patches.grad().narrow(1, 0, half); // [1, P, h, w]
      Tensor weights =
          gradient.mean(new long[] {2, 3}, true, new ScalarTypeOptional()); // [1, P, 1, 1]
      Tensor map = patches.detach().narrow(1, 0, half).mul(weights).sum(1).relu(); // [1, h, w]
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

  private <T> T onThread(Callable<T> work) {
    return await(thread.submit(work));
  }

  private static <T> T await(Future<T> future) {
    return Waiting.forResult(future);
  }

  /** Waits for what is under way and frees the networks. */
  @Override
  public void close() {
    thread.shutdown();
    Waiting.forEnd(thread);
    if (networks.state() == Future.State.SUCCESS) {
      networks.resultNow().close();
    }
  }
}
