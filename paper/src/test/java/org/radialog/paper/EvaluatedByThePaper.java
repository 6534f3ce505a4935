package org.radialog.paper;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.radialog.base.Progress;
import org.radialog.clinical.RuleLabeler;
import org.radialog.data.ImageChoice;
import org.radialog.data.MimicCxr;
import org.radialog.data.StudySplit;
import org.radialog.dialog.RaDialog;
import org.radialog.eval.AskedModel;
import org.radialog.eval.EvaluationRun;
import org.radialog.eval.Samples;
import org.radialog.eval.Scoring;
import org.radialog.eval.Task;
import org.radialog.metrics.Bootstrap;
import org.radialog.metrics.ClinicalMetric;
import org.radialog.metrics.PairedTest;
import org.radialog.metrics.TextMetric;
import org.radialog.metrics.WordTokenizer;

/** Evaluates a trained model by the protocols of the paper and prints the paper's table. */
record EvaluatedByThePaper(RaDialog model, Path folder, Path predictions) {
  void printsTheTableOf(MimicCxr films) {
    RuleLabeler labeler = new RuleLabeler();
    Samples samples =
        Samples.of(
            films,
            folder,
            new Samples.Choice(Optional.of(StudySplit.TEST), ImageChoice.EVERY, "image", false, 3),
            labeler,
            rejected -> {
              throw new AssertionError(rejected);
            });
    Set<Task> tasks = EnumSet.of(Task.GENERATION, Task.LIST_QA, Task.CORRECTION);
    AskedModel asked =
        new AskedModel(
            model,
            false,
            predictions,
            AskedModel.settings(folder, model, samples, tasks),
            labeler,
            Progress.NONE,
            line -> {
              throw new AssertionError(line);
            });
    Scoring scoring =
        new Scoring(
            WordTokenizer.NLTK,
            TextMetric.standard(TextMetric.Data.NONE),
            ClinicalMetric.standard(),
            texts -> texts.stream().map(labeler::label).toList(),
            new PairedTest(new Bootstrap(20, 1), 20),
            new LinkedHashMap<>(),
            Progress.NONE);
    String table =
        PaperTable.markdown(
            new EvaluationRun(
                    samples.asked(),
                    tasks,
                    List.of(asked),
                    new EvaluationRun.Settings("made-up films", false, samples.settings(), _ -> {}))
                .run(scoring),
            List.of());
    assertThat(table.lines())
        .as("measured, with intervals")
        .anyMatch(line ->
            line.matches("\\| \\Q%s\\E \\| \\d.*\\(\\d.*\\).*".formatted(model.config().id())));
    assertThat(table.indexOf("RaDialog-RG")).isGreaterThan(table.indexOf("**not measured here**"));
  }
}
