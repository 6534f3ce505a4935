package org.radialog.dialog;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.clinical.AnswerLabels;
import org.radialog.clinical.Consistency;
import org.radialog.clinical.Finding;
import org.radialog.clinical.FindingWords;
import org.radialog.clinical.FindingsList;
import org.radialog.clinical.Labels;
import org.radialog.clinical.PromptPart;
import org.radialog.clinical.RuleLabeler;
import org.radialog.clinical.Turn;
import org.radialog.imaging.Guard;
import org.radialog.language.LlamaInput;
import org.radialog.published.ModelConfig;

/**
 * A conversation about one film. It serves one caller at a time; a second caller gets an {@link
 * IllegalStateException}. {@link #cancel} and {@link #close} may be called from any thread.
 *
 * <p>A turn passes its text piece by piece to a listener, in the thread of the caller; other
 * dialogs do not wait for it. Anything that a listener throws, including an {@link Error}, ends the
 * turn and is thrown to the caller unchanged. The dialog remains usable, and the turn is not part
 * of the conversation. A listener may call {@link #cancel} and {@link #close} of its own dialog,
 * and all methods of others; other calls to its own dialog are refused with {@link
 * IllegalStateException}. If the thread is interrupted, the answer is returned as far as it was
 * generated, marked as cancelled, and the thread stays interrupted.
 *
 * <p>A first {@link #ask} combines film, findings and question in one turn; after a {@link
 * #report}, questions refer to the report. Only the new tokens of a turn are computed. A cancelled
 * turn stays in the conversation as far as it was generated; a failed turn does not. If the film is
 * probably not a frontal chest film, every turn is refused with {@link
 * org.radialog.codecs.ImageRefused}, unless the study is forced; {@link #findings} and {@link
 * #attribution} are not refused.
 */
public final class Dialog implements AutoCloseable {
  /** Greedy decoding, at most 300 tokens. */
  public static final Decoding DEFAULT = Decoding.greedy(300);

  private static final String SILENCED = "I cannot answer this without contradicting the findings.";

  private static final RuleLabeler LABELER = new RuleLabeler();

  private final RaDialog model;
  private final Guard guard;
  private final Looked film;
  private final Optional<Looked> prior;
  private final Object gate = new Object();
  // Guarded by gate:
  private Place place = Place.IDLE;
  private @Nullable Thread served;
  private boolean closed;
  private boolean freed;
  private boolean cancelRequested;
  private Engine.@Nullable Sequence answering;

  /** The state of the current caller. */
  private enum Place {
    /** There is none. */
    IDLE,
    /** Waiting for the model, which finishes by itself. */
    WORKING,
    /** In a listener, for any length of time. */
    LISTENING
  }

  /** A film by name, and the warnings of the guard. */
  private record Looked(String name, List<Guard.Warning> warnings) {}

  // Used only by the current caller.
  private Optional<Engine.Sequence> sequence = Optional.empty();
  private Optional<Study> study; // until it has been read, because films are large
  private Optional<FilmReader.Reading> reading = Optional.empty();
  private FindingsEdit edit = FindingsEdit.unchanged();
  private Optional<Talk> talk = Optional.empty();
  private Optional<Talk> beforeQuestion = Optional.empty();

  /**
   * The turns so far.
   *
   * @param inputs everything that the language model has read and generated
   * @param opened the edit of the findings at the first turn
   * @param written the labels of the last report
   */
  private record Talk(
      List<LlamaInput> inputs,
      FindingsEdit opened,
      List<Conversation.Said> turns,
      Optional<Labels> written) {}

  Dialog(RaDialog model, Study study, List<Guard.Warning> ofFilm, List<Guard.Warning> ofPrior) {
    this.model = model;
    this.guard = study.guard();
    this.film = new Looked(study.film().name(), List.copyOf(ofFilm));
    this.prior = study.prior().map(earlier -> new Looked(earlier.name(), List.copyOf(ofPrior)));
    this.study = Optional.of(study);
  }

  /** The warnings of the input guard about the film, followed by those about its prior. */
  public List<Guard.Warning> warnings() {
    return Stream.concat(Stream.of(film), prior.stream())
        .flatMap(looked -> looked.warnings().stream())
        .toList();
  }

  /**
   * Refuses a film that every turn with text would refuse, because it is probably not a frontal
   * chest film. Useful before anything is shown.
   *
   * @throws org.radialog.codecs.ImageRefused if it is not, and the study is not forced
   */
  public void requireFrontal() {
    guard.requireFrontal(film.name(), film.warnings());
    prior.ifPresent(earlier -> guard.requireFrontal(earlier.name(), earlier.warnings()));
  }

  /** The findings of the film: those of the classifier with the user's edits. */
  public Findings findings() {
    return alone(this::currentFindings);
  }

  /**
   * Replaces the user's edits of the findings. They apply to the next report, or to the next
   * question if it is the first turn.
   */
  public void edit(FindingsEdit newEdit) {
    Objects.requireNonNull(newEdit, "newEdit");
    alone(() -> edit = newEdit);
  }

  /** Writes a report and restarts the conversation with it. */
  public Report report() {
    return report(DEFAULT, Dialog::unheard);
  }

  /**
   * Writes a report and restarts the conversation with it.
   *
   * @param how how tokens are chosen and when the report ends
   * @param onText receives the text piece by piece, in this thread
   */
  public Report report(Decoding how, Consumer<String> onText) {
    Objects.requireNonNull(how, "how");
    Objects.requireNonNull(onText, "onText");
    return turn(() -> report(Optional.empty(), how, onText));
  }

  /**
   * Answers a question.
   *
   * @param onText receives the text piece by piece, in this thread
   * @throws RadialogException if the conversation has more tokens than the language model has
   *     positions; a question of megabytes is refused by its length alone
   */
  public Reply ask(String question, Consumer<String> onText) {
    return ask(question, DEFAULT, onText);
  }

  /**
   * Answers a question.
   *
   * @param how how tokens are chosen and when the answer ends
   * @param onText receives the text piece by piece, in this thread
   * @throws RadialogException if the conversation has more tokens than the language model has
   *     positions; a question of megabytes is refused by its length alone
   */
  public Reply ask(String question, Decoding how, Consumer<String> onText) {
    Objects.requireNonNull(question, "question");
    Objects.requireNonNull(how, "how");
    Objects.requireNonNull(onText, "onText");
    return turn(() -> {
      model.loaded().tokenizer().requireRoom(question, model.loaded().positions());
      return reply(question, new Turn.Question(question), how, onText);
    });
  }

  /**
   * Takes back the last question and its answer, as if it had not been asked; earlier results are
   * kept. Does nothing if there is no question.
   */
  public void takeBack() {
    alone(() -> talk = beforeQuestion);
  }

  /**
   * Restarts the conversation with a report written elsewhere, as if the model had generated it.
   * Nothing is computed before the next turn.
   *
   * @throws RadialogException if it has more tokens than the language model has positions
   */
  public void adopt(String report) {
    Objects.requireNonNull(report, "report");
    alone(() -> {
      model.loaded().tokenizer().requireRoom(report, model.loaded().positions());
      talk =
          Optional.of(
              stored(
                  Optional.empty(), new Conversation.Said(new Turn.Report(), report, List.of())));
      beforeQuestion = talk;
      return talk;
    });
  }

  /**
   * The conversation so far, which can be stored; {@link RaDialog#open(Study, Conversation)}
   * resumes it.
   */
  public Conversation conversation() {
    return alone(() ->
        new Conversation(
            talk.map(Talk::opened).orElse(edit), edit, talk.map(Talk::turns).orElse(List.of())));
  }

  /** Resumes a stored conversation. Nothing of it is computed before the next turn. */
  void resume(Conversation conversation) {
    alone(() -> {
      edit = conversation.opened();
      for (Conversation.Said said : conversation.turns()) {
        Optional<Talk> before = talk;
        talk = Optional.of(stored(before, said));
        beforeQuestion = said.isReport() ? talk : before;
      }
      edit = conversation.edit();
      return talk;
    });
  }

  private Talk stored(Optional<Talk> before, Conversation.Said said) {
    List<LlamaInput> inputs = asked(before, said.turn());
    if (said.tokens().isEmpty()) {
      inputs.addAll(
          PromptInputs.answer(
              inputs(List.of(model.loaded().prompts().answer(said.answer())), false)));
    } else {
      int known = model.loaded().tokenizer().size();
      int[] ids = said.tokens().stream().mapToInt(id -> id).toArray();
      for (int id : ids) {
        if (id < 0 || id >= known) {
          throw new RadialogException(
              RadialogException.Kind.BAD_INPUT,
              "the stored conversation has a token "
                  + id
                  + ", expected 0 to "
                  + (known - 1)
                  + "; it belongs to another model");
        }
      }
      inputs.add(new LlamaInput.Answer(ids));
    }
    return and(before, inputs, said);
  }

  private Talk and(Optional<Talk> before, List<LlamaInput> inputs, Conversation.Said said) {
    List<Conversation.Said> turns = new ArrayList<>(before.map(Talk::turns).orElse(List.of()));
    turns.add(said);
    return new Talk(
        List.copyOf(inputs),
        before.map(Talk::opened).orElse(edit),
        List.copyOf(turns),
        said.isReport()
            ? Optional.of(LABELER.label(said.answer()))
            : before.flatMap(Talk::written));
  }

  /**
   * Draws the impression from what was said so far.
   *
   * @throws RadialogException if the model writes none
   */
  public Reply impression(Decoding how, Consumer<String> onText) {
    Objects.requireNonNull(how, "how");
    Objects.requireNonNull(onText, "onText");
    model.config().requireSection(ModelConfig.Section.IMPRESSION);
    return turn(() -> reply(words(new Turn.Impression()), new Turn.Impression(), how, onText));
  }

  /** Summarises the report in one sentence. */
  public Reply summary(Decoding how, Consumer<String> onText) {
    Objects.requireNonNull(how, "how");
    Objects.requireNonNull(onText, "onText");
    return turn(() -> reply(words(new Turn.Summary()), new Turn.Summary(), how, onText));
  }

  /**
   * Writes a corrected report and edits the findings accordingly. Depending on the prompt format
   * ({@link org.radialog.clinical.PromptFormat#correctsAnew}), the conversation restarts with the
   * corrected report.
   *
   * @throws RadialogException if there is no report yet, or the correction is empty
   */
  public Report correct(Correction correction) {
    return correct(correction, DEFAULT, Dialog::unheard);
  }

  /**
   * Writes a corrected report; see {@link #correct(Correction)}.
   *
   * @param onText receives the text piece by piece, in this thread
   * @throws RadialogException if there is no report yet, or the correction is empty
   */
  public Report correct(Correction correction, Decoding how, Consumer<String> onText) {
    Objects.requireNonNull(correction, "correction");
    Objects.requireNonNull(how, "how");
    Objects.requireNonNull(onText, "onText");
    return turn(() -> report(Optional.of(correction), how, onText));
  }

  /**
   * Shows which parts of the film contribute to the classifier's decision on {@code finding}.
   *
   * @throws RadialogException if the model does not assess it
   */
  public HeatMap attribution(Finding finding) {
    Objects.requireNonNull(finding, "finding");
    return alone(() -> {
      if (!model.assesses(finding)) {
        throw new RadialogException(
            Kind.UNSUPPORTED,
            "the model %s %s %s, so no part of the film can be attributed to it"
                .formatted(
                    model.config().id(),
                    switch (model.config().film().classifier().evidence(finding.label())) {
                      case UNTRAINED -> "was not trained on";
                      case WEAK, TRAINED -> "is too weak to tell anything about";
                    },
                    finding.label()));
      }
      return model.loaded().films().attribution(read(), finding);
    });
  }

  /**
   * The features of the encoder for the film, averaged over its grid: for similar films the angle
   * between the features is small.
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

  /**
   * Ends the current turn within one decode step. If there is none, the next turn ends as cancelled
   * before any of its tokens is computed, so that a cancellation cannot be lost to a turn that is
   * about to begin. A cancellation that arrives while a turn is ending applies to that turn only.
   */
  public void cancel() {
    synchronized (gate) {
      cancelRequested = true;
      if (answering != null) {
        answering.cancel();
      }
    }
  }

  /**
   * Cancels the current turn, waits until it has ended, and frees the memory of the conversation.
   * It waits for the model but never for a listener: if it is called while a listener runs,
   * including by the listener itself, the turn ends as cancelled when the listener has returned,
   * and the memory is freed then.
   */
  @Override
  public void close() {
    boolean interrupted = false;
    boolean mine = false;
    synchronized (gate) {
      closed = true;
      cancel();
      while (place == Place.WORKING) {
        try {
          gate.wait();
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
      if (place == Place.IDLE && !freed) {
        freed = true;
        mine = true;
      }
    }
    if (mine) {
      free();
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private void free() {
    sequence.ifPresent(Engine.Sequence::close);
    sequence = Optional.empty();
    study = Optional.empty();
    reading = Optional.empty();
    talk = Optional.empty();
    beforeQuestion = Optional.empty();
    model.closed(this);
  }

  private static void unheard(String text) {}

  /** Runs a turn, which uses up a cancellation. */
  private <T> T turn(Supplier<T> work) {
    return alone(
        () -> {
          model.loaded().requireRoom();
          return work.get();
        },
        true);
  }

  private <T> T alone(Supplier<T> work) {
    return alone(work, false);
  }

  private <T> T alone(Supplier<T> work, boolean turn) {
    synchronized (gate) {
      if (place != Place.IDLE) {
        throw new IllegalStateException(
            Thread.currentThread().equals(served)
                ? "this dialog is answering: a listener of its answer may only cancel or close it"
                : "this dialog is serving another caller; open one dialog per caller");
      }
      if (closed) {
        throw new IllegalStateException("this dialog is closed");
      }
      place = Place.WORKING;
      served = Thread.currentThread();
    }
    try {
      return work.get();
    } finally {
      boolean last = false;
      synchronized (gate) {
        place = Place.IDLE;
        served = null;
        if (turn) {
          cancelRequested = false;
        }
        if (closed && !freed) {
          freed = true;
          last = true;
        }
        gate.notifyAll();
      }
      if (last) {
        free();
      }
    }
  }

  private Consumer<String> listening(Consumer<String> onText) {
    return text -> {
      enter(Place.LISTENING);
      try {
        onText.accept(text);
      } finally {
        enter(Place.WORKING);
      }
    };
  }

  private void enter(Place now) {
    synchronized (gate) {
      place = now;
      gate.notifyAll();
    }
  }

  private FilmReader.Reading read() {
    if (reading.isEmpty()) {
      Study seen = study.orElseThrow();
      reading = Optional.of(model.loaded().films().read(seen.film(), seen.prior()));
      study = Optional.empty();
    }
    return reading.orElseThrow();
  }

  private Findings currentFindings() {
    return labels().settled();
  }

  // The states given by the classifier and the user, without the states that follow from them.
  private Findings labels() {
    Findings seen = model.findings(read().logits());
    return switch (edit) {
      case FindingsEdit.Hidden() -> seen;
      case FindingsEdit.Changed(Correction correction) -> correction.in(seen);
    };
  }

  private String words(Turn turn) {
    return model.loaded().prompts().request(turn);
  }

  private Report report(Optional<Correction> correction, Decoding how, Consumer<String> onText) {
    model.config().requireSection(ModelConfig.Section.FINDINGS);
    Clock clock = new Clock();
    Optional<Talk> said = talk;
    Turn turn = new Turn.Report();
    if (correction.isPresent()) {
      turn = turn(correction.get());
    } else {
      talk = Optional.empty();
    }
    FindingsEdit before = edit;
    boolean answered = false;
    Engine.Completion c;
    String text;
    Findings findings;
    try {
      findings = currentFindings();
      if (correction.isPresent()) {
        edit = before.and(correction.get());
        findings = currentFindings();
        if (model.loaded().prompts().correctsAnew()) {
          talk = Optional.empty();
          turn = new Turn.Report();
        }
      }
      Consumer<String> heard = clock.watching(onText);
      c = complete(turn, how, findings, heard);
      text = c.text().strip() + stateUnwritten(c, findings, heard);
      answered = true;
    } finally {
      if (!answered) {
        edit = before;
        talk = said;
      }
    }
    beforeQuestion = talk;
    Set<Finding> assessed = assessed(findings);
    Labels labels = talk.flatMap(Talk::written).orElseThrow();
    Consistency consistency = Consistency.of(labels, findings.list(), assessed);
    return new Report(
        findings,
        text,
        prior.isPresent() ? consistency : consistency.withoutPrior(LABELER.comparisons(text)),
        c.guidance(),
        c.end(),
        c.usage(),
        clock.timings(c));
  }

  /**
   * Adds a sentence for each finding that the model could not write about; returns these sentences.
   */
  private String stateUnwritten(Engine.Completion c, Findings shown, Consumer<String> onText) {
    Set<Finding> unwritten = unwritten(shown);
    if (unwritten.isEmpty()
        || edit instanceof FindingsEdit.Hidden
        || c.end() == Engine.End.CANCELLED) {
      return "";
    }
    String sentences =
        unwritten.stream()
            .map(finding ->
                shown.state(finding) == Findings.State.UNCERTAIN
                    ? FindingWords.possible(finding)
                    : FindingWords.present(finding))
            .collect(Collectors.joining(" ", " ", ""));
    listening(onText).accept(sentences);
    Talk now = talk.orElseThrow();
    int[] ids = model.loaded().tokenizer().encode(sentences, false);
    List<LlamaInput> inputs = new ArrayList<>(now.inputs());
    inputs.add(new LlamaInput.Answer(ids));
    Conversation.Said last = now.turns().getLast();
    List<Integer> tokens = new ArrayList<>(last.tokens());
    Arrays.stream(ids).forEach(tokens::add);
    List<Conversation.Said> turns = now.turns().subList(0, now.turns().size() - 1);
    talk =
        Optional.of(
            and(
                Optional.of(new Talk(now.inputs(), now.opened(), turns, now.written())),
                inputs,
                new Conversation.Said(last.turn(), last.answer() + sentences, tokens)));
    return sentences;
  }

  private static Set<Finding> assessed(Findings findings) {
    Set<Finding> assessed = EnumSet.noneOf(Finding.class);
    for (Findings.Assessment a : findings.all()) {
      if (a.state() != Findings.State.NOT_ASSESSED && a.finding() != Finding.NO_FINDING) {
        assessed.add(a.finding());
      }
    }
    return assessed;
  }

  private Turn turn(Correction correction) {
    if (talk.flatMap(Talk::written).isEmpty()) {
      throw new RadialogException(
          Kind.BAD_INPUT, "there is no report to correct yet; request a report first");
    }
    Set<Finding> named = EnumSet.noneOf(Finding.class);
    named.addAll(correction.added());
    named.addAll(correction.removed());
    named.addAll(correction.uncertain());
    named.remove(Finding.NO_FINDING);
    if (named.isEmpty()) {
      throw new RadialogException(
          Kind.BAD_INPUT,
          "the correction names no finding other than No Finding, which follows from the"
              + " others; add, remove or mark as uncertain at least one of them");
    }
    return new Turn.Correction(correction.added(), correction.removed(), correction.uncertain());
  }

  private Reply reply(String question, Turn turn, Decoding how, Consumer<String> onText) {
    Clock clock = new Clock();
    requireFrontal();
    Findings findings = currentFindings(); // an edit that contradicts the film ends the turn here
    beforeQuestion = talk;
    Engine.Completion c = complete(turn, how, findings, clock.watching(onText));
    String text = c.text().strip();
    return new Reply(
        question,
        text,
        consistency(turn, text, findings),
        c.guidance(),
        c.end(),
        c.usage(),
        c.likelihoods(),
        clock.timings(c));
  }

  /**
   * The inconsistencies of an answer with the findings, with the preceding report and with itself.
   */
  private Consistency consistency(Turn turn, String text, Findings findings) {
    Consistency consistency =
        Consistency.ofAnswer(
            said(turn, text), findings.list(), assessed(findings), talk.flatMap(Talk::written));
    return prior.isPresent() ? consistency : consistency.withoutPrior(LABELER.comparisons(text));
  }

  /**
   * A guide for the answer of a turn: no sentence may contradict the findings, the text before it,
   * or, unless the turn writes a report anew, the last report. Findings that the user did not tell
   * the model contradict nothing.
   */
  private Optional<AnswerText.Guide> guide(Turn turn, Decoding how, Findings findings) {
    boolean wanted =
        switch (how.guidance()) {
          case AS_MODEL -> !model.loaded().prompts().namesLabels();
          case ON -> true;
          case OFF -> false;
        };
    if (!wanted) {
      return Optional.empty();
    }
    Set<Finding> told =
        edit instanceof FindingsEdit.Hidden ? Set.of() : Set.copyOf(assessed(findings));
    FindingsList listed = findings.list();
    Optional<Labels> before =
        new Conversation.Said(turn, "", List.of()).isReport()
            ? Optional.empty()
            : talk.flatMap(Talk::written);
    boolean compares = prior.isPresent();
    return Optional.of(text ->
        Consistency.ofAnswer(said(turn, text), listed, told, before).warnings().isEmpty()
            && (compares || LABELER.comparisons(text).isEmpty()));
  }

  private static Labels said(Turn turn, String text) {
    return switch (turn) {
      case Turn.Question(String question) -> AnswerLabels.of(LABELER, question, text);
      case Turn.Report(), Turn.Impression(), Turn.Summary(), Turn.Correction _ ->
          LABELER.label(text);
    };
  }

  private Engine.Completion complete(
      Turn turn, Decoding how, Findings findings, Consumer<String> onText) {
    requireFrontal();
    Engine engine = model.loaded().engine();
    List<LlamaInput> prompt = asked(talk, turn);
    if (sequence.isEmpty()) {
      sequence = Optional.of(engine.open());
    }
    Engine.Sequence mine = sequence.get();
    synchronized (gate) {
      answering = mine;
      if (cancelRequested) {
        mine.cancel();
      }
    }
    Engine.Completion completion;
    try {
      Optional<AnswerText.Guide> guide = guide(turn, how, findings);
      completion =
          guide.isPresent()
              ? mine.generate(prompt, how, guide.get(), listening(onText))
              : mine.generate(prompt, how, listening(onText));
    } finally {
      synchronized (gate) {
        answering = null;
      }
    }
    if (completion.text().isBlank() && completion.guidance().steppedIn()) {
      completion = silenced(completion);
      listening(onText).accept(completion.text());
    }
    prompt.add(
        new LlamaInput.Answer(completion.ids().stream().mapToInt(Integer::intValue).toArray()));
    talk =
        Optional.of(
            and(
                talk,
                prompt,
                new Conversation.Said(turn, completion.text().strip(), completion.ids())));
    return completion;
  }

  // An answer whose sentences were all left out.
  private Engine.Completion silenced(Engine.Completion empty) {
    int[] ids = model.loaded().tokenizer().encode(SILENCED, false);
    return new Engine.Completion(
        SILENCED,
        Arrays.stream(ids).boxed().toList(),
        empty.end(),
        empty.usage(),
        empty.guidance(),
        List.of(),
        empty.prefillMillis(),
        empty.decodeMillis());
  }

  // Everything that the language model reads in a turn: the conversation so far and the question.
  private List<LlamaInput> asked(Optional<Talk> before, Turn turn) {
    List<LlamaInput> inputs = new ArrayList<>(before.map(Talk::inputs).orElse(List.of()));
    inputs.addAll(
        before.isPresent()
            ? inputs(model.loaded().prompts().next(turn), false)
            : inputs(model.loaded().prompts().open(namedFindings(turn), turn), true));
    return inputs;
  }

  private List<LlamaInput> inputs(List<PromptPart> parts, boolean beginning) {
    return PromptInputs.of(
        parts, model.loaded().tokenizer(), read().image(), beginning, model.loaded().positions());
  }

  /**
   * The findings that the prompt names. Published formats get the labels as in their training,
   * except those that a user's edit contradicts. Our format gets the list that is shown, without
   * findings that are only implied; for a report also without those that the model cannot write
   * about.
   */
  private Optional<FindingsList> namedFindings(Turn turn) {
    return switch (edit) {
      case FindingsEdit.Hidden() -> Optional.empty();
      case FindingsEdit.Changed(Correction correction) -> {
        Findings called = labels();
        Findings shown = currentFindings();
        Set<Finding> present = EnumSet.noneOf(Finding.class);
        present.addAll(called.present());
        Set<Finding> uncertain = EnumSet.noneOf(Finding.class);
        uncertain.addAll(called.uncertain());
        if (!model.loaded().prompts().namesLabels() || !correction.isEmpty()) {
          uncertain.addAll(present);
          uncertain.retainAll(shown.uncertain());
          present.retainAll(shown.present());
        }
        if (turn instanceof Turn.Report) {
          present.removeAll(unwritten(shown));
          uncertain.removeAll(unwritten(shown));
        }
        yield Optional.of(new FindingsList(present, uncertain));
      }
    };
  }

  /**
   * Findings set by the user that our model was never trained on. It would write about nothing
   * else, so the report states them in a separate sentence. A finding that it is only too weak to
   * see is one of those that its dialogs spoke of.
   */
  private Set<Finding> unwritten(Findings shown) {
    Set<Finding> unwritten = EnumSet.noneOf(Finding.class);
    if (!model.loaded().prompts().namesLabels()) {
      unwritten.addAll(shown.present());
      unwritten.addAll(shown.uncertain());
      ModelConfig.Classifier classifier = model.config().film().classifier();
      unwritten.removeIf(
          finding -> classifier.evidence(finding.label()) != ModelConfig.Evidence.UNTRAINED);
      unwritten.remove(Finding.NO_FINDING);
    }
    return unwritten;
  }

  /** The times of one turn. */
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
