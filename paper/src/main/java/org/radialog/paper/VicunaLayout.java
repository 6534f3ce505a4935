package org.radialog.paper;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.radialog.base.Printable;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.clinical.PromptPart;
import org.radialog.clinical.PublishedPrompts;
import org.radialog.language.Llama;
import org.radialog.text.TextTokenizer;

/**
 * The layout of training dialogs in the published versions: Vicuna's template with the image at the
 * position of its placeholder (first version) or on a separate line at the beginning (second
 * version). The loss covers only the last answer and its end token. In the first version, the last
 * answer follows the colon without a space; earlier answers have a space.
 *
 * @param version version whose layout is used
 * @param tokenizer tokeniser of the language model
 * @param imageTokens number of tokens of an image
 * @param longest maximum number of tokens of a dialog, including image tokens; longer dialogs are
 *     truncated
 */
record VicunaLayout(
    PublishedPrompts.Version version, TextTokenizer tokenizer, int imageTokens, int longest) {
  private static final String SECOND = PublishedPrompts.Version.V2.image();

  /** A request and its answer. */
  record Exchange(String request, String answer) {}

  /**
   * A dialog about a film.
   *
   * @param film image file
   * @param exchanges at least one; the first request contains the image placeholder
   */
  record Conversation(Path film, List<Exchange> exchanges) {
    Conversation {
      exchanges = List.copyOf(exchanges);
      if (exchanges.isEmpty()) {
        throw new RadialogException(
            Kind.REFUSED_DATA,
            Printable.escaped(film.toString()) + ": its dialog is empty, expected a request");
      }
    }
  }

  /**
   * The tokens of a dialog.
   *
   * @param film image file
   * @param ids T token ids, 0 at the positions of image tokens
   * @param labels T labels: the token id where the model has to predict it, else {@link
   *     Llama#IGNORED}
   * @param imageAt index of the first image token
   */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  record Tokens(Path film, int[] ids, int[] labels, int imageAt) {
    int length() {
      return ids.length;
    }

    /** The index of the first token that the model has to predict, behind the prompt. */
    int answerAt() {
      int at = 0;
      while (labels[at] == Llama.IGNORED) {
        at++;
      }
      return at;
    }

    /** The number of tokens that the model has to predict. */
    int answers() {
      return (int) Arrays.stream(labels).filter(label -> label != Llama.IGNORED).count();
    }
  }

  /**
   * Tokenises a dialog.
   *
   * @return the tokens; empty if the answer starts after {@link #longest} tokens or within a token
   *     of the request, so that nothing could be learned from it
   * @throws RadialogException if the first request has no image placeholder
   */
  Optional<Tokens> tokens(Conversation dialog) {
    String space = version == PublishedPrompts.Version.V1 ? "" : " ";
    List<PromptPart> asked = new ArrayList<>(opened(dialog));
    int last = dialog.exchanges.size() - 1;
    for (int i = 0; i < last; i++) {
      asked.add(new PromptPart.Template(PublishedPrompts.ASSISTANT));
      asked.add(new PromptPart.Text(" " + dialog.exchanges.get(i).answer()));
      asked.add(new PromptPart.Template(PublishedPrompts.END + PublishedPrompts.USER));
      asked.add(new PromptPart.Text(dialog.exchanges.get(i + 1).request()));
    }
    asked.add(new PromptPart.Template(PublishedPrompts.ASSISTANT));
    List<PromptPart> whole = new ArrayList<>(asked);
    whole.add(new PromptPart.Text(space + dialog.exchanges.get(last).answer()));
    whole.add(new PromptPart.Template(PublishedPrompts.END));

    List<int[]> before = tokenizer.encode(asked, true);
    List<int[]> texts = tokenizer.encode(whole, true);
    int[] request = before.getLast();
    if (texts.size() != 2 || !begins(texts.getLast(), request)) {
      return Optional.empty();
    }
    int imageAt = texts.getFirst().length;
    int answerAt = imageAt + imageTokens + request.length;
    int length = Math.min(longest, imageAt + imageTokens + texts.getLast().length);
    if (answerAt >= length) {
      return Optional.empty();
    }
    int[] ids = new int[imageAt + imageTokens + texts.getLast().length];
    System.arraycopy(texts.getFirst(), 0, ids, 0, imageAt);
    System.arraycopy(texts.getLast(), 0, ids, imageAt + imageTokens, texts.getLast().length);
    ids = Arrays.copyOf(ids, length);
    int[] labels = ids.clone();
    Arrays.fill(labels, 0, answerAt, Llama.IGNORED);
    return Optional.of(new Tokens(dialog.film, ids, labels, imageAt));
  }

  private List<PromptPart> opened(Conversation dialog) {
    String request = dialog.exchanges.getFirst().request();
    String image = version.image();
    // The instruct data set has the second version's placeholder for both.
    boolean second = !request.contains(image) && request.contains(SECOND);
    int at = request.indexOf(second ? SECOND : image);
    if (at < 0) {
      throw new RadialogException(
          Kind.REFUSED_DATA,
          "%s: the first request of its dialog has no image: expected %s, found %s"
              .formatted(Printable.escaped(dialog.film.toString()), SECOND, Printable.of(request)));
    }
    String system = PublishedPrompts.SYSTEM + " " + PublishedPrompts.USER;
    String before = second ? version.beforeImage() : request.substring(0, at);
    String behind = request.substring(at + (second ? SECOND : image).length());
    return switch (version) {
      case V1 ->
          List.of(
              new PromptPart.Template(system + before),
              new PromptPart.Image(),
              new PromptPart.Text(behind));
      case V2 ->
          List.of(
              new PromptPart.Template(system),
              new PromptPart.Image(),
              new PromptPart.Text("\n" + (before + behind).strip()));
    };
  }

  private static boolean begins(int[] whole, int[] start) {
    return whole.length > start.length && Arrays.mismatch(whole, start) == start.length;
  }
}
