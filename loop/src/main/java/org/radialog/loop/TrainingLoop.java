package org.radialog.loop;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.SequencedMap;
import java.util.Set;
import org.bytedeco.pytorch.Tensor;
import org.radialog.base.Printable;
import org.radialog.base.Progress;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.charts.CurveChart;
import org.radialog.loop.Stage.Measure;
import org.radialog.loop.Stage.Plan;
import org.radialog.torch.LossScale;
import org.radialog.torch.Parameters;
import org.radialog.torch.ProcessGroup;
import org.radialog.weights.Checkpoint;

/**
 * Runs the stages of a training one after the other in one run folder. The folder then contains
 * {@code config.json}, {@code metrics.csv} with one row per validation, the same rows as
 * TensorBoard events, {@code plot.png}, {@code plot.html}, {@code checkpoint.safetensors}, and the
 * files that the stages save. A run that is killed at any moment resumes from its last checkpoint,
 * which is at most five minutes old, and ends with the same bits.
 *
 * <p>The checkpoint contains the {@link Stage#tensors} and the optimiser state of the running
 * stage; its metadata has the name of the stage and the position in it.
 */
public final class TrainingLoop implements AutoCloseable {
  // Of a stage in fp16.
  private static final Measure FACTOR = new Measure("loss_scale", Stage.Axis.NONE);
  private static final Measure SKIPPED = new Measure("skipped_steps", Stage.Axis.NONE);

  private static final long CHECKPOINT_NANOS = 300_000_000_000L;
  private final Optional<RunFolder> folder; // in process 0 only
  private final Progress progress;
  private final Team team;

  // where the run stands
  private int index; // of the stage
  private long step; // of the stage
  private double lossSum; // since the last row of the table
  private long lossSteps;
  private double seconds; // of the stage, in earlier processes
  private long rows;
  private double best = Double.NaN; // of the stage's measure, NaN before the first validation
  private long worse; // validations since then
  private long started = System.nanoTime();
  private long lastCheckpoint = started;

  private TrainingLoop(Optional<RunFolder> folder, Progress progress, Team team) {
    this.folder = folder;
    this.progress = progress;
    this.team = team;
  }

  /**
   * Begins a run, or goes on with the one in {@code folder}, which no other process may use until
   * this is closed.
   *
   * @param config a record of all that decides what the run computes; it is written to {@code
   *     config.json}, and only the same one goes on
   * @throws RadialogException if the folder holds a run of another configuration or of another
   *     version, or one that is still running
   */
  public static TrainingLoop open(Path folder, Record config, Progress progress) {
    return open(folder, config, progress, ProcessGroup.alone());
  }

  /**
   * Opens a run that the processes of {@code group} train together; each of them calls this. Only
   * process 0 reads and writes the folder and validates; it sends the state of a resumed run to the
   * others.
   *
   * @param config as for {@link #open(Path, Record, Progress)}
   * @throws RadialogException as that method, in process 0
   */
  public static TrainingLoop open(
      Path folder, Record config, Progress progress, ProcessGroup group) {
    Team team = new Team(group);
    return new TrainingLoop(
        team.follows() ? Optional.empty() : Optional.of(RunFolder.open(folder, config)),
        progress,
        team);
  }

  /** Frees the run folder for others. */
  @Override
  public void close() {
    folder.ifPresent(RunFolder::close);
  }

  private RunFolder run() {
    return folder.orElseThrow();
  }

  /**
   * Runs all stages to their ends.
   *
   * @param title of the plot
   * @param stages in their order, with different names
   * @throws RadialogException if the checkpoint is of a stage that is not among them
   * @throws ProcessGroup.Lost if another process of the group has ended; process 0 has then written
   *     a checkpoint of the last complete step
   */
  public void run(String title, List<? extends Stage> stages) {
    if (team.follows()) {
      team.follow(stages);
    } else {
      lead(title, stages);
      team.end();
    }
  }

  private void lead(String title, List<? extends Stage> stages) {
    resume(stages);
    while (index < stages.size()) {
      Stage stage = stages.get(index);
      run().page(chart(title, stages), state(stages), true);
      learn(title, stages, stage);
      stage
          .best()
          .flatMap(_ -> run().savedBest(stage.name()))
          .ifPresent(file -> restore(file, stage));
      stage.save(run().path());
      if (index + 1 == stages.size()) {
        run().page(chart(title, stages), "The run has finished.", false);
        return;
      }
      index++;
      step = 0;
      lossSum = 0;
      lossSteps = 0;
      seconds = 0;
      best = Double.NaN;
      worse = 0;
      started = System.nanoTime();
      checkpoint(stages.get(index));
    }
  }

  private void learn(String title, List<? extends Stage> stages, Stage stage) {
    Plan plan = stage.plan();
    team.begin(index, stage);
    while (step < plan.steps()) {
      boolean over = false;
      double rate = 0;
      boolean due = false;
      long end = plan.round() == 0 ? plan.steps() : Math.min(plan.steps(), end(plan));
      try (Progress.Task task = progress.start(taskName(stage, plan), end - step)) {
        while (step < end && !over) {
          if (due) {
            row(title, stages, stage, rate);
            if (impatient(stage)) {
              over = true;
              due = false;
              break;
            }
          }
          long at = position(plan);
          over = at >= plan.steps();
          rate = plan.schedule().rate(at);
          step(stage, rate);
          task.step(
              lossSteps == 0
                  ? "skipped"
                  : String.format(Locale.ROOT, "loss %.3f rate %.1e", lossSum / lossSteps, rate));
          due = step % plan.validateEvery() == 0 || step == plan.steps() || over;
          if (!due && System.nanoTime() - lastCheckpoint > CHECKPOINT_NANOS) {
            checkpoint(stage);
          }
        }
      }
      if (due) { // after the task, so that a validation may show progress of its own
        row(title, stages, stage, rate);
        over |= impatient(stage);
      }
      if (over) {
        step = plan.steps();
        checkpoint(stage);
      }
    }
  }

  // The first step of the next round.
  private long end(Plan plan) {
    return (step / plan.round() + 1) * plan.round();
  }

  private String taskName(Stage stage, Plan plan) {
    String name = stage.name() + team.remark(stage);
    return plan.round() == 0
        ? name
        : name
            + " "
            + (step / plan.round() + 1)
            + "/"
            + (plan.steps() + plan.round() - 1) / plan.round();
  }

  // The step of the schedule that the stage has reached by steps or by the clock.
  private long position(Plan plan) {
    double share = plan.minutes() == 0 ? 0 : elapsed() / (60 * plan.minutes());
    return Math.max(step, Math.min(plan.steps(), (long) (share * plan.steps())));
  }

  private void step(Stage stage, double rate) {
    OptionalDouble loss;
    try {
      loss = team.step(index, stage, step, rate);
    } catch (ProcessGroup.Lost e) {
      checkpoint(stage);
      throw e;
    }
    step++;
    if (loss.isPresent()) {
      lossSum += loss.getAsDouble();
      lossSteps++;
    }
  }

  private boolean impatient(Stage stage) {
    return stage.best().map(Stage.Best::patience).filter(p -> p > 0 && worse >= p).isPresent();
  }

  private void note(Stage stage, Map<String, OptionalDouble> measured) {
    stage
        .best()
        .ifPresent(wanted ->
            measured
                .getOrDefault(wanted.measure(), OptionalDouble.empty())
                .ifPresent(value -> {
                  if (wanted.better(value, Double.isNaN(best) ? wanted.worst() : best)) {
                    best = value;
                    worse = 0;
                    run().saveBest(stage.name(), stage.tensors());
                  } else {
                    worse++;
                  }
                }));
  }

  private static void restore(Checkpoint file, Stage stage) {
    try (file) {
      Parameters.load(Parameters.Source.of(file), stage.tensors());
    }
  }

  private double elapsed() {
    return seconds + (System.nanoTime() - started) / 1e9;
  }

  // ---------------------------------------------------------------- the table and the plot

  private void row(String title, List<? extends Stage> stages, Stage stage, double rate) {
    Map<String, OptionalDouble> measured = new HashMap<>(stage.validate(team::busy));
    stage
        .lossScale()
        .map(LossScale::state)
        .ifPresent(scale -> {
          measured.put(FACTOR.column(), OptionalDouble.of(scale.factor()));
          measured.put(SKIPPED.column(), OptionalDouble.of((double) scale.skipped()));
        });
    SequencedMap<String, String> row = new LinkedHashMap<>();
    row.put("row", String.valueOf(rows + 1));
    row.put("stage", stage.name());
    row.put("step", String.valueOf(step));
    row.put("seconds", String.format(Locale.ROOT, "%.0f", elapsed()));
    row.put("rate", String.format(Locale.ROOT, "%.2e", rate));
    row.put(
        "loss",
        cell(lossSteps == 0 ? OptionalDouble.empty() : OptionalDouble.of(lossSum / lossSteps)));
    for (Measure measure : measures(stages)) {
      row.put(
          measure.column(), cell(measured.getOrDefault(measure.column(), OptionalDouble.empty())));
    }
    run().addRow(row);
    rows++;
    lossSum = 0;
    lossSteps = 0;
    note(stage, measured);
    CurveChart chart = chart(title, stages);
    run().plot(chart);
    run().page(chart, state(stages), true);
    checkpoint(stage);
  }

  private static String cell(OptionalDouble value) {
    return value.isPresent() ? String.format(Locale.ROOT, "%.4f", value.getAsDouble()) : "";
  }

  private static Set<Measure> measures(List<? extends Stage> stages) {
    Set<Measure> all = new LinkedHashSet<>();
    stages.forEach(stage -> all.addAll(stage.measures()));
    if (stages.stream().anyMatch(stage -> stage.lossScale().isPresent())) {
      all.addAll(List.of(FACTOR, SKIPPED));
    }
    return all;
  }

  private CurveChart chart(String title, List<? extends Stage> stages) {
    List<CurveChart.Curve> losses = new ArrayList<>();
    losses.add(run().curve("row", "loss"));
    List<CurveChart.Curve> scores = new ArrayList<>();
    for (Measure measure : measures(stages)) {
      switch (measure.axis()) {
        case LOSS -> losses.add(run().curve("row", measure.column()));
        case SCORE -> scores.add(run().curve("row", measure.column()));
        case NONE -> {}
      }
    }
    List<CurveChart.Panel> panels = new ArrayList<>();
    panels.add(new CurveChart.Panel("loss", losses));
    if (!scores.isEmpty()) {
      panels.add(new CurveChart.Panel("score", scores));
    }
    return new CurveChart(title, "row of metrics.csv", panels);
  }

  // A sentence for people about how far the run is.
  private String state(List<? extends Stage> stages) {
    Stage stage = stages.get(index);
    long steps = stage.plan().steps();
    long at = position(stage.plan());
    String left =
        at == 0
            ? ""
            : String.format(
                Locale.ROOT,
                ", about %.0f min left in this stage",
                elapsed() / 60 * (steps - at) / at);
    return "Running: step %d of %d of stage %s (%d of %d)%s."
        .formatted(step, steps, stage.name(), index + 1, stages.size(), left);
  }

  // ---------------------------------------------------------------- checkpoints

  private void resume(List<? extends Stage> stages) {
    var saved = run().checkpoint();
    if (saved.isPresent()) {
      try (Checkpoint checkpoint = saved.get()) {
        String name = RunFolder.text(checkpoint, "stage");
        index = stages.stream().map(Stage::name).toList().indexOf(name);
        if (index < 0) {
          throw new RadialogException(
              Kind.REFUSED_DATA,
              ("the checkpoint in %s belongs to the stage %s: expected one of %s; start again"
                      + " in another folder")
                  .formatted(
                      Printable.escaped(run().path().toString()),
                      Printable.of(name),
                      stages.stream().map(Stage::name).toList()));
        }
        step = (long) RunFolder.number(checkpoint, "step");
        lossSum = RunFolder.number(checkpoint, "loss_sum");
        lossSteps = (long) RunFolder.number(checkpoint, "loss_steps");
        seconds = RunFolder.number(checkpoint, "seconds");
        rows = (long) RunFolder.number(checkpoint, "rows");
        best = RunFolder.number(checkpoint, "best");
        worse = (long) RunFolder.number(checkpoint, "worse");
        Stage stage = stages.get(index);
        Parameters.Source tensors = Parameters.Source.of(checkpoint);
        Parameters.load(tensors, stage.tensors());
        stage.optimizer().load(tensors, (long) RunFolder.number(checkpoint, "optimizer_steps"));
        stage
            .lossScale()
            .ifPresent(scale ->
                scale.restore(
                    new LossScale.State(
                        RunFolder.number(checkpoint, "loss_scale"),
                        (long) RunFolder.number(checkpoint, "loss_scale_steps"),
                        (long) RunFolder.number(checkpoint, "skipped_steps"))));
      }
    }
    run().keepRows((int) rows);
    started = System.nanoTime();
    lastCheckpoint = started;
  }

  private void checkpoint(Stage stage) {
    SequencedMap<String, Tensor> tensors = new LinkedHashMap<>(stage.tensors());
    tensors.putAll(stage.optimizer().state());
    Map<String, String> state = new HashMap<>();
    state.put("best", String.valueOf(best));
    state.put("worse", String.valueOf(worse));
    state.put("stage", stage.name());
    state.put("step", String.valueOf(step));
    state.put("loss_sum", String.valueOf(lossSum));
    state.put("loss_steps", String.valueOf(lossSteps));
    state.put("seconds", String.valueOf(elapsed()));
    state.put("rows", String.valueOf(rows));
    state.put("optimizer_steps", String.valueOf(stage.optimizer().steps()));
    stage
        .lossScale()
        .map(LossScale::state)
        .ifPresent(scale -> {
          state.put("loss_scale", String.valueOf(scale.factor()));
          state.put("loss_scale_steps", String.valueOf(scale.steps()));
          state.put("skipped_steps", String.valueOf(scale.skipped()));
        });
    run().saveCheckpoint(tensors, state);
    lastCheckpoint = System.nanoTime();
  }
}
