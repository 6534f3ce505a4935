package org.radialog.paper;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.radialog.base.BoundedWork;
import org.radialog.clinical.PromptFormat;
import org.radialog.clinical.PromptPart;
import org.radialog.clinical.Turn;
import org.radialog.dialog.Decoding;
import org.radialog.dialog.Engine;
import org.radialog.dialog.LoadedModel;
import org.radialog.dialog.RaDialog;
import org.radialog.instruct.Answers;
import org.radialog.language.LlamaInput;

/**
 * Answers of a loaded model to text alone, without a film, the likeliest token each time. An answer
 * that has not come to its end is none.
 */
public record ModelAnswerer(RaDialog radialog) implements Answers.Answerer {
  private static final int AT_ONCE = 4;
  private static final int MOST_NEW_TOKENS = 256; // as the original has it

  @Override
  public String model() {
    return radialog.config().id() + " " + radialog.config().version();
  }

  @Override
  public int batch() {
    return 8 * AT_ONCE;
  }

  @Override
  public List<Optional<String>> answer(List<List<String>> conversations, long seed) {
    var answers =
        new ArrayList<Optional<String>>(
            Collections.nCopies(conversations.size(), Optional.<String>empty()));
    BoundedWork.run(
        "the answers of " + model(), conversations, AT_ONCE, this::answer, answers::set);
    return answers;
  }

  private Optional<String> answer(List<String> conversation) {
    LoadedModel model = radialog.loaded();
    PromptFormat format = model.prompts();
    var parts =
        new ArrayList<>(format.open(Optional.empty(), new Turn.Question(conversation.getFirst())));
    for (int i = 1; i + 1 < conversation.size(); i += 2) {
      parts.add(format.answer(conversation.get(i)));
      parts.addAll(format.next(new Turn.Question(conversation.get(i + 1))));
    }
    parts.removeIf(part -> part instanceof PromptPart.Image);
    List<LlamaInput> prompt =
        model.tokenizer().encode(parts, true, model.positions()).stream()
            .<LlamaInput>map(LlamaInput.Tokens::new)
            .toList();
    try (Engine.Sequence sequence = model.engine().open()) {
      Engine.Completion completion =
          sequence.generate(prompt, Decoding.greedy(MOST_NEW_TOKENS), text -> {});
      return switch (completion.end()) {
        case END_TOKEN, STOP_TEXT ->
            Optional.of(completion.text().strip()).filter(text -> !text.isEmpty());
        case LENGTH, CONTEXT, CANCELLED -> Optional.empty();
      };
    }
  }
}
