package org.radialog.text;

import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Supplier;
import org.radialog.base.RadialogException;

/** A {@link TokenizerLibrary} that is built in the background; its first user waits for it. */
final class BackgroundLibrary implements AutoCloseable {
  private final CompletableFuture<TokenizerLibrary> library = new CompletableFuture<>();

  /**
   * Starts building it.
   *
   * @param json creates the {@code tokenizer.json}
   * @param what a name for the vocabulary in error messages
   */
  BackgroundLibrary(Supplier<byte[]> json, String what) {
    Thread.ofPlatform()
        .daemon()
        .name("tokenizer")
        .start(() ->
            library.completeAsync(() -> TokenizerLibrary.of(json.get(), what), Runnable::run));
  }

  /**
   * The ids of a text, as returned by {@link TokenizerLibrary#ids}.
   *
   * @throws RadialogException if the vocabulary is not a valid tokenizer
   */
  int[] ids(String text, char space, int most) {
    try {
      return library.join().ids(text, space, most);
    } catch (CompletionException e) {
      throw e.getCause() instanceof RadialogException known ? known : e;
    }
  }

  @Override
  public void close() {
    library
        .handle((built, _) -> Optional.ofNullable(built))
        .join()
        .ifPresent(TokenizerLibrary::close);
  }
}
