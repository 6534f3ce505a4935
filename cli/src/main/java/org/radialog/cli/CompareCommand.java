package org.radialog.cli;

import java.nio.file.Path;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.concurrent.Callable;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.base.Sha256;
import org.radialog.eval.EvaluatedSystem;
import org.radialog.eval.Evaluation;
import org.radialog.eval.EvaluationRun;
import org.radialog.eval.Prediction;
import org.radialog.eval.PredictionLog;
import org.radialog.eval.ReportFiles;
import org.radialog.eval.Task;
import org.radialog.wire.Notice;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code radialog compare A B}: whether one system is better than another. */
@Command(
    name = "compare",
    description = {
      "Compares two systems on the same images or reports. Prints the difference of"
          + " every score with its 95 %% interval (paired bootstrap) and p (approximate"
          + " randomisation).",
      "A and B are predictions.jsonl files of evaluate or, with --references, files"
          + " of reports."
    },
    mixinStandardHelpOptions = true)
final class CompareCommand implements Callable<Integer> {
  @Parameters(index = "0", paramLabel = "A", description = "The first system.")
  private Path first = Path.of("");

  @Parameters(index = "1", paramLabel = "B", description = "The second system.")
  private Path second = Path.of("");

  @Option(
      names = "--references",
      paramLabel = "FILE",
      arity = "1..*",
      description = "Reference reports, if A and B are files of reports.")
  private List<Path> references = List.of();

  @Mixin private ScoringOptions scoring = new ScoringOptions();

  @Override
  public Integer call() {
    boolean whole = true;
    Evaluation evaluation;
    if (references.isEmpty()) {
      evaluation = predictions();
    } else {
      ReportFiles files =
          ReportFiles.read(references, List.of(first, second), scoring.sections(), Terminal::say);
      try (ScoringOptions.Opened opened = scoring.open()) {
        evaluation = files.scored(List.of(), List.of(), opened.scoring());
      }
      whole = files.whole();
    }
    scoring.deliver(evaluation);
    Terminal.say(Notice.RESEARCH_USE);
    return whole ? Main.DONE : Main.SOME_FAILED;
  }

  private Evaluation predictions() {
    PredictionLog.Content a = PredictionLog.read(first);
    PredictionLog.Content b = PredictionLog.read(second);
    SequencedMap<String, String> texts = new LinkedHashMap<>();
    b.predictions().forEach(p -> texts.put(p.id(), p.report().orElse("")));
    for (Prediction p : a.predictions()) {
      if (!texts.containsKey(p.id())) {
        throw new RadialogException(
            Kind.REFUSED_DATA,
            "%s has no prediction of %s, which %s has; expected the same images in both"
                .formatted(second, p.id(), first));
      }
    }
    if (texts.size() != a.predictions().size()) {
      throw new RadialogException(
          Kind.REFUSED_DATA,
          "%s has %d predictions, %s has %d; expected the same images in both"
              .formatted(first, a.predictions().size(), second, texts.size()));
    }
    SequencedMap<String, Object> settings = new LinkedHashMap<>();
    settings.put("first", a.settings());
    settings.put("first_sha256", Sha256.of(first));
    settings.put("second", b.settings());
    settings.put("second_sha256", Sha256.of(second));
    EvaluationRun run =
        new EvaluationRun(
            a.samples(),
            EnumSet.allOf(Task.class),
            List.of(
                EvaluatedSystem.predicted(name(first), a.predictions()),
                EvaluatedSystem.reports(name(second), texts)),
            new EvaluationRun.Settings(
                name(first) + " beside " + name(second), a.synthetic(), settings, Terminal::say));
    try (ScoringOptions.Opened opened = scoring.open()) {
      return run.run(opened.scoring());
    }
  }

  // Both files are often called predictions.jsonl.
  private static String name(Path file) {
    Path folder = file.toAbsolutePath().getParent();
    Path parent = folder == null ? null : folder.getFileName();
    return (parent == null ? "" : parent + "/") + file.getFileName();
  }
}
