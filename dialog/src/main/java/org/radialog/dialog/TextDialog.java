package org.radialog.dialog;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.radialog.base.RadialogException;
import org.radialog.clinical.PromptPart;
import org.radialog.clinical.Turn;
import org.radialog.language.LlamaInput;
import org.radialog.text.TextTokenizer;

/**
 * A conversation without a film, with the language model of a {@link RaDialog}. Its prompt says
 * that no film was given. Only the new tokens of a turn are computed.
 *
 * <p>It serves one caller at a time; {@link #cancel} and {@link #close} may be called from any
 * thread. A turn passes its text piece by piece to a listener in the thread of the caller; anything
 * that it throws ends the turn, which is then not part of the conversation.
 */
public final class TextDialog implements AutoCloseable {
  private final RaDialog model;
  private final Engine.Sequence sequence;
  private final AtomicBoolean serving = new AtomicBoolean();
  private List<LlamaInput> inputs = List.of(); // used only by the current caller

  TextDialog(RaDialog model) {
    this.model = model;
    this.sequence = model.loaded().engine().open();
  }

  /**
   * A question and its answer.
   *
   * @param question of the user
   * @param answer that was shown
   */
  public record Exchange(String question, String answer) {}

  /** Resumes a conversation. Nothing of it is computed before the next turn. */
  void resume(List<Exchange> exchanges) {
    List<LlamaInput> all = new ArrayList<>();
    for (Exchange exchange : exchanges) {
      all = asked(all, exchange.question);
      all.addAll(
          PromptInputs.answer(
              inputs(List.of(model.loaded().prompts().answer(exchange.answer)), false)));
    }
    inputs = List.copyOf(all);
  }

  /**
   * Answers a question.
   *
   * @param how how tokens are chosen and when the answer ends
   * @param onText receives the text piece by piece, in this thread
   * @throws RadialogException if the conversation has more tokens than the language model has
   *     positions
   * @throws IllegalStateException if another caller is being served, or this is closed
   */
  public Engine.Completion ask(String question, Decoding how, Consumer<String> onText) {
    Objects.requireNonNull(question, "question");
    if (!serving.compareAndSet(false, true)) {
      throw new IllegalStateException(
          "this dialog is serving another caller; open one dialog per caller");
    }
    try {
      LoadedModel loaded = model.loaded();
      loaded.requireRoom();
      loaded.tokenizer().requireRoom(question, loaded.positions());
      List<LlamaInput> prompt = asked(inputs, question);
      Engine.Completion completion = sequence.generate(prompt, how, onText);
      prompt.add(
          new LlamaInput.Answer(completion.ids().stream().mapToInt(Integer::intValue).toArray()));
      inputs = List.copyOf(prompt);
      return completion;
    } finally {
      serving.set(false);
    }
  }

  private List<LlamaInput> asked(List<LlamaInput> before, String question) {
    Turn turn = new Turn.Question(question);
    List<LlamaInput> all = new ArrayList<>(before);
    all.addAll(
        before.isEmpty()
            ? inputs(model.loaded().prompts().openWithoutFilm(turn), true)
            : inputs(model.loaded().prompts().next(turn), false));
    return all;
  }

  private List<LlamaInput> inputs(List<PromptPart> parts, boolean beginning) {
    TextTokenizer tokenizer = model.loaded().tokenizer();
    List<int[]> texts = tokenizer.encode(parts, beginning, model.loaded().positions());
    List<LlamaInput> all = new ArrayList<>();
    texts.stream()
        .filter(ids -> ids.length > 0)
        .forEach(ids -> all.add(new LlamaInput.Tokens(ids)));
    return all;
  }

  /**
   * Ends the current answer within one decode step. If there is none, the next answer ends as
   * cancelled before any of its tokens is computed.
   */
  public void cancel() {
    sequence.cancel();
  }

  /** Cancels the current answer, waits until it has ended, and frees the memory. */
  @Override
  public void close() {
    sequence.close();
    model.closed(this);
  }
}
