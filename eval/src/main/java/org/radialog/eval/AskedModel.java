package org.radialog.eval;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.Set;
import java.util.function.Consumer;
import org.radialog.base.Progress;
import org.radialog.base.Sha256;
import org.radialog.clinical.ReportLabeler;
import org.radialog.clinical.View;
import org.radialog.dialog.Dialog;
import org.radialog.dialog.RaDialog;
import org.radialog.dialog.Study;
import org.radialog.imaging.Radiograph;
import org.radialog.instruct.ReportGrammar;

/**
 * A loaded model that is evaluated with the protocols of the paper, and baselines for comparison.
 * Answers are written to a file after each image, so that an interrupted run can be resumed.
 *
 * @param model the loaded model
 * @param hidden whether the prompts contain no findings, so that all answers come from the film
 * @param log the file, in the format of {@link PredictionLog}
 * @param settings the settings that the answers depend on; a file with other settings is refused
 * @param labeler labels the model's report for the correction task
 * @param progress receives the progress
 * @param messages receives one line for each sample that could not be processed
 */
public record AskedModel(
    RaDialog model,
    boolean hidden,
    Path log,
    SequencedMap<String, Object> settings,
    ReportLabeler labeler,
    Progress progress,
    Consumer<String> messages)
    implements EvaluatedSystem {

  /** The settings that a model's answers about samples depend on. */
  public static SequencedMap<String, Object> settings(
      Path folder, RaDialog model, Samples samples, Set<Task> tasks) {
    SequencedMap<String, Object> settings = new LinkedHashMap<>();
    settings.put("model", model.config().id());
    settings.put("model_version", model.config().version());
    settings.put("model_config_sha256", Sha256.of(folder.resolve("config.json")));
    settings.put("precision", model.precision().label());
    settings.put("prompt", model.config().language().prompt());
    settings.put("tasks", tasks.stream().map(Task::label).toList());
    settings.put("decoding", "greedy");
    settings.putAll(samples.settings());
    return settings;
  }

  @Override
  public Said answer(List<Sample> samples, Set<Task> tasks) {
    PaperProtocol.requireSections(model.config(), tasks);
    int failed;
    try (PredictionLog open = PredictionLog.open(log, settings)) {
      failed = PaperProtocol.run(model, hidden, samples, tasks, labeler, open, progress, messages);
    }
    // The file has the predictions in the order in which they were completed.
    Map<String, Prediction> byId = new HashMap<>();
    PredictionLog.read(log).predictions().forEach(p -> byId.put(p.id(), p));
    List<Prediction> ordered = new ArrayList<>();
    for (Sample sample : samples) {
      Prediction p = byId.get(sample.id());
      if (p != null) {
        ordered.add(p);
      }
    }
    return new Said.Predicted(model.config().id(), ordered, failed);
  }

  /** A baseline: the most frequent report of known samples. */
  public static EvaluatedSystem mostFrequent(List<Sample> known) {
    return (samples, tasks) -> {
      String most =
          Baselines.mostFrequent(
              known.stream().map(sample -> sample.references().getFirst()).toList());
      return new Said.Reports(
          "most frequent",
          List.of("baseline: the same report for every film"),
          samples.stream().map(sample -> most).toList());
    };
  }

  /**
   * A baseline: for each film, the report of the known film whose encoder features are most
   * similar.
   */
  public EvaluatedSystem nearest(List<Sample> known) {
    return (samples, tasks) -> {
      int[] nearest = Baselines.nearest(features(samples), features(known));
      return new Said.Reports(
          "nearest",
          List.of("baseline: the report of the most similar film of other patients"),
          Arrays.stream(nearest).mapToObj(i -> known.get(i).references().getFirst()).toList());
    };
  }

  /** A baseline: for each film, a text of the grammar that states the model's findings. */
  public EvaluatedSystem findingsText() {
    return (samples, tasks) -> {
      List<String> texts = new ArrayList<>();
      for (Sample sample : samples) {
        try (Dialog dialog = open(sample)) {
          texts.add(
              ReportGrammar.report(
                  ReportGrammar.stated(dialog.findings().present()), View.UNKNOWN, texts.size()));
        }
      }
      return new Said.Reports(
          "findings text", List.of("baseline: the model's findings in words of a grammar"), texts);
    };
  }

  private List<float[]> features(List<Sample> samples) {
    List<float[]> features = new ArrayList<>();
    try (Progress.Task task = progress.start("features", samples.size())) {
      for (Sample sample : samples) {
        try (Dialog dialog = open(sample)) {
          features.add(dialog.features());
        }
        task.step("");
      }
    }
    return features;
  }

  private Dialog open(Sample sample) {
    return model.open(Study.of(Radiograph.read(sample.image().orElseThrow())).ofAnyView());
  }
}
