package org.radialog.train;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.base.Sha256;
import org.radialog.clinical.Finding;
import org.radialog.data.Film;
import org.radialog.data.Folds;
import org.radialog.data.NihDataSet;
import org.radialog.data.RadiologistRead;
import org.radialog.language.LlamaLinear;
import org.radialog.language.LoraConfig;
import org.radialog.loop.RunFolder;
import org.radialog.published.ModelConfig;
import org.radialog.published.StrictJson;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** Writes {@code MODEL_CARD.md}: the origin of a model, its scores and its limitations. */
final class ModelCard {
  private ModelCard() {}

  static String text(
      ExportConfig config,
      ExportConfig.Origin origin,
      RadiologistRead data,
      ScoredFilms all,
      CrossValidation validation,
      Sources sources) {
    List<Film> films = data.films();
    Folds folds = Folds.of(config.folds());
    String classifier =
        config.classifierConfigs().reversed().stream()
            .map(kept -> "`" + told(kept, List.of("classifier")) + "`")
            .collect(Collectors.joining(", then from its weights "));
    String language =
        languageRecipes(config.languageRun()).stream()
            .map(recipe -> "`" + recipe + "`")
            .collect(Collectors.joining(", then from its weights "));
    boolean outOfFold = !RunFolder.config(config.languageRun()).path("out_of_fold").isEmpty();

    LoraConfig adapter = origin.model().adapter();
    boolean nih = sources.nih();
    StringBuilder text = new StringBuilder();
    text.append(
        """
        # %s %s

        A small RaDialog: it was taught %d pathologies on frontal chest radiographs and calls %d of them, writes
        the findings section of a report and answers questions about it.
        **For research and teaching only. Not a medical device; not for diagnosis or treatment.**
        It was trained on %d films%s, which is few: expect it to be wrong often.

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
                    .filter(all::taught)
                    .count(),
                validation.assessed().stream().filter(Finding.NIH_MAPPED::contains).count(),
                folds.split(films, config.fold()).train().size(),
                sources.further().isEmpty()
                    ? ""
                    : " and further ones of " + String.join(", ", sources.further()),
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

        %d frontal films of %d patients%s%s Patients are in %s folds; fold %d was
        never seen by anything in this folder, its calibration and thresholds included, and a tenth of the other
        patients only told how training went%s. No patient's text, name or report is part of the data.

        | | |
        |---|---|
        | digest of the data (SHA-256 over table and films) | `%s` |
        | commit | `%s` |
        | classifier's recipe | %s |
        | language model's recipe | %s |
        | findings named in the training prompts | %s |
        | rebuilt by | `./radialog train model%s --init %s --base %s --runs RUNS --out MODEL` |

        """
            .formatted(
                films.size(),
                films.stream().map(Film::patient).distinct().count(),
                nih ? NIH_FILMS : ", labelled by whoever trained the model.",
                nih && sources.radiologists() ? RSNA_CLASSES : "",
                folds.count() < COUNTS.size()
                    ? COUNTS.get(folds.count())
                    : String.valueOf(folds.count()),
                config.fold(),
                config.classifierRuns().size() == folds.count()
                    ? ""
                    : " and chose calibration and thresholds",
                digest(config.data(), films),
                config.commit(),
                classifier,
                language,
                outOfFold
                    ? "probabilities of classifiers that never saw the film, in part edited or"
                        + " drawn at random"
                    : "the films' labels, in part edited or drawn at random",
                " --data DIR".repeat(config.data().size())
                    + (sources.further().isEmpty()
                        ? ""
                        : " --further " + String.join(" ", sources.further()))
                    + (nih ? "" : " --folds FOLDS")
                    + (mini(config, origin) ? "" : " --recipe RECIPE"),
                RunFolder.path(config.classifierConfigs().getLast(), "init").getFileName(),
                mini(config, origin) ? "models/mini/base.gguf" : config.base().getFileName()));
    text.append(new FindingsTables(config, data, validation, folds).text());
    text.append(
        """
        ## What it cannot say

        %s\
        - Sides and places, sizes and degrees, tubes, lines and other devices, fractures and bones, change over
          time or comparison with an earlier film, lateral views, age and sex of the patient. Where a text names
          one of them, it was invented.
        - Anything about children, or about films unlike %s.
        - Only English, and only questions about the film.

        The report follows the findings that the classifier, or the user, gives it. It is therefore no second
        opinion on them.
        """
            .formatted(
                notAssessed(all, validation.shipped()),
                nih
                    ? "those of one hospital in the years 1992 to 2015"
                    : "those that it learned from"));
    return text.toString();
  }

  private static String notAssessed(ScoredFilms films, Reading reading) {
    Map<ModelConfig.Evidence, String> labels =
        Finding.ALL.stream()
            .collect(
                Collectors.groupingBy(
                    finding -> reading.evidence(finding, films),
                    () -> new EnumMap<>(ModelConfig.Evidence.class),
                    Collectors.mapping(Finding::label, Collectors.joining(", "))));
    StringBuilder lines = new StringBuilder();
    labels.forEach((evidence, names) ->
        lines.append(
            switch (evidence) {
              case TRAINED -> "";
              case WEAK ->
                  "- %s: films teach them, but the classifier tells too little about them.\n"
                      .formatted(names);
              case UNTRAINED -> "- %s: no film at hand teaches them.\n".formatted(names);
            }));
    String open =
        Finding.ALL.stream()
            .filter(finding -> finding != Finding.NO_FINDING)
            .filter(finding -> reading.assessed().contains(finding))
            .filter(finding -> !reading.denied().contains(finding))
            .map(Finding::label)
            .collect(Collectors.joining(", "));
    return (lines.isEmpty()
            ? ""
            : lines
                + "  All of these are reported as not assessed, which is not the same as absent.\n")
        + (open.isEmpty()
            ? ""
            : "- %s: too many are missed. Where they are not called, texts leave them open.\n"
                .formatted(open));
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
          restriction on use (Wang et al., CVPR 2017; NOTICE has the citations). The labels were mined by the NIH from the radiologists'
          reports, which are not public, and are wrong for some films.\
          """;

  private static final String RSNA_CLASSES =
      """
       For some films radiologists
      of RSNA and STR gave classes in the RSNA Pneumonia Detection Challenge 2018 (Shih et al., Radiology:
      Artificial Intelligence 2019;1(1):e180041).\
      """;

  private static final List<String> COUNTS =
      List.of("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten");

  /**
   * The digest of the table and of the name and content of every film, in the order of the table.
   */
  private static String digest(List<Path> data, List<Film> films) {
    try {
      MessageDigest sha = Sha256.digest();
      for (Path folder : data) {
        sha.update(Files.readAllBytes(NihDataSet.table(folder)));
      }
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
