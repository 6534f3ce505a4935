package org.radialog.train;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.data.Folds;
import org.radialog.data.NihDataSet;
import org.radialog.published.StrictJson;
import tools.jackson.databind.JsonNode;

/**
 * What a model is put together from.
 *
 * @param data the folder that {@link NihDataSet} reads
 * @param fold the fold that classifier and language model never saw
 * @param folds a table that {@link Folds#read} reads; empty for that of the NIH films
 * @param classifierRuns a classifier's run folder by the fold that it held out; that of {@code
 *     fold} is what is shipped, the others give scores and thresholds
 * @param languageRun run folder of {@link LanguageTraining}, which has ended, on the classifier
 *     that is shipped
 * @param base the language model, GGUF
 * @param version of the model
 * @param commit the commit of the code that trained it, for the card
 */
public record ExportConfig(
    Path data,
    int fold,
    Optional<Path> folds,
    Map<Integer, Path> classifierRuns,
    Path languageRun,
    Path base,
    String version,
    String commit) {
  public ExportConfig {
    classifierRuns = new TreeMap<>(classifierRuns);
    if (!classifierRuns.containsKey(fold)) {
      throw new RadialogException(
          Kind.REFUSED_DATA,
          "no classifier run holds fold "
              + fold
              + " out: expected one in addition to those of "
              + classifierRuns.keySet());
    }
  }

  Path classifierRun(int held) {
    Path run = classifierRuns.get(held);
    if (run == null) {
      throw new RadialogException(
          Kind.REFUSED_DATA, "no classifier run holds fold " + held + " out");
    }
    return run;
  }

  /** {@code held-out.csv} of the runs of all folds but {@code fold}. */
  List<Path> others() {
    return classifierRuns.entrySet().stream()
        .filter(run -> run.getKey() != fold)
        .map(run -> run.getValue().resolve(ClassifierTraining.HELD_OUT))
        .toList();
  }

  /**
   * What the runs that are put together were told and started from.
   *
   * @param id name of the model
   * @param init the encoder's weights before training
   * @param base the language model
   */
  record Origin(String id, ModelSpec model, SourceFile init, SourceFile base) {
    static Origin of(ExportConfig config) {
      JsonNode language = RunFolder.config(config.languageRun);
      JsonNode classifier = RunFolder.config(config.classifierRun(config.fold));
      return new Origin(
          language.path("id").asString(),
          StrictJson.read(
              config.languageRun + ": model",
              language.path("model"),
              ModelSpec.class,
              Kind.REFUSED_DATA),
          SourceFile.of(
              RunFolder.path(classifier, "init"), classifier.path("init_sha256").asString()),
          SourceFile.ofGguf(config.base, language.path("base_sha256").asString()));
    }

    /** Of the model as a whole. */
    String license() {
      return Stream.of("Apache-2.0", init.license(), base.license())
          .distinct()
          .collect(Collectors.joining(" AND "));
    }
  }
}
