package org.radialog.openai;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.radialog.base.RadialogException;
import org.radialog.clinical.Turn;
import org.radialog.dialog.Conversation;
import org.radialog.dialog.Dialog;
import org.radialog.dialog.Engine;
import org.radialog.dialog.FindingsEdit;
import org.radialog.dialog.Guidance;
import org.radialog.dialog.RaDialog;
import org.radialog.dialog.Reply;
import org.radialog.dialog.Study;
import org.radialog.dialog.TextDialog;
import org.radialog.dialog.TokenLikelihood;
import org.radialog.dialog.Usage;
import org.radialog.imaging.Limits;
import org.radialog.imaging.Radiograph;
import org.radialog.wire.FindingJson;
import org.radialog.wire.Notice;

/**
 * Answers chats with a loaded model. The images of the last message that has any are the film and,
 * behind it, the prior; the chat from this message on is a dialog about them, in which each message
 * is asked as {@code radialog ask} does. A chat without an image is a conversation without a film.
 * Messages of the system are read and not given to the model, which was trained with its own.
 *
 * <p>A request contains the whole chat. The dialogs of the last chats are kept, so that a further
 * turn costs its own tokens only, whatever others ask in between. Thread-safe.
 */
public final class Chats implements AutoCloseable {
  private final RaDialog model;
  private final int kept;
  private final Limits limits;
  // By what was said in them, the least recently used first; guarded by itself.
  private final LinkedHashMap<Key, Talk> parked = new LinkedHashMap<>();

  /**
   * Answers with {@code model}, which the caller closes afterwards.
   *
   * @param kept number of dialogs that are kept for further turns
   * @param limits of a film
   */
  public Chats(RaDialog model, int kept, Limits limits) {
    this.model = model;
    this.kept = kept;
    this.limits = limits;
  }

  /**
   * An answer.
   *
   * @param text as it was shown
   * @param end why it ended
   * @param usage number of tokens
   * @param guidance where guidance stepped in
   * @param likelihoods of its tokens, if they were asked for
   */
  public record Answer(
      String text,
      Engine.End end,
      Usage usage,
      Guidance guidance,
      List<TokenLikelihood> likelihoods) {
    public Answer {
      likelihoods = List.copyOf(likelihoods);
    }
  }

  /** What a dialog is about and what was said in it. */
  private record Key(
      List<String> films, boolean force, FindingsEdit edit, List<TextDialog.Exchange> said) {}

  /** A dialog with or without a film. */
  private sealed interface Talk extends AutoCloseable {
    Answer ask(String question, ChatRequest request, Consumer<String> onText);

    void cancel();

    @Override
    void close();
  }

  private record OfFilm(Dialog dialog) implements Talk {
    @Override
    public Answer ask(String question, ChatRequest request, Consumer<String> onText) {
      if (request.findings()) {
        dialog.requireFrontal();
        String json =
            Json.writeWithoutEmpty(
                new FindingsText(FindingJson.of(dialog.findings()), Notice.RESEARCH_USE));
        onText.accept(json);
        return new Answer(json, Engine.End.END_TOKEN, Usage.NONE, Guidance.NONE, List.of());
      }
      Reply reply = dialog.ask(question, request.how(), onText);
      return new Answer(
          reply.text(), reply.end(), reply.usage(), reply.guidance(), reply.likelihoods());
    }

    @Override
    public void cancel() {
      dialog.cancel();
    }

    @Override
    public void close() {
      dialog.close();
    }
  }

  private record FindingsText(List<FindingJson> findings, String notice) {}

  private record OfText(TextDialog dialog) implements Talk {
    @Override
    public Answer ask(String question, ChatRequest request, Consumer<String> onText) {
      if (request.findings()) {
        throw ApiError.invalid("response_format", "there is no film in this chat: add an image");
      }
      Engine.Completion answer = dialog.ask(question, request.how(), onText);
      return new Answer(
          answer.text(), answer.end(), answer.usage(), answer.guidance(), answer.likelihoods());
    }

    @Override
    public void cancel() {
      dialog.cancel();
    }

    @Override
    public void close() {
      dialog.close();
    }
  }

  /** A turn that has been read and not yet answered. It is answered once. */
  public final class Asked implements AutoCloseable {
    private final ChatRequest request;
    private final Key key;
    private final String question;
    private Optional<Talk> talk;
    private boolean cancelled; // guarded by this

    private Asked(ChatRequest request, Key key, String question, Talk talk) {
      this.request = request;
      this.key = key;
      this.question = question;
      this.talk = Optional.of(talk);
    }

    /**
     * Answers.
     *
     * @param onText receives the text as it is written, in this thread. What it throws ends the
     *     answer
     * @throws RadialogException if the turn is refused or fails
     */
    public Answer answer(Consumer<String> onText) {
      Talk mine = taken();
      StringBuilder shown = new StringBuilder();
      boolean answered = false;
      try {
        Answer answer =
            making(() ->
                mine.ask(
                    question,
                    request,
                    text -> {
                      shown.append(text);
                      onText.accept(text);
                    }));
        answered = answer.end() != Engine.End.CANCELLED && !request.findings();
        // The client sends back what it got, which the dialog may have stripped.
        Answer told =
            new Answer(
                shown.toString(),
                answer.end(),
                answer.usage(),
                answer.guidance(),
                answer.likelihoods());
        if (answered) {
          List<TextDialog.Exchange> said = new ArrayList<>(key.said);
          said.add(new TextDialog.Exchange(question, told.text()));
          park(new Key(key.films, key.force, key.edit, List.copyOf(said)), mine);
        }
        return told;
      } finally {
        if (!answered) {
          mine.close();
        }
      }
    }

    private synchronized Talk taken() {
      Talk mine = talk.orElseThrow(() -> new IllegalStateException("this turn has been answered"));
      if (cancelled) {
        mine.cancel();
      }
      talk = Optional.empty();
      running = Optional.of(mine);
      return mine;
    }

    private Optional<Talk> running = Optional.empty(); // guarded by this

    /** Ends the answer within one step; may be called from any thread. */
    public synchronized void cancel() {
      cancelled = true;
      running.ifPresent(Talk::cancel);
    }

    /** Frees what was not answered. */
    @Override
    public synchronized void close() {
      talk.ifPresent(Talk::close);
      talk = Optional.empty();
    }
  }

  /**
   * Opens the dialog of a request, or takes the one that is kept. The film is decoded here and
   * checked by the guard.
   *
   * @throws RadialogException if the chat or its film is refused
   */
  public Asked open(ChatRequest request) {
    List<Message> messages = request.messages();
    int from = 0;
    for (int i = 0; i < messages.size(); i++) {
      if (!messages.get(i).images().isEmpty()) {
        from = i;
      }
    }
    List<byte[]> images = messages.get(from).images();
    if (images.size() > 2) {
      throw ApiError.invalid(
          "messages[%d].content".formatted(from),
          "has %d images, expected a film and at most one prior".formatted(images.size()));
    }
    List<Radiograph> films = new ArrayList<>();
    for (byte[] image : images) {
      films.add(Radiograph.decode("image " + (films.size() + 1), image, limits));
    }
    List<String> questions = new ArrayList<>();
    List<String> answers = new ArrayList<>();
    turns(messages.subList(from, messages.size()), questions, answers);
    List<TextDialog.Exchange> said = new ArrayList<>();
    for (int i = 0; i < answers.size(); i++) {
      said.add(new TextDialog.Exchange(questions.get(i), answers.get(i)));
    }
    String question = questions.getLast();
    if (question.isBlank() && !request.findings()) {
      throw ApiError.invalid("messages", "the last message has no text");
    }
    Key key =
        new Key(
            films.stream().map(Radiograph::sha256).toList(),
            request.force(),
            request.edit(),
            List.copyOf(said));
    Talk talk = taken(key).orElseGet(() -> opened(films, key));
    return new Asked(request, key, question, talk);
  }

  // Messages of the user that follow each other are one question.
  private static void turns(List<Message> messages, List<String> questions, List<String> answers) {
    StringBuilder question = new StringBuilder();
    for (Message message : messages) {
      switch (message.role()) {
        case SYSTEM -> {}
        case USER -> {
          if (!question.isEmpty()) {
            question.append('\n');
          }
          question.append(message.text());
        }
        case ASSISTANT -> {
          questions.add(question.toString());
          question.setLength(0);
          answers.add(message.text());
        }
      }
    }
    questions.add(question.toString());
  }

  private Talk opened(List<Radiograph> films, Key key) {
    if (films.isEmpty()) {
      return new OfText(model.openWithoutFilm(key.said));
    }
    Study study = Study.of(films.getFirst());
    study = films.size() > 1 ? study.after(films.get(1)) : study;
    List<Conversation.Said> turns =
        key.said.stream()
            .map(one ->
                new Conversation.Said(new Turn.Question(one.question()), one.answer(), List.of()))
            .toList();
    return new OfFilm(
        model.open(
            key.force ? study.forced() : study, new Conversation(key.edit, key.edit, turns)));
  }

  private Optional<Talk> taken(Key key) {
    synchronized (parked) {
      return Optional.ofNullable(parked.remove(key));
    }
  }

  private void park(Key key, Talk talk) {
    List<Talk> over = new ArrayList<>();
    synchronized (parked) {
      Talk same = parked.put(key, talk);
      if (same != null) {
        over.add(same);
      }
      while (parked.size() > kept) {
        over.add(parked.pollFirstEntry().getValue());
      }
    }
    over.forEach(Talk::close);
  }

  /** A turn that is refused for lack of room is tried again without the oldest kept dialog. */
  private <T> T making(Supplier<T> turn) {
    while (true) {
      try {
        return turn.get();
      } catch (RadialogException e) {
        if (e.kind() != RadialogException.Kind.OVERLOADED) {
          throw e;
        }
        Optional<Map.Entry<Key, Talk>> oldest;
        synchronized (parked) {
          oldest = Optional.ofNullable(parked.pollFirstEntry());
        }
        if (oldest.isEmpty()) {
          throw e;
        }
        oldest.get().getValue().close();
      }
    }
  }

  /** Closes the dialogs that are kept. */
  @Override
  public void close() {
    List<Talk> all;
    synchronized (parked) {
      all = List.copyOf(parked.values());
      parked.clear();
    }
    all.forEach(Talk::close);
  }
}
