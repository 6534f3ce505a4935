package org.radialog.dialog;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.clinical.FindingsList;
import org.radialog.clinical.Turn;
import org.radialog.imaging.Radiograph;
import org.radialog.language.KvCache;
import org.radialog.language.Llama;
import org.radialog.language.LlamaInput;
import org.radialog.published.ModelConfig;

/**
 * The fixed film of a model folder's self test, and the outputs of a model for it: the
 * probabilities of the classifier, and the most likely first tokens of a report without findings.
 */
final class SelfTestFilm {
  private static final int SIDE = 512;
  private static final int TOKENS = 8;
  private static final int ALONE = 24; // input tokens for a language model without images
  private static final double TOLERANCE = 1e-4;

  private SelfTestFilm() {}

  /**
   * Two bright areas on a gradient with a fine pattern, in integers only, so that it is identical
   * everywhere.
   */
  static Radiograph film(String name) {
    byte[] pixels = new byte[SIDE * SIDE];
    for (int y = 0; y < SIDE; y++) {
      for (int x = 0; x < SIDE; x++) {
        int left = (x - 150) * (x - 150) / 2 + (y - 260) * (y - 260) / 4;
        int right = (x - 362) * (x - 362) / 2 + (y - 260) * (y - 260) / 4;
        int field = Math.max(0, 110 - Math.min(left, right) / 64);
        int weave = (x * 7 + y * 13) % 17;
        pixels[y * SIDE + x] = (byte) (y / 5 + field + weave);
      }
    }
    return Radiograph.ofGrey(name, SIDE, SIDE, pixels);
  }

  /** Whether the outputs of the model in {@code folder} match its config. */
  static Verification.Check check(Path folder, ModelConfig config) {
    String name = "self test";
    ModelConfig.SelfTest expected = config.selfTest();
    if ((config.vision().isPresent() && expected.probabilities().isEmpty())
        || expected.logits().isEmpty()) {
      return new Verification.Check(
          name, false, ModelConfig.FILE + " contains no answers to compare with");
    }
    ModelConfig.SelfTest found;
    try {
      found = RaDialog.selfTest(folder);
    } catch (RadialogException e) {
      return new Verification.Check(name, false, String.valueOf(e.getMessage()));
    }
    double probabilities = distance(expected.probabilities(), found.probabilities(), 1);
    double largest = expected.logits().stream().mapToDouble(Math::abs).max().orElse(1);
    double logits =
        expected.tokens().equals(found.tokens())
            ? distance(expected.logits(), found.logits(), largest)
            : Double.POSITIVE_INFINITY;
    return new Verification.Check(
        name,
        probabilities <= TOLERANCE && logits <= TOLERANCE,
        "probabilities differ by %.1e, logits by %.1e of the largest (tolerance %.0e)"
            .formatted(probabilities, logits, TOLERANCE));
  }

  private static double distance(List<Double> expected, List<Double> found, double scale) {
    if (expected.size() != found.size()) {
      return Double.POSITIVE_INFINITY;
    }
    double largest = 0;
    for (int i = 0; i < expected.size(); i++) {
      largest = Math.max(largest, Math.abs(expected.get(i) - found.get(i)) / scale);
    }
    return largest;
  }

  /** The outputs of {@code model}, loaded in fp32. */
  static ModelConfig.SelfTest answer(RaDialog model) {
    FilmReader.Reading reading =
        model
            .loaded()
            .films()
            .read(film(model.loaded().films().knownFilm().orElse("self test")), Optional.empty());
    List<Double> probabilities = new ArrayList<>();
    for (float logit : reading.logits()) {
      probabilities.add(1 / (1 + Math.exp(-logit)));
    }
    List<LlamaInput> prompt =
        PromptInputs.of(
            model
                .loaded()
                .prompts()
                .open(Optional.of(FindingsList.of(Set.of())), new Turn.Report()),
            model.loaded().tokenizer(),
            reading.image(),
            true,
            model.loaded().positions());
    return answer(probabilities, model.loaded().language().llama(), prompt);
  }

  /** The outputs of a language model in fp32 for a fixed sequence of tokens. */
  static ModelConfig.SelfTest answer(Llama llama) {
    int vocab = llama.config().vocab();
    int[] ids = IntStream.range(0, ALONE).map(i -> (int) ((1 + 7919L * i) % vocab)).toArray();
    return answer(List.of(), llama, List.of(new LlamaInput.Tokens(ids)));
  }

  // Outputs that no trained model gives.
  private static void check(List<Double> probabilities, float[] logits) {
    if (probabilities.stream().anyMatch(p -> !Double.isFinite(p))) {
      throw new RadialogException(
          Kind.REFUSED_WEIGHTS,
          "for the film of the self test, the findings classifier gives "
              + probabilities
              + ", expected probabilities; its weights, or the image encoder's, are damaged");
    }
    float least = Float.POSITIVE_INFINITY;
    float most = Float.NEGATIVE_INFINITY;
    for (float logit : logits) {
      if (!Float.isFinite(logit)) {
        throw new RadialogException(
            Kind.REFUSED_WEIGHTS,
            "the logits of the language model contain "
                + logit
                + ", expected finite numbers; its weights contain values that are not numbers or"
                + " far too large");
      }
      least = Math.min(least, logit);
      most = Math.max(most, logit);
    }
    if (least == most) {
      throw new RadialogException(
          Kind.REFUSED_WEIGHTS,
          "the language model gives every token the logit "
              + most
              + ", expected different ones; a part of its weights is empty");
    }
  }

  private static ModelConfig.SelfTest answer(
      List<Double> probabilities, Llama llama, List<LlamaInput> prompt) {
    float[] logits;
    try (KvCache cache = new KvCache(llama.cacheShape())) {
      logits = llama.prefill(cache, prompt);
    }
    check(probabilities, logits);
    List<Integer> best =
        IntStream.range(0, logits.length)
            .boxed()
            .sorted(Comparator.comparingDouble((Integer id) -> -logits[id]))
            .limit(TOKENS)
            .toList();
    return new ModelConfig.SelfTest(
        probabilities, best.stream().map(id -> (double) logits[id]).toList(), best);
  }
}
