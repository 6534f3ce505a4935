package org.radialog.paper;

import java.nio.file.Path;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.radialog.imaging.Preprocessing;
import org.radialog.torch.Scope;
import org.radialog.vision.VisionEncoder;

/**
 * The features of films from a frozen image encoder. Each film is encoded separately, so that its
 * features do not depend on the batch; the features of recently used films are cached.
 *
 * <p>C channels of the features, h w cells.
 */
final class FrozenEncoder implements AutoCloseable {
  private final VisionEncoder encoder;
  private final VisionEncoder.Source source;
  private final FilmPixels pixels;
  private final long room;
  private final SequencedMap<Path, Tensor> kept = new LinkedHashMap<>();
  private long bytes;

  /**
   * Wraps an encoder and takes ownership of it.
   *
   * @param source the output of the encoder to be used
   * @param room size of the cache in bytes
   */
  FrozenEncoder(
      VisionEncoder encoder, VisionEncoder.Source source, Preprocessing preprocessing, long room) {
    this.encoder = encoder;
    this.source = source;
    this.pixels = new FilmPixels(preprocessing, encoder.input());
    this.room = room;
  }

  /** The features of films, {@code [B, C, h, w]}; may be called by several threads. */
  synchronized Tensor of(List<Path> files) {
    TensorVector rows = new TensorVector();
    try (Scope scope = new Scope();
        NoGradGuard _ = new NoGradGuard()) {
      files.forEach(file -> rows.push_back(one(file)));
      return scope.keep(torch.cat(rows, 0)); // [B, C, h, w]
    }
  }

  // [1, C, h, w]
  private Tensor one(Path file) {
    Tensor known = kept.remove(file);
    if (known == null) {
      try (Scope scope = new Scope()) {
        known = encoder.encode(pixels.of(List.of(file))).of(source); // [1, C, h, w]
        if (known.nbytes() > room) {
          return scope.keep(known);
        }
        known = scope.release(known);
      }
      bytes += known.nbytes();
    }
    kept.putLast(file, known);
    Tensor row = known.clone(); // the cached tensor may be evicted before the batch is used
    Iterator<Tensor> oldest = kept.values().iterator();
    while (bytes > room) {
      Tensor gone = oldest.next();
      bytes -= gone.nbytes();
      oldest.remove();
      gone.close();
    }
    return row;
  }

  @Override
  public void close() {
    kept.values().forEach(Tensor::close);
    encoder.close();
  }
}
