package org.radialog.dialog;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.radialog.base.RadialogException;
import org.radialog.clinical.Consistency;
import org.radialog.clinical.Finding;
import org.radialog.clinical.PromptPart;
import org.radialog.clinical.RuleLabeler;
import org.radialog.clinical.Turn;
import org.radialog.imaging.Guard;
import org.radialog.model.LlamaInput;

/**
 * A conversation about one film. It serves one caller at a time, a second one gets {@link
 * IllegalStateException}; {@link #cancel} and {@link #close} may come from any thread.
 *
 * <p>A first {@link #ask} puts film, findings and question in one turn; after a {@link #report}
 * questions are about the report. Only what is new in a turn is computed. A turn that is cancelled
 * stays in the conversation as far as it came; one that fails does not.
 */
public final class Dialog implements AutoCloseable {
  /** Greedy, at most 300 tokens. */
  public static final Decoding DEFAULT = Decoding.greedy(300);

  private static final RuleLabeler LABELER = new RuleLabeler();

  private final RaDialog model;
  private final Study study;
  private final List<Guard.Warning> warnings;
  private final AtomicBoolean busy = new AtomicBoolean();
  private volatile boolean closed;
  private volatile boolean cancelled;
  private volatile Engine.@Nullable Sequence sequence;

  // Used by the one caller that is busy.
  private Optional<FilmReader.Reading> reading = Optional.empty();
  private FindingsEdit edit = FindingsEdit.unchanged();
  private Optional<List<LlamaInput>> transcript = Optional.empty();
  private Optional<List<LlamaInput>> beforeQuestion = Optional.empty();
  private boolean reported;

  Dialog(RaDialog model, Study study, List<Guard.Warning> warnings) {
    this.model = model;
    this.study = study;
    this.warnings = List.copyOf(warnings);
  }

  /** What the input guard says of the film. */
  public List<Guard.Warning> warnings() {
    return warnings;
  }

  /** What is assumed of the film: the classifier's word with the user's edits. */
  public Findings findings() {
    return alone(this::currentFindings);
  }

  /**
   * Replaces the user's edits of the findings. The next report, or the next question if it is the
   * first turn, reads them.
   */
  public void edit(FindingsEdit newEdit) {
    alone(() -> edit = newEdit);
  }

  /** Writes a report, which begins the conversation anew. */
  public Report report() {
    return report(DEFAULT, Dialog::unheard);
  }

  /**
   * Writes a report, which begins the conversation anew.
   *
   * @param onText gets the text piece by piece, in this thread
   */
  public Report report(Decoding how, Consumer<String> onText) {
    return alone(() -> report(Optional.empty(), how, onText));
  }

  /**
   * Answers a question.
   *
   * @param onText gets the text piece by piece, in this thread
   */
  public Reply ask(String question, Consumer<String> onText) {
    return ask(question, DEFAULT, onText);
  }

  /**
   * Answers a question.
   *
   * @param onText gets the text piece by piece, in this thread
   */
  public Reply ask(String question, Decoding how, Consumer<String> onText) {
    return alone(() -> reply(question, new Turn.Question(question), how, onText));
  }

  /**
   * Takes the last question back with its answer, as if it had not been asked; what was computed
   * before it stays. Without a question there is nothing to take back.
   */
  public void takeBack() {
    alone(() -> transcript = beforeQuestion);
  }

  /**
   * Begins the conversation anew with a report that somebody else wrote, as if the model had
   * answered it. Nothing is computed before the next turn.
   */
  public void adopt(String report) {
    alone(() -> {
      List<PromptPart> parts = model.wording().open(namedFindings(), new Turn.Report());
      List<LlamaInput> said =
          new ArrayList<>(PromptInputs.of(parts, model.tokenizer(), read().image(), true));
      said.addAll(
          PromptInputs.answer(
              List.of(model.prompts().answer(report)), model.tokenizer(), read().image()));
      transcript = Optional.of(List.copyOf(said));
      beforeQuestion = transcript;
      reported = true;
      return reported;
    });
  }

  /** Draws the impression from what was said so far. */
  public Reply impression(Decoding how, Consumer<String> onText) {
    return alone(() -> reply(words(new Turn.Impression()), new Turn.Impression(), how, onText));
  }

  /** Says the report in one sentence. */
  public Reply summary(Decoding how, Consumer<String> onText) {
    return alone(() -> reply(words(new Turn.Summary()), new Turn.Summary(), how, onText));
  }

  /**
   * Writes the report again as the user knows it better; the findings are edited alike. Where the
   * prompt format has it so ({@link org.radialog.clinical.PromptFormat#correctsAnew}), the
   * conversation begins anew with the corrected report.
   *
   * @throws RadialogException if there is no report yet, or the correction says nothing
   */
  public Report correct(Correction correction) {
    return correct(correction, DEFAULT, Dialog::unheard);
  }

  /**
   * Writes the report again as the user knows it better; see {@link #correct(Correction)}.
   *
   * @param onText gets the text piece by piece, in this thread
   * @throws RadialogException if there is no report yet, or the correction says nothing
   */
  public Report correct(Correction correction, Decoding how, Consumer<String> onText) {
    return alone(() -> report(Optional.of(correction), how, onText));
  }

  /**
   * Where on the film the classifier's word on {@code finding} comes from.
   *
   * @throws RadialogException if the model does not assess it
   */
  public HeatMap attribution(Finding finding) {
    return alone(() -> {
      if (!model.assesses(finding)) {
        throw new RadialogException(
            "the model "
                + model.config().id()
                + " was never taught "
                + finding.label()
                + ", so no place of the film speaks for it");
      }
      return model.films().attribution(read(), finding);
    });
  }

  /**
   * The encoder's features of the film, averaged over its grid: films that look alike have features
   * of a small angle.
   */
  public float[] features() {
    return alone(() -> {
      FilmReader.Reading seen = read();
      long[] shape = seen.shape(); // [1, 2P, h, w]
      int channels = Math.toIntExact(shape[1]);
      int cells = Math.toIntExact(shape[2] * shape[3]);
      float[] features = new float[channels];
      for (int channel = 0; channel < channels; channel++) {
        double sum = 0;
        for (int cell = 0; cell < cells; cell++) {
          sum += seen.patches()[channel * cells + cell];
        }
        features[channel] = (float) (sum / cells);
      }
      return features;
    });
  }

  /** Ends the turn under way within one step, if there is one. */
  public void cancel() {
    cancelled = true;
    Engine.Sequence running = sequence;
    if (running != null) {
      running.cancel();
    }
  }

  /** Cancels the turn under way, waits for its end, and frees the conversation's memory. */
  @Override
  public void close() {
    closed = true;
    boolean interrupted = false;
    while (!busy.compareAndSet(false, true)) {
      cancel();
      try {
        Thread.sleep(1);
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    Engine.Sequence mine = sequence;
    if (mine != null) {
      mine.close();
      sequence = null;
    }
    model.closed(this);
    busy.set(false);
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private static void unheard(String text) {}

  private <T> T alone(Supplier<T> work) {
    if (!busy.compareAndSet(false, true)) {
      throw new IllegalStateException(
          "this dialog is serving another caller; open a dialog for each");
    }
    try {
      if (closed) {
        throw new IllegalStateException("this dialog is closed");
      }
      cancelled = false;
      Engine.Sequence mine = sequence;
      if (mine != null) {
        mine.attend();
      }
      return work.get();
    } finally {
      busy.set(false);
    }
  }

  private FilmReader.Reading read() {
    if (reading.isEmpty()) {
      reading = Optional.of(model.films().read(study.film(), study.prior()));
    }
    return reading.orElseThrow();
  }

  private Findings currentFindings() {
    Findings seen = model.findings(read().logits());
    return switch (edit) {
      case FindingsEdit.Hidden() -> seen;
      case FindingsEdit.Changed(Correction correction) -> seen.with(correction);
    };
  }

  private String words(Turn turn) {
    return model.prompts().request(turn);
  }

  private Report report(Optional<Correction> correction, Decoding how, Consumer<String> onText) {
    Clock clock = new Clock();
    Turn turn = new Turn.Report();
    if (correction.isPresent()) {
      turn = turn(correction.get());
    } else {
      transcript = Optional.empty();
    }
    Findings findings = currentFindings();
    FindingsEdit before = edit;
    Optional<List<LlamaInput>> said = transcript;
    if (correction.isPresent()) {
      findings = findings.with(correction.get());
      edit = before.and(correction.get());
      if (model.prompts().correctsAnew()) {
        transcript = Optional.empty();
        turn = new Turn.Report();
      }
    }
    Engine.Completion c;
    try {
      c = complete(turn, how, clock.watching(onText));
    } catch (RuntimeException e) {
      edit = before;
      transcript = said;
      throw e;
    }
    reported = true;
    beforeQuestion = transcript;
    Set<Finding> assessed = EnumSet.noneOf(Finding.class);
    for (Findings.Assessment a : findings.all()) {
      if (a.state() != Findings.State.NOT_ASSESSED && a.finding() != Finding.NO_FINDING) {
        assessed.add(a.finding());
      }
    }
    String text = c.text().strip();
    Consistency consistency = Consistency.of(LABELER.label(text), findings.present(), assessed);
    return new Report(
        findings,
        text,
        study.prior().isPresent()
            ? consistency
            : consistency.withoutPrior(LABELER.comparisons(text)),
        c.end(),
        c.usage(),
        clock.timings(c));
  }

  private Turn turn(Correction correction) {
    if (!reported || transcript.isEmpty()) {
      throw new RadialogException("there is no report to correct yet; ask for a report first");
    }
    Set<Finding> named = EnumSet.noneOf(Finding.class);
    named.addAll(correction.added());
    named.addAll(correction.removed());
    named.remove(Finding.NO_FINDING);
    if (named.isEmpty()) {
      throw new RadialogException(
          "the correction names no finding other than No Finding, which follows from the others;"
              + " add or remove one of them");
    }
    return new Turn.Correction(correction.added(), correction.removed());
  }

  private Reply reply(String question, Turn turn, Decoding how, Consumer<String> onText) {
    Clock clock = new Clock();
    beforeQuestion = transcript;
    Engine.Completion c = complete(turn, how, clock.watching(onText));
    return new Reply(question, c.text().strip(), c.end(), c.usage(), clock.timings(c));
  }

  private Engine.Completion complete(Turn turn, Decoding how, Consumer<String> onText) {
    List<LlamaInput> prompt = new ArrayList<>(transcript.orElse(List.of()));
    List<PromptPart> parts =
        transcript.isPresent()
            ? model.prompts().next(turn)
            : model.wording().open(namedFindings(), turn);
    Engine engine = model.engine();
    prompt.addAll(PromptInputs.of(parts, model.tokenizer(), read().image(), transcript.isEmpty()));
    Engine.Sequence mine = sequence;
    if (mine == null) {
      mine = engine.open();
      sequence = mine;
    }
    if (cancelled) {
      mine.cancel(); // it came before there was a sequence
    }
    Engine.Completion completion = mine.attended(prompt, how, onText);
    prompt.add(
        new LlamaInput.Answer(completion.ids().stream().mapToInt(Integer::intValue).toArray()));
    transcript = Optional.of(List.copyOf(prompt));
    return completion;
  }

  private Optional<Set<Finding>> namedFindings() {
    return switch (edit) {
      case FindingsEdit.Hidden() -> Optional.empty();
      case FindingsEdit.Changed(_) -> Optional.of(currentFindings().present());
    };
  }

  /** Times of one turn. */
  private final class Clock {
    private final long start = System.nanoTime();
    private final boolean encoded = reading.isPresent();
    private long firstText;

    Consumer<String> watching(Consumer<String> onText) {
      return text -> {
        if (firstText == 0) {
          firstText = System.nanoTime();
        }
        onText.accept(text);
      };
    }

    Timings timings(Engine.Completion c) {
      return new Timings(
          encoded ? 0 : read().millis(),
          c.prefillMillis(),
          firstText == 0 ? 0 : (firstText - start) / 1e6,
          c.decodeMillis(),
          (System.nanoTime() - start) / 1e6);
    }
  }
}
