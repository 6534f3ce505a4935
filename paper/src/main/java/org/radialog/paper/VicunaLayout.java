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
 * A dialog as the published versions learned from it: Vicuna's template, the image where its
 * placeholder stands (first version) or in front on a line of its own (second version), and a loss
 * on the last answer and its end token alone. In the first version that answer follows the colon
 * without a space, earlier ones do not.
 *
 * @param version whose layout
 * @param tokenizer of the language model
 * @param imageTokens that an image takes
 * @param longest tokens of a dialog, the image's included, beyond which it is cut
 */
record VicunaLayout(
    PublishedPrompts.Version version, TextTokenizer tokenizer, int imageTokens, int longest) {
  /** A request and its answer. */
  record Exchange(String request, String answer) {}

  /**
   * A dialog about a film.
   *
   * @param film where its pixels lie
   * @param exchanges at least one; the first request holds the placeholder of the image
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
   * @param film where its pixels lie
   * @param ids T tokens, 0 where an image token goes
   * @param labels T, the token itself where the model is to write it, else {@link Llama#IGNORED}
   * @param imageAt where the image tokens begin
   */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  record Tokens(Path film, int[] ids, int[] labels, int imageAt) {
    int length() {
      return ids.length;
    }

    /** Tokens that the model is to write. */
    int answers() {
      return (int) Arrays.stream(labels).filter(label -> label != Llama.IGNORED).count();
    }
  }

  /**
   * The tokens of a dialog.
   *
   * @return empty where the answer lies beyond {@link #longest}, or begins within a token of the
   *     request: nothing could be learned from it
   * @throws RadialogException if the first request has no placeholder of the image
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
    int at = request.indexOf(image);
    if (at < 0) {
      throw new RadialogException(
          Kind.REFUSED_DATA,
          "%s: the first request of its dialog has no %s: found %s"
              .formatted(
                  Printable.escaped(dialog.film.toString()),
                  version == PublishedPrompts.Version.V1 ? "32 <IMG>" : image,
                  Printable.of(request)));
    }
    String system = PublishedPrompts.SYSTEM + " " + PublishedPrompts.USER;
    String before = request.substring(0, at);
    String behind = request.substring(at + image.length());
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
