package org.radialog.train;

import java.nio.file.Path;
import java.util.ArrayList;
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
import org.radialog.loop.RunFolder;
import org.radialog.published.StrictJson;
import tools.jackson.databind.JsonNode;

/**
 * The inputs of an exported model.
 *
 * @param data folders in the layout of {@link NihDataSet}
 * @param fold fold that was held out from classifier and language model
 * @param folds table in the format of {@link Folds#read}; empty for the folds of the NIH films
 * @param classifierRuns run folders of classifiers by held-out fold; the classifier of {@code fold}
 *     is exported, the others provide scores and thresholds
 * @param languageRun folder of a completed run of {@link LanguageTraining} that used the exported
 *     classifier
 * @param base language model, GGUF
 * @param version version of the model
 * @param commit commit of the training code, for the model card
 */
public record ExportConfig(
    List<Path> data,
    int fold,
    Optional<Path> folds,
    Map<Integer, Path> classifierRuns,
    Path languageRun,
    Path base,
    String version,
    String commit) {
  public ExportConfig {
    data = List.copyOf(data);
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

  /**
   * The configurations of the exported classifier's run and of the runs from which it started, the
   * last first.
   */
  List<JsonNode> classifierConfigs() {
    List<JsonNode> configs = new ArrayList<>();
    Optional<Path> run = Optional.of(classifierRun(fold));
    while (run.isPresent()) {
      JsonNode kept = RunFolder.config(run.get());
      configs.add(kept);
      run = Optional.ofNullable(RunFolder.path(kept, "init").getParent()).filter(RunFolder::isOne);
    }
    return configs;
  }

  /**
   * The origin of an exported model, from the configurations of its runs.
   *
   * @param id name of the model
   * @param model the networks
   * @param init weights of the encoder before training
   * @param base the language model
   * @param radiologists whether the classifier learned No Finding from radiologists
   */
  record Origin(
      String id, ModelSpec model, SourceFile init, SourceFile base, boolean radiologists) {
    static Origin of(ExportConfig config) {
      JsonNode language = RunFolder.config(config.languageRun);
      List<JsonNode> classifiers = config.classifierConfigs();
      JsonNode first = classifiers.getLast();
      return new Origin(
          language.path("id").asString(),
          StrictJson.read(
              config.languageRun + ": model",
              language.path("model"),
              ModelSpec.class,
              Kind.REFUSED_DATA),
          SourceFile.of(RunFolder.path(first, "init"), first.path("init_sha256").asString()),
          SourceFile.ofGguf(config.base, language.path("base_sha256").asString()),
          classifiers.getFirst().path("classifier").path("radiologists").asBoolean());
    }

    /** The licence of the whole model. */
    String license() {
      return Stream.of("Apache-2.0", init.license(), base.license())
          .distinct()
          .collect(Collectors.joining(" AND "));
    }
  }
}
