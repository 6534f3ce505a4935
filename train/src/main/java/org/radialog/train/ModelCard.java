package org.radialog.train;

import java.io.IOException;
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
import org.radialog.base.RadialogException.Kind;
import org.radialog.base.Sha256;
import org.radialog.clinical.Finding;
import org.radialog.data.Film;
import org.radialog.data.Folds;
import org.radialog.data.Truth;
import org.radialog.eval.FilmScores;
import org.radialog.language.LlamaLinear;
import org.radialog.language.LoraConfig;
import org.radialog.loop.RunFolder;
import org.radialog.metrics.FindingsScores;
import org.radialog.metrics.FindingsScores.LabelScore;
import org.radialog.metrics.Interval;
import org.radialog.published.StrictJson;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** Writes {@code MODEL_CARD.md}: the origin of a model, its scores and its limitations. */
final class ModelCard {
  private static final long SEED = 14;

  private ModelCard() {}

  static String text(
      ExportConfig config, ExportConfig.Origin origin, List<Film> films, double[] thresholds) {
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
    JsonNode classifierConfig = RunFolder.config(config.classifierRun(config.fold()));
    JsonNode classifier = told(classifierConfig, List.of("classifier"));
    String language =
        languageRecipes(config.languageRun()).stream()
            .map(recipe -> "`" + recipe + "`")
            .collect(Collectors.joining(", then from its weights "));
    boolean outOfFold = !RunFolder.config(config.languageRun()).path("out_of_fold").isEmpty();

    LoraConfig adapter = origin.model().adapter();
    boolean nih = config.folds().isEmpty();
    StringBuilder text = new StringBuilder();
    text.append(
        """
        # %s %s

        A small RaDialog: it finds %d pathologies on a frontal chest radiograph, writes the findings section of
        a report and answers questions about it. **For research and teaching only. Not a medical device; not for
        diagnosis or treatment.** It was trained on %d films, which is few: expect it to be wrong often.

        ## Parts

        | part | starts from | trained on |
        |---|---|---|
        | image encoder (BioViL-T structure on EfficientNet-Lite0) and findings classifier | %s | labels and views of the films |
        | alignment: %s | nothing | labels and views, then the dialogs |
        | language model: LoRA, rank %d, %s | %s, unmodified in `base.gguf` | dialogs made from labels and views |

        The encoder is frozen while the language model learns. The texts of the dialogs are our own: a grammar
        that says what labels and view know and nothing else.

        """
            .formatted(
                origin.id(),
                config.version(),
                Finding.ALL.stream()
                    .filter(finding -> finding != Finding.NO_FINDING)
                    .filter(finding -> taught(finding, films))
                    .count(),
                folds.split(films, config.fold()).train().size(),
                origin.init().cell(),
                origin.model().alignmentInWords(),
                adapter.r(),
                adapter.targets().size() == LlamaLinear.values().length
                    ? "all linear layers"
                    : adapter.targets().stream()
                        .map(LlamaLinear::target)
                        .collect(Collectors.joining(", ")),
                origin.base().cell()));
    text.append(
        """
        ## Data

        %d frontal films of %d patients%s Patients are in %s folds; fold %d was
        never seen by anything in this folder, and a tenth of the other patients only chose thresholds and told
        how training went. No patient's text, name or report is part of the data.

        | | |
        |---|---|
        | digest of the data (SHA-256 over table and films) | `%s` |
        | commit | `%s` |
        | classifier's recipe | `%s` |
        | language model's recipe | %s |
        | findings named in the training prompts | %s |
        | rebuilt by | `./radialog train model --data DIR%s --init %s --base %s --runs RUNS --out MODEL` |

        """
            .formatted(
                films.size(),
                films.stream().map(Film::patient).distinct().count(),
                nih ? NIH_FILMS : ", labelled by whoever trained the model.",
                folds.count() < COUNTS.size()
                    ? COUNTS.get(folds.count())
                    : String.valueOf(folds.count()),
                config.fold(),
                digest(config.data(), films),
                config.commit(),
                classifier,
                language,
                outOfFold
                    ? "probabilities of classifiers that never saw the film, in part edited or"
                        + " drawn at random"
                    : "the films' labels, in part edited or drawn at random",
                (nih ? "" : " --folds FOLDS") + (mini(config, origin) ? "" : " --recipe RECIPE"),
                RunFolder.path(classifierConfig, "init").getFileName(),
                mini(config, origin) ? "models/mini/base.gguf" : config.base().getFileName()));
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
      if (!taught(finding, films)) {
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
        - Anything about children, or about films unlike %s.
        - Only English, and only questions about the film.

        The report follows the findings that the classifier, or the user, gives it. It is therefore no second
        opinion on them.
        """
            .formatted(
                String.join(", ", untrained),
                nih
                    ? "those of one hospital in the years 1992 to 2015"
                    : "those that it learned from"));
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

  /** Whether a film shows the finding. */
  static boolean taught(Finding finding, List<Film> films) {
    return films.stream().anyMatch(film -> film.truth(finding) == Truth.PRESENT);
  }

  /** The parts of a run's configuration that come from the recipe, with seed and threads. */
  private static JsonNode told(JsonNode config, List<String> parts) {
    ObjectNode told = JsonNodeFactory.instance.objectNode();
    for (String part : List.of("seed", "threads")) {
      told.set(part, config.path(part));
    }
    parts.forEach(part -> told.set(part, config.path(part)));
    return told;
  }

  /** The recipes of a run and of the runs from which it continued, oldest first. */
  private static List<JsonNode> languageRecipes(Path last) {
    Deque<JsonNode> recipes = new ArrayDeque<>();
    Optional<Path> run = Optional.of(last);
    while (run.isPresent()) {
      JsonNode config = RunFolder.config(run.get());
      recipes.addFirst(told(config, List.of("alignment", "language")));
      run =
          config.path("from").isString()
              ? Optional.ofNullable(RunFolder.path(config, "from").getParent())
              : Optional.empty();
    }
    return List.copyOf(recipes);
  }

  /** Whether the model was trained only with the recipe of the embedded model. */
  private static boolean mini(ExportConfig config, ExportConfig.Origin origin) {
    JsonNode classifier = RunFolder.config(config.classifierRun(config.fold()));
    JsonNode language = RunFolder.config(config.languageRun());
    return new Recipe(
                origin.id(),
                language.path("seed").asLong(),
                language.path("threads").asInt(),
                origin.model(),
                pretraining(classifier),
                part(classifier, "classifier", ClassifierRecipe.class),
                part(language, "alignment", AlignmentRecipe.class),
                part(language, "language", LanguageRecipe.class))
            .equals(Recipe.named("mini"))
        && languageRecipes(config.languageRun()).size() == 1;
  }

  // The recipe of the run from which a classifier run started.
  private static Optional<ClassifierRecipe> pretraining(JsonNode classifier) {
    return Optional.ofNullable(RunFolder.path(classifier, "init").getParent())
        .filter(RunFolder::isOne)
        .map(run -> part(RunFolder.config(run), "classifier", ClassifierRecipe.class));
  }

  private static <T> T part(JsonNode config, String name, Class<T> type) {
    return StrictJson.read(name, config.path(name), type, Kind.REFUSED_DATA);
  }

  private static final String NIH_FILMS =
      " of NIH ChestX-ray14, provided by the NIH Clinical Center without\n"
          + """
          restriction on use (Wang et al., CVPR 2017). The labels were mined by the NIH from the radiologists'
          reports, which are not public, and are wrong for some films.\
          """;

  private static final List<String> COUNTS =
      List.of("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten");

  /**
   * The digest of the table and of the name and content of every film, in the order of the table.
   */
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
      throw new RadialogException(Kind.REFUSED_DATA, "cannot read the data " + data + ": " + e, e);
    }
  }
}
