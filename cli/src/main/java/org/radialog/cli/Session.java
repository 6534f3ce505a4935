package org.radialog.cli;

import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.radialog.base.Printable;
import org.radialog.base.RadialogException;
import org.radialog.dialog.RaDialog;
import org.radialog.imaging.Guard;
import org.radialog.imaging.Radiograph;
import org.radialog.wire.ErrorJson;
import org.radialog.wire.GuardJson;
import org.radialog.wire.ImageJson;
import org.radialog.wire.ModelJson;
import org.radialog.wire.RefusedJson;

/** A command with a loaded model: its clock, and output that several commands share. */
final class Session {
  private final long startedMicros;
  private final double loadMillis;
  private final RaDialog radialog;

  private Session(long startedMicros, double loadMillis, RaDialog radialog) {
    this.startedMicros = startedMicros;
    this.loadMillis = loadMillis;
    this.radialog = radialog;
  }

  /** Records the time from the first line of the launcher until {@code radialog} was open. */
  static Session of(RaDialog radialog) {
    long started = Long.getLong("radialog.started", nowMicros());
    return new Session(started, (nowMicros() - started) / 1e3, radialog);
  }

  /** Milliseconds since the first line of the launcher. */
  double sinceStart() {
    return (nowMicros() - startedMicros) / 1e3;
  }

  /** Milliseconds from the first line of the launcher until the model folder was open. */
  double load() {
    return loadMillis;
  }

  /** The JSON of an image for which nothing was written. */
  RefusedJson refused(
      Path path,
      @Nullable Radiograph film,
      RadialogException failure,
      List<Guard.Warning> warnings) {
    return RefusedJson.of(
        ImageJson.of(path, film),
        ModelJson.of(radialog),
        ErrorJson.of(failure, Failure.message(failure)),
        GuardJson.of(false, warnings));
  }

  /** The heading above the output for a film. */
  static String heading(Path path, Radiograph film) {
    return Printable.escaped(path.toString()) + "  " + Terminal.size(film.width(), film.height());
  }

  private static long nowMicros() {
    Instant now = Instant.now();
    return now.getEpochSecond() * 1_000_000L + now.getNano() / 1000;
  }
}
